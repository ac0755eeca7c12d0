//! The connection's packet protection, and when the previous receive key is erased (SPEC §6.2).

use std::time::Duration;

use crate::base::Instant;
use crate::crypto::{Exporter, OpenError, Opened, Protection, Secrets, Unmasked};
use crate::wire::{PacketCipher, Role};

/// Seals and opens packets.
#[derive(Debug)]
pub(crate) struct Keys {
    protection: Protection,
    exporter: Exporter,
    handshake_hash: [u8; 32],
    /// Set while a previous key exists and its end is fixed.
    erase_previous_at: Option<Instant>,
}

impl Keys {
    pub(crate) fn new(secrets: &Secrets, role: Role, cipher: PacketCipher) -> Self {
        let protection = Protection::new(secrets, role, cipher);
        Self {
            protection,
            exporter: secrets.exporter(),
            handshake_hash: *secrets.handshake_hash(),
            erase_previous_at: None,
        }
    }

    /// What seals the packets.
    pub(crate) fn cipher(&self) -> PacketCipher {
        self.protection.cipher()
    }

    /// Takes the masks off the headers of packets that came together.
    pub(crate) fn uncover<'a>(&mut self, packets: impl Iterator<Item = &'a mut [u8]>) {
        self.protection.uncover(packets);
    }

    /// What the header of such a packet says.
    pub(crate) fn read(packet: &[u8], expected: u64) -> Option<Unmasked> {
        Protection::read(packet, expected)
    }

    /// Opens a packet. If it is the first of a new phase, [`Self::keep_previous`] has to follow.
    pub(crate) fn open<'a>(
        &mut self,
        unmasked: &Unmasked,
        packet: &'a mut [u8],
    ) -> Result<Opened<'a>, OpenError> {
        self.protection.open(unmasked, packet)
    }

    /// The key of the last phase is kept for three times `pto`.
    pub(crate) fn keep_previous(&mut self, now: Instant, pto: Duration) {
        self.erase_previous_at = Some(now + 3 * pto);
    }

    /// Seals a packet in place; `None` when no more may be sealed.
    pub(crate) fn seal(&mut self, number: u64, packet: &mut [u8]) -> Option<()> {
        if self.protection.wants_update() {
            self.protection.update();
        }
        self.protection.seal(number, packet).ok()
    }

    pub(crate) fn update(&mut self) -> bool {
        self.protection.update()
    }

    pub(crate) fn on_acked(&mut self, number: u64) {
        self.protection.on_acked(number);
    }

    /// Gives back memory that only a busy connection needs.
    pub(crate) fn rest(&mut self) {
        self.protection.rest();
    }

    /// Nothing was sealed or opened since [`Self::rest`].
    pub(crate) fn are_at_rest(&self) -> bool {
        self.protection.is_at_rest()
    }

    /// How often the receive key has moved.
    pub(crate) fn updates(&self) -> u64 {
        self.protection.key_updates()
    }

    /// The final hash of the handshake.
    pub(crate) fn handshake_hash(&self) -> [u8; 32] {
        self.handshake_hash
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.erase_previous_at
    }

    pub(crate) fn on_deadline(&mut self, now: Instant) {
        if self.erase_previous_at.is_some_and(|at| at <= now) {
            self.erase_previous_at = None;
            self.protection.drop_previous();
        }
    }

    #[must_use]
    pub(crate) fn export(&self, label: &[u8], context: &[u8], out: &mut [u8]) -> bool {
        self.exporter.export(label, context, out)
    }
}

#[cfg(test)]
mod tests;
