//! The record layer: seals and opens short packets (SPEC §6).
//!
//! ```text
//!           generation n          n+1            n+2
//! sending   ──────────────▶ update() ────▶
//! receiving ──────────────▶ first packet under the next key opens ────▶
//!             (current)        (next)
//!           the previous key stays until drop_previous()
//! ```
//!
//! The key phase bit on the wire is the lowest bit of the generation. This side starts an update with
//! [`Protection::update`], or follows the peer when a packet under the next key opens. Sending is never more than one
//! generation ahead of receiving, and never behind it.

mod dormant;
mod keys;
mod mask;
mod nonces;
mod receiving;
mod sending;

#[cfg(test)]
mod tests;

use std::fmt;

use super::aead;
use super::schedule::Secrets;
use crate::wire::{PacketCipher, Role};
use receiving::Receiving;
use sending::Sending;

pub(crate) use receiving::{OpenError, Opened, Unmasked};
pub(crate) use sending::SealError;

/// Bytes of the header of a short packet.
pub(crate) const HEADER_LEN: usize = 13;
/// Bytes of the tag behind the ciphertext.
pub(crate) const TAG_LEN: usize = aead::TAG_LEN;
/// The shortest packet: the mask needs 16 bytes of ciphertext.
pub(crate) const PACKET_MIN: usize = HEADER_LEN + mask::SAMPLE_LEN + TAG_LEN;

/// Bits of the first byte that the mask covers.
const MASKED_BITS: u8 = 0x1f;
/// The key phase bit, K.
const KEY_PHASE: u8 = 0x10;
/// The reserved bits, R.
const RESERVED: u8 = 0x0f;
/// The bits that tell a short packet, and their value.
const FORM: (u8, u8) = (0xe0, 0x60);

/// The packet keys of a connection, both directions.
pub(crate) struct Protection {
    sending: Sending,
    receiving: Receiving,
}

impl Protection {
    /// The keys of generation 0, for packets that are sealed with this.
    pub(crate) fn new(secrets: &Secrets, role: Role, cipher: PacketCipher) -> Self {
        let (i2r, r2i) = (&secrets.initiator_to_responder, &secrets.responder_to_initiator);
        let (send, receive) = match role {
            Role::Initiator => (i2r, r2i),
            Role::Responder => (r2i, i2r),
        };
        Self { sending: Sending::new(send, cipher), receiving: Receiving::new(receive, cipher) }
    }

    /// Encrypts a packet in place and masks its header.
    ///
    /// `packet` is the header, at least 16 bytes of frames, and 16 bytes for the tag. The caller has written the form
    /// bits and the connection id; the packet number and the key phase are written here. Numbers must rise.
    pub(crate) fn seal(&mut self, number: u64, packet: &mut [u8]) -> Result<(), SealError> {
        self.sending.seal(number, packet)
    }

    /// As [`uncover`](Self::uncover) and [`read`](Self::read), for a packet that comes alone.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn unmask(&mut self, packet: &mut [u8], expected: u64) -> Option<Unmasked> {
        self.receiving.uncover(packet);
        Self::read(packet, expected)
    }

    /// Takes the masks off the headers of packets that came together, in place. What cannot be a short packet stays as it is.
    ///
    /// Number, nonce and key of a packet wait for its mask: one packet after the other, that is the time which a block of AES takes.
    /// Apart from what follows, the processor works on several at a time.
    pub(crate) fn uncover<'a>(&mut self, packets: impl Iterator<Item = &'a mut [u8]>) {
        packets.for_each(|packet| self.receiving.uncover(packet));
    }

    /// What the header says, once it has no mask. `expected` is one more than the largest number opened so far.
    ///
    /// `None` if this cannot be a short packet. What it returns is not authenticated: give it to
    /// [`open`](Self::open) and to nothing else.
    pub(crate) fn read(packet: &[u8], expected: u64) -> Option<Unmasked> {
        Receiving::read(packet, expected)
    }

    /// Decrypts an unmasked packet in place. The caller has checked that the number is new.
    ///
    /// Nothing but counters changes unless the packet is authentic. After an error the payload is wiped; the last 16
    /// bytes are as they came, so that the caller can look for a stateless reset.
    pub(crate) fn open<'a>(
        &mut self,
        unmasked: &Unmasked,
        packet: &'a mut [u8],
    ) -> Result<Opened<'a>, OpenError> {
        let opened = self.receiving.open(unmasked, packet)?;
        // The peer has updated: answer under the same phase (SPEC §6.2).
        if self.sending.generation() < self.receiving.generation() {
            self.sending.advance();
        }
        Ok(opened)
    }

    /// The packet with this number was acknowledged.
    pub(crate) fn on_acked(&mut self, number: u64) {
        self.sending.on_acked(number);
    }

    /// Whether enough was sent under the present key that the caller should call [`update`](Self::update).
    pub(crate) fn wants_update(&self) -> bool {
        self.sending.is_worn() && self.may_update()
    }

    /// Moves sending to the next key. False, with nothing done, while an update is under way: until a packet of
    /// the present phase was acknowledged and the peer sends under this phase too.
    pub(crate) fn update(&mut self) -> bool {
        let may = self.may_update();
        if may {
            self.sending.advance();
        }
        may
    }

    fn may_update(&self) -> bool {
        self.sending.is_acknowledged() && self.sending.generation() == self.receiving.generation()
    }

    /// Whether the receive key of the previous phase is still kept.
    #[cfg(test)]
    pub(crate) fn has_previous(&self) -> bool {
        self.receiving.has_previous()
    }

    /// Erases the receive key of the previous phase: three PTOs after `first_of_new_phase`.
    pub(crate) fn drop_previous(&mut self) {
        self.receiving.drop_previous();
    }

    /// Gives back the memory that only use needs. The next packet takes it again.
    pub(crate) fn rest(&mut self) {
        self.sending.rest();
        self.receiving.rest();
    }

    /// Nothing was sealed or opened since [`Self::rest`].
    pub(crate) fn is_at_rest(&self) -> bool {
        self.sending.is_at_rest() && self.receiving.is_at_rest()
    }

    /// What seals the packets.
    pub(crate) fn cipher(&self) -> PacketCipher {
        self.sending.cipher()
    }

    /// Packets that failed to open.
    pub(crate) fn forged(&self) -> u64 {
        self.receiving.forged()
    }

    /// How often the receive key has moved.
    pub(crate) fn key_updates(&self) -> u64 {
        self.receiving.generation()
    }
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protection")
            .field("sending", &self.sending.generation())
            .field("receiving", &self.receiving.generation())
            .field("forged", &self.forged())
            .finish_non_exhaustive()
    }
}
