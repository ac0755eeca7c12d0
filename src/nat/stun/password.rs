//! Keys from names and passwords (RFC 8489 §9, §14.4, §18.5).

use std::fmt;

use md5::Md5;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// How a long-term key is made of name, realm and password (RFC 8489 §18.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordAlgorithm {
    /// The way of RFC 5389.
    Md5,
    /// The way of RFC 8489.
    Sha256,
}

impl PasswordAlgorithm {
    pub(super) const fn number(self) -> u16 {
        match self {
            Self::Md5 => 1,
            Self::Sha256 => 2,
        }
    }

    pub(super) const fn from_number(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::Md5),
            2 => Some(Self::Sha256),
            _ => None,
        }
    }
}

/// The secret under which messages are authenticated.
///
/// Names, realms and passwords are taken as they are: whoever has some that are not ASCII prepares them (RFC 8265).
#[derive(Clone)]
pub struct Key(Zeroizing<Vec<u8>>);

impl Key {
    /// A password that holds for one session (RFC 8489 §9.1).
    pub fn short_term(password: &str) -> Self {
        Self(Zeroizing::new(password.as_bytes().to_vec()))
    }

    /// A password that holds for a realm (RFC 8489 §9.2).
    pub fn long_term(
        algorithm: PasswordAlgorithm,
        username: &str,
        realm: &str,
        password: &str,
    ) -> Self {
        let text = Zeroizing::new([username, realm, password].join(":"));
        let key = match algorithm {
            PasswordAlgorithm::Md5 => Md5::digest(text.as_bytes()).to_vec(),
            PasswordAlgorithm::Sha256 => Sha256::digest(text.as_bytes()).to_vec(),
        };
        Self(Zeroizing::new(key))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// What USERHASH says of a user (RFC 8489 §14.4).
pub fn user_hash(username: &str, realm: &str) -> [u8; 32] {
    Sha256::digest([username, realm].join(":").as_bytes()).into()
}
