//! SymmetricState (Noise §5.2): the chaining key, the transcript hash and the current cipher.

use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::NoiseError;
use super::cipher::CipherState;

type Key = Zeroizing<[u8; 32]>;

#[derive(Clone)]
pub(super) struct SymmetricState {
    chaining_key: Key,
    hash: [u8; 32],
    cipher: CipherState,
}

impl SymmetricState {
    pub(super) fn initialize(protocol_name: &str) -> Self {
        let name = protocol_name.as_bytes();
        let mut hash = [0; 32];
        match hash.get_mut(..name.len()) {
            Some(start) => start.copy_from_slice(name),
            None => hash = Sha256::digest(name).into(),
        }
        Self { chaining_key: Zeroizing::new(hash), hash, cipher: CipherState::empty() }
    }

    pub(super) fn mix_key(&mut self, input: &[u8]) {
        let [chaining_key, key] = hkdf(&self.chaining_key, input);
        self.chaining_key = chaining_key;
        self.cipher = CipherState::with_key(key);
    }

    pub(super) fn mix_hash(&mut self, data: &[u8]) {
        let hash = Sha256::new().chain_update(self.hash).chain_update(data);
        self.hash = hash.finalize().into();
    }

    pub(super) fn mix_key_and_hash(&mut self, input: &[u8]) {
        let [chaining_key, hash, key] = hkdf(&self.chaining_key, input);
        self.chaining_key = chaining_key;
        self.mix_hash(&*hash);
        self.cipher = CipherState::with_key(key);
    }

    /// Appends the ciphertext to `out`.
    pub(super) fn encrypt_and_hash(
        &mut self,
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), NoiseError> {
        let start = out.len();
        self.cipher.encrypt_with_ad(&self.hash, plaintext, out)?;
        let (_, ciphertext) = out.split_at(start);
        self.mix_hash(ciphertext);
        Ok(())
    }

    pub(super) fn decrypt_and_hash(
        &mut self,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, NoiseError> {
        let plaintext = self.cipher.decrypt_with_ad(&self.hash, ciphertext)?;
        self.mix_hash(ciphertext);
        Ok(plaintext)
    }

    /// How much longer the next ciphertext is than its plaintext.
    pub(super) fn overhead(&self) -> usize {
        self.cipher.overhead()
    }

    /// The two transport keys, initiator's first, and the handshake hash.
    pub(super) fn split(&self) -> (Key, Key, [u8; 32]) {
        let [k1, k2] = hkdf(&self.chaining_key, &[]);
        (k1, k2, self.hash)
    }
}

/// HKDF of Noise §4.3, which is RFC 5869 with the chaining key as salt and an empty info.
fn hkdf<const N: usize>(chaining_key: &Key, input: &[u8]) -> [Key; N] {
    const { assert!(N <= 3) }
    let mut output = Zeroizing::new([[0; 32]; N]);
    let hkdf = Hkdf::<Sha256>::new(Some(&**chaining_key), input);
    hkdf.expand(&[], output.as_flattened_mut())
        .expect("three blocks are within HKDF's limit of 255");
    std::array::from_fn(|i| Zeroizing::new(output[i]))
}
