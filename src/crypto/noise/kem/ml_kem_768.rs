//! ML-KEM-768 by the crate `ml-kem`.

use std::sync::Arc;

use ml_kem::kem::{Decapsulate, KeyExport};
use ml_kem::{B32, Seed, ml_kem_768};
use zeroize::{Zeroize, Zeroizing};

use crate::base::Entropy;
use crate::crypto::noise::NoiseError;

/// Shared, because a handshake is copied before each message that it tries to read.
#[derive(Clone)]
pub(in crate::crypto) struct DecapsulationKey(Arc<ml_kem_768::DecapsulationKey>);

impl DecapsulationKey {
    /// Draws the 64 bytes d ‖ z of FIPS 203 §7.1. Returns the encoded encapsulation key too.
    pub(in crate::crypto) fn generate(
        entropy: &mut dyn Entropy,
    ) -> Result<(Self, Vec<u8>), NoiseError> {
        let mut seed = Seed::default();
        entropy.fill(&mut seed);
        let key = ml_kem_768::DecapsulationKey::from_seed(seed);
        seed.zeroize();
        let public = key.encapsulation_key().to_bytes().to_vec();
        Ok((Self(Arc::new(key)), public))
    }

    /// A ciphertext that was not made for this key gives another secret, as FIPS 203 wants it.
    pub(in crate::crypto) fn decapsulate(
        &self,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, NoiseError> {
        let ciphertext = ciphertext.try_into().map_err(|_| NoiseError::Short)?;
        let mut shared = self.0.decapsulate(ciphertext);
        let secret = Zeroizing::new(shared.into());
        shared.zeroize();
        Ok(secret)
    }
}

/// The other side's key, checked.
#[derive(Clone)]
pub(in crate::crypto) struct EncapsulationKey(Arc<ml_kem_768::EncapsulationKey>);

impl EncapsulationKey {
    /// Makes the modulus check of FIPS 203 §7.2.
    pub(in crate::crypto) fn from_bytes(bytes: &[u8]) -> Result<Self, NoiseError> {
        let bytes = bytes.try_into().map_err(|_| NoiseError::Short)?;
        let key = ml_kem_768::EncapsulationKey::new(bytes);
        key.map(|key| Self(Arc::new(key))).map_err(|_| NoiseError::EncapsulationKey)
    }

    /// Draws the 32 bytes m of FIPS 203 §7.2. Returns the ciphertext and the shared secret.
    pub(in crate::crypto) fn encapsulate(
        &self,
        entropy: &mut dyn Entropy,
    ) -> Result<(Vec<u8>, Zeroizing<[u8; 32]>), NoiseError> {
        let mut message = B32::default();
        entropy.fill(&mut message);
        let (ciphertext, mut shared) = self.0.encapsulate_deterministic(&message);
        message.zeroize();
        let secret = Zeroizing::new(shared.into());
        shared.zeroize();
        Ok((ciphertext.to_vec(), secret))
    }
}
