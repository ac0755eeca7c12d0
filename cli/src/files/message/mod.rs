//! The messages of `srudp-files/1` and their bytes; the table is in the documentation of `files`.
//!
//! A message is a kind (1 byte), the length of its body (4 bytes, big-endian) and the body. The
//! length is compared with the bound of the kind before anything is allocated.

mod refusal;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io::{self, Read, Write};

pub(super) use refusal::{Reason, Refusal};

use super::limits::{BODY_BYTES_MAX, DATA_BYTES_MAX, PATH_BYTES_MAX, TEXT_BYTES_MAX};

/// A SHA-256.
pub(super) type Digest = [u8; 32];

/// Bytes before the body.
pub(super) const HEADER_BYTES: usize = 5;

const ANNOUNCE: u8 = 0x01;
const END: u8 = 0x02;
const OFFER: u8 = 0x03;
const SAME: u8 = 0x04;
const DIFFERENT: u8 = 0x05;
const BEGIN: u8 = 0x06;
const DATA: u8 = 0x07;
const WHOLE: u8 = 0x08;
const ABORT: u8 = 0x09;
const HAVE: u8 = 0x81;
const PREFIX: u8 = 0x82;
const REFUSE: u8 = 0x83;
const DONE: u8 = 0x84;

const FLAG_EXECUTABLE: u8 = 0x01;
const FLAG_FOLDER: u8 = 0x02;

/// What a sender says about a file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offer<'a> {
    pub(super) path: &'a str,
    pub(super) size: u64,
    pub(super) modified: Modified,
    pub(super) executable: bool,
    pub(super) folder: bool,
}

/// When a file was last changed, since 1970-01-01 00:00 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Modified {
    pub(super) seconds: i64,
    pub(super) nanoseconds: u32,
}

/// One message, of either direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message<'a> {
    Announce { files: u64, bytes: u64 },
    End,
    Offer(Offer<'a>),
    Same,
    Different,
    Begin { offset: u64 },
    Data(&'a [u8]),
    Whole(Digest),
    Abort(&'a str),
    Have(Digest),
    Prefix { offset: u64, digest: Digest },
    Refuse(Refusal),
    Done,
}

/// The peer does not speak the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the peer does not follow the file protocol: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for io::Error {
    fn from(error: Malformed) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

impl<'a> Message<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.kind(), 0, 0, 0, 0];
        match self {
            Self::End | Self::Same | Self::Different | Self::Done => {}
            Self::Announce { files, bytes } => {
                out.extend(files.to_be_bytes());
                out.extend(bytes.to_be_bytes());
            }
            Self::Offer(offer) => offer.encode(&mut out),
            Self::Begin { offset } => out.extend(offset.to_be_bytes()),
            Self::Data(bytes) => out.extend_from_slice(bytes),
            Self::Whole(digest) | Self::Have(digest) => out.extend(digest),
            Self::Abort(text) => out.extend(truncated(text).as_bytes()),
            Self::Prefix { offset, digest } => {
                out.extend(offset.to_be_bytes());
                out.extend(digest);
            }
            Self::Refuse(refusal) => refusal.encode(&mut out),
        }
        let header = header(self.kind(), out.len().saturating_sub(HEADER_BYTES));
        out[..HEADER_BYTES].copy_from_slice(&header);
        out
    }

    pub(super) fn decode(kind: u8, body: &'a [u8]) -> Result<Self, Malformed> {
        let mut body = Body(body);
        let message = match kind {
            ANNOUNCE => Self::Announce { files: body.u64()?, bytes: body.u64()? },
            END => Self::End,
            OFFER => Self::Offer(Offer::decode(&mut body)?),
            SAME => Self::Same,
            DIFFERENT => Self::Different,
            BEGIN => Self::Begin { offset: body.u64()? },
            DATA => Self::Data(body.rest()),
            WHOLE => Self::Whole(body.array()?),
            ABORT => Self::Abort(body.text(TEXT_BYTES_MAX)?),
            HAVE => Self::Have(body.array()?),
            PREFIX => Self::Prefix { offset: body.u64()?, digest: body.array()? },
            REFUSE => Self::Refuse(Refusal::decode(&mut body)?),
            DONE => Self::Done,
            _ => return Err(Malformed("a message of an unknown kind")),
        };
        if !body.0.is_empty() {
            return Err(Malformed("bytes after the end of a message"));
        }
        Ok(message)
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Announce { .. } => ANNOUNCE,
            Self::End => END,
            Self::Offer(_) => OFFER,
            Self::Same => SAME,
            Self::Different => DIFFERENT,
            Self::Begin { .. } => BEGIN,
            Self::Data(_) => DATA,
            Self::Whole(_) => WHOLE,
            Self::Abort(_) => ABORT,
            Self::Have(_) => HAVE,
            Self::Prefix { .. } => PREFIX,
            Self::Refuse(_) => REFUSE,
            Self::Done => DONE,
        }
    }
}

impl<'a> Offer<'a> {
    fn encode(&self, out: &mut Vec<u8>) {
        let mut flags = 0;
        if self.executable {
            flags |= FLAG_EXECUTABLE;
        }
        if self.folder {
            flags |= FLAG_FOLDER;
        }
        out.push(flags);
        out.extend(self.size.to_be_bytes());
        out.extend(self.modified.seconds.to_be_bytes());
        out.extend(self.modified.nanoseconds.to_be_bytes());
        out.extend(self.path.as_bytes());
    }

    fn decode(body: &mut Body<'a>) -> Result<Self, Malformed> {
        let [flags] = body.array()?;
        if flags & !(FLAG_EXECUTABLE | FLAG_FOLDER) != 0 {
            return Err(Malformed("an offer with unknown flags"));
        }
        let size = body.u64()?;
        let seconds = i64::from_be_bytes(body.array()?);
        let nanoseconds = u32::from_be_bytes(body.array()?);
        if nanoseconds >= 1_000_000_000 {
            return Err(Malformed("an offer with more than a second of nanoseconds"));
        }
        Ok(Self {
            path: body.text(PATH_BYTES_MAX)?,
            size,
            modified: Modified { seconds, nanoseconds },
            executable: flags & FLAG_EXECUTABLE != 0,
            folder: flags & FLAG_FOLDER != 0,
        })
    }
}

/// The header of a message, for a sender of DATA that has the body in place already.
pub(super) fn data_header(bytes: usize) -> [u8; HEADER_BYTES] {
    header(DATA, bytes)
}

fn header(kind: u8, bytes: usize) -> [u8; HEADER_BYTES] {
    debug_assert!(bytes <= body_max(kind));
    let [a, b, c, d] = u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes();
    [kind, a, b, c, d]
}

fn body_max(kind: u8) -> usize {
    if kind == DATA { DATA_BYTES_MAX } else { BODY_BYTES_MAX }
}

/// Cuts at a character, so that what is left is text and within its bound.
fn truncated(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or_default()
}

/// Reads one message; `buffer` is reused for the bodies.
pub(super) fn read<'a>(from: &mut impl Read, buffer: &'a mut Vec<u8>) -> io::Result<Message<'a>> {
    let mut header = [0; HEADER_BYTES];
    from.read_exact(&mut header)?;
    let [kind, a, b, c, d] = header;
    let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
    if length > body_max(kind) {
        return Err(Malformed("a message longer than its kind may be").into());
    }
    buffer.resize(length, 0);
    from.read_exact(buffer)?;
    Ok(Message::decode(kind, buffer)?)
}

/// Writes one message.
pub(super) fn write(to: &mut impl Write, message: &Message<'_>) -> io::Result<()> {
    to.write_all(&message.encode())
}

/// What is left of a body.
struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self.0.split_first_chunk().ok_or(Malformed("a message cut short"))?;
        self.0 = rest;
        Ok(*head)
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    fn text(&mut self, bytes_max: usize) -> Result<&'a str, Malformed> {
        if self.0.len() > bytes_max {
            return Err(Malformed("a text longer than allowed"));
        }
        std::str::from_utf8(self.rest()).map_err(|_| Malformed("a text that is not UTF-8"))
    }
}
