//! ML-KEM-768 by the crate `libcrux-ml-kem`: verified, constant time, and vectorized where the processor can.

use std::sync::Arc;

use libcrux_ml_kem::mlkem768::{
    self, MlKem768Ciphertext, MlKem768PrivateKey, MlKem768PublicKey, validate_public_key,
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::CIPHERTEXT_LEN;
use crate::base::Entropy;
use crate::crypto::noise::NoiseError;

/// Shared, because a handshake is copied before each message that it tries to read.
#[derive(Clone)]
pub(in crate::crypto) struct DecapsulationKey(Arc<Erased>);

/// The crate does not erase its keys.
struct Erased(MlKem768PrivateKey);

impl Drop for Erased {
    fn drop(&mut self) {
        self.0[0..].zeroize();
    }
}

impl ZeroizeOnDrop for Erased {}

impl DecapsulationKey {
    /// Draws the 64 bytes d ‖ z of FIPS 203 §7.1. Returns the encoded encapsulation key too.
    pub(in crate::crypto) fn generate(
        entropy: &mut dyn Entropy,
    ) -> Result<(Self, Vec<u8>), NoiseError> {
        let mut seed = Zeroizing::new([0; 64]);
        entropy.fill(&mut *seed);
        let (secret, public) = mlkem768::generate_key_pair(*seed).into_parts();
        Ok((Self(Arc::new(Erased(secret))), public.as_slice().to_vec()))
    }

    /// A ciphertext that was not made for this key gives another secret, as FIPS 203 wants it.
    pub(in crate::crypto) fn decapsulate(
        &self,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, NoiseError> {
        let ciphertext: &[u8; CIPHERTEXT_LEN] =
            ciphertext.try_into().map_err(|_| NoiseError::Short)?;
        let ciphertext = MlKem768Ciphertext::from(ciphertext);
        Ok(Zeroizing::new(mlkem768::decapsulate(&self.0.0, &ciphertext)))
    }
}

/// The other side's key, checked.
#[derive(Clone)]
pub(in crate::crypto) struct EncapsulationKey(Arc<MlKem768PublicKey>);

impl EncapsulationKey {
    /// Makes the modulus check of FIPS 203 §7.2.
    pub(in crate::crypto) fn from_bytes(bytes: &[u8]) -> Result<Self, NoiseError> {
        let key = MlKem768PublicKey::try_from(bytes).map_err(|_| NoiseError::Short)?;
        match validate_public_key(&key) {
            true => Ok(Self(Arc::new(key))),
            false => Err(NoiseError::EncapsulationKey),
        }
    }

    /// Draws the 32 bytes m of FIPS 203 §7.2. Returns the ciphertext and the shared secret.
    pub(in crate::crypto) fn encapsulate(
        &self,
        entropy: &mut dyn Entropy,
    ) -> Result<(Vec<u8>, Zeroizing<[u8; 32]>), NoiseError> {
        let mut message = Zeroizing::new([0; 32]);
        entropy.fill(&mut *message);
        let (ciphertext, secret) = mlkem768::encapsulate(&self.0, *message);
        Ok((ciphertext.as_slice().to_vec(), Zeroizing::new(secret)))
    }
}

#[cfg(test)]
mod tests {
    use ml_kem::kem::{Decapsulate, KeyExport};
    use ml_kem::ml_kem_768;

    use super::*;
    use crate::base::SeededEntropy;

    fn erased<T: ZeroizeOnDrop>() {}

    fn drawn<const N: usize>(entropy: &mut dyn Entropy) -> [u8; N] {
        entropy.array()
    }

    #[test]
    fn another_implementation_makes_the_same_bytes() {
        erased::<Erased>();
        for seed in 0..8 {
            let entropy = || SeededEntropy::new(seed);
            let (own, public) = DecapsulationKey::generate(&mut entropy()).unwrap();
            let other = ml_kem_768::DecapsulationKey::from_seed(drawn::<64>(&mut entropy()).into());
            assert_eq!(public, other.encapsulation_key().to_bytes().to_vec());

            let key = EncapsulationKey::from_bytes(&public).unwrap();
            let (mut ciphertext, secret) = key.encapsulate(&mut entropy()).unwrap();
            let message = drawn::<32>(&mut entropy()).into();
            let (theirs, shared) = other.encapsulation_key().encapsulate_deterministic(&message);
            assert_eq!((&ciphertext[..], &secret[..]), (&theirs[..], &shared[..]));

            ciphertext[3] ^= 1;
            let rejected = other.decapsulate((&ciphertext[..]).try_into().unwrap());
            assert_eq!(own.decapsulate(&ciphertext).unwrap()[..], rejected[..]);
        }
    }
}
