//! Header masks in pure Rust: constant time, and the key is erased when dropped.

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes256Enc, Block};

use super::{KEY_LEN, MASK_LEN, Mask, SAMPLE_LEN};

pub(in crate::crypto) struct PortableMask(Aes256Enc);

impl Mask for PortableMask {
    fn new(key: &[u8; KEY_LEN]) -> Self {
        Self(Aes256Enc::new(key.into()))
    }

    fn mask(&self, sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN] {
        let mut block = Block::from(*sample);
        self.0.encrypt_block(&mut block);
        let [a, b, c, d, e, ..]: [u8; SAMPLE_LEN] = block.into();
        [a, b, c, d, e]
    }
}
