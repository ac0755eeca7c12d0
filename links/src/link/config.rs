//! What is wrong with a link. The default is a perfect one.

use std::ops::Range;
use std::time::Duration;

/// The share of a second of traffic that a queue holds when none is given: 100 ms, a common rule for routers.
const QUEUES_PER_SECOND: u64 = 10;

/// The least that such a queue holds, in bytes: ten full datagrams, or slow links would drop every burst.
const QUEUE_MIN: usize = 16 * 1024;

/// Losses that come in bursts: the model of Gilbert and Elliott.
///
/// ```text
///            enter
///        ┌──────────▶┐
///      good         bad ── loses each packet with probability `loss`
///        └◀──────────┘
///            leave
/// ```
///
/// The state is drawn anew at every packet. A burst lasts `1 / leave` packets on average, and a packet finds the link
/// bad with probability `enter / (enter + leave)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burst {
    /// Probability that a packet begins a burst ("p").
    pub enter: f64,
    /// Probability that a packet ends a burst ("r").
    pub leave: f64,
    /// Probability that a packet in a burst is lost ("1 - h").
    pub loss: f64,
}

impl Burst {
    /// Bursts that begin at a share `enter` of the packets and swallow `length` packets on average.
    pub fn new(enter: f64, length: f64) -> Self {
        Self { enter, leave: 1.0 / length.max(1.0), loss: 1.0 }
    }
}

/// What a link does to its packets. Rates of events are probabilities from 0 to 1 for each packet.
///
/// Sizes count UDP payload only; the caller who wants the 28 or 48 bytes of headers counted lowers the rate.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LinkConfig {
    pub(super) delay: Duration,
    pub(super) jitter: Duration,
    pub(super) loss: f64,
    pub(super) burst: Option<Burst>,
    pub(super) reorder: f64,
    pub(super) reorder_by: Duration,
    pub(super) duplicate: f64,
    pub(super) corrupt: f64,
    pub(super) truncate: f64,
    pub(super) rate: Option<u64>,
    pub(super) queue: Option<usize>,
    pub(super) mtu: Option<usize>,
    pub(super) mark_above: Option<usize>,
    pub(super) bleach: bool,
    pub(super) blackholes: Vec<Range<Duration>>,
}

impl LinkConfig {
    /// Time that every packet takes, besides its wait in the queue.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Extra delay that wanders between nothing and `jitter`. It never reorders packets by itself.
    #[must_use]
    pub fn jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// Loses each packet independently.
    #[must_use]
    pub fn loss(mut self, rate: f64) -> Self {
        self.loss = rate;
        self
    }

    /// Loses packets in bursts, besides the independent losses.
    #[must_use]
    pub fn burst(mut self, burst: Burst) -> Self {
        self.burst = Some(burst);
        self
    }

    /// Holds a packet back for up to `by`, while those behind it pass.
    #[must_use]
    pub fn reorder(mut self, rate: f64, by: Duration) -> Self {
        (self.reorder, self.reorder_by) = (rate, by);
        self
    }

    /// Delivers a packet twice.
    #[must_use]
    pub fn duplicate(mut self, rate: f64) -> Self {
        self.duplicate = rate;
        self
    }

    /// Flips one random bit of a packet.
    #[must_use]
    pub fn corrupt(mut self, rate: f64) -> Self {
        self.corrupt = rate;
        self
    }

    /// Cuts off the end of a packet, at least one byte.
    #[must_use]
    pub fn truncate(mut self, rate: f64) -> Self {
        self.truncate = rate;
        self
    }

    /// Sends at most this many bits per second. At least 1. Unlimited if never called.
    #[must_use]
    pub fn rate(mut self, bits_per_second: u64) -> Self {
        self.rate = Some(bits_per_second.max(1));
        self
    }

    /// Bytes that may be queued before the line; what does not fit is dropped (tail drop).
    ///
    /// A packet that finds the line idle is always taken. By default the queue holds 100 ms at the rate of the link,
    /// at least 16 KiB. It has no effect on a link without a rate: there nothing waits.
    #[must_use]
    pub fn queue(mut self, bytes: usize) -> Self {
        self.queue = Some(bytes);
        self
    }

    /// The largest datagram that passes, in bytes; larger ones vanish without a word.
    #[must_use]
    pub fn mtu(mut self, bytes: usize) -> Self {
        self.mtu = Some(bytes);
        self
    }

    /// Marks ECN-capable packets with CE when they find more than this many bytes queued (RFC 3168).
    #[must_use]
    pub fn mark_above(mut self, bytes: usize) -> Self {
        self.mark_above = Some(bytes);
        self
    }

    /// Clears the ECN codepoint of every packet, as some routers do.
    #[must_use]
    pub fn bleach(mut self) -> Self {
        self.bleach = true;
        self
    }

    /// Swallows what is sent during the interval. May be called several times.
    ///
    /// Packets that were under way when it began still arrive. [`Link::set_up`](crate::Link::set_up) does the same
    /// by hand.
    #[must_use]
    pub fn blackhole(mut self, during: Range<Duration>) -> Self {
        self.blackholes.push(during);
        self
    }

    /// The bytes that may be queued at the given rate.
    pub(super) fn queue_at(&self, bits_per_second: u64) -> usize {
        let by_time =
            usize::try_from(bits_per_second / 8 / QUEUES_PER_SECOND).unwrap_or(usize::MAX);
        self.queue.unwrap_or(by_time.max(QUEUE_MIN))
    }
}
