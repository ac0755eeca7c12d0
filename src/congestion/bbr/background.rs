//! What the path loses by itself: the share of packets that are lost although too little is sent to fill it.
//!
//! ```text
//!   in flight │  ╱╲ Startup
//!             │ ╱  ╲ Drain                   ┌──┐ Refill, Up: may be lost because of us
//!   BDP ──────│╱────╲────────────────────────┘──└─
//!   3/4 ──────│──────╲──┐     ┌─────────────────── below, and not probing: what is lost here is lost anyway
//!             │         └─────┘
//!             └──────────── a round of losses, ProbeRtt
//! ```
//!
//! Startup counts up to two round trips before the rate stopped growing: the pipe that then carried half as much again was not full. Drain
//! counts but for its first round trip: at half the rate of the path each packet finds the queue shorter than the one before. So that a
//! path loses by itself is known soon after Startup, and need not be found out by sending less and less.
//!
//! The answer to losses is the experiment. If they stay when less is sent, they have another cause, and to send still less would
//! cost much and spare nobody; then that much is tolerated on top. If they go, they were ours.
//!
//! Unless they are lost to a queue that others fill: then they stay, too, whatever we do. Who has few packets in flight is likely to be one
//! of many, so there it must be known besides that the queue is empty. If each of many took the losses of all for the path's own, nobody
//! would slow down.

use std::time::Duration;

use super::phase::{Phase, share};
use crate::base::Instant;
use crate::congestion::episode::is_signal;
use crate::vocab::Settled;

/// Thousandths of lost bytes that are tolerated where nothing is lost without cause.
const TOLERATED: u64 = 20;

/// The most that is tolerated: a competitor's losses may look like the path's own for a while.
pub(super) const TOLERATED_MAX: u64 = 150;

/// Times the usual share that a bad moment loses.
const SPREAD: u64 = 2;

/// Percent of the bandwidth-delay product that leave the queue empty.
const QUIET: u64 = 75;

/// Datagrams of a bandwidth-delay product below which others decide what the queue loses.
pub(super) const FEW: u64 = 64;

/// Packets without which nothing is said.
const PACKETS_MIN: u64 = 64;

/// Packets after which older ones are forgotten.
const PACKETS_MAX: u64 = 4096;

/// What became of packets.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    settled: u64,
    lost: u64,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.settled += other.settled;
        self.lost += other.lost;
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Background {
    /// Long ago, and of late.
    counts: [Count; 2],
    /// When the present quiet time began, or the last one; and its end.
    since: Option<Instant>,
    until: Option<Instant>,
    /// The newest moment of Drain.
    drained: Option<Instant>,
    /// The state is Startup.
    starting: bool,
    /// Others may be losing what is lost.
    is_shared: bool,
    /// What it sent and may have lost because of us: settled in this round trip, last, and in the two before.
    doubtful: [Count; 3],
}

impl Background {
    /// The state is this one now: in some, more is sent than the path is known to carry. When Startup has ended, those who shared its
    /// queue need a round trip to notice what they lost there.
    pub(super) fn on_phase(&mut self, now: Instant, phase: Phase, round_trip: Duration) {
        let is_quiet = self.since.is_some() && self.until.is_none();
        if phase.is_probing() && is_quiet {
            self.until = Some(now);
        } else if !phase.is_probing() && !is_quiet {
            let settles = if phase == Phase::Drain { round_trip } else { Duration::ZERO };
            (self.since, self.until) = (Some(now + settles), None);
        }
        if phase == Phase::Drain {
            self.drained = Some(now);
        }
        self.starting = phase == Phase::Startup;
        if !self.starting {
            self.doubtful = Default::default();
        }
    }

    /// Whether the queue is one that others may fill.
    pub(super) fn set_shared(&mut self, is_shared: bool) {
        self.is_shared = is_shared;
    }

    /// A round trip ended. `grew`: the path carried a quarter more in it, and no queue stood. After two of these what was lost before them is
    /// known not to be lost by a full pipe.
    pub(super) fn on_round(&mut self, grew: bool) {
        let [oldest, before, now] = std::mem::take(&mut self.doubtful);
        if grew {
            self.counts[1].add(oldest);
            self.doubtful = [before, now, Count::default()];
        }
    }

    /// Packets arrived or were lost. The path carries `product` bytes at once.
    pub(super) fn note(&mut self, packets: &[Settled], are_lost: bool, product: u64) {
        let settled = packets.iter().filter(|packet| self.tells(packet, product)).count() as u64;
        let count = Count { settled, lost: if are_lost { settled } else { 0 } };
        if self.starting {
            self.doubtful[2].add(count);
            return;
        }
        self.counts[1].add(count);
        if self.counts[1].settled >= PACKETS_MAX {
            self.turn();
        }
    }

    /// Packets that were called lost arrived.
    pub(super) fn on_spurious(&mut self, packets: &[Settled], product: u64) {
        let mut wrong = packets.iter().filter(|packet| self.tells(packet, product)).count() as u64;
        let [oldest, before, now] = &mut self.doubtful;
        for count in [now, before, oldest, &mut self.counts[1]] {
            let taken = wrong.min(count.lost);
            count.lost -= taken;
            wrong -= taken;
        }
    }

    /// What is counted from now on replaces what was counted before.
    pub(super) fn turn(&mut self) {
        if self.counts[1].settled >= PACKETS_MIN {
            self.counts = [self.counts[1], Count::default()];
        }
    }

    /// Thousandths of lost bytes that are tolerated while no queue stands.
    pub(super) fn tolerated(&self) -> u64 {
        (TOLERATED + self.usual()).min(TOLERATED_MAX)
    }

    /// The path loses by itself as much as is tolerated elsewhere, or more.
    pub(super) fn is_lossy(&self) -> bool {
        self.usual() >= SPREAD * TOLERATED
    }

    /// And while one stands: then all that the path does not lose by itself is lost to the queue.
    pub(super) fn tolerated_in_queue(&self) -> u64 {
        self.usual().min(TOLERATED_MAX)
    }

    /// What the path loses by itself in a bad moment.
    fn usual(&self) -> u64 {
        let [old, new] = self.counts;
        let (settled, lost) = (old.settled + new.settled, old.lost + new.lost);
        if settled < PACKETS_MIN { 0 } else { SPREAD * lost * 1000 / settled }
    }

    /// What becomes of this packet tells what the path loses by itself, or may prove to.
    fn tells(&self, packet: &Settled, product: u64) -> bool {
        if self.starting {
            return is_signal(packet);
        }
        !self.is_shared && self.is_quiet(packet, product)
    }

    fn is_quiet(&self, packet: &Settled, product: u64) -> bool {
        let began = self.since.is_some_and(|since| packet.sent_at > since);
        let ended = self.until.is_some_and(|until| packet.sent_at > until);
        let is_draining = self.drained.is_some_and(|drained| packet.sent_at <= drained);
        let few = u64::from(packet.stamp.in_flight) <= share(product, QUIET);
        began && !ended && (few || is_draining) && is_signal(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocab::{PathId, SendStamp};

    const PRODUCT: u64 = 100_000;
    const ROUND_TRIP: Duration = Duration::from_millis(4);

    fn at(millis: u64) -> Instant {
        Instant::from_nanos(millis * 1_000_000)
    }

    fn packets(count: usize, millis: u64, in_flight: u32) -> Vec<Settled> {
        let stamp = SendStamp { in_flight, ..SendStamp::default() };
        let packet = Settled {
            number: 0,
            sent_at: at(millis),
            size: 1200,
            path: PathId(0),
            ack_eliciting: true,
            mtu_probe: false,
            ecn_marked: false,
            stamp,
        };
        vec![packet; count]
    }

    /// Probes until 10 ms, and from 20 ms on.
    fn between_probes() -> Background {
        let mut background = Background::default();
        background.on_phase(at(0), Phase::Up, ROUND_TRIP);
        background.on_phase(at(10), Phase::Down, ROUND_TRIP);
        background.on_phase(at(20), Phase::Refill, ROUND_TRIP);
        background
    }

    fn note(background: &mut Background, millis: u64, in_flight: u32) {
        background.note(&packets(95, millis, in_flight), false, PRODUCT);
        background.note(&packets(5, millis, in_flight), true, PRODUCT);
    }

    #[test]
    fn what_is_lost_of_a_thin_flight_is_tolerated_twice_over() {
        let mut background = between_probes();
        background.note(&packets(63, 15, 75_000), true, PRODUCT);
        assert_eq!(background.tolerated(), TOLERATED, "too few to tell");
        let mut background = between_probes();
        note(&mut background, 15, 75_000);
        assert_eq!(background.tolerated(), TOLERATED + 100);
        note(&mut background, 15, 75_000);
        assert_eq!(background.tolerated(), TOLERATED + 100);
    }

    #[test]
    fn in_a_queue_only_what_the_path_loses_by_itself_is_tolerated() {
        let mut background = between_probes();
        assert_eq!(background.tolerated_in_queue(), 0);
        note(&mut background, 15, 75_000);
        assert_eq!(background.tolerated_in_queue(), 100);
    }

    #[test]
    fn losses_of_probes_and_of_full_flights_say_nothing() {
        let mut background = between_probes();
        for (millis, in_flight) in [(5, 1_000), (10, 1_000), (21, 1_000), (15, 75_001)] {
            note(&mut background, millis, in_flight);
        }
        assert_eq!(background.tolerated(), TOLERATED);
    }

    #[test]
    fn what_is_lost_to_a_queue_that_others_may_fill_says_nothing() {
        let mut background = between_probes();
        background.set_shared(true);
        note(&mut background, 15, 75_000);
        assert_eq!(background.tolerated(), TOLERATED);
        background.set_shared(false);
        note(&mut background, 15, 75_000);
        assert_eq!(background.tolerated(), TOLERATED + 100);
    }

    #[test]
    fn what_is_lost_while_the_queue_of_startup_drains_is_tolerated() {
        let mut background = Background::default();
        background.on_phase(at(0), Phase::Startup, ROUND_TRIP);
        background.on_phase(at(10), Phase::Drain, ROUND_TRIP);
        background.on_phase(at(20), Phase::Drain, ROUND_TRIP);
        background.on_phase(at(30), Phase::Cruise, ROUND_TRIP);
        note(&mut background, 14, 200_000);
        note(&mut background, 21, 200_000);
        assert_eq!(background.tolerated(), TOLERATED, "in its first round trip, and after it");
        assert!(!background.is_lossy());
        note(&mut background, 20, 200_000);
        assert_eq!(background.tolerated(), TOLERATED + 100);
        assert!(background.is_lossy());
    }

    #[test]
    fn what_startup_loses_is_tolerated_when_the_rate_has_grown_twice_since() {
        let mut background = Background::default();
        background.on_phase(at(0), Phase::Startup, ROUND_TRIP);
        note(&mut background, 1, 200_000);
        background.on_round(true);
        background.on_round(true);
        assert_eq!(background.tolerated(), TOLERATED, "it may have been ours");
        background.on_round(true);
        assert_eq!(background.tolerated(), TOLERATED + 100);
    }

    #[test]
    fn what_startup_loses_before_the_rate_stops_growing_says_nothing() {
        let mut background = Background::default();
        background.on_phase(at(0), Phase::Startup, ROUND_TRIP);
        note(&mut background, 1, 200_000);
        for grew in [true, true, false, true, true] {
            background.on_round(grew);
        }
        assert_eq!(background.tolerated(), TOLERATED);
    }

    #[test]
    fn tolerance_has_an_end() {
        let mut background = between_probes();
        background.note(&packets(100, 15, 1_000), true, PRODUCT);
        assert_eq!(background.tolerated(), TOLERATED_MAX);
    }

    #[test]
    fn losses_that_were_reordering_are_taken_back() {
        let mut background = between_probes();
        note(&mut background, 15, 1_000);
        background.on_spurious(&packets(5, 15, 1_000), PRODUCT);
        assert_eq!(background.tolerated(), TOLERATED);
    }

    #[test]
    fn losses_of_startup_that_were_reordering_are_taken_back() {
        let mut background = Background::default();
        background.on_phase(at(0), Phase::Startup, ROUND_TRIP);
        note(&mut background, 1, 200_000);
        background.on_round(true);
        background.on_spurious(&packets(5, 1, 200_000), PRODUCT);
        background.on_round(true);
        background.on_round(true);
        assert_eq!(background.tolerated(), TOLERATED);
    }

    #[test]
    fn old_losses_are_forgotten() {
        let mut background = between_probes();
        note(&mut background, 15, 1_000);
        background.turn();
        background.note(&packets(4_096, 15, 1_000), false, PRODUCT);
        assert_eq!(background.tolerated(), TOLERATED);
        background.turn();
        assert_eq!(background.tolerated(), TOLERATED, "too few replace nothing");
    }
}
