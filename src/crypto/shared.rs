//! Keys that two peers have in common because each knows the other's id and what both have said (SPEC §18.4).

use std::fmt;

use zeroize::Zeroizing;

use super::aead::{Aead, RecordKey};
use super::{Identity, PeerId, mac};

/// Bytes of a nonce that each side contributes.
pub(crate) const SHARE_LEN: usize = 16;

/// What two peers need to find each other: keys of the checks, and the punch key of SPEC §4.2. Erased when dropped.
#[derive(Clone)]
pub(crate) struct PunchSecrets {
    secret: Zeroizing<[u8; 32]>,
    /// Our id is the smaller one.
    first: bool,
}

impl PunchSecrets {
    /// From the static keys and the nonces of both. `None` for a peer id that is our own, or that gives no secret.
    pub(crate) fn new(
        identity: &Identity,
        peer: &PeerId,
        ours: &[u8; SHARE_LEN],
        theirs: &[u8; SHARE_LEN],
    ) -> Option<Self> {
        let own = identity.peer_id();
        if own == *peer {
            return None;
        }
        let dh = identity.static_keys().dh(peer.static_public()).ok()?;
        let first = own < *peer;
        let mut sides = [(own, ours), (*peer, theirs)];
        sides.sort_unstable_by_key(|(id, _)| *id);
        let [(a, of_a), (b, of_b)] = sides;
        let parts: [&[u8]; 5] = [b"srudp1 punch", a.as_bytes(), b.as_bytes(), of_a, of_b];
        Some(Self { secret: Zeroizing::new(mac::hmac(&*dh, &parts)), first })
    }

    /// From a secret that only both know: a connection gives it. `None` for a peer id that is our own.
    pub(crate) fn agreed(own: &PeerId, peer: &PeerId, secret: &[u8; 32]) -> Option<Self> {
        let secret = Zeroizing::new(mac::hmac(secret, &[b"srudp1 punch"]));
        (own != peer).then_some(Self { secret, first: own < peer })
    }

    /// Whether our id is the smaller one: then we decide which path is taken.
    pub(crate) fn is_first(&self) -> bool {
        self.first
    }

    /// The key of our checks, and of the peer's.
    pub(crate) fn check_keys(&self) -> (CheckKey, CheckKey) {
        let [first, second] = [&b"first"[..], b"second"]
            .map(|label| CheckKey::new(&Zeroizing::new(mac::hmac(&*self.secret, &[label]))));
        if self.first { (first, second) } else { (second, first) }
    }

    /// The punch key (SPEC §4.2).
    pub(crate) fn punch_key(&self) -> [u8; 16] {
        mac::truncated(&*self.secret, &[b"knock"])
    }

    /// Eight bytes that only we know, and that always belong to these.
    pub(crate) fn token(own: &[u8; 32], parts: &[&[u8]]) -> [u8; 8] {
        mac::truncated(own, parts)
    }
}

impl fmt::Debug for PunchSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PunchSecrets")
    }
}

/// Seals small messages with nonces that never repeat.
pub(crate) struct CheckKey(RecordKey);

impl CheckKey {
    fn new(key: &[u8; 32]) -> Self {
        Self(RecordKey::new(key))
    }

    /// Encrypts in place, and returns the tag.
    pub(crate) fn seal(&self, nonce: &[u8; 12], text: &mut [u8]) -> Option<[u8; 16]> {
        self.0.seal(nonce, &[], text)
    }

    /// Decrypts in place if the tag is right.
    #[must_use]
    pub(crate) fn open(&self, nonce: &[u8; 12], text: &mut [u8], tag: &[u8; 16]) -> bool {
        self.0.open(nonce, &[], text, tag)
    }
}

impl fmt::Debug for CheckKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_have_the_same_secrets_and_a_third_has_others() {
        let [a, b, c] = [1, 2, 3].map(|seed| Identity::from_secret_bytes([seed; 32]));
        let (of_a, of_b) = ([1; 16], [2; 16]);
        let at_a = PunchSecrets::new(&a, &b.peer_id(), &of_a, &of_b).unwrap();
        let at_b = PunchSecrets::new(&b, &a.peer_id(), &of_b, &of_a).unwrap();
        assert_eq!(at_a.punch_key(), at_b.punch_key());
        assert_ne!(at_a.is_first(), at_b.is_first());
        let mut text = *b"check";
        let tag = at_a.check_keys().0.seal(&[0; 12], &mut text).unwrap();
        let mut reflected = text;
        assert!(!at_a.check_keys().1.open(&[0; 12], &mut reflected, &tag));
        assert!(at_b.check_keys().1.open(&[0; 12], &mut text, &tag));
        assert_eq!(&text, b"check");
        let at_c = PunchSecrets::new(&c, &b.peer_id(), &of_a, &of_b).unwrap();
        assert_ne!(at_c.punch_key(), at_b.punch_key(), "who read the nonces knows nothing");
        let later = PunchSecrets::new(&a, &b.peer_id(), &[3; 16], &of_b).unwrap();
        assert_ne!(later.punch_key(), at_a.punch_key());
        assert!(PunchSecrets::new(&a, &a.peer_id(), &of_a, &of_b).is_none());
    }
}
