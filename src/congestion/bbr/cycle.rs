//! Bandwidth probing: when a probe begins, how far it goes, and when it ends (§5.3.3 of the draft).
//!
//! ```text
//!  rate 125 %            ┌──┐                         volume
//!       100 % ───────┬───┘  │      ┌──────────┬───┐     ─ ─ ─ long_term ─ ─ ─ ─ grows by 1, 2, 4, 8 … datagrams
//!        90 %        │      └──────┘          │         a round while Up is held back by it
//!             Cruise Refill Up  Down   Cruise Refill
//! ```
//!
//! A probe that fills a queue makes all lose who share it, and CUBIC needs the longer to come back the more it had in flight. So
//! as long as the queue stands after such a probe, the next one waits until CUBIC would be back, in our place.
//!
//! Of a thin flight, what a probe loses to a queue is a large part, and by the bound in round trips that part comes again soon. While
//! packets wait in a queue, so many pass between two probes that it is small.
//!
//! After a probe that lost too much, the next one turns round as soon as that much is in flight; if nothing is lost
//! then, the one after it goes on from there at once.

use std::time::Duration;

use super::super::cubic;
use super::super::rate::Sample;
use super::Bbr;
use super::losses::is_excessive;
use super::phase::Phase;
use crate::base::{Entropy, Instant, SeededEntropy};

/// The shortest time between probes, by the clock.
const WAIT_MIN: Duration = Duration::from_secs(2);

/// A random part of this comes on top.
const WAIT_SPREAD_MILLIS: u64 = 1000;

/// The longest time between probes, however long others need: a path that became better must be found to be so.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Probes come at least after so many round trips, lest Reno starves on short paths while BBR sleeps.
const ROUNDS_MAX: u64 = 63;

/// Packets that pass between two probes at least while round trips are this many thousandths longer than the smallest, within
/// [`ROUNDS_MAX`]: a probe into a full queue loses a handful, which is then below 1 %.
const PACKETS_IN_QUEUE: u64 = 800;
const QUEUED: u64 = 100;

/// Growth doubles for so many rounds at most.
const DOUBLINGS: u32 = 30;

/// What the acknowledgements at hand say about the last probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feedback {
    /// Nothing.
    None,
    /// The pipe is being filled for it.
    Refilling,
    /// It has begun, and they are from before.
    Starting,
    /// They are of packets that it sent.
    Probing,
    /// It has ended, and they are still of packets that it sent.
    Stopping,
}

#[derive(Clone, Debug)]
pub(super) struct Cycle {
    feedback: Feedback,
    /// The packets that arrive were sent by a probe which has not been answered by losses yet.
    is_sampled: bool,
    began: Instant,
    wait: Duration,
    /// Round trips since the last probe, give or take one.
    rounds: u64,
    /// Decides the next wait and the next seed.
    seed: u64,
    /// Doublings of the growth in the present probe.
    doublings: u32,
    /// Bytes acknowledged towards the next growth by a datagram, and how many it takes.
    acked: u64,
    acked_per_step: u64,
    /// The last probe lost too much.
    too_high: bool,
    /// The last probe turned round early.
    precautionary: bool,
    /// It lost packets to a queue that stood.
    contested: bool,
}

impl Cycle {
    pub(super) fn new(now: Instant, seed: u64) -> Self {
        Self {
            feedback: Feedback::None,
            is_sampled: false,
            began: now,
            wait: WAIT_MIN,
            rounds: 0,
            seed,
            doublings: 0,
            acked: 0,
            acked_per_step: u64::MAX,
            too_high: false,
            precautionary: false,
            contested: false,
        }
    }

    pub(super) fn on_round(&mut self) {
        self.rounds += 1;
    }

    pub(super) fn is_sampled(&self) -> bool {
        self.is_sampled
    }

    /// The probe lost too much. It is answered once.
    pub(super) fn on_too_high(&mut self) {
        self.too_high = true;
        self.is_sampled = false;
    }

    /// The probe lost packets to a queue that stood.
    pub(super) fn on_contested(&mut self) {
        self.contested = true;
    }

    /// No probe goes on.
    pub(super) fn stop(&mut self) {
        self.feedback = Feedback::Stopping;
    }

    /// Randomness keeps flows that share a bottleneck from probing in step.
    pub(super) fn choose_wait(&mut self) {
        let mut generator = SeededEntropy::new(self.seed);
        self.seed = <dyn Entropy>::number(&mut generator);
        let random = <dyn Entropy>::number(&mut generator);
        self.rounds = random & 1;
        self.wait = WAIT_MIN + Duration::from_millis((random >> 1) % WAIT_SPREAD_MILLIS);
    }

    #[cfg(test)]
    pub(super) fn wait(&self) -> Duration {
        self.wait
    }

    /// `patience` is how long the others need who share a standing queue.
    fn is_time(&self, now: Instant, rounds: u64, patience: Duration) -> bool {
        let wait = self.wait.max(patience + (self.wait - WAIT_MIN)).min(WAIT_MAX);
        now > self.began + wait || self.rounds >= rounds.min(ROUNDS_MAX)
    }

    /// The long-term volume grows twice as fast in each round.
    fn raise_slope(&mut self, window: u64, datagram: u64) {
        self.acked_per_step = (window >> self.doublings).max(datagram);
        self.doublings = (self.doublings + 1).min(DOUBLINGS);
    }

    /// Datagrams by which the long-term volume grows.
    fn steps(&mut self, acked: u64) -> u64 {
        self.acked += acked;
        let steps = self.acked / self.acked_per_step;
        self.acked %= self.acked_per_step;
        steps
    }
}

impl Bbr {
    /// An acknowledgement moves the cycle on.
    pub(super) fn update_cycle(&mut self, now: Instant, newly_acked: u64) {
        if !self.pipe.is_known_full() || self.learn_from_probe(newly_acked) {
            return;
        }
        match self.phase {
            Phase::Down | Phase::Cruise => {
                if self.cycle.is_time(now, self.rounds_between(), self.patience()) {
                    self.enter_refill();
                } else if self.phase == Phase::Down && self.has_drained_for_cruise() {
                    self.phase = Phase::Cruise;
                }
            }
            Phase::Refill if self.rounds.has_started() => {
                self.cycle.is_sampled = true;
                self.enter_up();
            }
            Phase::Up => self.check_up(now),
            _ => {}
        }
    }

    /// The round trips that Reno would take to return (§5.3.3.6 of the draft); more, if a queue loses what probes add to a thin flight.
    fn rounds_between(&self) -> u64 {
        let packets = self.target() / self.datagram;
        if self.delay.excess() <= QUEUED {
            return packets;
        }
        packets.max(PACKETS_IN_QUEUE / packets.max(1))
    }

    /// The time in which CUBIC would return to the volume at which the last probe filled the queue, if the queue still stands.
    fn patience(&self) -> Duration {
        let volume = self.volume.long_term().filter(|_| self.cycle.contested);
        match volume.filter(|_| self.is_queue_standing()) {
            Some(volume) => cubic::time_to_return(volume, self.datagram),
            None => Duration::ZERO,
        }
    }

    fn check_up(&mut self, now: Instant) {
        if self.is_time_to_go_down() {
            self.cycle.too_high = false;
            self.enter_down(now);
        }
    }

    pub(super) fn enter_down(&mut self, now: Instant) {
        self.losses.forget_round();
        self.bandwidth.forget_round();
        self.volume.forget_round();
        self.cycle.acked_per_step = u64::MAX;
        self.cycle.choose_wait();
        self.cycle.began = now;
        self.cycle.feedback = Feedback::Stopping;
        self.start_round();
        self.phase = Phase::Down;
    }

    pub(super) fn enter_refill(&mut self) {
        self.forget_short_term();
        self.cycle.doublings = 0;
        self.cycle.acked = 0;
        self.cycle.precautionary = false;
        self.cycle.contested = false;
        self.cycle.feedback = Feedback::Refilling;
        self.start_round();
        self.phase = Phase::Refill;
    }

    fn enter_up(&mut self) {
        self.cycle.feedback = Feedback::Starting;
        self.start_round();
        self.pipe.look_again(self.sample.rate.unwrap_or(0));
        self.phase = Phase::Up;
        self.cycle.raise_slope(self.control.window(), self.datagram);
    }

    /// The bounds from before the next probe do not apply to it.
    pub(super) fn forget_short_term(&mut self) {
        self.bandwidth.raise_short_term(None);
        self.volume.raise_short_term(None);
    }

    /// Moves bounds by what the probe's packets met. True if that began another probe.
    fn learn_from_probe(&mut self, newly_acked: u64) -> bool {
        let round_started = self.rounds.has_started();
        if round_started && self.cycle.feedback == Feedback::Starting {
            self.cycle.feedback = Feedback::Probing;
        }
        if round_started && self.cycle.feedback == Feedback::Stopping {
            self.cycle.is_sampled = false;
            self.cycle.feedback = Feedback::None;
            if self.phase.is_in_cycle() && !self.sample.app_limited {
                self.bandwidth.advance();
            }
            if self.phase.is_in_cycle() && self.cycle.precautionary && !self.cycle.too_high {
                self.enter_refill();
                return true;
            }
        }
        let Sample { lost, in_flight, .. } = self.sample;
        if !is_excessive(lost, in_flight, self.tolerated()) {
            self.volume.raise_long_term(Some(self.sample.in_flight));
            if self.phase == Phase::Up {
                self.raise_long_term(newly_acked);
            }
        }
        false
    }

    fn raise_long_term(&mut self, newly_acked: u64) {
        if !self.is_bound_by_long_term() {
            return;
        }
        let growth = self.cycle.steps(newly_acked).saturating_mul(self.datagram);
        let raised = self.volume.long_term().map(|bound| bound.saturating_add(growth));
        self.volume.raise_long_term(raised);
        if self.rounds.has_started() {
            self.cycle.raise_slope(self.control.window(), self.datagram);
        }
    }

    /// More would be in flight, were it not for the long-term bound.
    fn is_bound_by_long_term(&self) -> bool {
        let window = self.control.window();
        self.control.is_window_limited()
            && self.volume.long_term().is_some_and(|bound| window >= bound)
    }

    fn is_time_to_go_down(&mut self) -> bool {
        let reached = self.volume.long_term().is_some_and(|bound| self.in_flight >= bound);
        if self.cycle.too_high && reached {
            self.cycle.precautionary = true;
            return true;
        }
        if self.is_bound_by_long_term() {
            self.pipe.look_again(self.sample.rate.unwrap_or(0));
            return false;
        }
        self.pipe.is_full()
    }

    fn has_drained_for_cruise(&self) -> bool {
        let free = self.volume.with_headroom(self.datagram, self.window_minimum());
        free.is_none_or(|free| self.in_flight <= free)
            && self.in_flight <= self.budgeted(self.product(self.bandwidth.maximum(), 100))
    }
}
