//! Why there is no relay, or not this peer through it.

use std::fmt;
use std::net::SocketAddr;

use crate::nat::stun::{Message, StunError};

/// Why a relay does not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TurnError {
    /// It does not answer: it is dead, or the way to it is.
    TimedOut,
    /// Whoever drives this says that the connection to it has ended.
    Disconnected,
    /// It takes other credentials than ours.
    Unauthorized,
    /// It takes no keys of a kind that is known here.
    NoCommonAlgorithm,
    /// It does not relay to that address, or not for us (403).
    Forbidden,
    /// This user has as many allocations as it may have (486).
    Quota,
    /// It can relay no more at the moment (508).
    Capacity,
    /// It has no address of that family, or peer and allocation are of different ones (440, 443).
    Family,
    /// It has forgotten our allocation: it was restarted, or our address has changed (437). While allocating: it has another one of
    /// our address that is not ours.
    Mismatch,
    /// It names another one, to which a connection has to be made first.
    Redirected(SocketAddr),
    /// It names another one that must not be asked: nearer than itself, of another family, itself, or the fifth in a row.
    BadRedirection,
    /// Its answer does not say what was asked, or needs attributes that are not known here.
    Incomprehensible,
    /// It refused with this code and these words.
    Refused {
        /// As in HTTP.
        code: u16,
        /// Its words; nobody vouches for them.
        reason: String,
    },
    /// The request cannot be written.
    Unwritable(StunError),
}

impl TurnError {
    /// What an error response means, except redirections and challenges.
    pub(super) fn of(message: &Message<'_>) -> Self {
        match message.error() {
            None => Self::Incomprehensible,
            Some((401 | 441, _)) => Self::Unauthorized,
            Some((403, _)) => Self::Forbidden,
            Some((437, _)) => Self::Mismatch,
            Some((440 | 443, _)) => Self::Family,
            Some((486, _)) => Self::Quota,
            Some((508, _)) => Self::Capacity,
            Some((code, reason)) => Self::Refused { code, reason: reason.to_owned() },
        }
    }
}

impl fmt::Display for TurnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("the relay does not answer"),
            Self::Disconnected => f.write_str("the connection to the relay has ended"),
            Self::Unauthorized => f.write_str("the relay wants other credentials"),
            Self::NoCommonAlgorithm => {
                f.write_str("no password algorithm in common with the relay")
            }
            Self::Forbidden => f.write_str("the relay does not relay there"),
            Self::Quota => f.write_str("this user has no more allocations left at the relay"),
            Self::Capacity => f.write_str("the relay is full"),
            Self::Family => f.write_str("the relay has no address of that family"),
            Self::Mismatch => f.write_str("the relay does not know our allocation"),
            Self::Redirected(to) => write!(f, "the relay names another one, {to}"),
            Self::BadRedirection => {
                f.write_str("the relay names another one that must not be asked")
            }
            Self::Incomprehensible => f.write_str("the relay's answer makes no sense"),
            Self::Refused { code, reason } => {
                write!(f, "the relay refused with {code} {reason:?}")
            }
            Self::Unwritable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TurnError {}

/// Why a datagram cannot be sent through a relay now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TurnSendError {
    /// There is no allocation, not yet or no more.
    NotAllocated,
    /// The relay has not agreed, not yet or not at all, to relay to this peer.
    NotPermitted,
    /// The datagram does not fit.
    TooLong,
}

impl fmt::Display for TurnSendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAllocated => "nothing is allocated at the relay",
            Self::NotPermitted => "the relay has not agreed to relay to this peer",
            Self::TooLong => "the datagram is too long for the relay",
        })
    }
}

impl std::error::Error for TurnSendError {}

/// Why nothing more can be asked of a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TurnAskError {
    /// There is no allocation, not yet or no more.
    NotAllocated,
    /// As many peers are permitted as may be: forget one.
    TooMany,
    /// Nothing can be sent to that address.
    Unusable,
}

impl fmt::Display for TurnAskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAllocated => "nothing is allocated at the relay",
            Self::TooMany => "too many peers are permitted at the relay",
            Self::Unusable => "nothing can be sent to that address",
        })
    }
}

impl std::error::Error for TurnAskError {}
