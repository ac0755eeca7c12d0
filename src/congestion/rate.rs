//! Measures how fast the path delivers (draft-ietf-ccwg-bbr §4.1).
//!
//! Each packet carries the state of the sampler when it left. When it arrives, the bytes delivered since then are
//! divided by the longer of the time to send them and the time to hear of them: neither a burst of packets nor a burst
//! of acknowledgements makes the path look faster than it is. The latter is counted from an acknowledgement that was not late.

use std::time::Duration;

use super::anchor::{Anchor, Point};
use super::episode::is_signal;
use super::throughput::per_second;
use crate::base::Instant;
use crate::vocab::{SendStamp, Settled};

/// An acknowledgement that was late is measured from for want of a better one within this part of the smallest round trip.
const PATIENCE_PART: u32 = 4;

/// What the newest packet of an acknowledgement tells of the path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    /// Bytes per second; `None` if the interval was too short to tell.
    pub(super) rate: Option<u64>,
    /// Bytes delivered since the packet left.
    pub(super) delivered: u64,
    /// Bytes lost since the packet left.
    pub(super) lost: u64,
    /// Bytes delivered on the path when it left.
    pub(super) prior_delivered: u64,
    /// Bytes in flight once it had left.
    pub(super) in_flight: u64,
    /// Time from its departure to its acknowledgement.
    pub(super) rtt: Duration,
    /// The sender could have sent more.
    pub(super) app_limited: bool,
}

/// Bytes since the path began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) delivered: u64,
    pub(super) lost: u64,
}

#[derive(Clone, Debug)]
pub(super) struct RateSampler {
    delivered: u64,
    anchor: Anchor,
    lost: u64,
    first_sent_at: Instant,
    /// Samples of packets sent before this many bytes are delivered only bound the rate from below. Zero if there are
    /// none.
    app_limited_until: u64,
    rate: u64,
}

impl RateSampler {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            delivered: 0,
            anchor: Anchor::new(Point { at: now, delivered: 0 }),
            lost: 0,
            first_sent_at: now,
            app_limited_until: 0,
            rate: 0,
        }
    }

    /// The state to keep with a packet of `bytes` that leaves on top of `in_flight`.
    pub(super) fn on_sent(
        &mut self,
        now: Instant,
        bytes: u64,
        in_flight: u64,
        app_limited: bool,
    ) -> SendStamp {
        if in_flight == 0 {
            self.first_sent_at = now;
            self.anchor = Anchor::new(self.point(now));
        }
        if app_limited {
            self.app_limited_until = self.delivered.saturating_add(in_flight + bytes);
        }
        let anchor = self.anchor.point();
        SendStamp {
            delivered: self.delivered,
            anchored_at: anchor.at,
            since_anchor: u32::try_from(self.delivered - anchor.delivered).unwrap_or(u32::MAX),
            first_sent_at: self.first_sent_at,
            lost: self.lost as u32,
            in_flight: u32::try_from(in_flight + bytes).unwrap_or(u32::MAX),
            app_limited: self.is_app_limited(),
        }
    }

    /// The sender could send more than it does, from now until what is in flight has arrived.
    pub(super) fn on_held_back(&mut self, in_flight: u64) {
        self.app_limited_until = self.delivered.saturating_add(in_flight).max(1);
    }

    /// Packets were lost.
    pub(super) fn on_lost(&mut self, packets: &[Settled]) {
        let signals = packets.iter().filter(|packet| is_signal(packet));
        self.lost += signals.map(|packet| u64::from(packet.size)).sum::<u64>();
    }

    /// Packets arrived, by rising number, while the path was thought to carry `estimate` bytes per second.
    pub(super) fn on_acked(
        &mut self,
        now: Instant,
        packets: &[Settled],
        min_rtt: Duration,
        estimate: u64,
    ) -> Option<Sample> {
        self.deliver(packets);
        let newest = packets.iter().rfind(|packet| packet.ack_eliciting)?;
        self.first_sent_at = newest.sent_at;
        if self.delivered > self.app_limited_until {
            self.app_limited_until = 0;
        }

        let stamp = &newest.stamp;
        let (sending, hearing) = (newest.sent_at - stamp.first_sent_at, now - stamp.anchored_at);
        let bytes = self.delivered.saturating_sub(stamp.delivered);
        let heard = bytes.saturating_add(u64::from(stamp.since_anchor));
        // A shorter interval than any round trip is the work of a peer that compresses its acknowledgements.
        let interval = sending.max(hearing);
        let is_reliable = !interval.is_zero() && interval >= min_rtt;
        let rate = is_reliable.then(|| per_second(bytes, sending).min(per_second(heard, hearing)));
        self.anchor.update(self.point(now), estimate, min_rtt / PATIENCE_PART);
        if let Some(rate) = rate.filter(|rate| !stamp.app_limited || *rate > self.rate) {
            self.rate = rate;
        }
        Some(Sample {
            rate,
            delivered: bytes,
            lost: stamp.lost_since(self.lost),
            prior_delivered: stamp.delivered,
            in_flight: u64::from(stamp.in_flight),
            rtt: now - newest.sent_at,
            app_limited: stamp.app_limited,
        })
    }

    /// Counts packets that arrived, without a sample: all there is to do for late ones.
    pub(super) fn deliver(&mut self, packets: &[Settled]) {
        let in_flight = packets.iter().filter(|packet| packet.ack_eliciting);
        let bytes: u64 = in_flight.map(|packet| u64::from(packet.size)).sum();
        self.delivered = self.delivered.saturating_add(bytes);
    }

    fn point(&self, now: Instant) -> Point {
        Point { at: now, delivered: self.delivered }
    }

    pub(super) fn totals(&self) -> Totals {
        Totals { delivered: self.delivered, lost: self.lost }
    }

    /// What leaves now is limited by the application.
    pub(super) fn is_app_limited(&self) -> bool {
        self.app_limited_until > 0
    }

    /// Bytes per second; zero before the first sample.
    pub(super) fn rate(&self) -> u64 {
        self.rate
    }
}
