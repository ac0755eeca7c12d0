//! A congestion window that reacts to loss and to ECN marks (RFC 9002 §7), with the growth law as a parameter.
//!
//! ```text
//!                  loss, mark, HyStart++            packet sent after the event arrives
//!    slow start ─────────────────────► recovery ──────────────────────────────► avoidance
//!        ▲  ▲                             │ ▲                                      │
//!        │  └── persistent congestion ────┘ └──────────────── loss, mark ──────────┘
//!        └───── undo of the first episode
//! ```
//!
//! The states are not stored: slow start is `window < threshold`, and recovery is a property of the packet that is
//! acknowledged, not of the connection.

use std::time::Duration;

use super::episode::{Episode, is_signal};
use super::hystart::{Growth, HyStart};
use super::rate::Totals;
use super::throughput::per_second;
use super::{CongestionControl, Departure, Losses, Progress, initial_window};
use crate::base::Instant;
use crate::base::limits::{
    CONGESTION_WINDOW_MAX, INITIAL_WINDOW_DATAGRAMS, MINIMUM_WINDOW_DATAGRAMS,
};
use crate::vocab::{RttView, Settled};

/// The law by which a window grows after slow start, and shrinks.
pub(super) trait Avoidance: Clone + Default {
    /// The window after `acked` bytes more; never smaller than before.
    fn grow(&mut self, ground: &Ground, acked: u64) -> u64;

    /// The threshold after congestion with this window.
    fn reduce(&mut self, window: u64) -> u64;

    /// The time since the window was last in use must not count as time to grow.
    fn skip(&mut self, _now: Instant) {}
}

/// What a growth law may look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground {
    pub(super) now: Instant,
    /// Bytes, never zero.
    pub(super) window: u64,
    pub(super) datagram: u64,
    pub(super) rtt: Duration,
}

#[derive(Clone, Debug)]
pub(super) struct LossBased<A> {
    window: u64,
    /// Slow start ends here. `u64::MAX` before the first congestion.
    threshold: u64,
    datagram: u64,
    avoidance: A,
    hystart: HyStart,
    episode: Episode<Snapshot<A>>,
}

/// The state before a reduction.
#[derive(Clone, Debug)]
struct Snapshot<A> {
    window: u64,
    threshold: u64,
    avoidance: A,
}

impl<A: Avoidance> LossBased<A> {
    pub(super) fn new(datagram: u64) -> Self {
        Self {
            window: initial_window(datagram, INITIAL_WINDOW_DATAGRAMS),
            threshold: u64::MAX,
            datagram,
            avoidance: A::default(),
            hystart: HyStart::new(),
            episode: Episode::new(),
        }
    }

    fn minimum_window(&self) -> u64 {
        MINIMUM_WINDOW_DATAGRAMS * self.datagram
    }

    fn reduce(&mut self, now: Instant, undoable: bool) {
        let before = undoable.then(|| Snapshot {
            window: self.window,
            threshold: self.threshold,
            avoidance: self.avoidance.clone(),
        });
        self.episode.begin(now, before);
        self.threshold = self.avoidance.reduce(self.window).max(self.minimum_window());
        self.window = self.threshold;
    }

    fn grow_in_slow_start(&mut self, now: Instant, packets: &[Settled], progress: &Progress) {
        let acked = self.acked_after_recovery(packets);
        let is_first = self.threshold == u64::MAX;
        // RFC 9406 §4.3: only the first slow start knows too little to need it.
        let growth = if is_first {
            self.hystart.on_acked(now, packets, progress.totals.delivered)
        } else {
            Growth::Divided(1)
        };
        match growth {
            Growth::Exit => self.threshold = self.window,
            Growth::Divided(divisor) if progress.window_limited => {
                self.window = (self.window + acked / divisor).min(self.threshold);
            }
            Growth::Divided(_) => {}
        }
    }

    fn grow_in_avoidance(&mut self, now: Instant, packets: &[Settled], progress: &Progress) {
        if !progress.window_limited {
            self.avoidance.skip(now);
            return;
        }
        let acked = self.acked_after_recovery(packets);
        if acked > 0 {
            let ground = Ground {
                now,
                window: self.window,
                datagram: self.datagram,
                rtt: progress.rtt.smoothed,
            };
            self.window = self.avoidance.grow(&ground, acked);
        }
    }

    /// Packets that were in flight when the window was reduced do not raise it (RFC 9002 §7.3.2).
    fn acked_after_recovery(&self, packets: &[Settled]) -> u64 {
        let counted =
            |packet: &&Settled| packet.ack_eliciting && !self.episode.covers(packet.sent_at);
        packets.iter().filter(counted).map(|packet| u64::from(packet.size)).sum()
    }
}

impl<A: Avoidance> CongestionControl for LossBased<A> {
    fn on_sent(&mut self, now: Instant, departure: &Departure) {
        if departure.in_flight == 0 {
            self.avoidance.skip(now);
        }
    }

    fn on_acked(&mut self, now: Instant, packets: &[Settled], progress: &Progress) -> bool {
        if self.is_in_slow_start() {
            self.grow_in_slow_start(now, packets, progress);
        } else {
            self.grow_in_avoidance(now, packets, progress);
        }
        self.window = self.window.min(CONGESTION_WINDOW_MAX);
        false
    }

    fn on_lost(&mut self, now: Instant, packets: &[Settled], losses: &Losses) -> bool {
        let persistent = losses.persistent;
        let signals = packets.iter().filter(|packet| is_signal(packet));
        let Some(newest) = signals.map(|packet| packet.sent_at).max() else { return false };
        let collapses = persistent && self.window > self.minimum_window();
        let reacts = collapses || !self.episode.covers(newest);
        if reacts {
            self.reduce(now, !persistent);
        }
        self.episode.on_lost(packets);
        if persistent {
            self.window = self.minimum_window();
        }
        reacts
    }

    fn on_ecn_ce(&mut self, now: Instant, sent_at: Instant, _totals: Totals) -> bool {
        if self.episode.covers(sent_at) {
            self.episode.confirm();
            return false;
        }
        self.reduce(now, false);
        true
    }

    fn on_spurious(&mut self, packets: &[Settled]) {
        if let Some(before) = self.episode.on_spurious(packets) {
            self.window = self.window.max(before.window);
            self.threshold = before.threshold;
            self.avoidance = before.avoidance;
        }
    }

    fn on_datagram_size(&mut self, bytes: u64) {
        self.datagram = bytes;
        self.window = self.window.max(self.minimum_window());
    }

    fn widen_initial_window(&mut self, by: u64) {
        self.window += by;
    }

    fn window(&self) -> u64 {
        self.window
    }

    /// A little more than the window in a round trip, so that the window decides and not the pacer (RFC 9002 §7.7); in
    /// slow start twice, for the window doubles meanwhile.
    fn pacing_rate(&self, rtt: &RttView) -> Option<u64> {
        let gained =
            if self.is_in_slow_start() { self.window * 2 } else { self.window + self.window / 4 };
        rtt.measured.then(|| per_second(gained, rtt.smoothed))
    }

    fn is_in_slow_start(&self) -> bool {
        self.window < self.threshold
    }
}
