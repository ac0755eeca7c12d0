//! Decides when the first slow start ends before it loses packets: HyStart++ (RFC 9406).
//!
//! ```text
//!               delay rose                        5 rounds
//!  Standard ───────────────► Conservative ───────────────────► Exit
//!     ▲      delay fell again      │
//!     └────────────────────────────┘
//! ```
//!
//! A round ends when a packet arrives that left after the previous round ended. Rounds are told apart by the bytes
//! delivered when a packet left, which its stamp holds. The sender paces, so growth per acknowledgement has no limit (L = ∞).

use std::time::Duration;

use crate::base::Instant;
use crate::vocab::Settled;

const MIN_RTT_THRESHOLD: Duration = Duration::from_millis(4);
const MAX_RTT_THRESHOLD: Duration = Duration::from_millis(16);
const MIN_RTT_DIVISOR: u32 = 8;
const ROUND_SAMPLES: u32 = 8;
const CONSERVATIVE_DIVISOR: u64 = 4;
const CONSERVATIVE_ROUNDS: u32 = 5;

#[derive(Clone, Debug)]
pub(super) struct HyStart {
    phase: Phase,
    /// Delivered bytes at which the next round begins.
    round_end: u64,
    last_minimum: Option<Duration>,
    minimum: Option<Duration>,
    samples: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Standard,
    Conservative { baseline: Duration, rounds: u32 },
}

/// What slow start may do with the bytes of an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    /// Add the bytes, divided by this.
    Divided(u64),
    /// Slow start is over.
    Exit,
}

impl HyStart {
    pub(super) fn new() -> Self {
        Self { phase: Phase::Standard, round_end: 0, last_minimum: None, minimum: None, samples: 0 }
    }

    /// Packets arrived, which makes `delivered` bytes in all.
    pub(super) fn on_acked(&mut self, now: Instant, packets: &[Settled], delivered: u64) -> Growth {
        let Some(newest) = packets.iter().rfind(|packet| packet.ack_eliciting) else {
            return self.growth();
        };
        if newest.stamp.delivered >= self.round_end {
            self.round_end = delivered;
            self.last_minimum = self.minimum.take();
            self.samples = 0;
            if self.is_over_after_round() {
                return Growth::Exit;
            }
        }
        let sample = now - newest.sent_at;
        self.minimum = Some(self.minimum.map_or(sample, |minimum| minimum.min(sample)));
        self.samples += 1;
        if self.samples >= ROUND_SAMPLES {
            self.judge_delay();
        }
        self.growth()
    }

    fn growth(&self) -> Growth {
        match self.phase {
            Phase::Standard => Growth::Divided(1),
            Phase::Conservative { .. } => Growth::Divided(CONSERVATIVE_DIVISOR),
        }
    }

    fn is_over_after_round(&mut self) -> bool {
        let Phase::Conservative { rounds, .. } = &mut self.phase else { return false };
        *rounds += 1;
        *rounds >= CONSERVATIVE_ROUNDS
    }

    fn judge_delay(&mut self) {
        let Some(minimum) = self.minimum else { return };
        match self.phase {
            Phase::Standard => {
                let Some(last) = self.last_minimum else { return };
                let threshold =
                    (last / MIN_RTT_DIVISOR).clamp(MIN_RTT_THRESHOLD, MAX_RTT_THRESHOLD);
                if minimum >= last + threshold {
                    self.phase = Phase::Conservative { baseline: minimum, rounds: 0 };
                }
            }
            Phase::Conservative { baseline, .. } if minimum < baseline => {
                self.phase = Phase::Standard;
            }
            Phase::Conservative { .. } => {}
        }
    }
}
