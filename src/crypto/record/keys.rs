//! The key and iv of one direction in one phase (SPEC §5.7, §6.1).

use super::dormant::Dormant;
use super::nonces::Nonces;
#[cfg(feature = "aegis")]
use crate::crypto::aead::{AEGIS_NONCE_LEN, WithAegis};
use crate::crypto::aead::{Aead, NONCE_LEN, RecordKey, TAG_LEN};
use crate::crypto::schedule::{Secret, expand_plain};
use crate::wire::PacketCipher;

pub(super) enum PacketKey {
    Gcm {
        key: Dormant<RecordKey>,
        nonces: Nonces<NONCE_LEN>,
    },
    #[cfg(feature = "aegis")]
    Aegis {
        key: WithAegis,
        nonces: Nonces<AEGIS_NONCE_LEN>,
    },
}

impl PacketKey {
    pub(super) fn derive(secret: &Secret, cipher: PacketCipher) -> Self {
        match cipher {
            PacketCipher::Aes256Gcm => Self::Gcm {
                key: Dormant::new(expand_plain(secret, "key")),
                nonces: Nonces::new(expand_plain(secret, "iv")),
            },
            #[cfg(feature = "aegis")]
            PacketCipher::Aegis256X4 => Self::Aegis {
                key: WithAegis::new(&expand_plain(secret, "aegis key")),
                nonces: Nonces::new(expand_plain(secret, "aegis iv")),
            },
        }
    }

    /// The same of another secret.
    pub(super) fn of(&self, secret: &Secret) -> Self {
        Self::derive(secret, self.cipher())
    }

    pub(super) fn cipher(&self) -> PacketCipher {
        match self {
            Self::Gcm { .. } => PacketCipher::Aes256Gcm,
            #[cfg(feature = "aegis")]
            Self::Aegis { .. } => PacketCipher::Aegis256X4,
        }
    }

    #[must_use]
    pub(super) fn seal(
        &mut self,
        number: u64,
        header: &[u8],
        text: &mut [u8],
        tag: &mut [u8; TAG_LEN],
    ) -> bool {
        match self {
            Self::Gcm { key, nonces } => {
                key.get(RecordKey::new).seal_to(&nonces.of(number), header, text, tag)
            }
            #[cfg(feature = "aegis")]
            Self::Aegis { key, nonces } => key.seal_to(&nonces.of(number), header, text, tag),
        }
    }

    #[must_use]
    pub(super) fn open(
        &mut self,
        number: u64,
        header: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> bool {
        match self {
            Self::Gcm { key, nonces } => {
                key.get(RecordKey::new).open(&nonces.of(number), header, text, tag)
            }
            #[cfg(feature = "aegis")]
            Self::Aegis { key, nonces } => key.open(&nonces.of(number), header, text, tag),
        }
    }

    /// Makes it ready for use, if it is not.
    pub(super) fn expand(&mut self) {
        match self {
            Self::Gcm { key, .. } => _ = key.get(RecordKey::new),
            #[cfg(feature = "aegis")]
            Self::Aegis { .. } => {}
        }
    }

    /// Gives back the memory that only use needs.
    pub(super) fn rest(&mut self) {
        match self {
            Self::Gcm { key, .. } => key.rest(),
            #[cfg(feature = "aegis")]
            Self::Aegis { .. } => {}
        }
    }
}

/// S_{n+1} from S_n.
pub(super) fn next_secret(secret: &Secret) -> Secret {
    expand_plain(secret, "ku")
}
