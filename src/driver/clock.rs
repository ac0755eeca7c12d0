//! The only place that reads a clock: it maps the system's monotonic clock to the core's time.

use std::time;

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
