//! Stateless reset tokens (SPEC §7.4, RFC 9000 §10.3).

use std::fmt;

use zeroize::Zeroizing;

use super::mac;

/// Bytes of a token.
pub(crate) const TOKEN_LEN: usize = 16;

/// The secret from which an endpoint derives a token for each connection id it gives out.
pub(crate) struct ResetKey(Zeroizing<[u8; 32]>);

impl ResetKey {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// The token of a connection id.
    pub(crate) fn token(&self, connection_id: &[u8; 8]) -> [u8; TOKEN_LEN] {
        mac::truncated(&*self.0, &[b"srudp1 reset", connection_id])
    }
}

/// Whether two tokens are the same, in a time that tells nothing about where they differ.
pub(crate) fn tokens_equal(a: &[u8; TOKEN_LEN], b: &[u8; TOKEN_LEN]) -> bool {
    mac::equal(a, b)
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
        assert!(tokens_equal(&key.token(&[1; 8]), &ResetKey::new([1; 32]).token(&[1; 8])));
        assert!(!tokens_equal(&key.token(&[1; 8]), &key.token(&[2; 8])));
        assert!(!tokens_equal(&key.token(&[1; 8]), &ResetKey::new([2; 32]).token(&[1; 8])));
    }
}
