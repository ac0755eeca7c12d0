//! What became of the packets.

use std::time::Duration;

/// Counters of a link, in packets unless said otherwise.
///
/// `sent + duplicated` is always the sum of `delivered`, the four ways to be lost (`lost`, `oversized`, `blackholed`,
/// `queue_dropped`) and what is still under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LinkStats {
    /// Handed to the link.
    pub sent: u64,
    /// Handed out by the link, duplicates included.
    pub delivered: u64,
    /// Payload bytes handed out.
    pub delivered_bytes: u64,
    /// Lost on the line, alone or in a burst.
    pub lost: u64,
    /// Larger than the MTU.
    pub oversized: u64,
    /// Sent into a partition.
    pub blackholed: u64,
    /// Found the queue full.
    pub queue_dropped: u64,
    /// Delivered after a packet that was sent later.
    pub reordered: u64,
    /// Extra copies made.
    pub duplicated: u64,
    /// Had a bit flipped.
    pub corrupted: u64,
    /// Lost their end.
    pub truncated: u64,
    /// Marked with CE.
    pub marked: u64,
    /// The longest wait for the line.
    pub max_queueing: Duration,
    pub(super) queueing: Duration,
    pub(super) queued: u64,
}

impl LinkStats {
    /// The mean wait for the line of the packets that got onto it.
    pub fn mean_queueing(&self) -> Duration {
        let total = self.queueing.as_nanos();
        let mean = total.checked_div(u128::from(self.queued)).unwrap_or(0);
        Duration::from_nanos(u64::try_from(mean).unwrap_or(u64::MAX))
    }

    /// The same for those that got onto it after `before` was read.
    pub fn mean_queueing_since(&self, before: &Self) -> Duration {
        let later = Self {
            queueing: self.queueing.saturating_sub(before.queueing),
            queued: self.queued.saturating_sub(before.queued),
            ..Self::default()
        };
        later.mean_queueing()
    }

    pub(super) fn record_wait(&mut self, wait: Duration) {
        self.queued += 1;
        self.queueing = self.queueing.saturating_add(wait);
        self.max_queueing = self.max_queueing.max(wait);
    }
}
