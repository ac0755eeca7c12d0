//! What comes of a question.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use super::super::attribute::Attribute;
use super::super::error::StunError;
use super::super::message::Message;

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The address that the server saw.
    pub reflexive: SocketAddr,
    /// The same, sent in the clear. If it differs, a NAT rewrites what looks like an address (RFC 5780 §3.6).
    pub in_the_clear: Option<SocketAddr>,
    /// The server that answered: after a redirection not the one that was asked first.
    pub server: SocketAddr,
    /// Where the answer came from.
    pub from: SocketAddr,
    /// Where it came from, as the server believes.
    pub origin: Option<SocketAddr>,
    /// The server's other IP address and port, if it knows RFC 5780 and has them.
    pub other: Option<SocketAddr>,
    /// The server's program.
    pub software: Option<String>,
    /// From question to answer, unless the question was sent more than once: then nobody knows which was answered.
    pub round_trip: Option<Duration>,
}

impl Answer {
    /// `None` if it does not say what was asked.
    pub(super) fn read(
        message: &Message<'_>,
        server: SocketAddr,
        from: SocketAddr,
    ) -> Option<Self> {
        let mut answer = Self {
            reflexive: message.reflexive()?,
            in_the_clear: message.mapped(),
            server,
            from,
            origin: None,
            other: None,
            software: None,
            round_trip: None,
        };
        for attribute in message.attributes() {
            match attribute {
                Attribute::ResponseOrigin(at) => answer.origin = answer.origin.or(Some(at)),
                Attribute::OtherAddress(at) => answer.other = answer.other.or(Some(at)),
                Attribute::Software(text) if answer.software.is_none() => {
                    answer.software = Some(text.to_owned());
                }
                _ => {}
            }
        }
        Some(answer)
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryError {
    /// Nobody answered.
    TimedOut,
    /// The server refused, with this code and these words.
    Refused {
        /// As in HTTP.
        code: u16,
        /// The server's words; nobody vouches for them.
        reason: String,
    },
    /// The server wants credentials and none were given, or those that were given are wrong.
    Unauthorized,
    /// The server takes no keys of a kind that is known here.
    NoCommonAlgorithm,
    /// The answer does not say what was asked, or needs attributes that are not known here.
    Incomprehensible,
    /// The server named another one that must not be asked: nearer than itself, of another family, itself, or the fifth in a row.
    BadRedirection,
    /// The question cannot be written.
    Unwritable(StunError),
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no answer"),
            Self::Refused { code, reason } => write!(f, "refused with {code} {reason:?}"),
            Self::Unauthorized => f.write_str("the server wants other credentials"),
            Self::NoCommonAlgorithm => f.write_str("no password algorithm in common"),
            Self::Incomprehensible => f.write_str("the answer makes no sense"),
            Self::BadRedirection => f.write_str("redirected to a server that must not be asked"),
            Self::Unwritable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for QueryError {}
