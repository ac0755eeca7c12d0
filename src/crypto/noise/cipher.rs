//! CipherState (Noise §5.1): a key and a nonce that counts.

use zeroize::{Zeroize, Zeroizing};

use super::NoiseError;
use crate::crypto::aead::{Aead, NONCE_LEN, RecordKey, TAG_LEN};

#[derive(Clone)]
pub(super) struct CipherState {
    key: Option<Zeroizing<[u8; 32]>>,
    nonce: u64,
}

impl CipherState {
    pub(super) fn empty() -> Self {
        Self { key: None, nonce: 0 }
    }

    pub(super) fn with_key(key: Zeroizing<[u8; 32]>) -> Self {
        Self { key: Some(key), nonce: 0 }
    }

    /// Appends the ciphertext to `out`, or the plaintext as long as there is no key.
    pub(super) fn encrypt_with_ad(
        &mut self,
        associated: &[u8],
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), NoiseError> {
        let start = out.len();
        out.extend_from_slice(plaintext);
        let Some(key) = &self.key else { return Ok(()) };
        let (_, text) = out.split_at_mut(start);
        let tag = RecordKey::new(key)
            .seal(&nonce_bytes(self.nonce), associated, text)
            .ok_or(NoiseError::OutOfTurn)?;
        out.extend_from_slice(&tag);
        self.nonce += 1;
        Ok(())
    }

    pub(super) fn decrypt_with_ad(
        &mut self,
        associated: &[u8],
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, NoiseError> {
        let Some(key) = &self.key else { return Ok(Zeroizing::new(ciphertext.to_vec())) };
        let (text, tag) = ciphertext.split_last_chunk::<TAG_LEN>().ok_or(NoiseError::Short)?;
        let mut text = Zeroizing::new(text.to_vec());
        if !RecordKey::new(key).open(&nonce_bytes(self.nonce), associated, &mut text, tag) {
            text.zeroize();
            return Err(NoiseError::Decrypt);
        }
        self.nonce += 1;
        Ok(text)
    }

    /// How much longer a ciphertext is than its plaintext.
    pub(super) fn overhead(&self) -> usize {
        if self.key.is_some() { TAG_LEN } else { 0 }
    }
}

/// AESGCM of Noise §12.3: 32 zero bits, then the counter.
fn nonce_bytes(counter: u64) -> [u8; NONCE_LEN] {
    let mut nonce = [0; NONCE_LEN];
    let (_, low) = nonce.split_at_mut(4);
    low.copy_from_slice(&counter.to_be_bytes());
    nonce
}
