//! AEGIS-256X4 (RFC 10032), in C with the instructions that the processor has.
//!
//! A seal or an open writes key and nonce to the stack, and nobody erases them there: the crate that calls C has no such type.

use aegis::aegis256x4::Aegis256X4;
use zeroize::Zeroizing;

use super::{Aead, KEY_LEN, TAG_LEN};
use crate::wire::CipherMap;

/// Bytes of a nonce.
pub(crate) const NONCE_LEN: usize = 32;

/// An AEGIS-256X4 key. It has no other form than its bytes, which are erased when it is dropped.
pub(crate) struct WithAegis(Zeroizing<[u8; KEY_LEN]>);

impl Aead<NONCE_LEN> for WithAegis {
    fn new(key: &[u8; KEY_LEN]) -> Self {
        Self(Zeroizing::new(*key))
    }

    fn seal_to(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated: &[u8],
        text: &mut [u8],
        tag: &mut [u8; TAG_LEN],
    ) -> bool {
        *tag = Aegis256X4::new(&self.0, nonce).encrypt_in_place(text, associated);
        true
    }

    fn open(
        &self,
        nonce: &[u8; NONCE_LEN],
        associated: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> bool {
        Aegis256X4::new(&self.0, nonce).decrypt_in_place(text, tag, associated).is_ok()
    }
}

/// AEGIS-256X4 where the processor has the AES round as an instruction; in software it is no faster than AES-256-GCM.
pub(crate) fn fast_ciphers() -> CipherMap {
    if has_aes() { CipherMap::AEGIS_256X4 } else { CipherMap::NONE }
}

#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn has_aes() -> bool {
    std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("avx")
}

#[cfg(target_arch = "aarch64")]
fn has_aes() -> bool {
    std::arch::is_aarch64_feature_detected!("aes")
}

#[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
fn has_aes() -> bool {
    false
}
