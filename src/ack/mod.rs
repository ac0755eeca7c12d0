//! What we received, and when to acknowledge it (SPEC §8.1, RFC 9000 §13.2, draft-ietf-quic-ack-frequency).
//!
//! A receiver handles a whole batch of packets before anything is sent, so "due" is a flag that is asked once per batch. It does
//! not know what the packets held beyond whether they ask for an acknowledgement.

use std::time::Duration;

use crate::base::ranges::RangeSet;
use crate::base::window::ReplayWindow;
use crate::base::{EcnMark, Instant, limits};
use crate::vocab::{Fate, PacketBuilder, Record};
use crate::wire::{EcnCounts, encode_ack};

/// The receiving side's record of packet numbers.
#[derive(Debug)]
pub(crate) struct AckTracker {
    window: ReplayWindow,
    /// What the next ACK will list.
    ranges: RangeSet,
    largest: Option<u64>,
    largest_at: Instant,
    ecn: EcnCounts,
    saw_ecn: bool,
    rhythm: Rhythm,
    /// Packets that ask for an acknowledgement and came after the last ACK was sent.
    waiting: u64,
    /// Something came after the last ACK was sent.
    news: bool,
    due: bool,
    deadline: Option<Instant>,
}

/// How the peer wants to be acknowledged.
#[derive(Clone, Copy, Debug)]
struct Rhythm {
    /// So many packets may wait; one more makes an ACK due.
    threshold: u64,
    max_delay: Duration,
    /// An ACK is due when this many numbers are skipped; zero: never for that reason.
    reordering: u64,
    sequence: Option<u64>,
}

impl AckTracker {
    pub(crate) fn new(max_delay: Duration) -> Self {
        let rhythm = Rhythm { threshold: 1, max_delay, reordering: 1, sequence: None };
        Self {
            window: ReplayWindow::default(),
            ranges: RangeSet::new(),
            largest: None,
            largest_at: Instant::ZERO,
            ecn: EcnCounts::default(),
            saw_ecn: false,
            rhythm,
            waiting: 0,
            news: false,
            due: false,
            deadline: None,
        }
    }

    /// The number was not received before and is not too old to tell (SPEC §6.1).
    pub(crate) fn is_fresh(&self, number: u64) -> bool {
        self.window.is_fresh(number)
    }

    /// A packet was opened and its frames were handled.
    pub(crate) fn on_packet(
        &mut self,
        now: Instant,
        number: u64,
        ack_eliciting: bool,
        ecn: Option<EcnMark>,
    ) {
        if !self.window.insert(number) {
            return;
        }
        let is_gap = self.skips(number);
        self.ranges.insert_one(number);
        if self.ranges.len() > limits::ACK_RANGES {
            self.ranges.pop_min();
        }
        if self.largest.is_none_or(|largest| number > largest) {
            self.largest = Some(number);
            self.largest_at = now;
        }
        self.news = true;
        self.count_ecn(ecn);
        if ack_eliciting {
            self.waiting += 1;
            let marked = ecn == Some(EcnMark::Ce);
            self.due |= self.waiting > self.rhythm.threshold || is_gap || marked;
            self.deadline.get_or_insert(now + self.rhythm.max_delay);
        }
    }

    /// The packet reveals or fills a gap that the sender wants to hear of at once.
    fn skips(&self, number: u64) -> bool {
        let (Some(largest), 1..) = (self.largest, self.rhythm.reordering) else {
            return false;
        };
        number < largest || number - largest > self.rhythm.reordering
    }

    fn count_ecn(&mut self, ecn: Option<EcnMark>) {
        let Some(mark) = ecn else {
            return;
        };
        self.saw_ecn = true;
        match mark {
            EcnMark::Ect0 => self.ecn.ect0 += 1,
            EcnMark::Ect1 => self.ecn.ect1 += 1,
            EcnMark::Ce => self.ecn.ce += 1,
        }
    }

    /// An ACK has to leave now.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.due || self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// An ACK would tell the peer something, if a packet leaves anyway.
    pub(crate) fn has_news(&self) -> bool {
        self.news
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Writes an ACK; returns whether it fitted.
    pub(crate) fn fill(&mut self, now: Instant, packet: &mut PacketBuilder<'_>) -> bool {
        let Some(largest) = self.largest else {
            return false;
        };
        let ecn = self.saw_ecn.then_some(self.ecn);
        let delay = now - self.largest_at;
        let ranges = &self.ranges;
        let record = Record::Ack { largest };
        let fitted = packet.push_with(record, |writer| encode_ack(writer, ranges, delay, ecn));
        if fitted {
            (self.waiting, self.news, self.due, self.deadline) = (0, false, false, None);
        }
        fitted
    }

    /// The peer knows of an ACK that listed everything up to `largest`: that need not be listed again (RFC 9000 §13.2.4).
    pub(crate) fn on_fate(&mut self, largest: u64, fate: Fate) {
        if fate == Fate::Acked {
            // The largest number itself stays: an ACK lists at least one.
            let keep = self.largest.map_or(largest, |newest| newest.min(largest + 1));
            self.ranges.remove_below(keep);
        }
    }

    /// ACK_FREQUENCY: older ones than the last are ignored.
    pub(crate) fn on_ack_frequency(
        &mut self,
        sequence: u64,
        threshold: u64,
        max_delay: Duration,
        reordering: u64,
    ) {
        if self.rhythm.sequence.is_some_and(|last| sequence <= last) {
            return;
        }
        let max_delay = max_delay.clamp(limits::MIN_ACK_DELAY, limits::MAX_ACK_DELAY);
        self.rhythm = Rhythm { threshold, max_delay, reordering, sequence: Some(sequence) };
    }

    /// IMMEDIATE_ACK.
    pub(crate) fn on_immediate_ack(&mut self) {
        self.due = true;
    }

    /// The largest number received.
    pub(crate) fn largest(&self) -> Option<u64> {
        self.largest
    }
}

#[cfg(test)]
mod tests;
