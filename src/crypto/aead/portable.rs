//! AES-256-GCM in pure Rust: constant time, and erased when dropped.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};

use super::{Aead, KEY_LEN, NONCE_LEN, TAG_LEN};

pub(crate) struct Portable(Aes256Gcm);

impl Aead for Portable {
    fn new(key: &[u8; KEY_LEN]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    fn seal_to(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated: &[u8],
        text: &mut [u8],
        tag: &mut [u8; TAG_LEN],
    ) -> bool {
        let made = self.0.encrypt_inout_detached(nonce.into(), associated, text.into());
        made.map(|made| *tag = made.into()).is_ok()
    }

    fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> bool {
        self.0.decrypt_inout_detached(nonce.into(), associated, text.into(), tag.into()).is_ok()
    }
}
