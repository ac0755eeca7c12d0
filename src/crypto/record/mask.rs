//! Header protection: the key phase and the packet number of a packet are hidden from the path (SPEC §6.1).

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes256Enc, Block};

use super::{HEADER_LEN, MASKED_BITS};
use crate::crypto::schedule::{Secret, expand_plain};

/// Bytes of ciphertext from which the mask is made.
pub(super) const SAMPLE_LEN: usize = 16;

/// The key `hp` of one direction. It stays the same in all key phases.
pub(super) struct HeaderMask(Aes256Enc);

impl HeaderMask {
    pub(super) fn derive(secret: &Secret) -> Self {
        let key = expand_plain::<32>(secret, "hp");
        Self(Aes256Enc::new((&*key).into()))
    }

    /// Puts the mask on the header, or takes it off.
    pub(super) fn apply(&self, header: &mut [u8; HEADER_LEN], sample: &[u8; SAMPLE_LEN]) {
        let mut block = Block::from(*sample);
        self.0.encrypt_block(&mut block);
        let [of_first, of_number @ ..]: [u8; SAMPLE_LEN] = block.into();
        let [first, .., a, b, c, d] = header;
        *first ^= of_first & MASKED_BITS;
        for (byte, mask) in [a, b, c, d].into_iter().zip(of_number) {
            *byte ^= mask;
        }
    }
}
