//! Why bytes are no STUN message, or why a message cannot be written.

use std::fmt;

/// Why a datagram is no STUN message that may be heeded, or a message cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StunError {
    /// The header is another protocol's.
    NotStun,
    /// The bytes end before the message does, or go on behind it.
    Length,
    /// More attributes than anybody needs.
    TooManyAttributes,
    /// The value of the attribute of this type has no meaning.
    Malformed(u16),
    /// FINGERPRINT is wrong, or is not the last attribute.
    Fingerprint,
    /// What should be written is longer than its format, or the RFC, allows.
    TooLong,
}

impl fmt::Display for StunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStun => f.write_str("not a STUN message"),
            Self::Length => f.write_str("the length of the STUN message is wrong"),
            Self::TooManyAttributes => f.write_str("too many STUN attributes"),
            Self::Malformed(kind) => write!(f, "STUN attribute {kind:#06x} is malformed"),
            Self::Fingerprint => f.write_str("the STUN fingerprint is wrong"),
            Self::TooLong => f.write_str("a STUN attribute or message is too long"),
        }
    }
}

impl std::error::Error for StunError {}
