//! Decides how many bytes may be in flight on a path, and how fast they may leave (RFC 9002 §7).
//!
//! ```text
//!  Controller ── RateSampler            delivered bytes and delivery rate
//!      └─ dyn CongestionControl
//!           ├─ LossBased<A>             slow start (HyStart++), episodes, undo
//!           │    ├─ A = NewReno         congestion avoidance of RFC 9002
//!           │    └─ A = Cubic           congestion avoidance of RFC 9438
//!           └─ Bbr                      a model of the path, draft-ietf-ccwg-bbr
//! ```

mod anchor;
mod bbr;
mod cubic;
mod episode;
mod hystart;
mod loss_based;
mod rate;
mod reno;
mod throughput;

use std::fmt;
use std::time::Duration;

use crate::base::Instant;
use crate::base::limits::{
    BATCH_MAX, INITIAL_WINDOW_DATAGRAM, INITIAL_WINDOW_DATAGRAMS, INITIAL_WINDOW_DATAGRAMS_PACED,
    MINIMUM_WINDOW_DATAGRAMS,
};
use crate::vocab::{RttView, SendStamp, Settled};

use bbr::Bbr;
use cubic::Cubic;
use loss_based::LossBased;
use rate::{RateSampler, Sample, Totals};
use reno::NewReno;

/// How a connection shares the network with others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CongestionAlgorithm {
    /// The plain controller of RFC 9002: halves on loss, grows by one datagram a round trip.
    NewReno,
    /// CUBIC (RFC 9438), what most TCP senders use: recovers faster on long fat paths.
    ///
    /// Where nearly all losses mean congestion, and a full share beside TCP in queues of several round trips matters
    /// more than their delay. One packet in a thousand lost for another reason is enough to leave most of a fast long
    /// path unused.
    Cubic,
    /// BBR version 3 (draft-ietf-ccwg-bbr), the default: sends at the rate that it measures and keeps queues short.
    ///
    /// Does not slow down for packets that a path loses for other reasons than congestion, such as those of radio links:
    /// up to one in fifty at once, and about one in sixteen once it knows that they are lost anyway. Beside CUBIC it gets
    /// most of a shallow queue and the smaller part of a deep one.
    #[default]
    Bbr,
}

impl fmt::Display for CongestionAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::NewReno => "NewReno",
            Self::Cubic => "CUBIC",
            Self::Bbr => "BBR",
        })
    }
}

/// The congestion controller of one path.
#[derive(Clone, Debug)]
pub(crate) struct Controller {
    algorithm: Algorithm,
    rate: RateSampler,
    /// The last packet left nothing to send behind it.
    app_limited: bool,
    events: u64,
    /// The window with which the path began, and its datagrams.
    initial_window: u64,
    initial_datagrams: u64,
}

impl Controller {
    /// A controller for a path of which nothing is known. The seed decides what is left to chance.
    pub(crate) fn new(
        algorithm: CongestionAlgorithm,
        now: Instant,
        datagram_size: usize,
        seed: u64,
    ) -> Self {
        let datagram = datagram_size as u64;
        let algorithm = match algorithm {
            CongestionAlgorithm::NewReno => Algorithm::NewReno(Box::new(LossBased::new(datagram))),
            CongestionAlgorithm::Cubic => Algorithm::Cubic(Box::new(LossBased::new(datagram))),
            CongestionAlgorithm::Bbr => Algorithm::Bbr(Box::new(Bbr::new(now, datagram, seed))),
        };
        Self {
            algorithm,
            rate: RateSampler::new(now),
            app_limited: true,
            events: 0,
            initial_window: initial_window(datagram, INITIAL_WINDOW_DATAGRAMS),
            initial_datagrams: INITIAL_WINDOW_DATAGRAMS,
        }
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
        // Who has that much under way may pause for a moment, and the path still shows what it carries.
        let app_limited = app_limited && in_flight + bytes < self.inner().enough();
        let departure = Departure {
            bytes,
            in_flight,
            app_limited: self.rate.is_app_limited(),
            totals: self.rate.totals(),
        };
        self.inner_mut().on_sent(now, &departure);
        self.rate.on_sent(now, bytes, in_flight, app_limited)
    }

    /// Packets arrived. `packets` rise by number.
    pub(crate) fn on_acked(
        &mut self,
        now: Instant,
        packets: &[Settled],
        rtt: &RttView,
        in_flight: InFlight,
    ) {
        let window_limited = self.is_window_limited(in_flight.before);
        let estimate = self.inner().bandwidth();
        let sample = self.rate.on_acked(now, packets, rtt.minimum, estimate);
        let progress = Progress {
            rtt: *rtt,
            totals: self.rate.totals(),
            window_limited,
            in_flight: in_flight.after,
            sample,
        };
        let reacted = self.inner_mut().on_acked(now, packets, &progress);
        self.events += u64::from(reacted);
        if self.inner().holds_back() {
            self.rate.on_held_back(in_flight.after);
        }
    }

    /// More could be sent, and waits until the window has room for a batch.
    pub(crate) fn on_window_held_back(&mut self) {
        self.inner_mut().on_window_held_back();
    }

    /// Packets were lost. `persistent` says that they span the period of RFC 9002 §7.6.
    pub(crate) fn on_lost(&mut self, now: Instant, packets: &[Settled], persistent: bool) {
        let losses = Losses { persistent, totals: self.rate.totals() };
        self.rate.on_lost(packets);
        let reacted = self.inner_mut().on_lost(now, packets, &losses);
        self.events += u64::from(reacted);
    }

    /// The peer saw more congestion marks; the newest packet of that acknowledgement left at `sent_at`.
    pub(crate) fn on_ecn_ce(&mut self, now: Instant, sent_at: Instant) {
        let totals = self.rate.totals();
        let reacted = self.inner_mut().on_ecn_ce(now, sent_at, totals);
        self.events += u64::from(reacted);
    }

    /// Packets declared lost did arrive.
    pub(crate) fn on_spurious(&mut self, packets: &[Settled]) {
        self.rate.deliver(packets);
        self.inner_mut().on_spurious(packets);
    }

    /// The path carries datagrams of another size.
    pub(crate) fn on_datagram_size(&mut self, bytes: usize) {
        // First, for the smallest window may be more than that.
        self.renew_initial_window(bytes as u64);
        self.inner_mut().on_datagram_size(bytes as u64);
    }

    /// The round trip was measured otherwise than by what was sent here: a first window can be spread over it.
    pub(crate) fn on_round_trip(&mut self, datagram_size: usize) {
        self.initial_datagrams = INITIAL_WINDOW_DATAGRAMS_PACED;
        self.renew_initial_window(datagram_size as u64);
    }

    /// As long as the window is the first, its size follows what it is made of (RFC 9002 §7.2).
    fn renew_initial_window(&mut self, datagram: u64) {
        let renewed = initial_window(datagram, self.initial_datagrams);
        let is_first = self.events == 0 && self.rate.totals().delivered < self.initial_window;
        let more = renewed.saturating_sub(self.initial_window);
        if is_first && more > 0 {
            self.initial_window = renewed;
            self.inner_mut().widen_initial_window(more);
        }
    }

    /// Bytes that may be in flight.
    pub(crate) fn window(&self) -> u64 {
        self.inner().window()
    }

    /// Bytes per second, if there is any ground for a rate yet.
    pub(crate) fn pacing_rate(&self, rtt: &RttView) -> Option<u64> {
        self.inner().pacing_rate(rtt)
    }

    /// Bytes that should leave together, if the controller has an opinion.
    pub(crate) fn quantum(&self) -> Option<u64> {
        self.inner().quantum()
    }

    pub(crate) fn algorithm(&self) -> CongestionAlgorithm {
        match &self.algorithm {
            Algorithm::NewReno(_) => CongestionAlgorithm::NewReno,
            Algorithm::Cubic(_) => CongestionAlgorithm::Cubic,
            Algorithm::Bbr(_) => CongestionAlgorithm::Bbr,
        }
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
            Algorithm::NewReno(controller) => &**controller,
            Algorithm::Cubic(controller) => &**controller,
            Algorithm::Bbr(controller) => &**controller,
        }
    }

    fn inner_mut(&mut self) -> &mut dyn CongestionControl {
        match &mut self.algorithm {
            Algorithm::NewReno(controller) => &mut **controller,
            Algorithm::Cubic(controller) => &mut **controller,
            Algorithm::Bbr(controller) => &mut **controller,
        }
    }
}

/// Each apart, so that a path is as large as its own algorithm makes it.
#[derive(Clone, Debug)]
enum Algorithm {
    NewReno(Box<LossBased<NewReno>>),
    Cubic(Box<LossBased<Cubic>>),
    Bbr(Box<Bbr>),
}

/// Bytes in flight before and after an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InFlight {
    pub(crate) before: u64,
    pub(crate) after: u64,
}

/// What every controller must be able to do. Methods that return `bool` say whether the window was reduced.
trait CongestionControl {
    fn on_sent(&mut self, now: Instant, departure: &Departure);
    fn on_acked(&mut self, now: Instant, packets: &[Settled], progress: &Progress) -> bool;

    /// The window held the sender back, though it was not full to the last datagram.
    fn on_window_held_back(&mut self) {}

    fn on_lost(&mut self, now: Instant, packets: &[Settled], losses: &Losses) -> bool;
    fn on_ecn_ce(&mut self, now: Instant, sent_at: Instant, totals: Totals) -> bool;
    fn on_spurious(&mut self, packets: &[Settled]);
    fn on_datagram_size(&mut self, bytes: u64);
    fn widen_initial_window(&mut self, by: u64);
    fn window(&self) -> u64;
    fn pacing_rate(&self, rtt: &RttView) -> Option<u64>;
    fn is_in_slow_start(&self) -> bool;

    /// Bytes per second that the path is thought to carry; zero if that plays no part.
    fn bandwidth(&self) -> u64 {
        0
    }

    /// Bytes in flight above which the application does not limit the rate, even if nothing more waits.
    fn enough(&self) -> u64 {
        u64::MAX
    }

    /// Bytes that should leave together.
    fn quantum(&self) -> Option<u64> {
        None
    }

    /// The sender could send more, and does not on purpose: what arrives says nothing about the path's rate.
    fn holds_back(&self) -> bool {
        false
    }
}

/// A packet that leaves.
#[derive(Clone, Copy, Debug)]
struct Departure {
    bytes: u64,
    /// Bytes in flight before it.
    in_flight: u64,
    /// The application limits what is sent.
    app_limited: bool,
    totals: Totals,
}

/// What losses mean for a controller beyond their packets.
#[derive(Clone, Copy, Debug)]
struct Losses {
    /// They span the period of RFC 9002 §7.6.
    persistent: bool,
    /// Before them.
    totals: Totals,
}

/// What an acknowledgement means for a controller beyond its packets.
#[derive(Clone, Copy, Debug)]
struct Progress {
    rtt: RttView,
    /// These packets included.
    totals: Totals,
    /// The window held the sender back.
    window_limited: bool,
    /// Bytes still in flight.
    in_flight: u64,
    /// `None` if nothing arrived that asked for an acknowledgement.
    sample: Option<Sample>,
}

/// Bytes that may leave a near path in one go whatever its rate: one batch of segment offload, and half of it for every half
/// millisecond of the round trip. Queues there are as good as empty, and it is batches that cost.
pub(crate) fn near_batch(minimum: Duration) -> u64 {
    let halvings = minimum.as_micros() >> 9;
    u32::try_from(halvings).ok().and_then(|by| BATCH_MAX.checked_shr(by)).unwrap_or(0)
}

/// The window of a path of which nothing is known, or nothing but its round trip (RFC 9002 §7.2).
fn initial_window(datagram: u64, datagrams: u64) -> u64 {
    let two = MINIMUM_WINDOW_DATAGRAMS * datagram;
    (datagrams * datagram).min((datagrams * INITIAL_WINDOW_DATAGRAM).max(two))
}

#[cfg(test)]
mod tests;
