//! Seals packets of one direction and counts them.

use super::keys::{PacketKey, next_secret};
use super::mask::{HeaderMask, SAMPLE_LEN};
use super::{HEADER_LEN, KEY_PHASE, PACKET_MIN, TAG_LEN};
use crate::base::limits::{CONFIDENTIALITY_LIMIT, KEY_UPDATE_PACKETS, PACKET_NUMBER_END};
use crate::crypto::schedule::Secret;
use crate::wire::PacketCipher;

/// Why a packet was not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SealError {
    /// The key has sealed as many packets as it may; no update was possible. The connection must close.
    KeyExhausted,
    /// The number was used before, or no numbers are left.
    Number,
    /// Shorter than the shortest packet.
    Short,
}

/// Not `Clone`: a copy would use every nonce twice.
pub(super) struct Sending {
    /// Of the present generation.
    secret: Secret,
    key: PacketKey,
    mask: HeaderMask,
    generation: u64,
    /// The lowest number that was not used yet.
    next_number: u64,
    /// The first number of this generation, once there is one.
    first_of_generation: Option<u64>,
    /// A packet of this generation was acknowledged.
    acknowledged: bool,
    /// Packets sealed in this generation.
    sealed: u64,
}

impl Sending {
    pub(super) fn new(secret: &Secret, cipher: PacketCipher) -> Self {
        Self {
            secret: secret.clone(),
            key: PacketKey::derive(secret, cipher),
            mask: HeaderMask::derive(secret),
            generation: 0,
            next_number: 0,
            first_of_generation: None,
            acknowledged: false,
            sealed: 0,
        }
    }

    pub(super) fn seal(&mut self, number: u64, packet: &mut [u8]) -> Result<(), SealError> {
        if packet.len() < PACKET_MIN {
            return Err(SealError::Short);
        }
        if number < self.next_number || number >= PACKET_NUMBER_END {
            return Err(SealError::Number);
        }
        if self.sealed >= CONFIDENTIALITY_LIMIT {
            return Err(SealError::KeyExhausted);
        }
        let (header, rest) =
            packet.split_first_chunk_mut::<HEADER_LEN>().ok_or(SealError::Short)?;
        let (text, tag) = rest.split_last_chunk_mut::<TAG_LEN>().ok_or(SealError::Short)?;

        self.write_header(number, header);
        if !self.key.seal(number, header, text, tag) {
            return Err(SealError::Short);
        }
        self.next_number = number + 1;
        self.first_of_generation.get_or_insert(number);
        self.sealed += 1;
        let sample = text.first_chunk::<SAMPLE_LEN>().ok_or(SealError::Short)?;
        self.mask.apply(header, sample);
        Ok(())
    }

    fn write_header(&self, number: u64, header: &mut [u8; HEADER_LEN]) {
        let [first, .., a, b, c, d] = header;
        *first &= !KEY_PHASE;
        if self.generation % 2 == 1 {
            *first |= KEY_PHASE;
        }
        let [.., low_a, low_b, low_c, low_d] = number.to_be_bytes();
        [*a, *b, *c, *d] = [low_a, low_b, low_c, low_d];
    }

    /// To the next key.
    pub(super) fn advance(&mut self) {
        self.secret = next_secret(&self.secret);
        self.key = self.key.of(&self.secret);
        self.generation += 1;
        self.first_of_generation = None;
        self.acknowledged = false;
        self.sealed = 0;
    }

    /// Gives back the memory that only use needs.
    pub(super) fn rest(&mut self) {
        self.key.rest();
        self.mask.rest();
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.mask.is_at_rest()
    }

    pub(super) fn cipher(&self) -> PacketCipher {
        self.key.cipher()
    }

    pub(super) fn on_acked(&mut self, number: u64) {
        if self.first_of_generation.is_some_and(|first| number >= first) {
            self.acknowledged = true;
        }
    }

    pub(super) fn is_acknowledged(&self) -> bool {
        self.acknowledged
    }

    pub(super) fn is_worn(&self) -> bool {
        self.sealed >= KEY_UPDATE_PACKETS
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    #[cfg(test)]
    pub(super) fn pretend_sealed(&mut self, packets: u64) {
        self.sealed = packets;
    }
}
