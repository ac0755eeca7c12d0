//! Decides when silence calls for a probe (RFC 9002 §6.2).
//!
//! ```text
//!  ack-eliciting packet ──▶ wait PTO × 2^backoff ──▶ two probes owed, backoff + 1 ─┐
//!            ▲                                                                     │
//!            └── something new acknowledged: backoff = 0, nothing owed ◀───────────┘
//! ```
//!
//! On a path that loses many packets anyway, the first timeouts in a row do not double the next one: a silence there is likely to be
//! a few losses more, in bursts perhaps that end with the packets that they swallow, and not a path that carries less than before.

use std::time::Duration;

use crate::base::Instant;
use crate::base::limits::{
    PROBE_BACKOFF, PROBE_PATIENCE, PROBE_TIMEOUT_MAX, PROBES, TIMER_GRANULARITY,
};
use crate::vocab::RttView;

/// RFC 9002 §6.2.1, without the backoff.
pub(super) fn probe_timeout(rtt: &RttView, max_ack_delay: Duration) -> Duration {
    let variation = rtt.variation.saturating_mul(4).max(TIMER_GRANULARITY);
    rtt.smoothed.saturating_add(variation).saturating_add(max_ack_delay)
}

/// A path loses often if it loses one packet of so many.
const LOSES_OFTEN: usize = 32;

/// Packets without which nothing is said about that.
const ENOUGH: usize = 256;

/// Packets after which the older ones count half.
const MEMORY: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct ProbeTimer {
    /// When the last ack-eliciting packet left, or the timer last expired. The latter so that a sender who may not
    /// send just then does not find the timer expired for ever.
    since: Instant,
    backoff: u32,
    /// Timeouts before the next one that doubles.
    patience: u32,
    owed: u8,
    /// Packets that were settled of late, and those of them that were lost.
    settled: usize,
    lost: usize,
}

impl ProbeTimer {
    /// An ack-eliciting packet leaves.
    pub(super) fn on_sent(&mut self, now: Instant) {
        self.since = self.since.max(now);
    }

    /// Something new was acknowledged, or the path is another.
    pub(super) fn reset(&mut self) {
        self.backoff = 0;
        self.owed = 0;
        let loses_often = self.settled >= ENOUGH && self.lost >= self.settled / LOSES_OFTEN;
        self.patience = if loses_often { PROBE_PATIENCE } else { 0 };
    }

    /// Packets were acknowledged or lost.
    pub(super) fn on_settled(&mut self, acked: usize, lost: usize) {
        self.settled += acked + lost;
        self.lost += lost;
        if self.settled > MEMORY {
            self.settled /= 2;
            self.lost /= 2;
        }
    }

    /// Another path: what this one lost says nothing of it.
    pub(super) fn forget_path(&mut self) {
        (self.settled, self.lost) = (0, 0);
        self.reset();
    }

    /// When the timer expires, for a probe timeout of `base`.
    pub(super) fn deadline(&self, base: Duration) -> Instant {
        let doubled = base.saturating_mul(1 << self.backoff);
        // A path that is slower still is not probed faster than it answers.
        self.since + doubled.min(PROBE_TIMEOUT_MAX.max(base))
    }

    pub(super) fn on_expired(&mut self, now: Instant) {
        self.since = now;
        if self.patience > 0 {
            self.patience -= 1;
        } else {
            self.backoff = (self.backoff + 1).min(PROBE_BACKOFF);
        }
        self.owed = PROBES;
    }

    pub(super) fn owed(&self) -> u8 {
        self.owed
    }

    pub(super) fn on_probe_sent(&mut self) {
        self.owed = self.owed.saturating_sub(1);
    }
}
