//! Decides how many bytes may be in flight on a path, and how fast they may leave (RFC 9002 §7).
//!
//! ```text
//!  Controller ── RateSampler            delivered bytes and delivery rate
//!      └─ dyn CongestionControl
//!           └─ LossBased<A>             slow start (HyStart++), episodes, undo
//!                ├─ A = NewReno         congestion avoidance of RFC 9002
//!                └─ A = Cubic           congestion avoidance of RFC 9438
//! ```
//!
//! A model-based controller such as BBR would stand beside `LossBased`: it sees the same packets with their stamps,
//! and sets a pacing rate of its own.

mod cubic;
mod episode;
mod hystart;
mod loss_based;
mod rate;
mod reno;

use std::time::Duration;

use crate::base::Instant;
use crate::vocab::{RttView, SendStamp, Settled};

use cubic::Cubic;
use loss_based::LossBased;
use rate::RateSampler;
use reno::NewReno;

/// How a connection shares the network with others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CongestionAlgorithm {
    /// The plain controller of RFC 9002: halves on loss, grows by one datagram a round trip.
    NewReno,
    /// CUBIC (RFC 9438), what most TCP senders use: recovers faster on long fat paths.
    #[default]
    Cubic,
}

/// The congestion controller of one path.
#[derive(Clone, Debug)]
pub(crate) struct Controller {
    algorithm: Algorithm,
    rate: RateSampler,
    /// The last packet left nothing to send behind it.
    app_limited: bool,
    events: u64,
}

impl Controller {
    /// A controller for a path of which nothing is known.
    pub(crate) fn new(algorithm: CongestionAlgorithm, now: Instant, datagram_size: usize) -> Self {
        let datagram = datagram_size as u64;
        let algorithm = match algorithm {
            CongestionAlgorithm::NewReno => Algorithm::NewReno(LossBased::new(datagram)),
            CongestionAlgorithm::Cubic => Algorithm::Cubic(LossBased::new(datagram)),
        };
        Self { algorithm, rate: RateSampler::new(now), app_limited: true, events: 0 }
    }

    /// A packet that counts as in flight leaves. `in_flight` are the bytes before it; `app_limited` says that nothing
    /// more waits behind it.
    pub(crate) fn on_sent(
        &mut self,
        now: Instant,
        bytes: u64,
        in_flight: u64,
        app_limited: bool,
    ) -> SendStamp {
        self.app_limited = app_limited;
        self.inner_mut().on_sent(now, in_flight);
        self.rate.on_sent(now, bytes, in_flight, app_limited)
    }

    /// Packets arrived. `packets` rise by number; `prior_in_flight` are the bytes before their arrival was known.
    pub(crate) fn on_acked(
        &mut self,
        now: Instant,
        packets: &[Settled],
        rtt: &RttView,
        prior_in_flight: u64,
    ) {
        let window_limited = self.is_window_limited(prior_in_flight);
        self.rate.on_acked(now, packets, rtt.minimum);
        let delivered = self.rate.delivered();
        let progress = Progress { smoothed_rtt: rtt.smoothed, delivered, window_limited };
        self.inner_mut().on_acked(now, packets, &progress);
    }

    /// Packets were lost. `persistent` says that they span the period of RFC 9002 §7.6.
    pub(crate) fn on_lost(&mut self, now: Instant, packets: &[Settled], persistent: bool) {
        let reacted = self.inner_mut().on_lost(now, packets, persistent);
        self.events += u64::from(reacted);
    }

    /// The peer saw more congestion marks; the newest packet of that acknowledgement left at `sent_at`.
    pub(crate) fn on_ecn_ce(&mut self, now: Instant, sent_at: Instant) {
        let reacted = self.inner_mut().on_ecn_ce(now, sent_at);
        self.events += u64::from(reacted);
    }

    /// Packets declared lost did arrive.
    pub(crate) fn on_spurious(&mut self, now: Instant, packets: &[Settled]) {
        self.rate.deliver(now, packets);
        self.inner_mut().on_spurious(packets);
    }

    /// The path carries datagrams of another size.
    pub(crate) fn on_datagram_size(&mut self, bytes: usize) {
        self.inner_mut().on_datagram_size(bytes as u64);
    }

    /// Bytes that may be in flight.
    pub(crate) fn window(&self) -> u64 {
        self.inner().window()
    }

    /// Bytes per second, once a round trip was measured.
    pub(crate) fn pacing_rate(&self, rtt: &RttView) -> Option<u64> {
        rtt.measured.then(|| self.inner().pacing_rate(rtt))
    }

    /// The window doubles every round trip.
    pub(crate) fn is_in_slow_start(&self) -> bool {
        self.inner().is_in_slow_start()
    }

    /// Bytes per second that arrived lately; zero before the first sample.
    pub(crate) fn delivery_rate(&self) -> u64 {
        self.rate.rate()
    }

    /// How often the window was reduced.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    /// Whether more would have been sent, had the window been larger (RFC 9002 §7.8). A sender held back by the pacer
    /// counts: it has more to send. In slow start half a window is enough, for it doubles before it is needed.
    fn is_window_limited(&self, prior_in_flight: u64) -> bool {
        let inner = self.inner();
        let used = if inner.is_in_slow_start() { prior_in_flight * 2 } else { prior_in_flight };
        !self.app_limited || used >= inner.window()
    }

    fn inner(&self) -> &dyn CongestionControl {
        match &self.algorithm {
            Algorithm::NewReno(controller) => controller,
            Algorithm::Cubic(controller) => controller,
        }
    }

    fn inner_mut(&mut self) -> &mut dyn CongestionControl {
        match &mut self.algorithm {
            Algorithm::NewReno(controller) => controller,
            Algorithm::Cubic(controller) => controller,
        }
    }
}

#[derive(Clone, Debug)]
enum Algorithm {
    NewReno(LossBased<NewReno>),
    Cubic(LossBased<Cubic>),
}

/// What every controller must be able to do. Methods that return `bool` say whether the window was reduced.
trait CongestionControl {
    /// A packet leaves on top of `in_flight` bytes.
    fn on_sent(&mut self, now: Instant, in_flight: u64);
    fn on_acked(&mut self, now: Instant, packets: &[Settled], progress: &Progress);
    fn on_lost(&mut self, now: Instant, packets: &[Settled], persistent: bool) -> bool;
    fn on_ecn_ce(&mut self, now: Instant, sent_at: Instant) -> bool;
    fn on_spurious(&mut self, packets: &[Settled]);
    fn on_datagram_size(&mut self, bytes: u64);
    fn window(&self) -> u64;
    fn pacing_rate(&self, rtt: &RttView) -> u64;
    fn is_in_slow_start(&self) -> bool;
}

/// What an acknowledgement means for a controller beyond its packets.
#[derive(Clone, Copy, Debug)]
struct Progress {
    smoothed_rtt: Duration,
    /// Bytes delivered on the path, these packets included.
    delivered: u64,
    /// The window held the sender back.
    window_limited: bool,
}

#[cfg(test)]
mod tests;
