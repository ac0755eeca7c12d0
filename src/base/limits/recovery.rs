//! What is acknowledged, and what counts as lost.

use std::time::Duration;

/// ACK ranges kept and sent: more gaps than this and the oldest are forgotten.
pub(crate) const ACK_RANGES: usize = 64;

/// The shortest delay of an acknowledgement that a peer may ask for: shorter ones than the timers can keep make no
/// difference.
pub(crate) const MIN_ACK_DELAY: Duration = Duration::from_millis(1);

/// The longest delay of an acknowledgement that a peer may ask for: the sender's timers build on it.
pub(crate) const MAX_ACK_DELAY: Duration = Duration::from_millis(250);

/// Packets without a request for acknowledgement that may follow each other; then one asks, so that old ACK ranges
/// need not be repeated (RFC 9000 §13.2.4).
pub(crate) const ACK_ONLY_STREAK: u32 = 32;

/// Acknowledgements per round trip that a sender asks for.
pub(crate) const ACKS_PER_ROUND_TRIP: u64 = 8;

/// The same if the way back loses often: a burst of losses there must not silence a whole round trip, or the window
/// stands still until a probe timeout.
pub(crate) const ACKS_OVER_LOSSY_PATH: u64 = 128;

/// The same over a near path that does not: there it is acknowledgements that cost, and the window is many times what is under way.
pub(crate) const ACKS_OVER_NEAR_PATH: u64 = 4;

/// The most packets that may wait for one acknowledgement: a GRO batch.
pub(crate) const ACK_THRESHOLD_MAX: u64 = 64;

/// The same over a near path.
pub(crate) const ACK_THRESHOLD_NEAR: u64 = 256;

/// And the most bytes there, in packets of full size: what waits longer has left the sender's cache when its memory is used again.
pub(crate) const ACK_BYTES_NEAR: u64 = 512 * 1024;

/// Later packets that must be acknowledged before one is lost (RFC 9002 §6.1.1).
pub(crate) const PACKET_THRESHOLD: u64 = 3;

/// The same on paths that reorder; beyond it, time alone decides.
pub(crate) const PACKET_THRESHOLD_MAX: u64 = 256;

/// Eighths of a round trip that a packet may be late on paths that reorder (RFC 8985 §6.2: a round trip).
pub(crate) const REORDERING_SLACK_MAX: u32 = 8;

/// Timers are no finer than this (RFC 9002 §6.1.2).
pub(crate) const TIMER_GRANULARITY: Duration = Duration::from_millis(1);

/// Packets that leave when a probe timeout expires (RFC 9002 §6.2.4).
pub(crate) const PROBES: u8 = 2;

/// Probe timeouts in a row that double the next one.
pub(crate) const PROBE_BACKOFF: u32 = 10;

/// Probe timeouts in a row before these: a burst of losses that ends with the packets which it swallows is over sooner.
pub(crate) const PROBE_PATIENCE: u32 = 3;

/// The same if the way back loses often: 16 packets, as long as most bursts of losses.
pub(crate) const PROBE_PATIENCE_IN_LOSSES: u32 = 8;

/// The longest probe timeout.
pub(crate) const PROBE_TIMEOUT_MAX: Duration = Duration::from_secs(60);

/// Losses that span more probe timeouts than this are persistent congestion (RFC 9002 §7.6.1).
pub(crate) const PERSISTENT_CONGESTION: u32 = 3;

/// Lost packets that are remembered, in case they arrive after all.
pub(crate) const LOST_REMEMBERED: usize = 512;

/// Probe timeouts for which a lost packet is remembered: what comes later is no reordering.
pub(crate) const LOST_PTOS: u32 = 3;

/// Round trips with losses, and none of them spurious, after which raised thresholds fall back (RFC 8985 §7.2).
pub(crate) const REORDERING_CALM: u8 = 16;

/// Packets that elicit no acknowledgement and whose fate is still awaited. A peer that never acknowledges them must not
/// fill our memory (CVE-2026-63075).
pub(crate) const BARE_TRACKED: usize = 256;

/// Settled packets kept among the open ones beyond a quarter of their number, so that clearing up pays.
pub(crate) const SETTLED_SLACK: usize = 64;

/// Ranges of one ACK that are heeded, from the largest down: four times what a peer may send.
pub(crate) const ACK_RANGES_HEEDED: usize = 4 * ACK_RANGES;

/// Mean distance between skipped packet numbers (SPEC §8.2) at the beginning: one falls into the first round trips.
pub(crate) const SKIP_DISTANCE_MIN: u64 = 64;

/// The same after a while: what a cheat can gain before it is found out stays in the order of some megabytes.
pub(crate) const SKIP_DISTANCE_MAX: u64 = 2048;

/// Skipped packet numbers that are remembered; who acknowledges what was not sent guesses at the newest numbers.
pub(crate) const SKIPS_REMEMBERED: usize = 16;

/// Packets that may be open at once: 190 MB in flight at 1452 bytes. A peer that lets more pile up does not acknowledge.
pub(crate) const SENT_PACKETS: u64 = 1 << 17;
