//! PUNCH: opens NATs, proves addresses, carries cookies (SPEC §4).

use super::codec::Reader;
use super::demux::long_first_byte;
use super::error::DecodeError;
use super::id::HandshakeId;
use super::suite::{SetMap, VERSION};

/// Bytes of every PUNCH.
pub(crate) const PUNCH_LEN: usize = 80;

/// A PUNCH packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Punch {
    pub(crate) destination: HandshakeId,
    pub(crate) source: HandshakeId,
    pub(crate) offered: SetMap,
    pub(crate) flags: PunchFlags,
    pub(crate) transaction: [u8; 8],
    pub(crate) echo: [u8; 8],
    pub(crate) cookie: [u8; 20],
    pub(crate) tag: [u8; 16],
}

/// What the sender of a PUNCH is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PunchFlags(u8);

impl PunchFlags {
    /// The sender dials this address.
    pub(crate) const DIALLING: Self = Self(0x01);
    /// The sender accepts connections.
    pub(crate) const LISTENING: Self = Self(0x02);
    /// The last PUBLIC_KEY is to be sent again with this cookie.
    pub(crate) const RESEND: Self = Self(0x04);

    const KNOWN: u8 = 0x07;

    pub(crate) const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Punch {
    pub(crate) fn encode(&self) -> [u8; PUNCH_LEN] {
        let mut out = [0; PUNCH_LEN];
        out[0] = long_first_byte(0);
        out[1..5].copy_from_slice(&VERSION.to_be_bytes());
        out[5..13].copy_from_slice(self.destination.as_bytes());
        out[13..21].copy_from_slice(self.source.as_bytes());
        out[21..23].copy_from_slice(&self.offered.as_u16().to_be_bytes());
        out[23] = self.flags.0;
        out[24..32].copy_from_slice(&self.transaction);
        out[32..40].copy_from_slice(&self.echo);
        out[40..60].copy_from_slice(&self.cookie);
        out[60..76].copy_from_slice(&self.tag);
        out
    }

    /// The bytes that the tag covers (SPEC §4.2).
    pub(crate) fn tagged(&self) -> [u8; 60] {
        let encoded = self.encode();
        std::array::from_fn(|index| encoded[index])
    }

    /// Decodes what follows the version.
    pub(super) fn decode_body(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let punch = Self {
            destination: reader.array()?.into(),
            source: reader.array()?.into(),
            offered: SetMap::from_u16(reader.u16()?),
            flags: PunchFlags(reader.u8()?),
            transaction: reader.array()?,
            echo: reader.array()?,
            cookie: reader.array()?,
            tag: reader.array()?,
        };
        let padding: [u8; 4] = reader.array()?;
        if !reader.is_empty() || padding != [0; 4] || punch.flags.0 & !PunchFlags::KNOWN != 0 {
            return Err(DecodeError::InvalidValue);
        }
        Ok(punch)
    }
}

#[cfg(test)]
mod tests {
    use super::super::long::{Long, decode_long};
    use super::*;

    fn punch() -> Punch {
        Punch {
            destination: [1; 8].into(),
            source: [2; 8].into(),
            offered: SetMap::from_u16(0x0304),
            flags: PunchFlags::RESEND,
            transaction: [5; 8],
            echo: [6; 8],
            cookie: [7; 20],
            tag: [8; 16],
        }
    }

    #[test]
    fn a_punch_stands_on_the_wire_as_specified() {
        let expected = [
            &[0xc0, 0x53, 0x52, 0x00, 0x01][..],
            &[1; 8],
            &[2; 8],
            &[0x03, 0x04, 0x04],
            &[5; 8],
            &[6; 8],
            &[7; 20],
            &[8; 16],
            &[0; 4],
        ]
        .concat();
        assert_eq!(expected.len(), PUNCH_LEN);
        assert_eq!(punch().encode()[..], expected);
        assert_eq!(decode_long(&expected), Ok(Long::Punch(punch())));
        assert_eq!(punch().tagged()[..], expected[..60]);
    }

    #[test]
    fn a_punch_of_another_length_is_refused() {
        let mut bytes = punch().encode().to_vec();
        for length in 0..PUNCH_LEN {
            assert!(decode_long(&bytes[..length]).is_err(), "{length} bytes");
        }
        bytes.push(0);
        assert_eq!(decode_long(&bytes), Err(DecodeError::InvalidValue));
    }

    #[test]
    fn unknown_flags_and_bytes_that_have_to_be_zero_are_refused() {
        for (at, bits) in [(23, 0x08), (23, 0x80), (76, 1), (79, 0x80)] {
            let mut bytes = punch().encode();
            bytes[at] |= bits;
            assert_eq!(decode_long(&bytes), Err(DecodeError::InvalidValue), "byte {at}");
        }
    }

    #[test]
    fn flags_are_told_apart() {
        let flags = [PunchFlags::DIALLING, PunchFlags::LISTENING, PunchFlags::RESEND];
        for one in flags {
            for other in flags {
                assert_eq!(one.contains(other), one == other);
            }
        }
    }
}
