//! The header of short packets (SPEC §6.1). Masking it is the record layer's.

use super::id::ConnectionId;

/// Bytes in front of a short packet's frames.
pub(crate) const SHORT_HEADER_LEN: usize = 13;

const SHORT: u8 = 0b0110_0000;
const KEY_PHASE: u8 = 0b0001_0000;

/// The header before it is masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShortHeader {
    pub(crate) destination: ConnectionId,
    pub(crate) key_phase: bool,
    pub(crate) number: u64,
}

impl ShortHeader {
    /// Writes the header at the start of a packet that has room for it.
    pub(crate) fn encode(&self, packet: &mut [u8]) {
        let Some(header) = packet.first_chunk_mut::<SHORT_HEADER_LEN>() else {
            debug_assert!(false, "a packet without room for its header");
            return;
        };
        header[0] = if self.key_phase { SHORT | KEY_PHASE } else { SHORT };
        header[1..9].copy_from_slice(self.destination.as_bytes());
        header[9..].copy_from_slice(&(self.number as u32).to_be_bytes());
    }

    /// For whom a masked packet is.
    pub(crate) fn destination(packet: &[u8]) -> Option<ConnectionId> {
        let id: [u8; 8] = packet.get(1..9)?.try_into().ok()?;
        Some(id.into())
    }
}

/// Restores a packet number from its low 32 bits: the candidate that lies nearest to `expected`, the number after the
/// largest received (RFC 9000 §A.3).
pub(crate) fn expand_number(truncated: u32, expected: u64) -> u64 {
    const WINDOW: u64 = 1 << 32;
    const END: u64 = 1 << 62;
    let candidate = (expected & !(WINDOW - 1)) | u64::from(truncated);
    if candidate + WINDOW / 2 <= expected && candidate + WINDOW < END {
        candidate + WINDOW
    } else if candidate > expected + WINDOW / 2 && candidate >= WINDOW {
        candidate - WINDOW
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_header_stands_on_the_wire_as_specified() {
        let mut packet = [0xff; 14];
        let header =
            ShortHeader { destination: [7; 8].into(), key_phase: true, number: 0x1_0203_0405 };
        header.encode(&mut packet);
        assert_eq!(packet, [0x70, 7, 7, 7, 7, 7, 7, 7, 7, 0x02, 0x03, 0x04, 0x05, 0xff]);
        assert_eq!(ShortHeader::destination(&packet), Some([7; 8].into()));
    }

    proptest! {
        #[test]
        fn a_number_near_the_expected_one_is_restored(
            expected in 0_u64..(1 << 61), ahead in 0_u64..(1 << 31), behind in 0_u64..(1 << 31),
        ) {
            for number in [expected + ahead, expected.saturating_sub(behind)] {
                prop_assert_eq!(expand_number(number as u32, expected), number);
            }
        }
    }
}
