//! The name of a peer: a canonical Ed25519 public key that is not of small order (SPEC §1.1).

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use data_encoding::{BASE32_NOPAD, DecodeKind};
use ed25519_dalek::{Signature, VerifyingKey};

/// Characters of a peer id in text.
const TEXT_LEN: usize = 52;

/// A peer's public key, which is also its address in every API of this crate.
///
/// In text it is 52 characters of lower-case base32; readers accept upper case. A value of this type always holds a
/// valid key: the bytes were checked when it was made.
///
/// ```
/// use srudp::{Identity, PeerId};
///
/// let id = Identity::from_secret_bytes([7; 32]).peer_id();
/// let read: PeerId = id.to_string().parse()?;
/// assert_eq!(read, id);
/// # Ok::<(), srudp::PeerIdError>(())
/// ```
#[derive(Clone, Copy)]
pub struct PeerId {
    bytes: [u8; 32],
    /// The X25519 form. To make it takes longer than many a message, and every dial needs it.
    static_public: [u8; 32],
}

impl PeerId {
    /// Checks that the bytes are a usable public key.
    ///
    /// # Errors
    /// When they are no point of the curve, not its one canonical encoding, or a point of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, PeerIdError> {
        let static_public = decode(bytes)?.to_montgomery().to_bytes();
        Ok(Self { bytes: *bytes, static_public })
    }

    /// The name of who has this key, the X25519 form of which is known.
    pub(super) fn of(key: &VerifyingKey, static_public: &[u8; 32]) -> Self {
        Self { bytes: key.to_bytes(), static_public: *static_public }
    }

    /// The 32 bytes of the public key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// Whether the owner of this key made the signature over the message.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        VerifyingKey::from_bytes(&self.bytes)
            .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
    }

    /// The X25519 form of the key: its Noise static key. Two peer ids share each.
    pub(crate) fn static_public(&self) -> &[u8; 32] {
        &self.static_public
    }
}

// The bytes say which key it is; the other form follows from them, and another peer's may be the same.

impl PartialEq for PeerId {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for PeerId {}

impl PartialOrd for PeerId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PeerId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl Hash for PeerId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

/// The key, if it is a usable one in its canonical encoding.
fn decode(bytes: &[u8; 32]) -> Result<VerifyingKey, PeerIdError> {
    let key = VerifyingKey::from_bytes(bytes).map_err(|_| PeerIdError::NotAKey)?;
    if !has_canonical_y(bytes) {
        return Err(PeerIdError::NotCanonical);
    }
    if key.is_weak() {
        return Err(PeerIdError::SmallOrder);
    }
    Ok(key)
}

/// Decoding accepts aliases (RFC 8032 §5.1.3 forbids them): y of p = 2^255 - 19 or more. The others, a sign on x = 0, are points of small order.
fn has_canonical_y(bytes: &[u8; 32]) -> bool {
    let [low, middle @ .., high] = bytes;
    *low < 0xed || *high | 0x80 != 0xff || middle.iter().any(|byte| *byte != 0xff)
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = BASE32_NOPAD.encode(&self.bytes);
        text.make_ascii_lowercase();
        f.pad(&text)
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerId({self})")
    }
}

impl FromStr for PeerId {
    type Err = PeerIdError;

    fn from_str(text: &str) -> Result<Self, PeerIdError> {
        if let Some((position, found)) = text
            .chars()
            .enumerate()
            .find(|(_, found)| !matches!(found, 'a'..='z' | 'A'..='Z' | '2'..='7'))
        {
            return Err(PeerIdError::Character { found, position });
        }
        if text.len() != TEXT_LEN {
            return Err(PeerIdError::Length { found: text.len() });
        }
        let mut bytes = [0; 32];
        BASE32_NOPAD.decode_mut(text.to_ascii_uppercase().as_bytes(), &mut bytes).map_err(
            |partial| match partial.error.kind {
                DecodeKind::Length => PeerIdError::Length { found: text.len() },
                _ => PeerIdError::NotCanonical,
            },
        )?;
        Self::from_bytes(&bytes)
    }
}

/// Why a text or 32 bytes are no peer id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerIdError {
    /// The text has another length than 52 characters.
    Length {
        /// Its length in characters.
        found: usize,
    },
    /// The text holds a character that base32 does not have.
    Character {
        /// The first such character.
        found: char,
        /// How many characters stand before it.
        position: usize,
    },
    /// The bytes are no point of the curve.
    NotAKey,
    /// Another encoding of a key whose one valid encoding looks different.
    NotCanonical,
    /// A key of small order: anybody could answer for it.
    SmallOrder,
}

impl fmt::Display for PeerIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { found } => write!(
                f,
                "a peer id has {TEXT_LEN} characters, this text has {found}; copy the whole id"
            ),
            Self::Character { found, position } => write!(
                f,
                "{found:?} after {position} characters is not part of a peer id; use only a-z and 2-7"
            ),
            Self::NotAKey => {
                f.write_str("these characters are no public key; ask the peer for its id again")
            }
            Self::NotCanonical => {
                f.write_str("this is not how the key is written; ask the peer for its id again")
            }
            Self::SmallOrder => {
                f.write_str("this key proves nobody's identity; do not connect to it")
            }
        }
    }
}

impl std::error::Error for PeerIdError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Identity;
    use proptest::prelude::*;

    /// p, little-endian: y = p is another encoding of y = 0.
    const P: [u8; 32] = {
        let mut bytes = [0xff; 32];
        bytes[0] = 0xed;
        bytes[31] = 0x7f;
        bytes
    };

    fn some_id() -> PeerId {
        Identity::from_secret_bytes([9; 32]).peer_id()
    }

    #[test]
    fn peer_id_noncanonical_alias() {
        // y = p + 3 decodes like y = 3.
        let (mut alias, mut plain) = (P, [0; 32]);
        let mut aliases = 0;
        for y in 0..18u8 {
            alias[0] = 0xed + y;
            plain[0] = y;
            assert!(PeerId::from_bytes(&alias).is_err());
            if PeerId::from_bytes(&plain).is_ok() {
                assert_eq!(PeerId::from_bytes(&alias), Err(PeerIdError::NotCanonical));
                aliases += 1;
            }
        }
        assert!(aliases > 0, "no alias of a valid key was tried");
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PeerId::from_bytes(&identity), Err(PeerIdError::SmallOrder));
        assert_eq!(PeerId::from_bytes(&[0; 32]), Err(PeerIdError::SmallOrder));
        // x = 0 with the sign set.
        identity[31] = 0x80;
        assert!(PeerId::from_bytes(&identity).is_err());
        let mut minus_one = P;
        minus_one[0] = 0xec;
        assert_eq!(PeerId::from_bytes(&minus_one), Err(PeerIdError::SmallOrder));
    }

    #[test]
    fn the_twin_with_the_other_sign_is_another_peer_with_the_same_static_key() {
        let id = some_id();
        let mut twin = *id.as_bytes();
        twin[31] ^= 0x80;
        let twin = PeerId::from_bytes(&twin).unwrap();
        assert_ne!(id, twin);
        assert_eq!(id.static_public(), twin.static_public());
    }

    #[test]
    fn upper_case_is_read_and_lower_case_is_written() {
        let id = some_id();
        let text = id.to_string();
        assert_eq!(text, text.to_ascii_lowercase());
        assert_eq!(text.to_ascii_uppercase().parse(), Ok(id));
    }

    #[test]
    fn errors_name_the_problem() {
        let text = some_id().to_string();
        assert_eq!(text[1..].parse::<PeerId>(), Err(PeerIdError::Length { found: 51 }));
        let with_one = text.replacen(&text[3..4], "1", 1);
        let error = with_one.parse::<PeerId>().unwrap_err();
        assert!(matches!(error, PeerIdError::Character { found: '1', .. }), "{error}");
        assert!(error.to_string().contains("'1'"));
        assert!("ä".repeat(26).parse::<PeerId>().is_err());
    }

    #[test]
    fn only_the_owner_signs() {
        let identity = Identity::from_secret_bytes([9; 32]);
        let signature = identity.sign(b"message");
        assert!(identity.peer_id().verify(b"message", &signature));
        assert!(!identity.peer_id().verify(b"massage", &signature));
        let other = Identity::from_secret_bytes([8; 32]).peer_id();
        assert!(!other.verify(b"message", &signature));
    }

    #[test]
    fn what_is_accepted_is_what_the_curve_would_write() {
        let near_p = (0..=u8::MAX).flat_map(|low| [0x7e, 0x7f, 0xfe, 0xff].map(|high| (low, high)));
        for (low, high) in near_p {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (low, high);
            let Ok(key) = VerifyingKey::from_bytes(&bytes) else { continue };
            let is_written_so = key.to_edwards().compress().as_bytes() == &bytes;
            let wanted = is_written_so && !key.is_weak();
            assert_eq!(PeerId::from_bytes(&bytes).is_ok(), wanted, "{low:x} {high:x}");
        }
    }

    proptest! {
        #[test]
        fn what_an_identity_says_is_what_its_bytes_say(seed in any::<[u8; 32]>()) {
            let id = Identity::from_secret_bytes(seed).peer_id();
            let read = PeerId::from_bytes(id.as_bytes()).unwrap();
            prop_assert_eq!((read, read.static_public()), (id, id.static_public()));
        }

        #[test]
        fn what_parses_has_one_text(bytes in any::<[u8; 32]>()) {
            if let Ok(id) = PeerId::from_bytes(&bytes) {
                prop_assert_eq!(id.to_string().parse(), Ok(id));
                prop_assert_eq!(id.as_bytes(), &bytes);
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,60}|[a-z2-7]{52}") {
            if let Ok(id) = text.parse::<PeerId>() {
                prop_assert_eq!(id.to_string(), text.to_ascii_lowercase());
            }
        }
    }
}
