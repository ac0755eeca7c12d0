//! The key pair that a peer owns (SPEC §1.1).

use std::fmt;

use ed25519_dalek::{Signer, SigningKey};
use zeroize::Zeroizing;

use super::noise::dh::KeyPair;
use super::peer_id::PeerId;
use crate::base::Entropy;

/// An Ed25519 key pair: what makes a peer the peer that others dial.
///
/// The secret is erased when the value is dropped, and never printed.
///
/// ```
/// use srudp::Identity;
///
/// let me = Identity::from_secret_bytes([7; 32]);
/// let signature = me.sign(b"an offer");
/// assert!(me.peer_id().verify(b"an offer", &signature));
/// ```
#[derive(Clone)]
pub struct Identity {
    signing: SigningKey,
    /// The X25519 form: the Noise static key (SPEC §1.1). X25519 itself clamps it.
    agreeing: KeyPair,
}

impl Identity {
    /// A new identity from 32 bytes of the source, which must be unpredictable.
    pub fn from_entropy(entropy: &mut dyn Entropy) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        entropy.fill(&mut *seed);
        Self::of(&seed)
    }

    /// The identity whose secret was stored with [`secret_bytes`](Self::secret_bytes).
    ///
    /// Every 32 bytes are a secret: this is the seed of RFC 8032 §5.1.5.
    pub fn from_secret_bytes(seed: [u8; 32]) -> Self {
        let seed = Zeroizing::new(seed);
        Self::of(&seed)
    }

    fn of(seed: &[u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(seed);
        let agreeing = KeyPair::new(&Zeroizing::new(signing.to_scalar_bytes()));
        Self { signing, agreeing }
    }

    /// The secret, to be stored where nobody else reads it.
    pub fn secret_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.signing.to_bytes())
    }

    /// The public key: the name under which others dial this peer.
    pub fn peer_id(&self) -> PeerId {
        // An honest Ed25519 public key is a canonical point of large order.
        PeerId::of(&self.signing.verifying_key(), self.agreeing.public())
    }

    /// An Ed25519 signature (RFC 8032) over the message.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }

    /// The Noise static key (SPEC §1.1).
    pub(super) fn static_keys(&self) -> &KeyPair {
        &self.agreeing
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("peer_id", &self.peer_id()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SeededEntropy;

    #[test]
    fn the_static_secret_belongs_to_the_static_public_key_of_the_peer_id() {
        for seed in 0..16 {
            let identity = Identity::from_entropy(&mut SeededEntropy::new(seed));
            let read = PeerId::from_bytes(identity.peer_id().as_bytes()).unwrap();
            assert_eq!(identity.static_keys().public(), read.static_public());
        }
    }

    #[test]
    fn a_stored_secret_gives_the_same_identity() {
        let identity = Identity::from_entropy(&mut SeededEntropy::new(1));
        let restored = Identity::from_secret_bytes(*identity.secret_bytes());
        assert_eq!(identity.peer_id(), restored.peer_id());
        assert_eq!(identity.sign(b"x"), restored.sign(b"x"));
    }

    #[test]
    fn debug_does_not_print_secrets() {
        let identity = Identity::from_secret_bytes([0xa5; 32]);
        let text = format!("{identity:?}");
        assert!(text.contains(&identity.peer_id().to_string()));
        assert!(!text.contains("165") && !text.to_lowercase().contains("a5a5"));
    }
}
