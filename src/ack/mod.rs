//! Decides which packets to acknowledge, and when (SPEC §8.1, RFC 9000 §13.2).
//!
//! | file | decides |
//! |---|---|
//! | `completeness` | whether the way from the peer loses often |
//! | `received` | which numbers are fresh, and which an ACK names |
//! | `urgency` | whether an ACK can wait, and for how long |
//!
//! A receiver that reads packets in batches tells of every packet and asks [`AckTracker::is_due`] once per batch.

mod completeness;
mod received;
mod urgency;

use std::time::Duration;

use crate::base::{EcnMark, Instant};
use crate::vocab::{Fate, PacketBuilder, Record};
use crate::wire::{EcnCounts, encode_ack};

use received::Received;
use urgency::Urgency;

/// What was received on a connection, and what the peer knows of that.
#[derive(Debug)]
pub(crate) struct AckTracker {
    received: Received,
    urgency: Urgency,
    ecn: EcnCounts,
}

impl AckTracker {
    /// Nothing received. `max_ack_delay` is what we announced to the peer.
    pub(crate) fn new(max_ack_delay: Duration) -> Self {
        Self {
            received: Received::default(),
            urgency: Urgency::new(max_ack_delay),
            ecn: EcnCounts::default(),
        }
    }

    /// The number was not received yet and is not too old to tell. Ask before opening the packet.
    pub(crate) fn is_fresh(&self, number: u64) -> bool {
        self.received.is_fresh(number)
    }

    /// The way from the peer to here loses many packets.
    pub(crate) fn misses_often(&self) -> bool {
        self.received.misses_often()
    }

    /// The largest number received, from which the next ones are expanded (SPEC §6.1).
    pub(crate) fn largest(&self) -> Option<u64> {
        self.received.largest()
    }

    /// A fresh packet was opened and its frames were handled.
    pub(crate) fn on_packet(
        &mut self,
        now: Instant,
        number: u64,
        ack_eliciting: bool,
        ecn: Option<EcnMark>,
    ) {
        let before = self.received.largest();
        if !self.received.insert(now, number) {
            return;
        }
        match ecn {
            Some(EcnMark::Ect0) => self.ecn.ect0 += 1,
            Some(EcnMark::Ect1) => self.ecn.ect1 += 1,
            Some(EcnMark::Ce) => self.ecn.ce += 1,
            None => {}
        }
        if !ack_eliciting {
            return;
        }
        self.urgency.on_ack_eliciting(now);
        // Congestion and reordering are what the sender wants to hear of soon (RFC 9000 §13.2.1).
        if ecn == Some(EcnMark::Ce) || self.is_out_of_order(number, before) {
            self.urgency.on_immediate();
        }
    }

    /// The peer asks for another acknowledgement policy; only the newest such frame counts. That the delay is not below
    /// what we announced is for the caller to check.
    pub(crate) fn on_ack_frequency(
        &mut self,
        sequence: u64,
        threshold: u64,
        max_delay: Duration,
        reordering: u64,
    ) {
        self.urgency.on_ack_frequency(sequence, threshold, max_delay, reordering);
    }

    /// The peer sent IMMEDIATE_ACK.
    pub(crate) fn on_immediate_ack(&mut self) {
        self.urgency.on_immediate();
    }

    /// Time has passed. From here on the ACK is due without a deadline, so that a sender which cannot send just now does
    /// not wake for it in vain.
    pub(crate) fn on_deadline(&mut self, now: Instant) {
        self.urgency.on_deadline(now);
    }

    /// When an ACK becomes due that is not yet.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.urgency.deadline()
    }

    /// An ACK is worth a packet of its own now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.urgency.is_due(now)
    }

    /// An ACK should go along with a packet that leaves anyway. Packets that elicit no ACK are no such reason.
    pub(crate) fn has_news(&self) -> bool {
        self.urgency.has_pending()
    }

    /// Writes an ACK, if anything was received and it fits. Returns whether it did.
    pub(crate) fn fill(&mut self, now: Instant, packet: &mut PacketBuilder<'_>) -> bool {
        let Some(largest) = self.received.largest() else { return false };
        let delay = self.received.age(now);
        let (ranges, ecn) = (self.received.ranges(), self.ecn());
        let record = Record::Ack { largest };
        let written = packet.push_with(record, |writer| encode_ack(writer, ranges, delay, ecn));
        if written {
            self.received.on_reported();
            self.urgency.on_acknowledged();
        }
        written
    }

    /// Gives back memory that holds nothing.
    pub(crate) fn rest(&mut self) {
        self.received.rest();
    }

    /// An ACK names one range of numbers at most, so that it is the same however much room it has.
    pub(crate) fn is_short(&self) -> bool {
        self.received.ranges().len() <= 1
    }

    /// The fate of an ACK with this largest number. A lost one needs nothing: the next ACK says the same and more.
    pub(crate) fn on_fate(&mut self, largest: u64, fate: Fate) {
        if fate == Fate::Acked {
            self.received.forget_below(largest);
        }
    }

    /// How many packets came with which mark, once any did.
    pub(crate) fn ecn(&self) -> Option<EcnCounts> {
        (self.ecn != EcnCounts::default()).then_some(self.ecn)
    }

    /// Whether a packet just received tells the sender of reordering. `before` is the largest number before it.
    fn is_out_of_order(&self, number: u64, before: Option<u64>) -> bool {
        match self.urgency.reordering() {
            0 => false,
            1 => number != before.map_or(0, |largest| largest.saturating_add(1)),
            threshold => {
                let largest = self.received.largest().unwrap_or(number);
                let missing = self.received.smallest_unreported_missing(threshold);
                missing.is_some_and(|missing| largest.saturating_sub(missing) >= threshold)
            }
        }
    }
}

#[cfg(test)]
mod tests;
