//! What a NAT does, and for how long.

use std::time::Duration;

/// Time between the starts of two questions about a NAT: ten per second (RFC 5780 §4.2).
pub(crate) const NAT_PROBE_INTERVAL: Duration = Duration::from_millis(100);

/// How often such a question is asked. An answer that does not come is a finding, so that four lost datagrams make a wrong one.
pub(crate) const NAT_PROBE_SENDS: u8 = 4;

/// First waits to let pass after the last of them.
pub(crate) const NAT_PROBE_LAST_WAIT: u32 = 4;

/// Servers that are asked about a NAT; more tell nothing new.
pub(crate) const NAT_SERVERS: usize = 8;

/// Spare sockets that behaviour discovery uses. Eight ports show how they are chosen: by chance, eight of 65,536 fall into a block
/// of 2048 once in ten thousand million times.
pub(crate) const NAT_SPARE_SOCKETS: u16 = 7;

/// External ports below which nothing is said about how they are chosen.
pub(crate) const NAT_SAMPLES: usize = 5;

/// The widest step between ports that are given out one after the other: others behind the same NAT use some too.
pub(crate) const NAT_SEQUENTIAL_STEP: u16 = 16;

/// The widest range of ports that is taken for a block; carriers give a host up to 2048.
pub(crate) const NAT_BLOCK_SPAN: u16 = 2048;

/// Datagrams that look for hairpinning, from each of two sockets.
pub(crate) const NAT_HAIRPIN_SENDS: u8 = 4;

/// Time between two of them, and after the last.
pub(crate) const NAT_HAIRPIN_INTERVAL: Duration = Duration::from_millis(300);

/// Silences that are tried on mappings, in seconds: around the lifetimes that are common (30 and 120 s on Linux, 60, 180, and the
/// 300 of RFC 4787), so that one round finds these.
pub(crate) const NAT_LIFETIMES: &[u64] = &[15, 25, 28, 55, 58, 115, 118, 175, 235, 290];

/// The same where one mapping is tried after the other for the sake of keep-alives: none needs to be rarer than the last of them allows.
pub(crate) const NAT_LIFETIMES_BRIEF: &[u64] = &[28, 58, 118, 175];

/// Bounds of a lifetime this close to each other are close enough, however short it is.
pub(crate) const NAT_LIFETIME_GRAIN: Duration = Duration::from_secs(1);

/// Time between the first two questions of a socket whose mapping is then left idle: Linux takes traffic for a stream, which lives
/// longer, after two seconds.
pub(crate) const NAT_SETTLE: Duration = Duration::from_millis(2500);

/// How long a busy mapping is watched: mobile networks that end them do so within 75 s.
pub(crate) const NAT_WATCH: Duration = Duration::from_secs(150);

/// Time between its packets.
pub(crate) const NAT_WATCH_INTERVAL: Duration = Duration::from_secs(5);

/// Time between keep-alives where nothing was measured, and after a mapping has changed (RFC 8445 §11).
pub(crate) const KEEP_ALIVE_UNKNOWN: Duration = Duration::from_secs(15);

/// The longest time between keep-alives, however long mappings live: they may end for other reasons.
pub(crate) const KEEP_ALIVE_MAX: Duration = Duration::from_secs(120);

/// The shortest: what dies sooner cannot be kept alive at a price that is worth it.
pub(crate) const KEEP_ALIVE_MIN: Duration = Duration::from_secs(5);
