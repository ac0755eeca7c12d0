//! Why a receiver does not take a file.

use std::fmt;

use super::super::limits::TEXT_BYTES_MAX;
use super::super::name::printable;
use super::{Body, Malformed, truncated};

/// The reasons that a program can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Reason {
    /// Another file, or something that is no file, has the name.
    Exists,
    /// The name could lead out of the directory.
    Name,
    /// The disk is full.
    Space,
    /// The file arrived damaged.
    Checksum,
    /// The same sender offered the same file again, and that transfer goes on.
    Superseded,
    /// Another process receives this very file into the same directory.
    Busy,
    /// The receiver's file system failed.
    Storage,
    /// The sender did not follow the protocol.
    Protocol,
}

const REASONS: [(u8, Reason); 8] = [
    (1, Reason::Exists),
    (2, Reason::Name),
    (3, Reason::Space),
    (4, Reason::Checksum),
    (5, Reason::Superseded),
    (6, Reason::Busy),
    (7, Reason::Storage),
    (8, Reason::Protocol),
];

/// A reason, with details for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Refusal {
    reason: Reason,
    needed: u64,
    text: String,
}

impl Refusal {
    pub(in super::super) fn new(reason: Reason, text: impl Into<String>) -> Self {
        Self { reason, needed: 0, text: text.into() }
    }

    /// The disk is full; so many bytes have to become free before the file fits.
    pub(in super::super) fn space(needed: u64, text: impl Into<String>) -> Self {
        Self { reason: Reason::Space, needed, text: text.into() }
    }

    pub(in super::super) fn reason(&self) -> Reason {
        self.reason
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let code = REASONS.iter().find(|(_, reason)| *reason == self.reason);
        out.push(code.map_or(0, |(code, _)| *code));
        out.extend(self.needed.to_be_bytes());
        out.extend(truncated(&self.text).as_bytes());
    }

    pub(super) fn decode(body: &mut Body<'_>) -> Result<Self, Malformed> {
        let [code] = body.array()?;
        let (_, reason) = REASONS
            .iter()
            .find(|(known, _)| *known == code)
            .ok_or(Malformed("a refusal with an unknown reason"))?;
        let needed = body.u64()?;
        Ok(Self { reason: *reason, needed, text: body.text(TEXT_BYTES_MAX)?.to_owned() })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.reason {
            Reason::Exists => "the name is taken",
            Reason::Name => "the name is not safe",
            Reason::Space => "the disk of the receiver is full",
            Reason::Checksum => "the file arrived damaged",
            Reason::Superseded => "another transfer of the same file took over",
            Reason::Busy => "another process receives the same file",
            Reason::Storage => "the receiver could not store it",
            Reason::Protocol => "the receiver did not understand",
        };
        f.write_str(what)?;
        if self.reason == Reason::Space {
            write!(f, ", {} more bytes of free space are needed", self.needed)?;
        }
        if !self.text.is_empty() {
            write!(f, ": {}", printable(&self.text))?;
        }
        Ok(())
    }
}
