//! The key and iv of one direction in one phase (SPEC §5.7, §6.1).

use zeroize::Zeroizing;

use super::dormant::Dormant;
use crate::crypto::aead::{Aead, NONCE_LEN, RecordKey, TAG_LEN};
use crate::crypto::schedule::{Secret, expand_plain};

pub(super) struct PacketKey {
    key: Dormant<RecordKey>,
    iv: Zeroizing<[u8; NONCE_LEN]>,
}

impl PacketKey {
    pub(super) fn derive(secret: &Secret) -> Self {
        Self { key: Dormant::new(expand_plain(secret, "key")), iv: expand_plain(secret, "iv") }
    }

    #[must_use]
    pub(super) fn seal(
        &mut self,
        number: u64,
        header: &[u8],
        text: &mut [u8],
        tag: &mut [u8; TAG_LEN],
    ) -> bool {
        let nonce = self.nonce(number);
        self.expanded().seal_to(&nonce, header, text, tag)
    }

    #[must_use]
    pub(super) fn open(
        &mut self,
        number: u64,
        header: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> bool {
        let nonce = self.nonce(number);
        self.expanded().open(&nonce, header, text, tag)
    }

    /// Makes it ready for use, if it is not.
    pub(super) fn expanded(&mut self) -> &RecordKey {
        self.key.get(RecordKey::new)
    }

    /// Gives back the memory that only use needs.
    pub(super) fn rest(&mut self) {
        self.key.rest();
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.key.is_at_rest()
    }

    /// iv XOR (0^32 ‖ number).
    fn nonce(&self, number: u64) -> [u8; NONCE_LEN] {
        let mut nonce = *self.iv;
        for (byte, of_number) in nonce.iter_mut().skip(4).zip(number.to_be_bytes()) {
            *byte ^= of_number;
        }
        nonce
    }
}

/// S_{n+1} from S_n.
pub(super) fn next_secret(secret: &Secret) -> Secret {
    expand_plain(secret, "ku")
}
