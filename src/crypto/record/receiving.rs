//! Opens packets of one direction, and follows the sender from key to key.

use zeroize::Zeroize;

use super::keys::{PacketKey, next_secret};
use super::mask::{HeaderMask, SAMPLE_LEN};
use super::{FORM, HEADER_LEN, KEY_PHASE, PACKET_MIN, RESERVED, TAG_LEN};
use crate::base::limits::{INTEGRITY_LIMIT, PACKET_NUMBER_END};
use crate::crypto::schedule::Secret;
use crate::wire::{PacketCipher, expand_number};

/// What the header of a packet says. Not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unmasked {
    /// The full packet number.
    pub(crate) number: u64,
    pub(crate) key_phase: bool,
}

/// An authentic packet.
#[derive(Debug)]
pub(crate) struct Opened<'a> {
    /// The frames.
    pub(crate) payload: &'a mut [u8],
    /// This packet moved the connection to the next key: after three PTOs the previous one is to be dropped.
    pub(crate) first_of_new_phase: bool,
}

/// Why a packet was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenError {
    /// Not authentic, or under a key that is gone: drop it.
    Forged,
    /// Too many packets were not authentic: close with AEAD_LIMIT.
    IntegrityLimit,
    /// Authentic with reserved bits set: close with PROTOCOL_VIOLATION.
    ReservedBits,
}

pub(super) struct Receiving {
    mask: HeaderMask,
    current: PacketKey,
    /// Made in advance, so that a packet with a flipped phase bit costs the same as any other.
    next: PacketKey,
    /// The secret of `next`.
    next_secret: Secret,
    previous: Option<Box<PacketKey>>,
    generation: u64,
    /// The lowest number opened with `current`: the other phase below it is the previous one, above it the next.
    lowest: u64,
    forged: u64,
}

/// The key that a packet needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Previous,
    Current,
    Next,
}

impl Receiving {
    pub(super) fn new(secret: &Secret, cipher: PacketCipher) -> Self {
        let next = next_secret(secret);
        Self {
            mask: HeaderMask::derive(secret),
            current: PacketKey::derive(secret, cipher),
            next: PacketKey::derive(&next, cipher),
            next_secret: next,
            previous: None,
            generation: 0,
            lowest: 0,
            forged: 0,
        }
    }

    pub(super) fn uncover(&mut self, packet: &mut [u8]) {
        if !is_short(packet) {
            return;
        }
        let Some((header, rest)) = packet.split_first_chunk_mut::<HEADER_LEN>() else { return };
        if let Some(sample) = rest.first_chunk::<SAMPLE_LEN>() {
            self.mask.apply(header, sample);
        }
    }

    pub(super) fn read(packet: &[u8], expected: u64) -> Option<Unmasked> {
        let header = packet.first_chunk::<HEADER_LEN>().filter(|_| is_short(packet))?;
        let [first, .., a, b, c, d] = header;
        let number = expand_number(u32::from_be_bytes([*a, *b, *c, *d]), expected);
        let key_phase = *first & KEY_PHASE != 0;
        (number < PACKET_NUMBER_END).then_some(Unmasked { number, key_phase })
    }

    pub(super) fn open<'a>(
        &mut self,
        unmasked: &Unmasked,
        packet: &'a mut [u8],
    ) -> Result<Opened<'a>, OpenError> {
        let (header, rest) =
            packet.split_first_chunk_mut::<HEADER_LEN>().ok_or(OpenError::Forged)?;
        let (text, tag) = rest.split_last_chunk_mut::<TAG_LEN>().ok_or(OpenError::Forged)?;
        if self.forged >= INTEGRITY_LIMIT {
            text.zeroize();
            return Err(OpenError::IntegrityLimit);
        }
        let phase = self.phase(unmasked);
        // Both, whichever it is, for the same reason for which there is a next one already.
        self.current.expand();
        self.next.expand();
        let key = match phase {
            Phase::Current => Some(&mut self.current),
            Phase::Next => Some(&mut self.next),
            Phase::Previous => self.previous.as_deref_mut(),
        };
        // Late for a key that is gone, as after every update: nothing was tried, so nothing is counted.
        let Some(key) = key else {
            text.zeroize();
            return Err(OpenError::Forged);
        };
        if !key.open(unmasked.number, header, text, tag) {
            text.zeroize();
            return Err(self.count_forged());
        }
        let [first, ..] = header;
        if *first & RESERVED != 0 {
            text.zeroize();
            return Err(OpenError::ReservedBits);
        }
        match phase {
            Phase::Previous => {}
            Phase::Current => self.lowest = self.lowest.min(unmasked.number),
            Phase::Next => self.advance(unmasked.number),
        }
        Ok(Opened { payload: text, first_of_new_phase: phase == Phase::Next })
    }

    /// RFC 9001 §6.5: the packet number tells the two other phases apart.
    fn phase(&self, unmasked: &Unmasked) -> Phase {
        if unmasked.key_phase == (self.generation % 2 == 1) {
            Phase::Current
        } else if unmasked.number < self.lowest {
            Phase::Previous
        } else {
            Phase::Next
        }
    }

    fn advance(&mut self, number: u64) {
        let following = next_secret(&self.next_secret);
        let new_next = self.next.of(&following);
        let next = std::mem::replace(&mut self.next, new_next);
        let current = std::mem::replace(&mut self.current, next);
        self.next_secret = following;
        self.previous = Some(Box::new(current));
        self.generation += 1;
        self.lowest = number;
    }

    fn count_forged(&mut self) -> OpenError {
        self.forged += 1;
        if self.forged >= INTEGRITY_LIMIT { OpenError::IntegrityLimit } else { OpenError::Forged }
    }

    /// Gives back the memory that only use needs.
    pub(super) fn rest(&mut self) {
        self.mask.rest();
        self.current.rest();
        self.next.rest();
        if let Some(previous) = &mut self.previous {
            previous.rest();
        }
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.mask.is_at_rest()
    }

    #[cfg(test)]
    pub(super) fn has_previous(&self) -> bool {
        self.previous.is_some()
    }

    pub(super) fn drop_previous(&mut self) {
        self.previous = None;
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn forged(&self) -> u64 {
        self.forged
    }

    #[cfg(test)]
    pub(super) fn pretend_forged(&mut self, packets: u64) {
        self.forged = packets;
    }
}

/// The mask does not cover what this looks at.
fn is_short(packet: &[u8]) -> bool {
    let (mask, form) = FORM;
    packet.len() >= PACKET_MIN && packet.first().is_some_and(|first| first & mask == form)
}
