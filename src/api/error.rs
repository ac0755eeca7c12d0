//! Errors of the blocking interface, and how they become [`std::io::Error`]s.
//!
//! | what happened | `io::ErrorKind` | inner error |
//! |---|---|---|
//! | the wait was too long | `TimedOut`; `WouldBlock` if the timeout was zero | [`Elapsed`] |
//! | the peer reset the stream | `ConnectionReset` | [`ReadError`] |
//! | the peer stopped the stream, or it has ended | `BrokenPipe` | [`WriteError`] |
//! | the connection timed out | `TimedOut` | [`ConnectionError`] |
//! | the peer refused it, or has lost it | `ConnectionRefused`, `ConnectionReset` | [`ConnectionError`] |
//! | the peer closed the connection, or an error did | `ConnectionAborted` | [`ConnectionError`] |
//! | this side closed the connection | `NotConnected` | [`ConnectionError`] |

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::close::ConnectionError;
use crate::datagram::DatagramError;
use crate::driver::MeetError;
use crate::endpoint::ConnectError;
use crate::stream::{ReadError, WriteError};

/// Why there is no connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum DialError {
    /// The address did not resolve.
    Address(io::Error),
    /// The dial could not begin.
    Start(ConnectError),
    /// The dial began and failed.
    Failed(ConnectionError),
    /// A ticket names no address that may be dialled from here.
    NoAddress,
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => write!(f, "cannot dial: {error}; give an address as host:port"),
            Self::Start(error) => error.fmt(f),
            Self::Failed(error) => error.fmt(f),
            Self::NoAddress => f.write_str(
                "the ticket names no address that may be dialled from here: meet the peer with a ticket of this side",
            ),
        }
    }
}

impl Error for DialError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Address(error) => Some(error),
            Self::Start(error) => Some(error),
            Self::Failed(error) => Some(error),
            Self::NoAddress => None,
        }
    }
}

impl From<ConnectError> for DialError {
    fn from(error: ConnectError) -> Self {
        Self::Start(error)
    }
}

impl From<ConnectionError> for DialError {
    fn from(error: ConnectionError) -> Self {
        Self::Failed(error)
    }
}

impl From<DialError> for io::Error {
    fn from(error: DialError) -> Self {
        match error {
            DialError::Address(error) => error,
            DialError::Start(error) => Self::new(io::ErrorKind::InvalidInput, error),
            DialError::Failed(error) => error.into(),
            DialError::NoAddress => Self::new(io::ErrorKind::AddrNotAvailable, error),
        }
    }
}

/// Why there is no ticket.
#[derive(Debug)]
#[non_exhaustive]
pub enum GatherError {
    /// No STUN or TURN server answered.
    Silent,
    /// No address is known, and there is nobody to ask.
    NoAddress,
    /// The operating system has no random bytes to give.
    Entropy(io::Error),
    /// The endpoint is closed.
    EndpointClosed,
}

impl fmt::Display for GatherError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent => f.write_str(
                "no STUN server answered, and no TURN server: check their addresses, name a TURN server if the network has no UDP, or make a ticket for the own network without them",
            ),
            Self::NoAddress => f.write_str(
                "no address of this endpoint is known: name a STUN server, or bind an address of this host",
            ),
            Self::Entropy(error) => write!(f, "no random bytes for a ticket: {error}"),
            Self::EndpointClosed => EndpointClosed.fmt(f),
        }
    }
}

impl Error for GatherError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Entropy(error) => Some(error),
            _ => None,
        }
    }
}

/// The endpoint is closed: nothing more can be accepted or dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointClosed;

impl fmt::Display for EndpointClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the endpoint is closed: bind a new one")
    }
}

impl Error for EndpointClosed {}

impl From<GatherError> for io::Error {
    fn from(error: GatherError) -> Self {
        let kind = match error {
            GatherError::Silent => io::ErrorKind::TimedOut,
            GatherError::NoAddress => io::ErrorKind::AddrNotAvailable,
            GatherError::Entropy(_) => io::ErrorKind::Other,
            GatherError::EndpointClosed => io::ErrorKind::NotConnected,
        };
        Self::new(kind, error)
    }
}

impl From<MeetError> for io::Error {
    fn from(error: MeetError) -> Self {
        let kind = match &error {
            MeetError::NoTicket | MeetError::OwnTicket | MeetError::Expired => {
                io::ErrorKind::InvalidInput
            }
            MeetError::Failed(ConnectionError::Refused { .. }) => io::ErrorKind::ConnectionRefused,
            MeetError::EndpointClosed => io::ErrorKind::NotConnected,
            _ => io::ErrorKind::TimedOut,
        };
        Self::new(kind, error)
    }
}

impl From<EndpointClosed> for io::Error {
    fn from(error: EndpointClosed) -> Self {
        Self::new(io::ErrorKind::NotConnected, error)
    }
}

/// The time that a call was given is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing happened in the time that the call was given")
    }
}

impl Error for Elapsed {}

/// The error of a call that waited for this long.
pub(crate) fn elapsed(timeout: Duration) -> io::Error {
    let kind = if timeout.is_zero() { io::ErrorKind::WouldBlock } else { io::ErrorKind::TimedOut };
    io::Error::new(kind, Elapsed)
}

/// Why a stream could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StreamError {
    Read(ReadError),
    Write(WriteError),
    Connection(ConnectionError),
}

impl From<StreamError> for io::Error {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Read(error) => {
                let kind = match error {
                    ReadError::Blocked => io::ErrorKind::WouldBlock,
                    ReadError::Reset(_) => io::ErrorKind::ConnectionReset,
                    _ => io::ErrorKind::NotConnected,
                };
                Self::new(kind, error)
            }
            StreamError::Write(error) => {
                let kind = match error {
                    WriteError::Blocked => io::ErrorKind::WouldBlock,
                    _ => io::ErrorKind::BrokenPipe,
                };
                Self::new(kind, error)
            }
            StreamError::Connection(error) => error.into(),
        }
    }
}

impl From<ConnectionError> for io::Error {
    fn from(error: ConnectionError) -> Self {
        let kind = match error {
            ConnectionError::LocalClosed => io::ErrorKind::NotConnected,
            ConnectionError::TimedOut
            | ConnectionError::HandshakeTimedOut
            | ConnectionError::LingerTimedOut => io::ErrorKind::TimedOut,
            ConnectionError::Reset => io::ErrorKind::ConnectionReset,
            ConnectionError::Refused { .. } => io::ErrorKind::ConnectionRefused,
            _ => io::ErrorKind::ConnectionAborted,
        };
        Self::new(kind, error)
    }
}

impl From<DatagramError> for io::Error {
    fn from(error: DatagramError) -> Self {
        let kind = match error {
            DatagramError::Full => io::ErrorKind::WouldBlock,
            DatagramError::TooLarge { .. } => io::ErrorKind::InvalidInput,
            DatagramError::Unsupported => io::ErrorKind::Unsupported,
            _ => io::ErrorKind::NotConnected,
        };
        Self::new(kind, error)
    }
}
