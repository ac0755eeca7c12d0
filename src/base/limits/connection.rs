//! One connection beside its streams and paths: ids, datagrams, its end.

use std::time::Duration;

/// Longest reason in a CLOSE frame (SPEC §8).
pub(crate) const CLOSE_REASON_MAX: usize = 1000;

/// Connection ids that we accept from the peer at a time, and the most that we issue (SPEC §7.1): one in use and
/// spares for a side that moves often.
pub(crate) const ACTIVE_CIDS: u64 = 4;

/// RETIRE_CID frames that wait or are in flight before the connection is closed: a peer that makes us retire faster than
/// it acknowledges would otherwise fill our memory (CVE-2024-22189, CVE-2024-1410).
pub(crate) const RETIRE_QUEUE: usize = 32;

/// Sequence numbers of connection ids that may be missing at a time: a peer has at most [`ACTIVE_CIDS`] ids out, but
/// those that it replaces may be lost together with their replacements.
pub(crate) const MISSING_CIDS: u64 = 2 * ACTIVE_CIDS;

/// Bytes of unreliable datagrams that wait to be sent: a burst of a few milliseconds at 1 Gbit/s.
pub(crate) const DATAGRAM_SEND_BYTES: usize = 1 << 20;

/// Unreliable datagrams that wait to be sent; bounds the bookkeeping of very small ones.
pub(crate) const DATAGRAM_SEND_COUNT: usize = 4096;

/// Bytes of unreliable datagrams that wait for the application.
pub(crate) const DATAGRAM_RECV_BYTES: usize = 1 << 20;

/// Unreliable datagrams that wait for the application: empty ones take no bytes, and so must be counted.
pub(crate) const DATAGRAM_RECV_COUNT: usize = 4096;

/// How long a CLOSE may wait for a chance to be sent before the connection is forgotten without it.
pub(crate) const CLOSE_UNSENT: Duration = Duration::from_secs(3);

/// Packets that come one soon after the other are a flow: fewer are a message.
pub(crate) const FLOW_PACKETS: u8 = 16;

/// Time between two packets that belong to one flow, on the slowest links.
pub(crate) const FLOW_GAP: Duration = Duration::from_millis(250);

/// Silence after which a peer with keep-alives asks after a flow that broke off, and whose end ends the backoff of probes. Then a flow
/// has come to rest, too.
pub(crate) const FLOW_BROKEN: Duration = Duration::from_secs(1);

/// Silence after which a connection gives back memory that it needs only while it is busy, if it is no flow and no probe timeout is
/// longer: long enough that waking up, which takes microseconds, is rare; short enough that thousands of new connections per second do
/// not pile up.
pub(crate) const REST_AFTER: Duration = Duration::from_millis(100);

/// Rests and keep-alives fall on multiples of this, so that ten thousand silent connections wake their endpoint a few times per second
/// and not a thousand times.
pub(crate) const SILENCE_TICK: Duration = Duration::from_millis(250);

/// Events about the connection itself that wait for the application.
pub(crate) const CONNECTION_EVENTS: usize = 64;

/// Shortest wait before ESTABLISH is repeated (SPEC §5.5).
pub(crate) const ESTABLISH_RETRY_MIN: Duration = Duration::from_millis(100);
