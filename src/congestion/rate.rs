//! Measures how fast the path delivers (draft-ietf-ccwg-bbr §4.1).
//!
//! Each packet carries the state of the sampler when it left. When it arrives, the bytes delivered since then are
//! divided by the longer of the time to send them and the time to hear of them: neither a burst of packets nor a burst
//! of acknowledgements makes the path look faster than it is.

use std::time::Duration;

use crate::base::Instant;
use crate::vocab::{SendStamp, Settled};

#[derive(Clone, Debug)]
pub(super) struct RateSampler {
    delivered: u64,
    delivered_at: Instant,
    first_sent_at: Instant,
    /// Samples of packets sent before this many bytes are delivered only bound the rate from below.
    app_limited_until: Option<u64>,
    rate: u64,
}

impl RateSampler {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            delivered: 0,
            delivered_at: now,
            first_sent_at: now,
            app_limited_until: None,
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
            self.delivered_at = now;
        }
        if app_limited {
            self.app_limited_until = Some(self.delivered.saturating_add(in_flight + bytes));
        }
        SendStamp {
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            first_sent_at: self.first_sent_at,
            app_limited: self.app_limited_until.is_some(),
        }
    }

    /// Packets arrived, by rising number.
    pub(super) fn on_acked(&mut self, now: Instant, packets: &[Settled], min_rtt: Duration) {
        self.deliver(now, packets);
        let Some(newest) = packets.iter().rfind(|packet| packet.ack_eliciting) else { return };
        self.first_sent_at = newest.sent_at;
        if self.app_limited_until.is_some_and(|end| self.delivered > end) {
            self.app_limited_until = None;
        }

        let stamp = &newest.stamp;
        let interval = (newest.sent_at - stamp.first_sent_at).max(now - stamp.delivered_at);
        // A shorter interval than any round trip is the work of a peer that compresses its acknowledgements.
        if interval.is_zero() || interval < min_rtt {
            return;
        }
        let bytes = self.delivered.saturating_sub(stamp.delivered);
        let rate = per_second(bytes, interval);
        if !stamp.app_limited || rate > self.rate {
            self.rate = rate;
        }
    }

    /// Counts packets that arrived, without a sample: all there is to do for late ones.
    pub(super) fn deliver(&mut self, now: Instant, packets: &[Settled]) {
        let in_flight = packets.iter().filter(|packet| packet.ack_eliciting);
        let bytes: u64 = in_flight.map(|packet| u64::from(packet.size)).sum();
        if bytes > 0 {
            self.delivered = self.delivered.saturating_add(bytes);
            self.delivered_at = now;
        }
    }

    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Bytes per second; zero before the first sample.
    pub(super) fn rate(&self) -> u64 {
        self.rate
    }
}

/// `bytes` in `interval` as bytes per second. Saturates above 18 GB, far beyond the largest window.
pub(super) fn per_second(bytes: u64, interval: Duration) -> u64 {
    let nanos = u64::try_from(interval.as_nanos()).unwrap_or(u64::MAX);
    bytes.saturating_mul(1_000_000_000) / nanos.max(1)
}
