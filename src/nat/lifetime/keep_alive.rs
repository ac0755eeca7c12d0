//! How often to send so that a mapping stays.

use std::time::Duration;

use crate::base::limits::{KEEP_ALIVE_MAX, KEEP_ALIVE_MIN, KEEP_ALIVE_UNKNOWN};

/// The interval of keep-alives for one network: as rare as the measured lifetime allows, more often when it was wrong.
///
/// ```
/// use std::time::Duration;
/// use srudp::nat::KeepAlive;
///
/// let mut keep_alive = KeepAlive::default();
/// assert_eq!(keep_alive.interval(), Duration::from_secs(15));
/// keep_alive.on_lifetime(Duration::from_secs(118));
/// assert_eq!(keep_alive.interval(), Duration::from_millis(82_600));
/// keep_alive.on_silence();
/// assert_eq!(keep_alive.interval(), Duration::from_millis(41_300));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    interval: Duration,
}

impl Default for KeepAlive {
    /// For a network of which nothing is known: 15 s.
    fn default() -> Self {
        Self { interval: KEEP_ALIVE_UNKNOWN }
    }
}

impl KeepAlive {
    /// Time between packets to send.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// An idle mapping was seen to live this long: seven tenths of it, but 5 to 120 s.
    pub fn on_lifetime(&mut self, lifetime: Duration) {
        self.interval = (lifetime / 10).saturating_mul(7).clamp(KEEP_ALIVE_MIN, KEEP_ALIVE_MAX);
    }

    /// The mapping changed, or the network did: what was measured may no longer hold.
    pub fn on_rebind(&mut self) {
        self.interval = self.interval.min(KEEP_ALIVE_UNKNOWN);
    }

    /// A peer that should have been heard was not, and was there: half of it, but no less than 5 s.
    pub fn on_silence(&mut self) {
        self.interval = (self.interval / 2).max(KEEP_ALIVE_MIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(keep_alive: KeepAlive) -> u64 {
        keep_alive.interval().as_secs()
    }

    #[test]
    fn the_interval_stays_within_its_bounds() {
        let mut keep_alive = KeepAlive::default();
        for (lifetime, interval) in [(0, 5), (5, 5), (30, 21), (100, 70), (175, 120), (3600, 120)] {
            keep_alive.on_lifetime(Duration::from_secs(lifetime));
            assert_eq!(seconds(keep_alive), interval);
        }
        keep_alive.on_lifetime(Duration::MAX);
        assert_eq!(seconds(keep_alive), 120);
    }

    #[test]
    fn silence_halves_it_down_to_five_seconds() {
        let mut keep_alive = KeepAlive::default();
        keep_alive.on_lifetime(Duration::from_secs(60));
        let intervals: Vec<u64> = (0..5)
            .map(|_| {
                keep_alive.on_silence();
                seconds(keep_alive)
            })
            .collect();
        assert_eq!(intervals, [21, 10, 5, 5, 5]);
    }

    #[test]
    fn a_rebind_makes_it_careful_but_never_careless() {
        let mut keep_alive = KeepAlive::default();
        keep_alive.on_lifetime(Duration::from_secs(300));
        keep_alive.on_rebind();
        assert_eq!(seconds(keep_alive), 15);
        keep_alive.on_lifetime(Duration::from_secs(10));
        keep_alive.on_rebind();
        assert_eq!(seconds(keep_alive), 7);
    }
}
