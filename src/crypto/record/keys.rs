//! The key and iv of one direction in one phase (SPEC §5.7, §6.1).

use zeroize::Zeroizing;

use super::dormant::Dormant;
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

/// iv XOR (0 ‖ number).
///
/// The one that is likely next is made in advance. A cipher reads it in wider pieces than those in which it is written, and a processor
/// that is asked for them too soon waits until all that was written before, such as the packet, is in the cache.
struct Nonces<const N: usize> {
    iv: Zeroizing<[u8; N]>,
    next: Zeroizing<[u8; N]>,
    /// Whose `next` is.
    number: u64,
}

impl<const N: usize> Nonces<N> {
    fn new(iv: Zeroizing<[u8; N]>) -> Self {
        Self { next: iv.clone(), iv, number: 0 }
    }

    fn of(&mut self, number: u64) -> [u8; N] {
        if number != self.number {
            self.skip_to(number);
        }
        let nonce = *self.next;
        self.prepare(number.wrapping_add(1));
        nonce
    }

    #[cold]
    #[inline(never)]
    fn skip_to(&mut self, number: u64) {
        self.prepare(number);
    }

    fn prepare(&mut self, number: u64) {
        if let (Some(iv), Some(next)) = (self.iv.last_chunk(), self.next.last_chunk_mut()) {
            *next = (u64::from_be_bytes(*iv) ^ number).to_be_bytes();
        }
        self.number = number;
    }
}

/// S_{n+1} from S_n.
pub(super) fn next_secret(secret: &Secret) -> Secret {
    expand_plain(secret, "ku")
}
