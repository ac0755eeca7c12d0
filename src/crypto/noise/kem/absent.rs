//! A build without ML-KEM: no key exists, and whoever asks for one is told so.

use zeroize::Zeroizing;

use crate::base::Entropy;
use crate::crypto::noise::NoiseError;

#[derive(Clone)]
pub(in crate::crypto) enum DecapsulationKey {}

impl DecapsulationKey {
    pub(in crate::crypto) fn generate(
        _entropy: &mut dyn Entropy,
    ) -> Result<(Self, Vec<u8>), NoiseError> {
        Err(NoiseError::Unsupported)
    }

    pub(in crate::crypto) fn decapsulate(
        &self,
        _ciphertext: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, NoiseError> {
        match *self {}
    }
}

#[derive(Clone)]
pub(in crate::crypto) enum EncapsulationKey {}

impl EncapsulationKey {
    pub(in crate::crypto) fn from_bytes(_bytes: &[u8]) -> Result<Self, NoiseError> {
        Err(NoiseError::Unsupported)
    }

    pub(in crate::crypto) fn encapsulate(
        &self,
        _entropy: &mut dyn Entropy,
    ) -> Result<(Vec<u8>, Zeroizing<[u8; 32]>), NoiseError> {
        match *self {}
    }
}
