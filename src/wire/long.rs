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

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet of this type that is long enough for any, with one fragment of one byte.
    fn packet(first: u8) -> [u8; 80] {
        let mut packet = [0; 80];
        packet[0] = first;
        packet[1..5].copy_from_slice(&VERSION.to_be_bytes());
        if first != 0xc0 {
            (packet[21], packet[24], packet[27]) = (0x01, 0x01, 1);
        }
        packet
    }

    #[test]
    fn the_type_stands_above_three_zero_bits() {
        assert!(matches!(decode_long(&packet(0xc0)), Ok(Long::Punch(_))));
        let kinds = [
            (0xc8, HandshakeKind::PublicKey),
            (0xd0, HandshakeKind::SharedKey),
            (0xd8, HandshakeKind::Establish),
        ];
        for (first, kind) in kinds {
            let packet = packet(first);
            let Ok(Long::Handshake(fragment)) = decode_long(&packet) else {
                panic!("{first:#x} is a handshake packet");
            };
            assert_eq!((fragment.header.kind, fragment.payload.len()), (kind, 1));
        }
    }

    #[test]
    fn reserved_types_are_dropped() {
        for first in [0xe0, 0xe8, 0xf0, 0xf8] {
            assert_eq!(decode_long(&packet(first)), Err(DecodeError::UnknownType), "{first:#x}");
        }
    }

    #[test]
    fn the_low_three_bits_have_to_be_zero() {
        for first in [0xc1, 0xca, 0xd4, 0xdf] {
            assert_eq!(decode_long(&packet(first)), Err(DecodeError::InvalidValue), "{first:#x}");
        }
    }

    #[test]
    fn another_version_is_told_from_a_broken_packet() {
        let mut other = packet(0xc0);
        other[4] = 2;
        assert_eq!(decode_long(&other), Err(DecodeError::OtherVersion));
        assert_eq!(decode_long(&other[..4]), Err(DecodeError::Truncated));
    }
}
