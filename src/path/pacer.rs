//! Spreads packets over the round trip (RFC 9002 §7.7): a token bucket, filled at the pacing rate.
//!
//! ```text
//!   rate ──► ▒▒▒▒▒▒▒▒▒ burst     max(10 datagrams, 2 ms of rate), at most 256 KiB
//!            ▒▒▒▒▒▒▒▒▒ quantum   what a blocked sender waits for, so that it wakes for a batch
//!            ▒▒▒▒▒▒▒▒▒ datagram  less than this blocks
//!            ───┬─────
//!               └──► packets     those that ignore the pacer may leave a debt of one burst
//! ```

use std::time::Duration;

use crate::base::Instant;
use crate::base::limits::{
    PACER_BURST_DATAGRAMS, PACER_BURST_MAX, PACER_BURST_TIME, PACER_QUANTUM,
};

#[derive(Clone, Debug)]
pub(super) struct Pacer {
    /// Bytes × 10⁹, so that no part of a byte is lost however often the bucket is looked at.
    tokens: i64,
    updated: Instant,
}

/// What the bucket is measured against. The rate is in bytes per second; `None` while no round trip was measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) rate: Option<u64>,
    /// What a blocked sender waits for; `None` leaves it to the pacer.
    pub(super) quantum: Option<u64>,
    pub(super) datagram: u64,
    /// What may leave in one go whatever the rate.
    pub(super) batch: u64,
}

impl Pacer {
    /// A full bucket.
    pub(super) fn new(now: Instant) -> Self {
        Self { tokens: i64::MAX, updated: now }
    }

    /// Bytes that may leave now, or when to ask again. Before a round trip was measured the window alone decides.
    pub(super) fn budget(&self, now: Instant, pace: Pace) -> Result<u64, Instant> {
        let Some(rate) = pace.rate else { return Ok(u64::MAX) };
        let tokens = self.tokens_at(now, rate, pace);
        let bytes = u64::try_from(tokens / SCALE).unwrap_or(0);
        if bytes >= pace.datagram { Ok(bytes) } else { Err(now + wait(tokens, rate, pace)) }
    }

    /// Bytes left, paced or not.
    pub(super) fn on_sent(&mut self, now: Instant, pace: Pace, bytes: u64) {
        let Some(rate) = pace.rate else { return };
        let debt = -scaled(burst(rate, pace));
        let tokens = self.tokens_at(now, rate, pace);
        self.tokens = tokens.saturating_sub(scaled(bytes)).max(debt);
        self.updated = now;
    }

    fn tokens_at(&self, now: Instant, rate: u64, pace: Pace) -> i64 {
        let elapsed = u64::try_from((now - self.updated).as_nanos()).unwrap_or(u64::MAX);
        let gained = i64::try_from(elapsed.saturating_mul(rate)).unwrap_or(i64::MAX);
        self.tokens.saturating_add(gained).min(scaled(burst(rate, pace)))
    }
}

/// Tokens of one byte.
const SCALE: i64 = 1_000_000_000;

fn scaled(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX).saturating_mul(SCALE)
}

/// The size of the bucket in bytes.
fn burst(rate: u64, pace: Pace) -> u64 {
    let Pace { datagram, batch, .. } = pace;
    let floor = datagram.saturating_mul(PACER_BURST_DATAGRAMS).max(2 * batch);
    in_time(rate, PACER_BURST_TIME).max(floor).min(PACER_BURST_MAX.max(datagram))
}

/// How long the bucket takes to hold a batch.
fn wait(tokens: i64, rate: u64, pace: Pace) -> Duration {
    let quantum = pace.quantum.unwrap_or_else(|| in_time(rate, PACER_QUANTUM));
    let batch = quantum.min(burst(rate, pace) / 2).max(pace.datagram);
    let missing = u64::try_from(scaled(batch).saturating_sub(tokens)).unwrap_or(0);
    Duration::from_nanos(missing.div_ceil(rate.max(1)))
}

/// Saturates where any burst is at its bound anyway.
fn in_time(rate: u64, time: Duration) -> u64 {
    let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    rate.saturating_mul(nanos) / 1_000_000_000
}

#[cfg(test)]
mod tests;
