//! A message to one peer that others carry: they can drop it, and nothing else (SPEC §18.2).
//!
//! Noise X hides it and its sender from the carrier. The signature inside binds the ids, of which two share each X25519 key, and keeps
//! somebody who has stolen the receiver's key from writing to it in the name of others.

use zeroize::Zeroizing;

use super::noise::{HandshakeState, Keys, pattern};
use super::{Identity, PeerId};
use crate::base::Entropy;

const LABEL: &[u8] = b"srudp1 sealed";

/// Bytes that sealing adds: two keys and their tag, the sender's id, the signature, the last tag.
pub(crate) const SEALED_OVERHEAD: usize = 32 + 32 + 16 + 32 + 64 + 16;

/// Seals a message for a peer. `None` only if the peer is ourselves.
pub(crate) fn seal_for(
    identity: &Identity,
    to: &PeerId,
    message: &[u8],
    entropy: &mut dyn Entropy,
) -> Option<Vec<u8>> {
    let keys =
        Keys { local: Some(identity.static_keys().clone()), remote: Some(*to.static_public()) };
    let mut noise = HandshakeState::initialize(&pattern::X, true, &prologue(to), keys).ok()?;
    let from = identity.peer_id();
    let mut payload = Zeroizing::new(Vec::with_capacity(SEALED_OVERHEAD + message.len()));
    payload.extend_from_slice(from.as_bytes());
    payload.extend_from_slice(&identity.sign(&signed(&from, to, message)));
    payload.extend_from_slice(message);
    noise.write_message(&payload, entropy).ok()
}

/// Opens a message for us, and says from whom it is.
pub(crate) fn open_from(
    identity: &Identity,
    sealed: &[u8],
) -> Option<(PeerId, Zeroizing<Vec<u8>>)> {
    let to = identity.peer_id();
    let keys = Keys { local: Some(identity.static_keys().clone()), remote: None };
    let mut noise = HandshakeState::initialize(&pattern::X, false, &prologue(&to), keys).ok()?;
    let payload = noise.read_message(sealed).ok()?;
    let (id, rest) = payload.split_first_chunk()?;
    let (signature, message) = rest.split_first_chunk()?;
    let from = PeerId::from_bytes(id).ok()?;
    let same_key = noise.remote_static() == Some(from.static_public());
    let holds = same_key && from.verify(&signed(&from, &to, message), signature);
    holds.then(|| (from, Zeroizing::new(message.to_vec())))
}

fn prologue(to: &PeerId) -> Vec<u8> {
    [LABEL, to.as_bytes()].concat()
}

fn signed(from: &PeerId, to: &PeerId, message: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([LABEL, from.as_bytes(), to.as_bytes(), message].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SeededEntropy;

    fn identities() -> [Identity; 3] {
        [1, 2, 3].map(|seed| Identity::from_secret_bytes([seed; 32]))
    }

    fn seal(from: &Identity, to: &Identity) -> Vec<u8> {
        seal_for(from, &to.peer_id(), b"message", &mut SeededEntropy::new(1)).unwrap()
    }

    #[test]
    fn only_the_receiver_opens_it_and_learns_from_whom_it_is() {
        let [a, b, c] = identities();
        let sealed = seal(&a, &b);
        assert_eq!(sealed.len(), SEALED_OVERHEAD + 7);
        let (from, message) = open_from(&b, &sealed).unwrap();
        assert_eq!((from, &message[..]), (a.peer_id(), &b"message"[..]));
        for other in [&a, &c] {
            assert!(open_from(other, &sealed).is_none());
        }
        for id in [a.peer_id(), b.peer_id()] {
            let seen = sealed.windows(32).any(|window| window == id.as_bytes());
            assert!(!seen, "the carrier sees who writes to whom");
        }
    }

    #[test]
    fn whoever_changes_or_cuts_it_destroys_it() {
        let [a, b, _] = identities();
        let sealed = seal(&a, &b);
        for at in 0..sealed.len() {
            let mut other = sealed.clone();
            other[at] ^= 1;
            assert!(open_from(&b, &other).is_none(), "byte {at}");
            assert!(open_from(&b, &sealed[..at]).is_none(), "{at} bytes");
        }
    }

    #[test]
    fn a_thief_of_the_receivers_key_cannot_write_to_it_in_the_name_of_others() {
        let [a, b, _] = identities();
        // It can compute the Diffie-Hellman values, but not the signature.
        let thief = b.clone();
        let forged_id = a.peer_id();
        let mut payload = forged_id.as_bytes().to_vec();
        payload.extend_from_slice(&thief.sign(&signed(&forged_id, &b.peer_id(), b"message")));
        payload.extend_from_slice(b"message");
        let keys = Keys {
            local: Some(a.static_keys().clone()),
            remote: Some(*b.peer_id().static_public()),
        };
        let mut noise =
            HandshakeState::initialize(&pattern::X, true, &prologue(&b.peer_id()), keys).unwrap();
        let sealed = noise.write_message(&payload, &mut SeededEntropy::new(1)).unwrap();
        assert!(open_from(&b, &sealed).is_none());
    }

    #[test]
    fn the_twin_with_the_same_static_key_cannot_be_named_instead() {
        let [a, b, _] = identities();
        let mut twin = *a.peer_id().as_bytes();
        twin[31] ^= 0x80;
        let twin = PeerId::from_bytes(&twin).unwrap();
        let sealed = seal(&b, &a);
        assert!(open_from(&a, &sealed).is_some());
        let for_twin = seal_for(&b, &twin, b"message", &mut SeededEntropy::new(1)).unwrap();
        assert!(open_from(&a, &for_twin).is_none());
    }
}
