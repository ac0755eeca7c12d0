//! Header protection: the key phase and the packet number of a packet are hidden from the path (SPEC §6.1).

use super::dormant::Dormant;
use super::{HEADER_LEN, MASKED_BITS};
use crate::crypto::aead::{Mask, MaskKey};
use crate::crypto::schedule::{Secret, expand_plain};

pub(super) use crate::crypto::aead::SAMPLE_LEN;

/// The key `hp` of one direction. It stays the same in all key phases.
pub(super) struct HeaderMask(Dormant<MaskKey>);

impl HeaderMask {
    pub(super) fn derive(secret: &Secret) -> Self {
        Self(Dormant::new(expand_plain(secret, "hp")))
    }

    /// Puts the mask on the header, or takes it off.
    pub(super) fn apply(&mut self, header: &mut [u8; HEADER_LEN], sample: &[u8; SAMPLE_LEN]) {
        let [of_first, of_number @ ..] = self.0.get(MaskKey::new).mask(sample);
        let [first, .., a, b, c, d] = header;
        *first ^= of_first & MASKED_BITS;
        for (byte, mask) in [a, b, c, d].into_iter().zip(of_number) {
            *byte ^= mask;
        }
    }

    /// Gives back the memory that only use needs.
    pub(super) fn rest(&mut self) {
        self.0.rest();
    }

    /// No packet needed it since [`Self::rest`].
    pub(super) fn is_at_rest(&self) -> bool {
        self.0.is_at_rest()
    }
}
