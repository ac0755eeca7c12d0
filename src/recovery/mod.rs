//! Sent packets, and what became of them (SPEC §8.2, RFC 9002).
//!
//! ```text
//!             ┌────────────── acknowledged ──────────────▶ Acked
//!   Open ─────┤                                              ▲
//!     │       └── declared lost ──▶ Lost (remembered) ───────┘ spurious
//!     │                                   └── forgotten
//!     └── probe timeout: stays open, but its contents go into the probe; Lost is told now and not again
//! ```
//!
//! | file | decides |
//! |---|---|
//! | `numbers` | which numbers are used, and whether an ACK names one that was not |
//! | `sent` | nothing: it holds the open packets |
//! | `loss` | which packets of a path are lost; persistent congestion |
//! | `spurious` | how long lost packets are remembered; how much a path reorders |
//! | `probe` | when silence calls for a probe |
//!
//! The records of a packet come back with `Lost` at most once and with `Acked` at most once, `Lost` first if both.
//! `rtt` is always the estimate of the path that packets are being sent on.

mod loss;
mod numbers;
mod probe;
mod sent;
mod spurious;

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::base::Instant;
use crate::base::limits::{
    ACK_RANGES_HEEDED, LOST_PTOS, PERSISTENT_CONGESTION, PROBES, SENT_PACKETS,
};
use crate::vocab::{Fate, Outcome, PathId, Records, RttSample, RttView, SentPacket};
use crate::wire::{AckFrame, TransportError};

use loss::{Ledger, Ledgers, judged_round_trip};
use numbers::Numbers;
use probe::{ProbeTimer, probe_timeout};
use sent::{Open, SentPackets};
use spurious::LostPackets;

/// What a deadline meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Too early, or nothing is to be done.
    Nothing,
    /// Packets are lost; they are in the outcome.
    Lost,
    /// Nothing was heard for a probe timeout. [`Recovery::probes_owed`] ack-eliciting packets may leave whatever the
    /// congestion window says; the outcome gives back what they should carry.
    Probe,
}

/// The sending side's record of packets.
#[derive(Debug)]
pub(crate) struct Recovery {
    numbers: Numbers,
    sent: SentPackets,
    lost: LostPackets,
    ledgers: Ledgers,
    probe: ProbeTimer,
    in_flight: u64,
    largest_acked: Option<u64>,
    /// The ranges of the ACK at hand, kept for its memory.
    ranges: Vec<RangeInclusive<u64>>,
}

impl Recovery {
    /// Nothing sent. The seed decides which numbers are skipped and must be unpredictable to the peer.
    pub(crate) fn new(skip_seed: u64) -> Self {
        Self {
            numbers: Numbers::new(skip_seed),
            sent: SentPackets::default(),
            lost: LostPackets::default(),
            ledgers: Ledgers::default(),
            probe: ProbeTimer::default(),
            in_flight: 0,
            largest_acked: None,
            ranges: Vec::new(),
        }
    }

    /// The number of the next packet. One that is not used after all is never asked about.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.numbers.next()
    }

    /// A packet leaves under the newest number.
    #[inline]
    pub(crate) fn on_sent(&mut self, number: u64, packet: SentPacket) {
        let bytes = in_flight_bytes(&packet);
        if packet.ack_eliciting {
            self.probe.on_sent(packet.sent_at);
        }
        self.in_flight += bytes;
        let place = self.ledgers.on_sent(packet.path, bytes);
        self.sent.push(number, Open { place, resent: false, packet });
    }

    /// So many packets are open that nothing more should be sent before some are acknowledged.
    pub(crate) fn is_full(&self) -> bool {
        self.sent.len() as u64 > SENT_PACKETS
    }

    /// The peer acknowledged packets. `out`, emptied first, says what follows.
    ///
    /// # Errors
    /// If the ACK names a number that was never sent.
    pub(crate) fn on_ack(
        &mut self,
        now: Instant,
        ack: &AckFrame<'_>,
        rtt: &RttView,
        max_ack_delay: Duration,
        out: &mut Outcome,
    ) -> Result<(), TransportError> {
        out.clear();
        self.numbers.check(ack)?;
        out.prior_in_flight = self.in_flight;
        self.settle(now, ack, rtt, out);
        if out.acked.is_empty() && out.spurious.is_empty() {
            return Ok(());
        }
        self.probe.reset();
        self.measure(now, ack, max_ack_delay, out);
        if self.largest_acked.is_none_or(|largest| ack.largest > largest) {
            self.largest_acked = Some(ack.largest);
            out.ecn = ack.ecn;
        }
        self.detect(now, rtt, max_ack_delay, out);
        let memory = self.pto(rtt, max_ack_delay).saturating_mul(LOST_PTOS);
        self.lost.forget_before(now - memory);
        Ok(())
    }

    /// When [`Self::on_deadline`] wants to be called.
    pub(crate) fn deadline(&self, rtt: &RttView, max_ack_delay: Duration) -> Option<Instant> {
        let probe = || self.probe.deadline(self.pto(rtt, max_ack_delay));
        self.ledgers.loss_at().or_else(|| self.sent.has_eliciting().then(probe))
    }

    /// Time has passed. `out`, emptied first, says what follows.
    pub(crate) fn on_deadline(
        &mut self,
        now: Instant,
        rtt: &RttView,
        max_ack_delay: Duration,
        out: &mut Outcome,
    ) -> Verdict {
        out.clear();
        out.prior_in_flight = self.in_flight;
        if self.deadline(rtt, max_ack_delay).is_none_or(|deadline| now < deadline) {
            return Verdict::Nothing;
        }
        if self.ledgers.loss_at().is_some() {
            self.detect(now, rtt, max_ack_delay, out);
            // The round trip may have grown since the deadline was set.
            return if out.lost.is_empty() { Verdict::Nothing } else { Verdict::Lost };
        }
        self.probe.on_expired(now);
        let is_model = |open: &&mut Open| {
            open.packet.ack_eliciting && !open.resent && open.packet.records.iter().next().is_some()
        };
        for open in self.sent.iter_mut().filter(is_model).take(usize::from(PROBES)) {
            open.resent = true;
            push_fates(&open.packet.records, Fate::Lost, out);
        }
        Verdict::Probe
    }

    /// Acknowledgements are lost often, or not: whether the first silence is a reason to probe more rarely.
    pub(crate) fn expect_losses(&mut self, often: bool) {
        self.probe.expect_losses(often);
    }

    /// Probe timeouts since the peer acknowledged something for the last time.
    pub(crate) fn probe_timeouts(&self) -> u32 {
        self.probe.expired()
    }

    /// How many probes may leave whatever the congestion window says.
    pub(crate) fn probes_owed(&self) -> u8 {
        self.probe.owed()
    }

    /// The peer has broken a silence: probes need not wait any longer.
    pub(crate) fn on_heard_again(&mut self) {
        self.probe.on_heard_again();
    }

    /// One of them left, or another ack-eliciting packet instead.
    pub(crate) fn on_probe_sent(&mut self) {
        self.probe.on_probe_sent();
    }

    /// Nothing more is expected of a path: its open packets go back as lost, and say nothing about congestion. `out`,
    /// emptied first, has their records. If the round trip is that of another path from now on, the backoff of the
    /// probe timeout would be the wrong one; it starts anew.
    ///
    /// This is all that a migration needs. Until it is called, packets on the old path are judged by acknowledgements of
    /// packets on that path alone, and count for the probe timeout.
    pub(crate) fn forget_path(&mut self, path: PathId, out: &mut Outcome) {
        out.clear();
        out.prior_in_flight = self.in_flight;
        let mut cursor = self.sent.seek(0);
        while let Some(open) = self.sent.peek(&mut cursor, u64::MAX) {
            if open.packet.path != path {
                cursor.advance();
                continue;
            }
            if let Some((_, open)) = self.sent.take(&mut cursor, u64::MAX) {
                land(&mut self.in_flight, &mut self.ledgers, &open);
                give_back(&open, out);
            }
        }
        self.sent.clear_settled();
        self.ledgers.forget(path);
        self.probe.reset();
    }

    /// Gives back memory beyond that of the packets which are open and elicit an acknowledgement.
    pub(crate) fn rest(&mut self) {
        self.sent.rest();
        self.lost.shrink();
        self.ranges = Vec::new();
    }

    /// Bytes in flight.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Bytes in flight on one path.
    pub(crate) fn in_flight_on(&self, path: PathId) -> u64 {
        self.ledgers.in_flight(path)
    }

    /// The probe timeout without backoff (RFC 9002 §6.2.1).
    pub(crate) fn pto(&self, rtt: &RttView, max_ack_delay: Duration) -> Duration {
        probe_timeout(rtt, max_ack_delay)
    }

    /// Settles what an ACK names and is not settled yet, by rising number.
    fn settle(&mut self, now: Instant, ack: &AckFrame<'_>, rtt: &RttView, out: &mut Outcome) {
        let oldest = [self.sent.oldest(), self.lost.oldest()].into_iter().flatten().min();
        let Some(oldest) = oldest else { return };
        let mut ranges = std::mem::take(&mut self.ranges);
        let unsettled = ack.ranges().take_while(|range| *range.end() >= oldest);
        ranges.extend(unsettled.take(ACK_RANGES_HEEDED));
        // Lost ones first: how late they are shows against what was acknowledged before this ACK.
        for range in ranges.iter().rev() {
            self.settle_lost(now, range, rtt, out);
        }
        for range in ranges.iter().rev() {
            self.settle_open(range, out);
        }
        self.sent.clear_settled();
        ranges.clear();
        self.ranges = ranges;
    }

    fn settle_lost(
        &mut self,
        now: Instant,
        range: &RangeInclusive<u64>,
        rtt: &RttView,
        out: &mut Outcome,
    ) {
        while let Some((number, open)) = self.lost.take(range) {
            if let Some(ledger) = self.ledgers.get_mut(open.packet.path) {
                ledger.on_spurious(open.place, now - open.packet.sent_at, rtt.smoothed);
            }
            out.spurious.push(open.settled(number));
            push_fates(&open.packet.records, Fate::Acked, out);
        }
    }

    fn settle_open(&mut self, range: &RangeInclusive<u64>, out: &mut Outcome) {
        let Self { sent, ledgers, in_flight, .. } = self;
        sent.settle(sent.seek(*range.start()), *range.end(), |number, open| {
            if let Some(ledger) = land(in_flight, ledgers, open) {
                ledger.on_acked(open.place);
            }
            out.acked.push(open.settled(number));
            push_fates(&open.packet.records, Fate::Acked, out);
        });
    }

    /// Takes the round trip, if the largest number is new and something new asked for an ACK (RFC 9002 §5.1).
    fn measure(
        &mut self,
        now: Instant,
        ack: &AckFrame<'_>,
        max_ack_delay: Duration,
        out: &mut Outcome,
    ) {
        let Some(newest) = out.acked.last().filter(|newest| newest.number == ack.largest) else {
            return;
        };
        if !out.acked.iter().any(|packet| packet.ack_eliciting) {
            return;
        }
        if let Some(ledger) = self.ledgers.get_mut(newest.path) {
            ledger.on_measured(now);
        }
        out.rtt = Some(RttSample {
            path: newest.path,
            latest: now - newest.sent_at,
            ack_delay: ack.delay.min(max_ack_delay),
        });
    }

    /// Finds lost packets, and when to look again (RFC 9002 §A.10).
    fn detect(&mut self, now: Instant, rtt: &RttView, max_ack_delay: Duration, out: &mut Outcome) {
        let Some(largest) = self.largest_acked else { return };
        let round_trip = judged_round_trip(rtt, out.rtt.map(|sample| sample.latest));
        let period = self.pto(rtt, max_ack_delay).saturating_mul(PERSISTENT_CONGESTION);
        self.ledgers.disarm();
        let mut cursor = self.sent.seek(0);
        while let Some(open) = self.sent.peek(&mut cursor, largest) {
            let ledger = self.ledgers.get_mut(open.packet.path);
            if !ledger.is_some_and(|ledger| ledger.is_lost(now, round_trip, open)) {
                cursor.advance();
            } else if let Some((number, open)) = self.sent.take(&mut cursor, largest) {
                self.lose(now, number, open, period, out);
            }
        }
        self.sent.clear_settled();
    }

    fn lose(&mut self, now: Instant, number: u64, open: Open, period: Duration, out: &mut Outcome) {
        land(&mut self.in_flight, &mut self.ledgers, &open);
        if let Some(ledger) = self.ledgers.get_mut(open.packet.path) {
            out.persistent_congestion |= ledger.on_lost(now, &open, period);
        }
        out.lost.push(open.settled(number));
        give_back(&open, out);
        self.lost.remember(now, number, open);
    }
}

/// A packet is not in flight any more. Returns the ledger of its path.
fn land<'a>(in_flight: &mut u64, ledgers: &'a mut Ledgers, open: &Open) -> Option<&'a mut Ledger> {
    let bytes = in_flight_bytes(&open.packet);
    *in_flight = in_flight.saturating_sub(bytes);
    let ledger = ledgers.get_mut(open.packet.path)?;
    ledger.on_landed(bytes);
    Some(ledger)
}

fn in_flight_bytes(packet: &SentPacket) -> u64 {
    if packet.ack_eliciting { u64::from(packet.size) } else { 0 }
}

/// Data of a stream that arrived packet after packet goes back in one piece: a bulk transfer is nothing else.
fn push_fates(records: &Records, fate: Fate, out: &mut Outcome) {
    for record in records.iter() {
        let joined = match out.fates.last_mut() {
            Some((last, Fate::Acked)) if fate == Fate::Acked => last.join(&record),
            _ => false,
        };
        if !joined {
            out.fates.push((record, fate));
        }
    }
}

/// Gives back what a lost packet carried, unless a probe has taken it over.
fn give_back(open: &Open, out: &mut Outcome) {
    if !open.resent {
        push_fates(&open.packet.records, Fate::Lost, out);
    }
}

#[cfg(test)]
mod tests;
