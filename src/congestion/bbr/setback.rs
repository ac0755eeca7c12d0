//! The answer to losses and congestion marks, and its undo when nothing was lost after all (§5.5.10, §5.5.11).
//!
//! ```text
//!   lost while          more than is tolerated                          less
//!   Startup             six stretches in a round: pipe is full, Drain   nothing
//!                       (up to 15 % while the rate still grows: nothing)
//!   Refill, Up          long-term volume to where it happened, Down     nothing
//!   otherwise           short-term rate and volume to what arrived      nothing
//! ```
//!
//! Where the path loses many packets by itself, "more than is tolerated" is said of the mean of several rounds: bursts make single ones
//! lose much more than usual.
//!
//! While a queue stands, all losses are more than is tolerated but for those that the path has anyway, and the volumes fall
//! below where it happened and what arrived: CUBIC, if it is CUBIC who fills the queue, takes each single loss for a sign, and
//! would be driven out by whom only many impress.

use super::super::throughput::time_of;
use super::Bbr;
use super::background::TOLERATED_MAX;
use super::bandwidth::BETA;
use super::losses::{LossyRound, is_excessive, tolerated_part};
use super::phase::{Phase, share};
use crate::base::Instant;
use crate::base::limits::MINIMUM_WINDOW_DATAGRAMS;
use crate::vocab::Settled;

/// Stretches of lost packets in one round that end Startup: fewer may be one unlucky burst.
const STARTUP_STRETCHES: u32 = 6;

/// What comes back when the losses of an episode prove spurious.
#[derive(Clone, Debug)]
pub(super) struct Setback {
    window: u64,
    bandwidth_short_term: Option<u64>,
    volume_short_term: Option<u64>,
    volume_long_term: Option<u64>,
    /// The state that the losses ended.
    left: Option<Phase>,
}

impl Bbr {
    /// A packet was lost. True if that ends a probe.
    pub(super) fn lose(&mut self, now: Instant, packet: &Settled) -> bool {
        if !self.episode.covers(packet.sent_at) {
            let before = self.setback();
            self.episode.begin(now, Some(before));
        }
        self.losses.on_lost(packet.number, self.totals);
        let size = u64::from(packet.size);
        self.totals.lost += size;
        if !self.cycle.is_sampled() {
            return false;
        }
        let lost = packet.stamp.lost_since(self.totals.lost);
        let in_flight = u64::from(packet.stamp.in_flight);
        let tolerated = self.tolerated();
        let is_too_high = is_excessive(lost, in_flight, tolerated);
        if is_too_high {
            let (before, lost) = (in_flight.saturating_sub(size), lost.saturating_sub(size));
            let bearable = tolerated_part(before, lost, tolerated);
            self.end_probe(now, bearable, packet.stamp.app_limited);
        }
        is_too_high
    }

    /// Once a round: what was lost in it. True if that reduces anything.
    pub(super) fn adapt_to_losses(&mut self, round: LossyRound) -> bool {
        if !round.excessive {
            return false;
        }
        if self.phase == Phase::Startup {
            let fills = round.stretches >= STARTUP_STRETCHES && !self.outgrows(&round);
            if fills {
                self.leave_startup();
                self.left_startup_at = Some(round.part);
            }
            return fills;
        }
        if self.phase.is_probing() {
            return false;
        }
        let is_standing = self.is_queue_standing();
        if !is_standing && self.is_usual(&round) {
            return false;
        }
        if !is_standing || round.marked || round.part >= self.background.tolerated() {
            self.bandwidth.reduce();
        }
        if is_standing {
            // Who has no more in flight than this does not contribute to the queue.
            let product = self.product(self.bandwidth.current(), 100);
            self.volume.yield_to_others(self.control.window(), product);
        } else {
            self.volume.reduce(self.control.window());
        }
        true
    }

    /// No queue stands, and the path still carries a quarter more in each round trip: a pipe that is not full loses nothing because of us, unless
    /// it is so much that it became full in this one.
    fn outgrows(&self, round: &LossyRound) -> bool {
        let may_be_luck = !round.marked && round.part < TOLERATED_MAX;
        may_be_luck && self.pipe.is_growing() && !self.is_queue_standing()
    }

    /// The path loses by itself, and not more than it does anyway: single rounds are a matter of luck there.
    fn is_usual(&self, round: &LossyRound) -> bool {
        let background = &self.background;
        !round.marked && background.is_lossy() && round.mean <= background.tolerated()
    }

    /// A queue stands, and more than the own volume that bridges bunched acknowledgements fills it.
    pub(super) fn is_queue_standing(&self) -> bool {
        let bunching = time_of(self.aggregation.extra(), self.bandwidth.maximum());
        self.delay.is_queue_standing(bunching)
    }

    /// Thousandths of lost bytes that are tolerated now. The queue that Startup builds on purpose says nothing.
    pub(super) fn tolerated(&self) -> u64 {
        if self.is_queue_standing() && self.phase != Phase::Startup {
            self.background.tolerated_in_queue()
        } else {
            self.background.tolerated()
        }
    }

    /// What ended Startup is what the path loses anyway: goes on with it.
    pub(super) fn resume_startup(&mut self) {
        let is_usual = self.left_startup_at.is_some_and(|part| part < self.background.tolerated());
        if is_usual && self.phase.is_in_cycle() {
            self.left_startup_at = None;
            self.forget_short_term();
            self.volume.forget_long_term();
            self.pipe.set_known_full(false);
            self.pipe.look_again(0);
            self.enter_startup();
        }
    }

    /// The network marked a packet sent at that time: as good as a loss, and answered once a round trip.
    pub(super) fn answer_mark(&mut self, now: Instant, sent_at: Instant) -> bool {
        if self.episode.covers(sent_at) {
            self.episode.confirm();
            return false;
        }
        self.episode.begin(now, None);
        self.losses.on_marked(self.totals);
        if self.phase == Phase::Startup {
            self.leave_startup();
        } else if self.cycle.is_sampled() {
            self.end_probe(now, self.volume.latest(), false);
        }
        true
    }

    /// Nothing arrived for several probe timeouts (RFC 9002 §7.6): begin again from the smallest window. What is known
    /// of the path bounds the growth.
    pub(super) fn collapse(&mut self, now: Instant) {
        self.episode.begin(now, None);
        self.control.lower_window(MINIMUM_WINDOW_DATAGRAMS * self.datagram);
    }

    /// The losses of an episode were reordering.
    pub(super) fn undo(&mut self, before: &Setback) {
        self.control.raise_window(before.window);
        self.losses.forget_round();
        self.bandwidth.raise_short_term(before.bandwidth_short_term);
        self.volume.raise_short_term(before.volume_short_term);
        self.volume.raise_long_term(before.volume_long_term);
        match before.left {
            Some(Phase::Startup) => {
                self.pipe.set_known_full(false);
                self.pipe.look_again(0);
                if self.phase != Phase::ProbeRtt {
                    self.enter_startup();
                }
            }
            Some(Phase::Up) if self.phase != Phase::ProbeRtt && self.phase != Phase::Up => {
                self.enter_refill();
            }
            _ => {}
        }
    }

    fn setback(&self) -> Setback {
        Setback {
            window: self.control.window(),
            bandwidth_short_term: self.bandwidth.short_term(),
            volume_short_term: self.volume.short_term(),
            volume_long_term: self.volume.long_term(),
            left: None,
        }
    }

    /// Losses or marks show that the pipe is full.
    fn leave_startup(&mut self) {
        self.remember_leaving();
        self.pipe.set_known_full(true);
        let product = self.product(self.bandwidth.current(), 100);
        self.volume.set_long_term(product.max(self.volume.latest()));
        self.enter_drain();
    }

    /// The probe put more in flight than the path bears.
    fn end_probe(&mut self, now: Instant, bearable: u64, app_limited: bool) {
        self.cycle.on_too_high();
        if !app_limited {
            self.volume.set_long_term(bearable.max(share(self.target(), BETA)));
        }
        if self.is_queue_standing() {
            self.cycle.on_contested();
            self.volume.lower_long_term(self.target());
        }
        if self.phase == Phase::Up {
            self.remember_leaving();
            self.enter_down(now);
        }
    }

    fn remember_leaving(&mut self) {
        let phase = self.phase;
        if let Some(before) = self.episode.before_mut() {
            before.left = Some(phase);
        }
    }
}
