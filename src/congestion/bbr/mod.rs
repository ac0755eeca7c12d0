//! BBR version 3 (draft-ietf-ccwg-bbr): a model of the path decides, and not each single loss.
//!
//! ```text
//!      bandwidth stopped growing for 3 rounds, or 1 in a queue, or a round lost more than 2 %
//!   ┌─────────┐                 ┌───────┐  in flight ≤ BDP, or 3 rounds
//!   │ Startup ├────────────────►│ Drain ├──────────────┐
//!   └─────────┘                 └───────┘              ▼
//!        ▲               ┌──────────────────────► ┌─────────┐ in flight ≤ BDP  ┌────────┐
//!        │               │ no more growth,        │  Down   ├─────────────────►│ Cruise │
//!        │               │ or losses above 2 %    └────┬────┘ and headroom     └───┬────┘
//!        │           ┌───┴───┐                         │ 2 to 3 s, or as many      │
//!        │           │  Up   │                         ▼ rounds as Reno would take ▼
//!        │           └───────┘   one round        ┌─────────┐                      │
//!        │               ▲────────────────────────┤ Refill  │◄─────────────────────┘
//!        │                                        └─────────┘
//!        │ pipe never full        ┌──────────┐  pipe once full
//!        └────────────────────────┤ ProbeRtt ├─────────────────────► Cruise
//!                                 └──────────┘
//!              ▲ from every state, when no short round trip was seen for 5 s
//! ```
//!
//! | file | holds or decides |
//! |---|---|
//! | `phase` | the states, and what each multiplies rate and window with |
//! | `rounds` | when a round trip of packets is over |
//! | `bandwidth` | the rate of the path: two cycles' maximum, and a bound after losses |
//! | `volume` | how much may be in flight: a bound that lasts, and one until the next probe |
//! | `delay` | the smallest round trip of 10 s |
//! | `aggregation` | how much acknowledgements bunch |
//! | `pipe` | whether more rate still brings more delivery |
//! | `losses` | what a round lost |
//! | `background` | what the path loses by itself, and so how much of a loss is tolerated |
//! | `cycle` | bandwidth probing: when, how far, and when it ends |
//! | `drain` | `Drain` and `ProbeRtt`: emptying the queue |
//! | `setback` | the answer to losses and marks, and its undo |
//! | `control` | rate, quantum and window from all of this |
//!
//! Where this departs from the draft is in SPEC §8.3.

mod aggregation;
mod background;
mod bandwidth;
mod control;
mod cycle;
mod delay;
mod drain;
mod losses;
mod phase;
mod pipe;
mod rounds;
mod setback;
mod volume;

use super::episode::Episode;
use super::rate::{Sample, Totals};
use super::{CongestionControl, Departure, Losses, Progress, initial_window};
use crate::base::Instant;
use crate::base::limits::INITIAL_WINDOW_DATAGRAMS;
use crate::vocab::{RttView, Settled};

use aggregation::Aggregation;
use background::Background;
use bandwidth::Bandwidth;
use control::Control;
use cycle::Cycle;
use delay::Delay;
use drain::Drain;
use losses::RoundLosses;
use phase::Phase;
use pipe::Pipe;
use rounds::Rounds;
use setback::Setback;
use volume::Volume;

#[derive(Clone, Debug)]
pub(super) struct Bbr {
    phase: Phase,
    datagram: u64,
    /// What came of the newest acknowledgement.
    sample: Sample,
    totals: Totals,
    in_flight: u64,
    rounds: Rounds,
    bandwidth: Bandwidth,
    volume: Volume,
    delay: Delay,
    aggregation: Aggregation,
    pipe: Pipe,
    losses: RoundLosses,
    background: Background,
    /// Thousandths lost in the round that ended Startup, if losses did.
    left_startup_at: Option<u64>,
    cycle: Cycle,
    drain: Drain,
    control: Control,
    episode: Episode<Setback>,
    /// Silence ended; until something arrives, the old round trips are no reason to slow down.
    restarted: bool,
}

impl Bbr {
    pub(super) fn new(now: Instant, datagram: u64, seed: u64) -> Self {
        Self {
            phase: Phase::Startup,
            datagram,
            sample: Sample::default(),
            totals: Totals::default(),
            in_flight: 0,
            rounds: Rounds::default(),
            bandwidth: Bandwidth::default(),
            volume: Volume::default(),
            delay: Delay::new(now),
            aggregation: Aggregation::new(now),
            pipe: Pipe::default(),
            losses: RoundLosses::default(),
            background: Background::default(),
            left_startup_at: None,
            cycle: Cycle::new(now, seed),
            drain: Drain::default(),
            control: Control::new(initial_window(datagram, INITIAL_WINDOW_DATAGRAMS)),
            episode: Episode::new(),
            restarted: false,
        }
    }

    /// The draft's order: first what is known of the path, then the state, then the answer.
    fn update(&mut self, now: Instant, newly_acked: u64) -> bool {
        let sample = self.sample;
        self.bandwidth.note(sample.rate.unwrap_or(0));
        self.volume.note(sample.delivered);
        let round_started = self.rounds.update(sample.prior_delivered, self.totals.delivered);
        if round_started {
            self.cycle.on_round();
            self.control.on_round();
        }
        self.bandwidth.measure(&sample);
        self.delay.note(sample.rtt);
        self.background.set_shared(self.may_others_fill_the_queue(now));
        let tolerated = self.tolerated();
        let lossy_round = self.losses.end_round(sample.prior_delivered, self.totals, tolerated);
        let reacted = lossy_round.is_some_and(|round| self.adapt_to_losses(round));
        self.update_aggregation(now, newly_acked, round_started);
        if round_started {
            let queued = self.phase == Phase::Startup && self.is_queue_standing();
            let grew = self.pipe.on_round(&sample, queued);
            self.background.on_round(grew && !queued);
        }
        if self.phase == Phase::Startup && self.pipe.is_known_full() {
            self.enter_drain();
        }
        self.resume_startup();
        self.check_drained(now);
        self.update_cycle(now, newly_acked);
        self.delay.update(now, sample.rtt);
        self.check_probe_rtt(now);
        self.restarted = false;
        self.background.on_phase(now, self.phase, self.delay.minimum().unwrap_or_default());
        if self.losses.has_round_started() {
            self.bandwidth.restart_note(sample.rate.unwrap_or(0));
            self.volume.restart_note(sample.delivered);
            self.delay.restart_note(sample.rtt);
        }
        reacted
    }

    /// Few packets are in flight here, and the queue is not known to be empty. In Drain it is the own queue of Startup that is left.
    fn may_others_fill_the_queue(&self, now: Instant) -> bool {
        let product = self.product(self.bandwidth.maximum(), 100);
        let is_thin = product < background::FEW * self.datagram;
        is_thin && self.phase != Phase::Drain && !self.delay.is_queue_empty(now)
    }

    /// The round that is being counted ends when what leaves from now on arrives.
    fn start_round(&mut self) {
        self.rounds.restart(self.totals.delivered);
    }

    fn enter_startup(&mut self) {
        self.phase = Phase::Startup;
    }
}

impl CongestionControl for Bbr {
    fn on_sent(&mut self, now: Instant, departure: &Departure) {
        if departure.in_flight == 0 && departure.app_limited {
            self.totals = departure.totals;
            self.restart_from_idle(now);
        }
        self.control.on_sent(departure.in_flight + departure.bytes + self.datagram);
    }

    fn on_window_held_back(&mut self) {
        self.control.on_window_held_back();
    }

    fn on_acked(&mut self, now: Instant, packets: &[Settled], progress: &Progress) -> bool {
        self.totals = progress.totals;
        self.in_flight = progress.in_flight;
        let Some(sample) = progress.sample else { return false };
        self.sample = sample;
        let arrived = packets.iter().filter(|packet| packet.ack_eliciting);
        let newly_acked: u64 = arrived.map(|packet| u64::from(packet.size)).sum();
        self.control.start_rate(&progress.rtt);
        self.background.note(packets, false, self.product(self.bandwidth.maximum(), 100));
        let reacted = self.update(now, newly_acked);
        self.update_control(newly_acked);
        reacted
    }

    fn on_lost(&mut self, now: Instant, packets: &[Settled], losses: &Losses) -> bool {
        self.totals = losses.totals;
        let mut reacted = false;
        for packet in packets.iter().filter(|packet| super::episode::is_signal(packet)) {
            reacted |= self.lose(now, packet);
        }
        self.episode.on_lost(packets);
        self.background.note(packets, true, self.product(self.bandwidth.maximum(), 100));
        if losses.persistent {
            self.collapse(now);
        }
        reacted || losses.persistent
    }

    fn on_ecn_ce(&mut self, now: Instant, sent_at: Instant, totals: Totals) -> bool {
        self.totals = totals;
        self.answer_mark(now, sent_at)
    }

    fn on_spurious(&mut self, packets: &[Settled]) {
        self.background.on_spurious(packets, self.product(self.bandwidth.maximum(), 100));
        if let Some(before) = self.episode.on_spurious(packets) {
            self.undo(&before);
        }
    }

    fn on_datagram_size(&mut self, bytes: u64) {
        self.datagram = bytes;
        self.control.raise_window(self.window_minimum());
    }

    fn widen_initial_window(&mut self, by: u64) {
        self.control.widen_initial_window(by);
    }

    fn window(&self) -> u64 {
        self.control.window()
    }

    fn pacing_rate(&self, rtt: &RttView) -> Option<u64> {
        Some(self.control.rate(rtt))
    }

    fn is_in_slow_start(&self) -> bool {
        self.phase == Phase::Startup
    }

    fn bandwidth(&self) -> u64 {
        self.bandwidth.maximum()
    }

    fn enough(&self) -> u64 {
        self.filling()
    }

    fn quantum(&self) -> Option<u64> {
        Some(self.control.quantum(self.datagram, self.delay.minimum()))
    }

    fn holds_back(&self) -> bool {
        self.phase == Phase::ProbeRtt
    }
}

#[cfg(test)]
mod tests;
