//! The only place that reads clocks: it maps the system's monotonic clock to the core's time, and tells that of day.

use std::time::{self, Duration, SystemTime, UNIX_EPOCH};

use crate::base::Instant;

/// Core time that counts from the moment when the clock was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: time::Instant,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "here the core's time comes from")]
    pub(crate) fn new() -> Self {
        Self { origin: time::Instant::now() }
    }

    pub(crate) fn now(&self) -> Instant {
        let elapsed = self.origin.elapsed().as_nanos();
        Instant::from_nanos(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }
}

/// The time that two peers have in common without a word to each other, as far as their clocks are right.
#[expect(clippy::disallowed_methods, reason = "tickets are good until a time of day")]
pub(crate) fn unix_time() -> Duration {
    // A clock that was never set shows a time long before any ticket.
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_does_not_go_back() {
        let clock = Clock::new();
        let before = clock.now();
        assert!(clock.now() >= before);
    }
}
