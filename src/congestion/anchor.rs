//! The acknowledgement that the delivery rate is measured from: not one that came late.
//!
//! A process that sleeps for a moment, and a path that bunches acknowledgements, make some of them late. From such a one to the next in
//! time it takes less than it took to deliver what lies between them, and the largest of many samples is the most wrong one.
//!
//! ```text
//!   acknowledged │              · in time       ╱  the line through the anchor, as steep as the path is thought to be fast
//!                │            ╱·
//!                │          ╱·  ∘ late          on the line or above: in time, and so the next anchor
//!                │   anchor ∘                   below it: late, or the path has become slower; the anchor stays for a while
//!                └────────────────► time
//! ```

use std::time::Duration;

use super::throughput::in_time;
use crate::base::Instant;

/// So much was delivered by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) at: Instant,
    pub(super) delivered: u64,
}

impl Point {
    /// At least as much was delivered from here to `later` as `rate` carries in that time.
    fn leads_up_to(&self, later: &Self, rate: u64) -> bool {
        later.delivered.saturating_sub(self.delivered) >= in_time(rate, later.at - self.at)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Anchor {
    point: Point,
    /// The least late one since: takes its place when it is too old.
    next: Point,
}

impl Anchor {
    pub(super) fn new(point: Point) -> Self {
        Self { point, next: point }
    }

    /// An acknowledgement came, while the path was thought to carry `rate`. Its sender goes without a better one for `patience`.
    pub(super) fn update(&mut self, point: Point, rate: u64, patience: Duration) {
        if self.point.leads_up_to(&point, rate) {
            *self = Self::new(point);
            return;
        }
        if self.next == self.point || self.next.leads_up_to(&point, rate) {
            self.next = point;
        }
        if point.at - self.point.at > patience {
            *self = Self { point: self.next, next: point };
        }
    }

    pub(super) fn point(&self) -> Point {
        self.point
    }
}
