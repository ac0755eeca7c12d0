//! What an application hears when it cannot write or read.

use std::error::Error;
use std::fmt;

use crate::wire::ApplicationCode;

/// Why nothing could be written to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WriteError {
    /// The buffers are full. A `Writable` event tells when it is worth trying again.
    Blocked,
    /// The peer does not want more data and gave this code (STOP_SENDING).
    Stopped(ApplicationCode),
    /// The stream was finished here.
    Finished,
    /// The stream was reset here.
    Reset,
    /// No such stream, or one that only the peer can write to, or one that is closed and forgotten.
    Unknown,
    /// The connection is closing or closed.
    ConnectionClosed,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocked => f.write_str("the stream accepts no more data for now"),
            Self::Stopped(code) => write!(f, "the peer stopped the stream with code {code}"),
            Self::Finished => f.write_str("the stream is finished"),
            Self::Reset => f.write_str("the stream is reset"),
            Self::Unknown => f.write_str("no such stream to write to"),
            Self::ConnectionClosed => f.write_str("the connection is closed"),
        }
    }
}

impl Error for WriteError {}

/// Why nothing could be read from a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing has arrived yet. A `Readable` event tells when it is worth trying again.
    Blocked,
    /// The peer abandoned the stream with this code (RESET_STREAM). Data that had arrived is gone.
    Reset(ApplicationCode),
    /// Reading was stopped here.
    Stopped,
    /// No such stream, or one that only this side can write to, or one that is closed and forgotten.
    Unknown,
    /// The connection is closing or closed, and all that had arrived is read.
    ConnectionClosed,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocked => f.write_str("nothing to read for now"),
            Self::Reset(code) => write!(f, "the peer reset the stream with code {code}"),
            Self::Stopped => f.write_str("reading the stream was stopped"),
            Self::Unknown => f.write_str("no such stream to read from"),
            Self::ConnectionClosed => f.write_str("the connection is closed"),
        }
    }
}

impl Error for ReadError {}
