//! Why bytes do not decode.

use std::fmt;

/// The first thing that is wrong with some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// They end too early.
    Truncated,
    /// A type that this version does not know.
    UnknownType,
    /// A field has a value that the format forbids.
    InvalidValue,
    /// A frame type is encoded longer than it needs to be.
    NotMinimal,
    /// A long packet of another version.
    OtherVersion,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "ends too early",
            Self::UnknownType => "unknown type",
            Self::InvalidValue => "forbidden value",
            Self::NotMinimal => "type not in its shortest form",
            Self::OtherVersion => "another version",
        })
    }
}
