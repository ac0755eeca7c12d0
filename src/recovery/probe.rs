//! Decides when silence calls for a probe (RFC 9002 §6.2).
//!
//! ```text
//!  ack-eliciting packet ──▶ wait PTO × 2^backoff ──▶ two probes owed, then backoff + 1 ─┐
//!            ▲                                                                          │
//!            └── something new acknowledged: backoff = 0, nothing owed ◀────────────────┘
//! ```
//!
//! The peer breaking a long silence ends the backoff too: the path works again, perhaps not for long, and what was lost with it is not
//! acknowledged by anything.
//!
//! The first timeouts in a row do not double the next one: a silence may be a burst of losses that ends with the packets which it
//! swallows, and two packets in a probe timeout are less than any path carries that carries anything. There are more of these timeouts
//! where the way back loses many packets: a silence is then likely to be a few acknowledgements lost.

use std::time::Duration;

use crate::base::Instant;
use crate::base::limits::{
    PROBE_BACKOFF, PROBE_PATIENCE, PROBE_PATIENCE_IN_LOSSES, PROBE_TIMEOUT_MAX, PROBES,
    TIMER_GRANULARITY,
};
use crate::vocab::RttView;

/// RFC 9002 §6.2.1, without the backoff.
pub(super) fn probe_timeout(rtt: &RttView, max_ack_delay: Duration) -> Duration {
    let variation = rtt.variation.saturating_mul(4).max(TIMER_GRANULARITY);
    rtt.smoothed.saturating_add(variation).saturating_add(max_ack_delay)
}

#[derive(Debug)]
pub(super) struct ProbeTimer {
    /// When the last ack-eliciting packet left, or the timer last expired. The latter so that a sender who may not
    /// send just then does not find the timer expired for ever.
    since: Instant,
    backoff: u32,
    /// Timeouts before the next one that doubles.
    patience: u32,
    owed: u8,
    /// Timeouts since the last acknowledgement.
    expired: u32,
    /// The way back loses often.
    expects_losses: bool,
}

impl Default for ProbeTimer {
    fn default() -> Self {
        Self {
            since: Instant::ZERO,
            backoff: 0,
            patience: PROBE_PATIENCE,
            owed: 0,
            expired: 0,
            expects_losses: false,
        }
    }
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
        self.expired = 0;
        self.patience = if self.expects_losses { PROBE_PATIENCE_IN_LOSSES } else { PROBE_PATIENCE };
    }

    /// The peer has broken a silence.
    pub(super) fn on_heard_again(&mut self) {
        self.backoff = 0;
    }

    /// From the next acknowledgement on: the way back loses often, or not.
    pub(super) fn expect_losses(&mut self, often: bool) {
        self.expects_losses = often;
    }

    /// When the timer expires, for a probe timeout of `base`.
    pub(super) fn deadline(&self, base: Duration) -> Instant {
        let doubled = base.saturating_mul(1 << self.backoff);
        // A path that is slower still is not probed faster than it answers.
        self.since + doubled.min(PROBE_TIMEOUT_MAX.max(base))
    }

    pub(super) fn on_expired(&mut self, now: Instant) {
        self.since = now;
        self.expired = self.expired.saturating_add(1);
        if self.patience > 0 {
            self.patience -= 1;
        } else {
            self.backoff = (self.backoff + 1).min(PROBE_BACKOFF);
        }
        self.owed = PROBES;
    }

    pub(super) fn expired(&self) -> u32 {
        self.expired
    }

    pub(super) fn owed(&self) -> u8 {
        self.owed
    }

    pub(super) fn on_probe_sent(&mut self) {
        self.owed = self.owed.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_that_is_broken_ends_the_backoff() {
        let (mut timer, base) = (ProbeTimer::default(), Duration::from_millis(100));
        let mut now = Instant::ZERO;
        for _ in 0..PROBE_PATIENCE + 5 {
            now = timer.deadline(base);
            timer.on_expired(now);
        }
        assert_eq!(timer.deadline(base), now + base * 32);
        timer.on_heard_again();
        assert_eq!(timer.deadline(base), now + base);
        assert_eq!(timer.expired(), PROBE_PATIENCE + 5, "nothing was acknowledged");
    }
}
