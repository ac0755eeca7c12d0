//! X25519 with the checks of SPEC §5.1: canonical keys only, and no result of zeros. Two backends make the same bytes.

#[cfg(any(test, not(feature = "aws-lc")))]
mod portable;
#[cfg(feature = "aws-lc")]
mod with_aws_lc;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use zeroize::Zeroizing;

use super::NoiseError;
use crate::base::Entropy;

#[cfg(not(feature = "aws-lc"))]
use portable::Portable as Backend;
#[cfg(feature = "aws-lc")]
use with_aws_lc::WithAwsLc as Backend;

/// Bytes of a public key.
pub(in crate::crypto) const DH_LEN: usize = 32;

/// A secret for X25519, erased when it is dropped.
trait Secret: Sized {
    /// The secret with these bytes, which X25519 clamps.
    fn new(secret: &[u8; DH_LEN]) -> Self;

    /// Its public key.
    fn public(&self) -> [u8; DH_LEN];

    /// The shared secret; `None` if it is all zeros.
    fn agree(&self, remote: &[u8; DH_LEN]) -> Option<Zeroizing<[u8; DH_LEN]>>;
}

/// A secret and its public key. A copy is the same secret, held once.
#[derive(Clone)]
pub(in crate::crypto) struct KeyPair {
    secret: Arc<Backend>,
    public: [u8; DH_LEN],
}

impl KeyPair {
    pub(in crate::crypto) fn new(secret: &[u8; DH_LEN]) -> Self {
        let secret = Backend::new(secret);
        let public = secret.public();
        Self { secret: Arc::new(secret), public }
    }

    /// Draws 32 bytes.
    pub(super) fn generate(entropy: &mut dyn Entropy) -> Self {
        let mut secret = Zeroizing::new([0; DH_LEN]);
        entropy.fill(&mut *secret);
        Self::new(&secret)
    }

    pub(in crate::crypto) fn public(&self) -> &[u8; DH_LEN] {
        &self.public
    }

    pub(in crate::crypto) fn dh(
        &self,
        remote: &[u8; DH_LEN],
    ) -> Result<Zeroizing<[u8; DH_LEN]>, NoiseError> {
        self.secret.agree(remote).ok_or(NoiseError::NonContributory)
    }
}

/// Refuses second encodings: bit 255 set, or a coordinate of p = 2^255 - 19 or more.
pub(in crate::crypto) fn check_canonical(public: &[u8; DH_LEN]) -> Result<(), NoiseError> {
    let [low, middle @ .., high] = public;
    let at_least_p = *high == 0x7f && *low >= 0xed && middle.iter().all(|byte| *byte == 0xff);
    if *high > 0x7f || at_least_p { Err(NoiseError::PublicKey) } else { Ok(()) }
}
