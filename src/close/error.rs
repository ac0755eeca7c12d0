//! Why a connection ended, in words for the application.

use std::fmt;

use crate::wire::{ApplicationCode, ErrorCode, Frame, TransportError};

/// Why a connection is over, or never came to be.
///
/// Every call that waits on the connection or on one of its streams ends with this error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionError {
    /// This side closed the connection.
    LocalClosed,
    /// This side closed the connection, and the peer did not acknowledge everything in the time that `close` gave it.
    LingerTimedOut,
    /// The peer's application closed the connection.
    PeerClosed {
        /// Its meaning is the application's.
        code: ApplicationCode,
        /// What the peer's application said, at most 1000 bytes.
        reason: Vec<u8>,
    },
    /// The peer's transport closed the connection because of an error.
    PeerTransport {
        /// What the peer complains about (SPEC §11).
        code: ErrorCode,
        /// The type of the frame that it complains about, 0 if unknown.
        frame_type: u64,
        /// What the peer said about it.
        reason: String,
    },
    /// This side's transport closed the connection because of an error.
    Transport {
        /// What kind of error it is (SPEC §11).
        code: ErrorCode,
        /// What exactly was wrong.
        reason: &'static str,
    },
    /// The peer does not want this connection.
    Refused {
        /// Why: REFUSED, BUSY or APPLICATION_PROTOCOL (SPEC §11).
        code: ErrorCode,
    },
    /// Nothing was heard from the peer for the idle timeout.
    TimedOut,
    /// No handshake was completed in time.
    HandshakeTimedOut,
    /// The peer has lost its state, for instance because it was restarted.
    Reset,
}

impl ConnectionError {
    /// What a CLOSE frame of the peer means; `None` for other frames.
    pub(crate) fn from_frame(frame: &Frame<'_>) -> Option<Self> {
        match *frame {
            Frame::CloseApplication { code, reason } => {
                Some(Self::PeerClosed { code, reason: reason.to_vec() })
            }
            Frame::CloseTransport {
                code:
                    code @ (ErrorCode::REFUSED | ErrorCode::BUSY | ErrorCode::APPLICATION_PROTOCOL),
                ..
            } => Some(Self::Refused { code }),
            Frame::CloseTransport { code, frame_type, reason } => {
                let reason = String::from_utf8_lossy(reason).into_owned();
                Some(Self::PeerTransport { code, frame_type, reason })
            }
            _ => None,
        }
    }
}

impl From<TransportError> for ConnectionError {
    fn from(error: TransportError) -> Self {
        Self::Transport { code: error.code, reason: error.reason }
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LocalClosed => f.write_str("connection closed by this side; dial again to go on"),
            Self::LingerTimedOut => f.write_str(
                "connection closed by this side before the peer had everything; give close more time to linger",
            ),
            Self::PeerClosed { code, reason } => {
                write!(f, "connection closed by the peer's application with code {code}")?;
                said(f, &String::from_utf8_lossy(reason))?;
                f.write_str("; the peer's application knows why")
            }
            Self::PeerTransport { code, frame_type, reason } => {
                write!(f, "connection closed by the peer's transport with error {code}")?;
                if *frame_type != 0 {
                    write!(f, " at frame type {frame_type:#04x}")?;
                }
                said(f, reason)?;
                f.write_str("; dial again, and report it if it comes back")
            }
            Self::Transport { code, reason } => {
                write!(f, "connection closed by this side: {reason}; {}", way_out(*code))
            }
            Self::Refused { code } => f.write_str(refusal(*code)),
            Self::TimedOut => f.write_str(
                "nothing heard from the peer for the idle timeout; enable keep-alive, or check the network and dial again",
            ),
            Self::HandshakeTimedOut => f.write_str(
                "the peer did not answer the dial in time; check its address, its peer id, and that UDP reaches it",
            ),
            Self::Reset => {
                f.write_str("the peer no longer knows this connection, it may have restarted; dial again")
            }
        }
    }
}

impl std::error::Error for ConnectionError {}

fn way_out(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::NO_PATH => "check the network and dial again",
        ErrorCode::NO_ERROR | ErrorCode::AEAD_LIMIT => "dial again",
        ErrorCode::INTERNAL => "dial again, and report it if it comes back",
        _ => "the peer broke the protocol: compare the versions of both sides",
    }
}

fn refusal(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::BUSY => "the peer has no room for another connection; dial again later",
        ErrorCode::APPLICATION_PROTOCOL => {
            "the peer does not speak this application protocol; set the same one on both sides"
        }
        _ => "the peer refused this connection; ask it to allow this side's peer id",
    }
}

/// The words of a peer, on one line: they go into logs.
fn said(f: &mut fmt::Formatter<'_>, reason: &str) -> fmt::Result {
    if reason.is_empty() { Ok(()) } else { write!(f, " ({reason:?})") }
}
