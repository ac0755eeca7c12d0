//! Stateless reset tokens (SPEC §7.4, RFC 9000 §10.3).

use std::fmt;

use zeroize::Zeroizing;

use super::mac;
use crate::wire::ConnectionId;

/// Bytes of a token.
pub(crate) const TOKEN_LEN: usize = 16;

/// The secret from which an endpoint derives a token for each connection id it gives out.
pub(crate) struct ResetKey(Zeroizing<[u8; 32]>);

impl ResetKey {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// The token of a connection id.
    pub(crate) fn token(&self, connection_id: ConnectionId) -> [u8; TOKEN_LEN] {
        mac::truncated(&*self.0, &[b"srudp1 reset", connection_id.as_bytes()])
    }
}

/// A secret under which the peers' tokens can be looked up: how long that takes says nothing about a token that is nearly right
/// (RFC 9000 §10.3.1).
pub(crate) struct Veil(Zeroizing<[u8; 32]>);

impl Veil {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// What stands for this token.
    pub(crate) fn hide(&self, token: &[u8; TOKEN_LEN]) -> [u8; TOKEN_LEN] {
        mac::truncated(&*self.0, &[b"srudp1 veil", token])
    }
}

impl fmt::Debug for Veil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Veil")
    }
}

impl fmt::Debug for ResetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResetKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_id_and_key_has_its_own_token() {
        let key = ResetKey::new([1; 32]);
        let token = key.token([1; 8].into());
        assert_eq!(token, ResetKey::new([1; 32]).token([1; 8].into()));
        assert_ne!(token, key.token([2; 8].into()));
        assert_ne!(token, ResetKey::new([2; 32]).token([1; 8].into()));
    }
}
