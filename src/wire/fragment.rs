//! Fragments of handshake messages (SPEC §3.2).

use super::codec::{Reader, Writer};
use super::demux::long_first_byte;
use super::error::DecodeError;
use super::id::HandshakeId;
use super::suite::{SetMap, Suite, VERSION};
use crate::base::limits::{HANDSHAKE_FRAGMENT, HANDSHAKE_MESSAGE_MAX};

/// Bytes in front of a fragment's payload.
pub(crate) const FRAGMENT_HEADER_LEN: usize = 56;

/// The three handshake messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HandshakeKind {
    PublicKey = 1,
    SharedKey = 2,
    Establish = 3,
}

impl HandshakeKind {
    pub(super) const fn from_type(kind: u8) -> Result<Self, DecodeError> {
        match kind {
            1 => Ok(Self::PublicKey),
            2 => Ok(Self::SharedKey),
            3 => Ok(Self::Establish),
            _ => Err(DecodeError::UnknownType),
        }
    }
}

/// The header of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FragmentHeader {
    pub(crate) kind: HandshakeKind,
    pub(crate) destination: HandshakeId,
    pub(crate) source: HandshakeId,
    pub(crate) suite: Suite,
    /// What the initiator offers.
    pub(crate) offered: SetMap,
    pub(crate) index: u8,
    pub(crate) count: u8,
    /// Length of the whole message.
    pub(crate) length: u16,
    pub(crate) tag: [u8; 8],
    pub(crate) cookie: [u8; 20],
}

/// A fragment, and where in its datagram something may follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fragment<'a> {
    pub(crate) header: FragmentHeader,
    pub(crate) payload: &'a [u8],
    pub(crate) rest_offset: usize,
}

/// How many fragments a message of this length has.
pub(crate) fn fragment_count(message: usize) -> u8 {
    u8::try_from(message.div_ceil(HANDSHAKE_FRAGMENT)).unwrap_or(u8::MAX)
}

impl FragmentHeader {
    /// Bytes of this fragment's payload, if index, count and length fit each other.
    fn payload_len(&self) -> Option<usize> {
        let length = usize::from(self.length);
        let fits = (1..=HANDSHAKE_MESSAGE_MAX).contains(&length)
            && self.count == fragment_count(length)
            && self.index < self.count;
        let start = usize::from(self.index) * HANDSHAKE_FRAGMENT;
        fits.then(|| (length - start).min(HANDSHAKE_FRAGMENT))
    }
}

impl<'a> Fragment<'a> {
    /// The packet of one fragment.
    pub(crate) fn encode(header: &FragmentHeader, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0; FRAGMENT_HEADER_LEN + payload.len()];
        let mut writer = Writer::new(&mut packet);
        let fields: [&[u8]; 11] = [
            &[long_first_byte(header.kind as u8)],
            &VERSION.to_be_bytes(),
            header.destination.as_bytes(),
            header.source.as_bytes(),
            &[header.suite.as_u8()],
            &header.offered.as_u16().to_be_bytes(),
            &[(header.index << 4) | header.count, 0],
            &header.length.to_be_bytes(),
            &header.tag,
            &header.cookie,
            payload,
        ];
        for field in fields {
            debug_assert!(writer.remaining() >= field.len(), "the packet was sized for its fields");
            let _ = writer.bytes(field);
        }
        packet
    }

    /// Decodes what follows the version; `total` is the length of the datagram.
    pub(super) fn decode_body(
        kind: HandshakeKind,
        reader: &mut Reader<'a>,
        total: usize,
    ) -> Result<Self, DecodeError> {
        let (destination, source) = (reader.array()?.into(), reader.array()?.into());
        let suite = Suite::decode(reader.u8()?)?;
        let offered = SetMap::from_u16(reader.u16()?);
        let [fragment, reserved] = reader.array()?;
        let header = FragmentHeader {
            kind,
            destination,
            source,
            suite,
            offered,
            index: fragment >> 4,
            count: fragment & 0x0f,
            length: reader.u16()?,
            tag: reader.array()?,
            cookie: reader.array()?,
        };
        let length = header.payload_len().filter(|_| reserved == 0);
        let payload = reader.bytes(length.ok_or(DecodeError::InvalidValue)?)?;
        Ok(Self { header, payload, rest_offset: total - reader.rest().len() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::long::{Long, decode_long};
    use super::*;

    fn header(index: u8, count: u8, length: u16) -> FragmentHeader {
        FragmentHeader {
            kind: HandshakeKind::SharedKey,
            destination: [1; 8].into(),
            source: [2; 8].into(),
            suite: Suite::XkHybrid,
            offered: SetMap::from_u16(3),
            index,
            count,
            length,
            tag: [3; 8],
            cookie: [4; 20],
        }
    }

    #[test]
    fn a_fragment_stands_on_the_wire_as_specified() {
        let packet = Fragment::encode(&header(1, 2, 1146), &[9, 9]);
        let mut expected = vec![0b1101_0000, 0x53, 0x52, 0x00, 0x01];
        expected.extend([1; 8]);
        expected.extend([2; 8]);
        expected.extend([0x01, 0x00, 0x03, 0x12, 0x00, 0x04, 0x7a]);
        expected.extend([3; 8]);
        expected.extend([4; 20]);
        expected.extend([9, 9]);
        assert_eq!(packet, expected);
        let mut datagram = packet;
        datagram.push(0x60);
        let decoded = decode_long(&datagram);
        let wanted = Fragment { header: header(1, 2, 1146), payload: &[9, 9], rest_offset: 58 };
        assert_eq!(decoded, Ok(Long::Handshake(wanted)));
    }

    #[test]
    fn index_count_and_length_have_to_fit() {
        let payload = [0; HANDSHAKE_FRAGMENT];
        let decodes = |index, count, length| {
            decode_long(&Fragment::encode(&header(index, count, length), &payload)).is_ok()
        };
        assert!(decodes(0, 1, 1144));
        assert!(decodes(0, 2, 1145) && decodes(1, 2, 2288));
        assert!(!decodes(0, 0, 0), "an empty message");
        assert!(!decodes(0, 2, 1144) && !decodes(0, 1, 1145), "the wrong count");
        assert!(!decodes(2, 2, 1145), "an index out of range");
        assert!(!decodes(0, 3, 2289), "too long");
    }

    #[test]
    fn a_truncated_fragment_is_an_error_at_every_length() {
        let packet = Fragment::encode(&header(0, 1, 100), &[7; 100]);
        for length in 0..packet.len() {
            assert!(decode_long(&packet[..length]).is_err(), "{length} bytes");
        }
        assert!(decode_long(&packet).is_ok());
    }
}
