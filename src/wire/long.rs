//! Long packets: the first byte and version that PUNCH and handshake fragments have in common (SPEC §3).

use super::codec::Reader;
use super::demux::long_type;
use super::error::DecodeError;
use super::fragment::{Fragment, HandshakeKind};
use super::punch::Punch;
use super::suite::VERSION;

/// A long packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Long<'a> {
    Punch(Punch),
    Handshake(Fragment<'a>),
}

/// Decodes a datagram whose first byte says that it is a long packet.
pub(crate) fn decode_long(datagram: &[u8]) -> Result<Long<'_>, DecodeError> {
    let mut reader = Reader::new(datagram);
    let first = reader.u8()?;
    if reader.u32()? != VERSION {
        return Err(DecodeError::OtherVersion);
    }
    match long_type(first).ok_or(DecodeError::InvalidValue)? {
        0 => Punch::decode_body(&mut reader).map(Long::Punch),
        kind => {
            let kind = HandshakeKind::from_type(kind)?;
            Fragment::decode_body(kind, &mut reader, datagram.len()).map(Long::Handshake)
        }
    }
}
