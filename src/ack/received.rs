//! Remembers which packet numbers came, for replay protection and for the ranges of ACK frames.
//!
//! The two memories differ on purpose: the replay window forgets by distance and never accepts a number twice, the ranges
//! forget what the peer knows and are bounded in count.

use std::time::Duration;

use super::completeness::Completeness;
use crate::base::Instant;
use crate::base::limits::ACK_RANGES;
use crate::base::ranges::RangeSet;
use crate::base::window::ReplayWindow;

#[derive(Debug, Default)]
pub(super) struct Received {
    window: ReplayWindow,
    ranges: RangeSet,
    /// Below this, numbers that are missing in the ranges may have been received.
    floor: u64,
    largest: Option<u64>,
    /// When the largest number came.
    largest_at: Instant,
    completeness: Completeness,
    /// The largest number when an ACK was last sent.
    reported: Option<u64>,
}

impl Received {
    pub(super) fn is_fresh(&self, number: u64) -> bool {
        self.window.is_fresh(number)
    }

    pub(super) fn largest(&self) -> Option<u64> {
        self.largest
    }

    /// What an ACK reports; not empty once anything was received.
    pub(super) fn ranges(&self) -> &RangeSet {
        &self.ranges
    }

    /// The way from the peer to here has lost many of the latest packets.
    pub(super) fn misses_often(&self) -> bool {
        self.largest.is_some_and(|largest| self.completeness.is_poor(largest))
    }

    /// Gives back memory that holds nothing.
    pub(super) fn rest(&mut self) {
        self.ranges.shrink();
    }

    /// How long ago the largest number came.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now - self.largest_at
    }

    /// Notes a number; returns whether it was fresh.
    pub(super) fn insert(&mut self, now: Instant, number: u64) -> bool {
        if !self.window.insert(number) {
            return false;
        }
        self.ranges.insert_one(number);
        while self.ranges.len() > ACK_RANGES {
            self.ranges.pop_min();
            self.floor = self.floor.max(self.ranges.min().unwrap_or(0));
        }
        if self.largest.is_none_or(|largest| number > largest) {
            self.largest = Some(number);
            self.largest_at = now;
        }
        self.completeness.on_fresh(self.largest.unwrap_or(number));
        true
    }

    /// An ACK that names the largest number left.
    pub(super) fn on_reported(&mut self) {
        self.reported = self.largest;
    }

    /// The peer has an ACK that went up to `largest`, so it knows of everything below (RFC 9000 §13.2.4).
    pub(super) fn forget_below(&mut self, largest: u64) {
        self.ranges.remove_below(largest);
        self.floor = self.floor.max(largest);
    }

    /// The smallest missing number which the peer could not find lost by the last ACK ("smallest Unreported Missing",
    /// draft-ietf-quic-ack-frequency §6.2).
    pub(super) fn smallest_unreported_missing(&self, threshold: u64) -> Option<u64> {
        let reported = self.reported.map_or(0, |largest| (largest + 1).saturating_sub(threshold));
        self.ranges.lowest_missing_from(reported.max(self.floor))
    }
}
