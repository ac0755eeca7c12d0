//! The smallest round trip of the last 10 s, whether it is time to look for it again (§5.3.4.3 of the draft), and whether a queue
//! stands.
//!
//! ```text
//!   recent    smallest of 5 s; when it is older, the queue must be emptied to see
//!   minimum   follows it down at once, and up when it is 10 s old
//!   round     smallest of the present round: far above the minimum, no packet of the round found the queue short
//! ```

use std::time::Duration;

use crate::base::Instant;

const MINIMUM_LIFE: Duration = Duration::from_secs(10);
const RECENT_LIFE: Duration = Duration::from_secs(5);

/// Percent of the minimum above which a whole round waited in a queue: more than a probe adds in its first round.
const STANDING: u32 = 130;

/// Thousandths of the minimum by which a round may be longer that found the queue empty.
const EMPTY: u64 = 50;

/// Smallest round trips after which a minimum is known to be one: while a queue shrinks, each packet sets a new one.
const SETTLED: u32 = 10;

#[derive(Clone, Debug)]
pub(super) struct Delay {
    minimum: Option<Duration>,
    minimum_at: Instant,
    recent: Option<Duration>,
    recent_at: Instant,
    due: bool,
    round: Option<Duration>,
}

impl Delay {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            minimum: None,
            minimum_at: now,
            recent: None,
            recent_at: now,
            due: false,
            round: None,
        }
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

    /// A sample bears on the present round.
    pub(super) fn note(&mut self, rtt: Duration) {
        self.round = Some(self.round.map_or(rtt, |round| round.min(rtt)));
    }

    /// The round ended with this sample.
    pub(super) fn restart_note(&mut self, rtt: Duration) {
        self.round = Some(rtt);
    }

    /// Nothing of this round found the queue short: what is lost now is lost because too much is in flight. `bunching` is what is in
    /// flight in any case, lest the sender falls silent between two acknowledgements.
    pub(super) fn is_queue_standing(&self, bunching: Duration) -> bool {
        let standing = |(round, minimum): (Duration, Duration)| {
            round > (minimum * STANDING / 100).max(minimum + bunching.min(minimum))
        };
        self.round.zip(self.minimum).is_some_and(standing)
    }

    /// This round trip was hardly spent in a queue.
    pub(super) fn is_short(&self, rtt: Duration) -> bool {
        self.minimum.is_none_or(|minimum| rtt <= minimum * STANDING / 100)
    }

    /// Thousandths of the smallest round trip by which all of this round were longer.
    pub(super) fn excess(&self) -> u64 {
        let excess = |(round, minimum): (Duration, Duration)| {
            let parts = round.saturating_sub(minimum).as_nanos() * 1000 / minimum.as_nanos().max(1);
            u64::try_from(parts).unwrap_or(u64::MAX)
        };
        self.round.zip(self.minimum).map_or(0, excess)
    }

    /// This round found no queue, as far as is known.
    pub(super) fn is_queue_empty(&self, now: Instant) -> bool {
        let settled = |minimum: Duration| now >= self.minimum_at + minimum * SETTLED;
        self.minimum.is_some_and(settled) && self.excess() <= EMPTY
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
