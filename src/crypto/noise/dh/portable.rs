//! X25519 in pure Rust.

use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::{DH_LEN, Secret};

pub(super) struct Portable(StaticSecret);

impl Secret for Portable {
    fn new(secret: &[u8; DH_LEN]) -> Self {
        Self(StaticSecret::from(*secret))
    }

    fn public(&self) -> [u8; DH_LEN] {
        PublicKey::from(&self.0).to_bytes()
    }

    fn agree(&self, remote: &[u8; DH_LEN]) -> Option<Zeroizing<[u8; DH_LEN]>> {
        let shared = self.0.diffie_hellman(&PublicKey::from(*remote));
        shared.was_contributory().then(|| Zeroizing::new(shared.to_bytes()))
    }
}
