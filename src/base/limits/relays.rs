//! Allocations at TURN servers (RFC 8656).

use std::time::Duration;

/// IP addresses whose packets a relay lets in for one client: a few peers with some addresses each.
pub(crate) const TURN_PERMISSIONS: usize = 64;

/// Peers that have a channel at a relay. The others' packets have 36 bytes of header instead of four.
pub(crate) const TURN_CHANNELS: u16 = 64;

/// How long a permission lasts (RFC 8656 §9).
pub(crate) const TURN_PERMISSION_LIFETIME: Duration = Duration::from_secs(300);

/// How long a channel lasts (RFC 8656 §12).
pub(crate) const TURN_CHANNEL_LIFETIME: Duration = Duration::from_secs(600);

/// How long after its end a channel's number stands for no other peer (RFC 8656 §12).
pub(crate) const TURN_CHANNEL_REST: Duration = Duration::from_secs(300);

/// What a relay gave is asked for again this long before its end, or at half of its time if that comes first: long enough to ask
/// until nobody can be expected to answer.
pub(crate) const TURN_MARGIN: Duration = Duration::from_secs(60);

/// An allocation is taken to last at least this long, so that a relay which says less is not asked all the time.
pub(crate) const TURN_LIFETIME_MIN: Duration = Duration::from_secs(10);

/// And no longer than this, whatever the relay says (RFC 8656 §7.2).
pub(crate) const TURN_LIFETIME_MAX: Duration = Duration::from_secs(3600);

/// How often a relay is asked for a sign of life, unless configured otherwise. It keeps the NAT's mapping alive too.
pub(crate) const TURN_LIFE_SIGN: Duration = Duration::from_secs(20);

/// The shortest such time that may be configured.
pub(crate) const TURN_LIFE_SIGN_MIN: Duration = Duration::from_secs(5);

/// How often a request to a relay is sent over UDP: with five sends and what follows, a dead one is known after 11.5 s.
pub(crate) const TURN_SENDS: u8 = 5;

/// First waits to let pass after the last of them.
pub(crate) const TURN_LAST_WAIT: u32 = 8;

/// Bytes that wait for a relay's stream to take them. More are dropped, as a full socket does: congestion control then slows down,
/// and nothing is late by more than this takes.
pub(crate) const TURN_STREAM_QUEUE: usize = 128 << 10;
