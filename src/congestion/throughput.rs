//! Bytes per second: what they come to in a time, and the other way round.

use std::time::Duration;

/// The bytes that `rate` carries in `time`.
pub(super) fn in_time(rate: u64, time: Duration) -> u64 {
    u64::try_from(u128::from(rate) * time.as_nanos() / 1_000_000_000).unwrap_or(u64::MAX)
}

/// The time in which `rate` carries `bytes`.
pub(super) fn time_of(bytes: u64, rate: u64) -> Duration {
    Duration::from_nanos(bytes.saturating_mul(1_000_000_000) / rate.max(1))
}

/// `bytes` in `interval` as bytes per second. Saturates above 18 GB, far beyond the largest window.
pub(super) fn per_second(bytes: u64, interval: Duration) -> u64 {
    let nanos = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
    bytes.saturating_mul(1_000_000_000) / nanos.max(1)
}
