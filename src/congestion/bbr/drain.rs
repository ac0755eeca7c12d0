//! Emptying the queue: once after Startup, and now and then to see how short the round trip is (§5.3.2, §5.3.4).

use std::time::Duration;

use super::Bbr;
use super::phase::Phase;
use crate::base::Instant;

/// Rounds after which draining ends, whatever is in flight: the bandwidth may have been overestimated.
const DRAIN_ROUNDS: u64 = 3;

/// How long the volume stays low, so that flows which share a bottleneck do it at the same time.
const PROBE_TIME: Duration = Duration::from_millis(200);

#[derive(Clone, Debug, Default)]
pub(super) struct Drain {
    began: u64,
    /// When the low volume has lasted long enough; `None` until it is low.
    probed_at: Option<Instant>,
    /// It has lasted for a round trip.
    round_done: bool,
    /// The window from before.
    window: u64,
}

impl Bbr {
    pub(super) fn enter_drain(&mut self) {
        self.phase = Phase::Drain;
        self.drain.began = self.rounds.count();
    }

    pub(super) fn check_drained(&mut self, now: Instant) {
        if self.phase != Phase::Drain {
            return;
        }
        let empty = self.in_flight <= self.budgeted(self.product(self.bandwidth.current(), 100));
        if empty || self.rounds.count() > self.drain.began + DRAIN_ROUNDS {
            self.enter_down(now);
        }
    }

    pub(super) fn check_probe_rtt(&mut self, now: Instant) {
        if self.phase != Phase::ProbeRtt && self.delay.is_due() && !self.restarted {
            self.phase = Phase::ProbeRtt;
            let window = self.control.window();
            self.drain = Drain { window, ..Drain::default() };
            self.cycle.stop();
            self.background.turn();
            self.start_round();
        }
        if self.phase == Phase::ProbeRtt {
            self.hold_low(now);
        }
    }

    fn hold_low(&mut self, now: Instant) {
        if self.drain.probed_at.is_none() {
            if self.in_flight <= self.probe_rtt_window() {
                self.drain.probed_at = Some(now + PROBE_TIME);
                self.start_round();
            }
            return;
        }
        self.drain.round_done |= self.rounds.has_started();
        if self.drain.round_done {
            self.leave_probe_rtt_if_done(now);
        }
    }

    fn leave_probe_rtt_if_done(&mut self, now: Instant) {
        if self.drain.probed_at.is_none_or(|end| now <= end) {
            return;
        }
        self.delay.on_probed(now);
        self.control.raise_window(self.drain.window);
        self.forget_short_term();
        if self.pipe.is_known_full() {
            // The clock of the next probe starts again; the queue is empty already.
            self.enter_down(now);
            self.phase = Phase::Cruise;
        } else {
            self.enter_startup();
        }
    }

    /// A silent sender sends again: the queue is empty, and the rate is known.
    pub(super) fn restart_from_idle(&mut self, now: Instant) {
        self.restarted = true;
        self.aggregation.restart(now);
        if self.phase.is_in_cycle() {
            self.restart_rate();
        } else if self.phase == Phase::ProbeRtt {
            self.leave_probe_rtt_if_done(now);
        }
    }
}
