//! Rate, quantum and window: what the model and the state come to (§5.6 of the draft).

use std::time::Duration;

use super::Bbr;
use super::phase::{Phase, share};
use crate::base::Instant;
use crate::base::limits::{
    BATCH_MAX, BUNCHED_NEAR, CONGESTION_WINDOW_MAX, NEAR, PACER_BURST_DATAGRAMS,
};
use crate::congestion::near_batch;
use crate::congestion::throughput::{in_time, per_second};
use crate::vocab::RttView;

/// Thousandths of the bandwidth that stay free, so that queues shrink on average.
const MARGIN: u64 = 10;

/// Between probes they are as many as a queue asks for: this part of how much longer than the smallest the round trips have become. The
/// bandwidth is a maximum: of samples that are sometimes too large it is the largest, and what is sent beyond the path's rate would fill
/// the queue up to the window. So it stops where the rate is the path's, and the line is never idle.
const RELIEF_PART: u64 = 4;

/// At most so many, and at once on near paths while a queue stands: the rest is for those to leave who share the queue.
const RELIEF_MAX: u64 = 50;

/// Percent of the bandwidth-delay product that fill the path beyond doubt, and show growth by more than the quarter that ends no Startup.
const FILLING: u64 = 150;

/// Datagrams below which the window does not fall: two under way, and acknowledgements of two.
const WINDOW_MINIMUM: u64 = 4;

/// Time at the pacing rate that leaves in one go.
const QUANTUM_TIME: Duration = Duration::from_millis(1);

/// Round trip assumed before the first sample, for pacing alone: a guess that does not hold up the first flight.
const UNMEASURED: Duration = Duration::from_millis(1);

#[derive(Clone, Debug)]
pub(super) struct Control {
    window: u64,
    initial_window: u64,
    /// Bytes per second; zero before the first acknowledgement.
    rate: u64,
    /// The window was full, in this round and in the one before.
    limited: [bool; 2],
}

impl Control {
    pub(super) fn new(initial_window: u64) -> Self {
        Self { window: initial_window, initial_window, rate: 0, limited: [false; 2] }
    }

    pub(super) fn window(&self) -> u64 {
        self.window
    }

    pub(super) fn widen_initial_window(&mut self, by: u64) {
        self.initial_window += by;
        self.window += by;
    }

    pub(super) fn raise_window(&mut self, least: u64) {
        self.window = self.window.max(least);
    }

    pub(super) fn lower_window(&mut self, most: u64) {
        self.window = self.window.min(most);
    }

    /// A packet left; with one more behind it, so much would be in flight.
    pub(super) fn on_sent(&mut self, wanted: u64) {
        self.limited[1] |= wanted > self.window;
    }

    pub(super) fn on_window_held_back(&mut self) {
        self.limited[1] = true;
    }

    pub(super) fn on_round(&mut self) {
        self.limited = [self.limited[1], false];
    }

    /// The window held the sender back within the last two rounds.
    pub(super) fn is_window_limited(&self) -> bool {
        self.limited[0] || self.limited[1]
    }

    pub(super) fn rate(&self, rtt: &RttView) -> u64 {
        if self.rate == 0 { self.nominal_rate(rtt) } else { self.rate }
    }

    /// Startup does not send slower than it began, however little its first samples say.
    pub(super) fn start_rate(&mut self, rtt: &RttView) {
        if self.rate == 0 {
            self.rate = self.nominal_rate(rtt);
        }
    }

    fn nominal_rate(&self, rtt: &RttView) -> u64 {
        let round_trip = if rtt.measured { rtt.smoothed } else { UNMEASURED };
        share(per_second(self.initial_window, round_trip), Phase::Startup.rate_gain())
    }

    pub(super) fn quantum(&self, datagram: u64, minimum: Option<Duration>) -> u64 {
        let least = minimum.map_or(0, near_batch).max(PACER_BURST_DATAGRAMS * datagram);
        in_time(self.rate, QUANTUM_TIME).min(BATCH_MAX).max(least)
    }
}

impl Bbr {
    pub(super) fn update_control(&mut self, newly_acked: u64) {
        let gain = self.phase.rate_gain();
        let free = if self.phase == Phase::Cruise { self.relief() } else { MARGIN };
        self.set_rate(gain, free);
        self.set_window(newly_acked);
    }

    /// Thousandths of the bandwidth that stay free between probes. On near paths round trips are as long as processors take, and it is
    /// only long ones that mean something.
    fn relief(&self) -> u64 {
        if !self.is_near() {
            return (self.delay.excess() / RELIEF_PART).min(RELIEF_MAX);
        }
        MARGIN + if self.is_queue_standing() { RELIEF_MAX } else { 0 }
    }

    /// What is known of the path is what a silent sender begins again with.
    pub(super) fn restart_rate(&mut self) {
        self.set_rate(100, MARGIN);
    }

    /// `gain` percent of the bandwidth, of which so many thousandths stay free. Until the pipe was full once, the rate only grows.
    fn set_rate(&mut self, gain: u64, free: u64) {
        let rate = share(self.bandwidth.current(), gain).saturating_mul(1000 - free) / 1000;
        if self.pipe.is_known_full() || rate > self.control.rate {
            self.control.rate = rate.max(1);
        }
    }

    fn set_window(&mut self, newly_acked: u64) {
        let product = self.product(self.bandwidth.current(), self.phase.window_gain());
        let most = self.budgeted(product.saturating_add(self.bunched()));
        let is_first = self.is_first_window_short();
        let control = &mut self.control;
        if self.pipe.is_known_full() {
            control.window = (control.window + newly_acked).min(most);
        } else if control.window < most || is_first {
            control.window += newly_acked;
        }
        let bound = self.window_bound().unwrap_or(CONGESTION_WINDOW_MAX);
        let bound = bound.min(CONGESTION_WINDOW_MAX);
        self.control.window = self.control.window.min(bound).max(self.window_minimum());
    }

    /// What arrives is still of the first window, and has found no queue. The samples of this round are too small for the path, unless
    /// the window waits before its line.
    fn is_first_window_short(&self) -> bool {
        self.totals.delivered < self.control.initial_window && self.delay.is_short(self.sample.rtt)
    }

    /// What may be in flight on account of bunched acknowledgements.
    pub(super) fn bunched(&self) -> u64 {
        let most = if self.is_near() { BUNCHED_NEAR } else { u64::MAX };
        self.aggregation.extra().min(most)
    }

    /// Bytes in flight that keep a sender from being limited by its application: half as much again as the product either brings more
    /// rate, or waits in a queue. On near paths it is processors that a flow waits for, and the writer's is one of them.
    pub(super) fn filling(&self) -> u64 {
        if self.is_near() {
            return u64::MAX;
        }
        self.product(self.bandwidth.maximum(), FILLING).max(self.control.initial_window)
    }

    fn is_near(&self) -> bool {
        self.delay.minimum().is_some_and(|minimum| minimum <= NEAR)
    }

    /// What the state and recent congestion allow at most.
    fn window_bound(&self) -> Option<u64> {
        let headroom = || self.volume.with_headroom(self.datagram, self.window_minimum());
        let long_term = match self.phase {
            Phase::Startup | Phase::Drain => None,
            Phase::Down | Phase::Refill | Phase::Up => self.volume.long_term(),
            Phase::Cruise | Phase::ProbeRtt => headroom(),
        };
        let probing = (self.phase == Phase::ProbeRtt).then(|| self.probe_rtt_window());
        [long_term, self.volume.short_term(), probing].into_iter().flatten().min()
    }

    pub(super) fn update_aggregation(&mut self, now: Instant, acked: u64, round_started: bool) {
        if round_started {
            self.aggregation.on_round(self.pipe.is_known_full());
        }
        self.aggregation.update(now, acked, self.bandwidth.current(), self.control.window());
    }

    pub(super) fn window_minimum(&self) -> u64 {
        WINDOW_MINIMUM * self.datagram
    }

    pub(super) fn probe_rtt_window(&self) -> u64 {
        let half = self.product(self.bandwidth.current(), Phase::ProbeRtt.window_gain());
        half.max(self.window_minimum())
    }

    /// What should be in flight: the bandwidth-delay product, unless congestion leaves less.
    pub(super) fn target(&self) -> u64 {
        self.product(self.bandwidth.current(), 100).min(self.control.window())
    }

    /// `gain` percent of what `bandwidth` carries in the smallest round trip.
    pub(super) fn product(&self, bandwidth: u64, gain: u64) -> u64 {
        match self.delay.minimum() {
            Some(minimum) => share(in_time(bandwidth, minimum), gain),
            None => self.control.initial_window,
        }
    }

    /// At least a batch of the pacer and of the receiver's acknowledgements.
    pub(super) fn budgeted(&self, volume: u64) -> u64 {
        let least =
            self.control.quantum(self.datagram, self.delay.minimum()).max(self.window_minimum());
        let room = if self.phase == Phase::Up { 2 * self.datagram } else { 0 };
        volume.max(least) + room
    }
}
