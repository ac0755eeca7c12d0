//! AES-256 in assembly, several times as fast. AWS-LC erases what it frees.

use aws_lc_rs::aead::quic::{AES_256, HeaderProtectionKey};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::{Aead, KEY_LEN, MASK_LEN, Mask, NONCE_LEN, SAMPLE_LEN, TAG_LEN};

pub(crate) struct WithAwsLc(LessSafeKey);

impl Aead for WithAwsLc {
    fn new(key: &[u8; KEY_LEN]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("the key has the cipher's length");
        Self(LessSafeKey::new(key))
    }

    fn seal_to(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated: &[u8],
        text: &mut [u8],
        tag: &mut [u8; TAG_LEN],
    ) -> bool {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        self.0.seal_in_place_scatter(nonce, Aad::from(associated), text, &[], tag).is_ok()
    }

    fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> bool {
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let associated = Aad::from(associated);
        self.0.open_in_place_separate_tag(nonce, associated, tag, text).is_ok()
    }
}

pub(in crate::crypto) struct MaskWithAwsLc(HeaderProtectionKey);

impl Mask for MaskWithAwsLc {
    fn new(key: &[u8; KEY_LEN]) -> Self {
        Self(HeaderProtectionKey::new(&AES_256, key).expect("the key has the cipher's length"))
    }

    fn mask(&self, sample: &[u8; SAMPLE_LEN]) -> [u8; MASK_LEN] {
        self.0.new_mask(sample).expect("the sample has the cipher's length")
    }
}
