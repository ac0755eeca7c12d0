//! Decides whether an ACK can wait (RFC 9000 §13.2.1 and §13.2.2, draft-ietf-quic-ack-frequency §6).
//!
//! ```text
//!           ack-eliciting packet           more than `threshold`, reordering, CE,
//!                                          IMMEDIATE_ACK, or `max_delay` over
//!   Nothing ───────────────────▶ Delayed ─────────────────────────────────────────▶ Due
//!      ▲                            │                                                │
//!      └──────── ACK sent ──────────┴────────────────────────────────────────────────┘
//! ```

use std::time::Duration;

use crate::base::Instant;
use crate::base::limits::{MAX_ACK_DELAY, MIN_ACK_DELAY};

/// Ack-eliciting packets that may wait for an ACK: the second one brings it (RFC 9000 §13.2.2).
const DEFAULT_THRESHOLD: u64 = 1;

/// Every packet out of order brings an ACK (RFC 9000 §13.2.1).
const DEFAULT_REORDERING: u64 = 1;

#[derive(Debug)]
pub(super) struct Urgency {
    /// Of the ACK_FREQUENCY frame that counts.
    sequence: Option<u64>,
    threshold: u64,
    max_delay: Duration,
    reordering: u64,
    state: State,
    /// Ack-eliciting packets since the last ACK.
    pending: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Nothing,
    Delayed(Instant),
    Due,
}

impl Urgency {
    pub(super) fn new(max_delay: Duration) -> Self {
        Self {
            sequence: None,
            threshold: DEFAULT_THRESHOLD,
            max_delay,
            reordering: DEFAULT_REORDERING,
            state: State::Nothing,
            pending: 0,
        }
    }

    /// How far above the smallest missing number an ACK is sent at once; 0 for never.
    pub(super) fn reordering(&self) -> u64 {
        self.reordering
    }

    pub(super) fn on_ack_frequency(
        &mut self,
        sequence: u64,
        threshold: u64,
        max_delay: Duration,
        reordering: u64,
    ) {
        if self.sequence.is_some_and(|newest| sequence <= newest) {
            return;
        }
        self.sequence = Some(sequence);
        self.threshold = threshold;
        self.max_delay = max_delay.clamp(MIN_ACK_DELAY, MAX_ACK_DELAY);
        self.reordering = reordering;
    }

    pub(super) fn on_ack_eliciting(&mut self, now: Instant) {
        self.pending += 1;
        if self.pending > self.threshold {
            self.state = State::Due;
        } else if self.state == State::Nothing {
            self.state = State::Delayed(now + self.max_delay);
        }
    }

    pub(super) fn on_immediate(&mut self) {
        self.state = State::Due;
    }

    pub(super) fn on_deadline(&mut self, now: Instant) {
        if self.is_due(now) {
            self.state = State::Due;
        }
    }

    /// An ACK of everything left.
    pub(super) fn on_acknowledged(&mut self) {
        self.state = State::Nothing;
        self.pending = 0;
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Delayed(until) => Some(until),
            State::Nothing | State::Due => None,
        }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        match self.state {
            State::Nothing => false,
            State::Delayed(until) => until <= now,
            State::Due => true,
        }
    }

    pub(super) fn has_pending(&self) -> bool {
        self.state != State::Nothing
    }
}
