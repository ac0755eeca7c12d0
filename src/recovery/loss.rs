//! Which packets are lost (RFC 9002 §6.1, §7.6).

use std::ops::Range;
use std::time::Duration;

use super::{Recovery, settled};
use crate::base::{Instant, limits};
use crate::vocab::{Fate, Outcome, RttView, Settled};

/// How many later packets must be acknowledged before one is lost. Grows when that proved too few on this connection
/// (RFC 9002 §6.1.1 allows it; RFC 8985 §6.2 does likewise).
#[derive(Debug)]
pub(super) struct Reordering {
    threshold: u64,
}

impl Default for Reordering {
    fn default() -> Self {
        Self { threshold: limits::PACKET_THRESHOLD }
    }
}

impl Reordering {
    /// A packet that was declared lost has arrived: it was only late by this much.
    pub(super) fn on_spurious(&mut self, largest_acked: Option<u64>, number: u64) {
        let distance = largest_acked.map_or(0, |largest| largest.saturating_sub(number));
        let wanted = (distance + 1).min(limits::PACKET_THRESHOLD_MAX);
        self.threshold = self.threshold.max(wanted);
    }
}

impl Recovery {
    /// Declares packets lost by number and by time, and notes when the next one will be.
    pub(super) fn detect(
        &mut self,
        now: Instant,
        rtt: &RttView,
        max_ack_delay: Duration,
        out: &mut Outcome,
    ) {
        self.loss_at = None;
        let Some(end) = self.largest_acked else {
            return;
        };
        let delay = loss_delay(rtt);
        let first_lost = out.lost.len();
        self.scratch.clear();
        let mut next = None;
        self.sent.advance_first_live();
        for (number, packet) in self.sent.live_below(end) {
            let largest = self.sent.largest_acked(packet.path);
            let Some(largest) = largest.filter(|largest| *largest > number) else {
                continue;
            };
            let at = packet.sent_at + delay;
            if largest - number >= self.reordering.threshold || at <= now {
                self.scratch.push(number..number + 1);
            } else {
                next = crate::base::time::earliest(next, Some(at));
            }
        }
        self.loss_at = next;
        for Range { start: number, .. } in self.scratch.drain(..) {
            if let Some(packet) = self.sent.lose(number) {
                out.lost.push(settled(number, packet));
                out.fates.extend(packet.records.iter().map(|record| (record, Fate::Lost)));
            }
        }
        let lost = out.lost.get(first_lost..).unwrap_or_default();
        let period = self.pto(rtt, max_ack_delay) * limits::PERSISTENT_CONGESTION;
        out.persistent_congestion = rtt.measured && self.is_persistent(lost, period);
    }

    /// Two lost packets lie further apart than `period`, and nothing between them was acknowledged (RFC 9002 §7.6.2).
    fn is_persistent(&self, lost: &[Settled], period: Duration) -> bool {
        let mut start: Option<Settled> = None;
        let mut last: Option<u64> = None;
        for packet in lost.iter().filter(|packet| packet.ack_eliciting && !packet.mtu_probe) {
            let broken = last.is_none_or(|last| {
                self.acked.overlapping(last + 1..packet.number).next().is_some()
            });
            if broken {
                start = Some(*packet);
            }
            last = Some(packet.number);
            if start.is_some_and(|start| packet.sent_at - start.sent_at > period) {
                return true;
            }
        }
        false
    }
}

/// A packet is lost this long after it left, once a later one was acknowledged (RFC 9002 §6.1.2): 9/8 of the round trip.
fn loss_delay(rtt: &RttView) -> Duration {
    let base = rtt.smoothed.max(rtt.latest);
    (base + base / 8).max(limits::TIMER_GRANULARITY)
}
