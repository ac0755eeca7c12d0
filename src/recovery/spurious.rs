//! Remembers lost packets for a while, and learns from those that arrive after all how much a path reorders.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::sent::Open;
use crate::base::Instant;
use crate::base::limits::{
    LOST_REMEMBERED, PACKET_THRESHOLD, PACKET_THRESHOLD_MAX, REORDERING_CALM, REORDERING_SLACK_MAX,
    TIMER_GRANULARITY,
};

/// The newest lost packets, by rising number.
#[derive(Debug, Default)]
pub(super) struct LostPackets {
    packets: VecDeque<Lost>,
}

#[derive(Debug)]
struct Lost {
    number: u64,
    at: Instant,
    open: Open,
}

impl LostPackets {
    pub(super) fn remember(&mut self, now: Instant, number: u64, open: Open) {
        if self.packets.len() == LOST_REMEMBERED {
            self.packets.pop_front();
        }
        // Rising but for the losses of a slower path.
        let index = self.packets.partition_point(|lost| lost.number < number);
        self.packets.insert(index, Lost { number, at: now, open });
    }

    /// The smallest number remembered.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.packets.front().map(|lost| lost.number)
    }

    /// Takes out a packet with a number in the range, the smallest first.
    pub(super) fn take(&mut self, range: &RangeInclusive<u64>) -> Option<(u64, Open)> {
        let index = self.packets.partition_point(|lost| lost.number < *range.start());
        if self.packets.get(index)?.number > *range.end() {
            return None;
        }
        self.packets.remove(index).map(|lost| (lost.number, lost.open))
    }

    /// Gives back memory that no packet is in.
    pub(super) fn shrink(&mut self) {
        self.packets.shrink_to_fit();
    }

    /// Forgets what was lost before.
    pub(super) fn forget_before(&mut self, oldest: Instant) {
        while self.packets.front().is_some_and(|lost| lost.at < oldest) {
            self.packets.pop_front();
        }
    }
}

/// How much a path reorders, in packets and in time (RFC 9002 §6.1.1 and §6.1.2 allow to adapt; the manner is that of RFC 8985 §6.2
/// and §7.2).
#[derive(Debug)]
pub(super) struct Reordering {
    threshold: u64,
    /// Eighths of a round trip that a packet may be late.
    slack: u32,
    /// Round trips with losses since the last spurious one.
    calm: u8,
    /// When the last of these began: losses of packets sent before belong to it.
    since: Option<Instant>,
}

impl Reordering {
    pub(super) fn new() -> Self {
        Self { threshold: PACKET_THRESHOLD, slack: 1, calm: 0, since: None }
    }

    /// How much later a packet must have been sent for its arrival to mean that this one is lost.
    pub(super) fn threshold(&self) -> u64 {
        self.threshold
    }

    /// How long after it left a packet is lost, once a later one was acknowledged.
    pub(super) fn delay(&self, round_trip: Duration) -> Duration {
        let slack = (round_trip / 8).saturating_mul(self.slack);
        round_trip.saturating_add(slack).max(TIMER_GRANULARITY)
    }

    /// A packet sent at `sent_at` is lost.
    pub(super) fn on_lost(&mut self, now: Instant, sent_at: Instant) {
        if self.since.is_some_and(|since| sent_at <= since) {
            return;
        }
        self.since = Some(now);
        self.calm += 1;
        if self.calm >= REORDERING_CALM {
            *self = Self { since: self.since, ..Self::new() };
        }
    }

    /// A lost packet arrived, after others that were sent up to `distance` later, and `took` so long on a path of this round trip.
    pub(super) fn on_spurious(&mut self, distance: u64, took: Duration, round_trip: Duration) {
        self.calm = 0;
        let late = took.saturating_sub(round_trip).as_nanos();
        let eighths = (late * 8).div_ceil(round_trip.as_nanos().max(1));
        let eighths = u32::try_from(eighths).unwrap_or(u32::MAX);
        self.slack = self.slack.max(eighths.min(REORDERING_SLACK_MAX));
        let wanted = distance.saturating_add(1).min(PACKET_THRESHOLD_MAX);
        self.threshold = self.threshold.max(wanted);
    }
}
