//! Questions to STUN servers, and answers as one (RFC 8489).

use std::time::Duration;

/// Attributes of a STUN message that are looked at; the richest messages of RFC 8489 and RFC 8656 have a dozen.
pub(crate) const STUN_ATTRIBUTES: usize = 32;

/// Longest STUN message in a byte stream: room for every answer, and not for a flood (RFC 8489 §6.2.2).
pub(crate) const STUN_STREAM_MESSAGE: usize = 4096;

/// First wait for an answer of a STUN server, RTO (RFC 8489 §6.2.1).
pub(crate) const STUN_RETRY: Duration = Duration::from_millis(500);

/// The shortest first wait that may be configured.
pub(crate) const STUN_RETRY_MIN: Duration = Duration::from_millis(500);

/// How often a STUN request is sent, Rc (RFC 8489 §6.2.1).
pub(crate) const STUN_SENDS: u8 = 7;

/// First waits to let pass after the last send, Rm (RFC 8489 §6.2.1).
pub(crate) const STUN_LAST_WAIT: u32 = 16;

/// How long a STUN server may take to answer over TCP, Ti (RFC 8489 §6.2.2).
pub(crate) const STUN_STREAM_TIMEOUT: Duration = Duration::from_millis(39_500);

/// Requests that differ from the first, because a server wants credentials, calls a nonce stale or names another server. A
/// server that never has enough is given up.
pub(crate) const STUN_ROUNDS: u8 = 4;

/// Bytes that a STUN server sends to an address for each byte that came from it. An attacker who forges sources gains less than
/// with most other services, and with the headers of IP and UDP less still.
pub(crate) const STUN_AMPLIFICATION: usize = 3;

/// Answers of a STUN server to one source per second: twice what RFC 5780 §4.2 lets one client ask.
pub(crate) const STUN_PER_SECOND: u32 = 20;

/// Of these at once: several programs behind one NAT start together.
pub(crate) const STUN_BURST: u32 = 60;

/// Rates that a STUN server remembers; sources that collide share one. 32 KiB.
pub(crate) const STUN_BUCKETS: usize = 4096;

/// Answers of a STUN server that wait to be sent.
pub(crate) const STUN_RESPONSES: usize = 256;
