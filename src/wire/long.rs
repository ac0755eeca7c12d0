//! Long packets: the first byte and version that PUNCH and handshake fragments have in common (SPEC §3).

use super::codec::Reader;
use super::error::DecodeError;
use super::fragment::{Fragment, HandshakeKind};
use super::punch::Punch;
use super::suite::VERSION;

const LONG: u8 = 0b1100_0000;
const TYPE_SHIFT: u8 = 3;

/// A long packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Long<'a> {
    Punch(Punch),
    Handshake(Fragment<'a>),
}

/// The first byte of a long packet of this type.
pub(super) const fn first_byte(kind: u8) -> u8 {
    LONG | (kind << TYPE_SHIFT)
}

/// Decodes a datagram whose first byte says that it is a long packet.
pub(crate) fn decode_long(datagram: &[u8]) -> Result<Long<'_>, DecodeError> {
    let mut reader = Reader::new(datagram);
    let first = reader.u8()?;
    if reader.u32()? != VERSION {
        return Err(DecodeError::OtherVersion);
    }
    if first & LONG != LONG || first & 0b111 != 0 {
        return Err(DecodeError::InvalidValue);
    }
    match (first & !LONG) >> TYPE_SHIFT {
        0 => Punch::decode_body(&mut reader).map(Long::Punch),
        kind => {
            let kind = HandshakeKind::from_type(kind)?;
            Fragment::decode_body(kind, &mut reader, datagram.len()).map(Long::Handshake)
        }
    }
}
