//! Decides which packets of a path are lost, and when losses mean persistent congestion (RFC 9002 §6.1 and §7.6).
//!
//! ```text
//!            threshold                largest acknowledged place of the path
//!           ┌────┴────┐               │
//!  ■  ■  ■  ■  ■  ■  ■▼───────────────┘  ■  ■
//!  └─ lost ─┘  └ lost when older   not judged yet
//!                than 9/8 round trip, or up to 16/8 on paths that reorder
//! ```
//!
//! A packet's place counts the packets of its own path, so that neither skipped numbers nor packets of another path
//! between two numbers look like reordering.

use std::time::Duration;

use super::sent::Open;
use super::spurious::Reordering;
use crate::base::Instant;
use crate::base::time::earliest;
use crate::vocab::{PathId, RttView};

/// The round trip that packets are judged by (RFC 9002 §6.1.2).
pub(super) fn judged_round_trip(rtt: &RttView, newest: Option<Duration>) -> Duration {
    rtt.smoothed.max(newest.unwrap_or(rtt.latest))
}

/// The books of one path.
#[derive(Debug)]
pub(super) struct Ledger {
    path: PathId,
    in_flight: u64,
    /// Packets sent: the place of the next one.
    sent: u64,
    /// The largest place acknowledged.
    acked: Option<u64>,
    /// When the next packet is lost by time alone.
    loss_at: Option<Instant>,
    reordering: Reordering,
    run: Run,
    /// When the first round trip was measured by an ACK.
    measured_at: Option<Instant>,
}

/// Packets lost one right after the other.
#[derive(Debug, Default)]
struct Run {
    /// When the first one left that counts for persistent congestion.
    since: Option<Instant>,
    /// The place behind the last one.
    end: u64,
}

impl Ledger {
    fn new(path: PathId) -> Self {
        Self {
            path,
            in_flight: 0,
            sent: 0,
            acked: None,
            loss_at: None,
            reordering: Reordering::new(),
            run: Run::default(),
            measured_at: None,
        }
    }

    fn on_sent(&mut self, bytes: u64) -> u64 {
        let place = self.sent;
        self.sent += 1;
        self.in_flight += bytes;
        place
    }

    /// Bytes are not in flight any more.
    pub(super) fn on_landed(&mut self, bytes: u64) {
        self.in_flight = self.in_flight.saturating_sub(bytes);
    }

    pub(super) fn on_acked(&mut self, place: u64) {
        self.acked = self.acked.max(Some(place));
    }

    pub(super) fn on_measured(&mut self, now: Instant) {
        self.measured_at.get_or_insert(now);
    }

    /// A packet that was declared lost has arrived after `took`, on a path of this round trip.
    pub(super) fn on_spurious(&mut self, place: u64, took: Duration, round_trip: Duration) {
        let distance = self.acked.map_or(0, |acked| acked.saturating_sub(place));
        self.reordering.on_spurious(distance, took, round_trip);
        if place < self.run.end {
            self.run = Run::default();
        }
    }

    /// Whether a packet is lost, by those acknowledged; if not yet, remembers when to judge it again.
    pub(super) fn is_lost(&mut self, now: Instant, round_trip: Duration, open: &Open) -> bool {
        let Some(later) = self.acked.and_then(|acked| acked.checked_sub(open.place)) else {
            return false;
        };
        let lost_at = open.packet.sent_at + self.reordering.delay(round_trip);
        if later >= self.reordering.threshold() || lost_at <= now {
            return true;
        }
        // Nobody needs to wake up for a packet of which nothing is sent again.
        if open.packet.ack_eliciting {
            self.loss_at = earliest(self.loss_at, Some(lost_at));
        }
        false
    }

    /// A packet is lost. Returns whether the losses up to it span more than `period`.
    pub(super) fn on_lost(&mut self, now: Instant, open: &Open, period: Duration) -> bool {
        let packet = &open.packet;
        self.reordering.on_lost(now, packet.sent_at);
        if open.place != self.run.end {
            self.run = Run::default();
        }
        self.run.end = open.place + 1;
        // RFC 9002 §7.6.2: both ends elicit acknowledgements and left when a round trip was known.
        let counts = packet.ack_eliciting
            && !packet.mtu_probe
            && self.measured_at.is_some_and(|measured| packet.sent_at > measured);
        if !counts {
            return false;
        }
        let since = *self.run.since.get_or_insert(packet.sent_at);
        let persistent = packet.sent_at - since > period;
        if persistent {
            self.run.since = Some(packet.sent_at);
        }
        persistent
    }
}

/// The books of all paths: one or two, three for a moment.
#[derive(Debug, Default)]
pub(super) struct Ledgers(Vec<Ledger>);

impl Ledgers {
    /// A packet leaves; returns its place. `bytes` are those that count as in flight.
    pub(super) fn on_sent(&mut self, path: PathId, bytes: u64) -> u64 {
        if let Some(ledger) = self.get_mut(path) {
            return ledger.on_sent(bytes);
        }
        let mut ledger = Ledger::new(path);
        let place = ledger.on_sent(bytes);
        // Most connections never have a second path.
        self.0.reserve_exact(1);
        self.0.push(ledger);
        place
    }

    pub(super) fn get_mut(&mut self, path: PathId) -> Option<&mut Ledger> {
        self.0.iter_mut().find(|ledger| ledger.path == path)
    }

    pub(super) fn in_flight(&self, path: PathId) -> u64 {
        self.0.iter().find(|ledger| ledger.path == path).map_or(0, |ledger| ledger.in_flight)
    }

    pub(super) fn forget(&mut self, path: PathId) {
        self.0.retain(|ledger| ledger.path != path);
    }

    /// When the next packet is lost by time alone.
    pub(super) fn loss_at(&self) -> Option<Instant> {
        self.0.iter().map(|ledger| ledger.loss_at).fold(None, earliest)
    }

    /// All open packets are about to be judged again.
    pub(super) fn disarm(&mut self) {
        for ledger in &mut self.0 {
            ledger.loss_at = None;
        }
    }
}
