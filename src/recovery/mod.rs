//! Sent packets, and what became of them (SPEC §8.2, RFC 9002).
//!
//! Told what was sent and what the peer acknowledged, it says which packets arrived and which are lost, gives their records back,
//! measures the round trip, and says when to probe. There is one space of packet numbers. Packets of different
//! paths are judged apart. It knows neither congestion control nor what the records mean.

mod loss;
mod numbers;
mod sent;

use std::ops::Range;
use std::time::Duration;

use crate::base::ranges::RangeSet;
use crate::base::{Instant, limits};
use crate::vocab::{Fate, Outcome, PathId, RttSample, RttView, SentPacket, Settled};
use crate::wire::{AckFrame, TransportError};

use loss::Reordering;
use numbers::Numbers;
use sent::{SentPackets, Slot};

/// What a deadline meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Nothing,
    /// Packets are lost; they are in the outcome.
    Lost,
    /// Nothing was heard for a probe timeout: two probes may leave, and the outcome gives the contents of the oldest packets back to be
    /// sent in them, though those stay in flight.
    Probe,
}

/// The sending side's record of packets.
#[derive(Debug)]
pub(crate) struct Recovery {
    numbers: Numbers,
    sent: SentPackets,
    /// Acknowledged numbers that are still in the ring: an ACK that repeats them costs nothing.
    acked: RangeSet,
    largest_acked: Option<u64>,
    reordering: Reordering,
    /// When the next packet is lost by time alone.
    loss_at: Option<Instant>,
    /// When the last packet that asks for an acknowledgement left, or the last probe timeout was.
    probe_from: Instant,
    probe_timeouts: u32,
    probes_owed: u8,
    scratch: Vec<Range<u64>>,
}

impl Recovery {
    /// The seed chooses the numbers that are skipped.
    pub(crate) fn new(skip_seed: u64) -> Self {
        Self {
            numbers: Numbers::new(skip_seed),
            sent: SentPackets::default(),
            acked: RangeSet::new(),
            largest_acked: None,
            reordering: Reordering::default(),
            loss_at: None,
            probe_from: Instant::ZERO,
            probe_timeouts: 0,
            probes_owed: 0,
            scratch: Vec::new(),
        }
    }

    /// The number of the next packet. Now and then one is left out, so that a peer which acknowledges what it did not receive
    /// gives itself away (CVE-2025-4820).
    pub(crate) fn next_number(&mut self) -> u64 {
        self.numbers.next()
    }

    /// A packet has left.
    pub(crate) fn on_sent(&mut self, number: u64, packet: SentPacket) {
        if packet.ack_eliciting {
            self.probe_from = packet.sent_at;
        }
        self.sent.push(number, packet);
    }

    /// So many packets are open that the peer cannot mean to acknowledge them.
    pub(crate) fn is_full(&self) -> bool {
        self.sent.span() > limits::SENT_PACKETS
    }

    /// The peer acknowledged packets. What that means is added to `out`.
    ///
    /// # Errors
    /// When the peer acknowledges what was never sent.
    pub(crate) fn on_ack(
        &mut self,
        now: Instant,
        ack: &AckFrame<'_>,
        rtt: &RttView,
        max_ack_delay: Duration,
        out: &mut Outcome,
    ) -> Result<(), TransportError> {
        if ack.largest >= self.numbers.peek() {
            return Err(NEVER_SENT);
        }
        out.prior_in_flight = self.sent.in_flight();
        let raised = self.largest_acked.is_none_or(|known| ack.largest > known);
        self.collect_new(ack);
        let mut eliciting = false;
        while let Some(range) = self.scratch.pop() {
            for number in range.clone() {
                eliciting |= self.acknowledge(number, out)?;
            }
            self.acked.insert(range);
        }
        if raised {
            self.largest_acked = Some(ack.largest);
            out.ecn = ack.ecn;
        }
        self.measure(now, ack, max_ack_delay, eliciting, out);
        if !out.acked.is_empty() {
            self.probe_timeouts = 0;
            self.probes_owed = 0;
        }
        self.detect(now, rtt, max_ack_delay, out);
        self.trim();
        Ok(())
    }

    /// Lists, from the top down, the numbers in the ring that this ACK adds.
    fn collect_new(&mut self, ack: &AckFrame<'_>) {
        self.scratch.clear();
        let base = self.sent.base();
        for range in ack.ranges() {
            if *range.end() < base {
                break;
            }
            let wanted = (*range.start()).max(base)..range.end() + 1;
            let mut top = wanted.end;
            for known in self.acked.overlapping(wanted.clone()).rev() {
                if known.end < top {
                    self.scratch.push(known.end..top);
                }
                top = known.start.max(wanted.start);
            }
            if wanted.start < top {
                self.scratch.push(wanted.start..top);
            }
        }
    }

    /// One number is newly acknowledged; returns whether its packet asked for that.
    fn acknowledge(&mut self, number: u64, out: &mut Outcome) -> Result<bool, TransportError> {
        match self.sent.take(number) {
            Slot::Skipped => Err(NEVER_SENT),
            Slot::Settled => Ok(false),
            Slot::AckOnly => Ok(false),
            Slot::Live(packet) => {
                let settled = settled(number, &packet);
                out.acked.push(settled);
                out.fates.extend(packet.records.iter().map(|record| (record, Fate::Acked)));
                self.sent.note_acked(packet.path, number);
                Ok(packet.ack_eliciting)
            }
            Slot::Lost(packet) => {
                self.reordering.on_spurious(self.sent.largest_acked(packet.path), number);
                out.spurious.push(settled(number, &packet));
                out.fates.extend(packet.records.iter().map(|record| (record, Fate::Acked)));
                Ok(false)
            }
        }
    }

    /// The round trip of the largest packet, if this ACK is the first to name it (RFC 9002 §5.1).
    fn measure(
        &self,
        now: Instant,
        ack: &AckFrame<'_>,
        max_ack_delay: Duration,
        eliciting: bool,
        out: &mut Outcome,
    ) {
        let newest = out.acked.last().filter(|packet| packet.number == ack.largest);
        if let (Some(packet), true) = (newest, eliciting) {
            out.rtt = Some(RttSample {
                path: packet.path,
                latest: now - packet.sent_at,
                ack_delay: ack.delay.min(max_ack_delay),
            });
        }
    }

    /// Forgets the front of the ring where nothing is open.
    fn trim(&mut self) {
        self.sent.trim(self.largest_acked);
        self.acked.remove_below(self.sent.base());
    }

    /// When [`Self::on_deadline`] wants to be called.
    pub(crate) fn deadline(&self, rtt: &RttView, max_ack_delay: Duration) -> Option<Instant> {
        if self.loss_at.is_some() {
            return self.loss_at;
        }
        if self.sent.in_flight() == 0 {
            return None;
        }
        let backoff = self.probe_timeouts.min(limits::PROBE_BACKOFF);
        let wait = self.pto(rtt, max_ack_delay).saturating_mul(1 << backoff);
        Some(self.probe_from + wait.min(limits::PROBE_TIMEOUT_MAX))
    }

    /// The deadline has passed.
    pub(crate) fn on_deadline(
        &mut self,
        now: Instant,
        rtt: &RttView,
        max_ack_delay: Duration,
        out: &mut Outcome,
    ) -> Verdict {
        if self.deadline(rtt, max_ack_delay).is_none_or(|deadline| deadline > now) {
            return Verdict::Nothing;
        }
        out.prior_in_flight = self.sent.in_flight();
        if self.loss_at.is_some() {
            self.detect(now, rtt, max_ack_delay, out);
            self.trim();
            return Verdict::Lost;
        }
        self.probe_timeouts += 1;
        self.probes_owed = limits::PROBES;
        self.probe_from = now;
        self.sent.advance_first_live();
        for packet in self.sent.oldest_live(usize::from(limits::PROBES)) {
            out.fates.extend(packet.records.iter().map(|record| (record, Fate::Lost)));
        }
        Verdict::Probe
    }

    /// Probes that may leave although the window is full.
    pub(crate) fn probes_owed(&self) -> u8 {
        self.probes_owed
    }

    /// A packet that asks for an acknowledgement has left.
    pub(crate) fn on_probe_sent(&mut self) {
        self.probes_owed = self.probes_owed.saturating_sub(1);
    }

    /// Nothing on this path will be acknowledged any more: its packets are given back as lost, without a word on congestion.
    pub(crate) fn forget_path(&mut self, path: PathId, out: &mut Outcome) {
        self.sent.forget(path, |packet| {
            out.fates.extend(packet.records.iter().map(|record| (record, Fate::Lost)));
        });
        if self.sent.in_flight() == 0 {
            self.loss_at = None;
        }
        self.trim();
    }

    /// Bytes in flight.
    pub(crate) fn in_flight(&self) -> u64 {
        self.sent.in_flight()
    }

    /// Bytes in flight on one path.
    pub(crate) fn in_flight_on(&self, path: PathId) -> u64 {
        self.sent.in_flight_on(path)
    }

    /// The probe timeout without backoff (RFC 9002 §6.2.1).
    pub(crate) fn pto(&self, rtt: &RttView, max_ack_delay: Duration) -> Duration {
        rtt.smoothed + (4 * rtt.variation).max(limits::TIMER_GRANULARITY) + max_ack_delay
    }
}

const NEVER_SENT: TransportError = TransportError::new(
    crate::wire::ErrorCode::PROTOCOL_VIOLATION,
    "a packet was acknowledged that was never sent",
);

fn settled(number: u64, packet: &SentPacket) -> Settled {
    Settled {
        number,
        sent_at: packet.sent_at,
        size: packet.size,
        path: packet.path,
        ack_eliciting: packet.ack_eliciting,
        mtu_probe: packet.mtu_probe,
        ecn_marked: packet.ecn_marked,
        stamp: packet.stamp,
    }
}

#[cfg(test)]
mod tests;
