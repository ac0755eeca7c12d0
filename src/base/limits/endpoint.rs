//! Handshakes, strangers, and what the connections of an endpoint share.

use std::time::Duration;

/// How long a cookie proves an address (SPEC §4.1).
pub(crate) const COOKIE_LIFE: Duration = Duration::from_secs(120);

/// How long cookies are minted under one key (SPEC §4.1).
pub(crate) const COOKIE_KEY_LIFE: Duration = Duration::from_secs(60);

/// How long a dial may take (SPEC §5.5).
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// First wait for an answer to a handshake message (SPEC §5.5).
pub(crate) const HANDSHAKE_RETRY: Duration = Duration::from_millis(500);

/// Further waits of twice that time each, before they double again (SPEC §5.5): all that the time for a dial has room for.
pub(crate) const HANDSHAKE_PATIENCE: u32 = 9;

/// First wait between PUNCH packets (SPEC §5.5).
pub(crate) const PUNCH_INTERVAL: Duration = Duration::from_millis(50);

/// Longest wait between PUNCH packets.
pub(crate) const PUNCH_INTERVAL_MAX: Duration = Duration::from_millis(500);

/// How long a responder waits for ESTABLISH (SPEC §5.5).
pub(crate) const HALF_OPEN_LIFE: Duration = Duration::from_secs(10);

/// Handshakes that wait for ESTABLISH at once: about 5 MB.
pub(crate) const HALF_OPENS: usize = 1024;

/// Of these from one address while the endpoint is loaded.
pub(crate) const HALF_OPENS_PER_ADDRESS: usize = 4;

/// Handshake messages that wait for their work with public keys: about 300 KB.
pub(crate) const HANDSHAKE_WORK: usize = 256;

/// Handshakes that one network may begin per second while the endpoint is loaded.
pub(crate) const HANDSHAKES_PER_SECOND: u32 = 20;

/// Of these at once.
pub(crate) const HANDSHAKE_BURST: u32 = 5;

/// Networks whose handshakes are counted.
pub(crate) const LIMITER_NETWORKS: usize = 4096;

/// Handshake messages of which a fragment is missing: 2 MiB.
pub(crate) const PARTIALS: usize = 900;

/// Of these from one address and port.
pub(crate) const PARTIALS_PER_ADDRESS: usize = 4;

/// Datagrams outside connections that wait to be sent.
pub(crate) const OUTBOX: usize = 4096;

/// Shortest datagram that is answered by a stateless reset: the reset is one byte shorter, and still no shorter than any short
/// packet (SPEC §7.4).
pub(crate) const RESET_TRIGGER_MIN: usize = 46;

/// Longest stateless reset.
pub(crate) const RESET_MAX: usize = 62;

/// Time between two stateless resets of an endpoint.
pub(crate) const RESET_INTERVAL: Duration = Duration::from_millis(100);

/// Connections of one endpoint, unless configured otherwise.
pub(crate) const CONNECTIONS: usize = 65_536;

/// Workers of one endpoint (SPEC §7.5): a byte of an id names them all.
pub(crate) const WORKERS: usize = 64;

/// Workers of an endpoint that does not say how many.
pub(crate) const WORKERS_USUAL: usize = 2;

/// An endpoint that may have fewer connections has one worker unless it says otherwise: what is divided is not counted exactly.
pub(crate) const CONNECTIONS_DIVIDED: usize = 1024;

/// A datagram of at most so many bytes takes those of other connections with it: most acknowledgements and all signs of life.
pub(crate) const SHORT_DATAGRAM: usize = 64;

/// Bytes in flight to an address that is near, from which on its connections take turns: batches enough to keep a receiver
/// busy that handles several at once, and a part of the usual receive buffers.
pub(crate) const TURNS_IN_FLIGHT: u64 = 1024 * 1024;

/// Bytes after which a turn ends: most of four batches, so that it ends with the fourth.
pub(crate) const TURN: u64 = 224 * 1024;

/// Bytes that a connection may have in flight in its turn, if all of them together may: a turn, and what its last batch exceeds it by.
pub(crate) const TURN_WINDOW: u64 = 256 * 1024;

/// Connections that have their turns next, and whose writers fill their buffers now: so many turns last as long as threads may take to
/// wake, and what is written for them has not left the caches when it is sent.
pub(crate) const TURNS_AHEAD: usize = 8;

/// Probe timeouts in a row, each twice as long, after which what is in flight to a peer keeps no other connection waiting: a
/// busy host may well be silent for the first of them.
pub(crate) const PROBES_IN_VAIN: u32 = 3;
