//! Why a peer was not met.

use std::error::Error;
use std::fmt;

use crate::close::ConnectionError;
use crate::endpoint::ConnectError;
use crate::nat::{Failure, PunchReport};
use crate::node::SearchError;

/// Why a peer was not met.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum MeetError {
    /// This endpoint has no ticket that the peer could have.
    NoTicket,
    /// It is the own ticket.
    OwnTicket,
    /// The time of the peer's ticket is over.
    Expired,
    /// The time was over before a search had begun.
    TimedOut,
    /// No search could begin.
    Busy(SearchError),
    /// No path was found: why the last search failed, and what was tried.
    NotFound {
        /// Why.
        failure: Failure,
        /// What was tried.
        report: PunchReport,
    },
    /// A path was found, but the dial could not begin.
    Start(ConnectError),
    /// A path was found, but the handshake failed.
    Failed(ConnectionError),
    /// The endpoint is closed.
    EndpointClosed,
}

impl MeetError {
    /// Why there is no path, if a search has failed.
    pub fn failure(&self) -> Option<Failure> {
        match self {
            Self::NotFound { failure, .. } => Some(*failure),
            _ => None,
        }
    }

    /// What was tried, if a search has failed.
    pub fn report(&self) -> Option<&PunchReport> {
        match self {
            Self::NotFound { report, .. } => Some(report),
            _ => None,
        }
    }

    /// Another search would end in the same way.
    pub(super) fn is_final(&self) -> bool {
        matches!(
            self,
            Self::NotFound { failure: Failure::NoCandidates | Failure::BothSymmetric, .. }
                | Self::Start(_)
                | Self::Failed(ConnectionError::Refused { .. })
        )
    }
}

impl fmt::Display for MeetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTicket => f.write_str(
                "this endpoint has no ticket, or an old one: make one, and give it to the peer",
            ),
            Self::OwnTicket => {
                f.write_str("this is our own ticket: take the one that the peer prints")
            }
            Self::Expired => f.write_str("this ticket has expired: ask the peer for a new one"),
            Self::TimedOut => f.write_str(
                "the time was over before a search began: both begin every 10 s; wait for longer",
            ),
            Self::Busy(error) => error.fmt(f),
            Self::NotFound { failure, report } => {
                write!(f, "{failure} (sent {}, heard {})", report.sent, report.received)
            }
            Self::Start(error) => error.fmt(f),
            Self::Failed(error) => write!(f, "a path was found, but {error}"),
            Self::EndpointClosed => f.write_str("the endpoint is closed: bind a new one"),
        }
    }
}

impl Error for MeetError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Busy(error) => Some(error),
            Self::NotFound { failure, .. } => Some(failure),
            Self::Start(error) => Some(error),
            Self::Failed(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ConnectError> for MeetError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::EndpointClosed => Self::EndpointClosed,
            error => Self::Start(error),
        }
    }
}

impl From<ConnectionError> for MeetError {
    fn from(error: ConnectionError) -> Self {
        Self::Failed(error)
    }
}
