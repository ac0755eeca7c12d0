//! The smallest round trip of the last 10 s, and whether it is time to look for it again (§5.3.4.3 of the draft).
//!
//! ```text
//!   recent    smallest of 5 s; when it is older, the queue must be emptied to see
//!   minimum   follows it down at once, and up when it is 10 s old
//! ```

use std::time::Duration;

use crate::base::Instant;

const MINIMUM_LIFE: Duration = Duration::from_secs(10);
const RECENT_LIFE: Duration = Duration::from_secs(5);

#[derive(Clone, Debug)]
pub(super) struct Delay {
    minimum: Option<Duration>,
    minimum_at: Instant,
    recent: Option<Duration>,
    recent_at: Instant,
    due: bool,
}

impl Delay {
    pub(super) fn new(now: Instant) -> Self {
        Self { minimum: None, minimum_at: now, recent: None, recent_at: now, due: false }
    }

    /// A packet's round trip took `rtt`.
    pub(super) fn update(&mut self, now: Instant, rtt: Duration) {
        self.due = now > self.recent_at + RECENT_LIFE;
        if self.due || self.recent.is_none_or(|recent| rtt < recent) {
            self.recent = Some(rtt);
            self.recent_at = now;
        }
        let expired = now > self.minimum_at + MINIMUM_LIFE;
        if expired || self.minimum.is_none_or(|minimum| rtt < minimum) {
            self.minimum = self.recent;
            self.minimum_at = self.recent_at;
        }
    }

    /// No round trip as small as the recent one was seen for long.
    pub(super) fn is_due(&self) -> bool {
        self.due
    }

    /// The queue has just been emptied.
    pub(super) fn on_probed(&mut self, now: Instant) {
        self.recent_at = now;
    }

    /// `None` before the first sample.
    pub(super) fn minimum(&self) -> Option<Duration> {
        self.minimum
    }
}
