//! X25519 with the checks of SPEC §5.1: canonical keys only, and no result of zeros.

use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::NoiseError;
use crate::base::Entropy;

/// Bytes of a public key.
pub(in crate::crypto) const DH_LEN: usize = 32;

/// A secret and its public key.
#[derive(Clone)]
pub(in crate::crypto) struct KeyPair {
    secret: StaticSecret,
    public: [u8; DH_LEN],
}

impl KeyPair {
    pub(in crate::crypto) fn new(secret: StaticSecret) -> Self {
        let public = PublicKey::from(&secret).to_bytes();
        Self { secret, public }
    }

    /// Draws 32 bytes.
    pub(super) fn generate(entropy: &mut dyn Entropy) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        entropy.fill(&mut *secret);
        Self::new(StaticSecret::from(*secret))
    }

    pub(in crate::crypto) fn public(&self) -> &[u8; DH_LEN] {
        &self.public
    }

    pub(in crate::crypto) fn dh(
        &self,
        remote: &[u8; DH_LEN],
    ) -> Result<Zeroizing<[u8; 32]>, NoiseError> {
        let shared = self.secret.diffie_hellman(&PublicKey::from(*remote));
        if !shared.was_contributory() {
            return Err(NoiseError::NonContributory);
        }
        Ok(Zeroizing::new(shared.to_bytes()))
    }
}

/// Refuses second encodings: bit 255 set, or a coordinate of p = 2^255 - 19 or more.
pub(in crate::crypto) fn check_canonical(public: &[u8; DH_LEN]) -> Result<(), NoiseError> {
    let [low, middle @ .., high] = public;
    let at_least_p = *high == 0x7f && *low >= 0xed && middle.iter().all(|byte| *byte == 0xff);
    if *high > 0x7f || at_least_p { Err(NoiseError::PublicKey) } else { Ok(()) }
}
