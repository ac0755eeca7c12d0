//! How much acknowledgements bunch: bytes acknowledged beyond what the rate explains (§5.5.9 of the draft).
//!
//! ```text
//!  acknowledged │          ┌──   ▲ extra: in flight on top of the bandwidth-delay product,
//!               │     ┌────┘╱    │        lest the sender falls silent between two bunches
//!               │     │  ╱       ▼
//!               │┌────┘╱  expected at the bandwidth
//!               └┴──────────────► time
//! ```

use crate::base::Instant;
use crate::congestion::throughput::in_time;

/// Round trips that each half of the filter remembers once the pipe was full; before that, one.
const HALF: u64 = 5;

#[derive(Clone, Debug)]
pub(super) struct Aggregation {
    since: Instant,
    acked: u64,
    /// The maximum of the rounds before, and of the present ones.
    extra: [u64; 2],
    rounds: u64,
}

impl Aggregation {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, acked: 0, extra: [0; 2], rounds: 0 }
    }

    /// Bytes were acknowledged while the path was thought to carry `bandwidth`.
    pub(super) fn update(&mut self, now: Instant, acked: u64, bandwidth: u64, window: u64) {
        let mut expected = in_time(bandwidth, now - self.since);
        if self.acked <= expected {
            self.restart(now);
            expected = 0;
        }
        self.acked += acked;
        let extra = self.acked.saturating_sub(expected).min(window);
        self.extra[1] = self.extra[1].max(extra);
    }

    /// A round trip has passed.
    pub(super) fn on_round(&mut self, was_full: bool) {
        self.rounds += 1;
        if self.rounds >= if was_full { HALF } else { 1 } {
            self.rounds = 0;
            self.extra = [self.extra[1], 0];
        }
    }

    /// What is acknowledged from now on is measured from now on.
    pub(super) fn restart(&mut self, now: Instant) {
        self.since = now;
        self.acked = 0;
    }

    pub(super) fn extra(&self) -> u64 {
        self.extra[0].max(self.extra[1])
    }
}
