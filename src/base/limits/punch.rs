//! The search for a path.

use std::time::Duration;

/// NATs that we may be behind.
pub(crate) const PUNCH_LAYERS_MAX: u8 = 4;

/// How long each round opens the own NATs before anything reaches the peer's (§18.5).
pub(crate) const PUNCH_PRIMING: &[Duration] = &[
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(1000),
    Duration::from_millis(2500),
];

/// Time between the addresses of a round: a hundred per second are nothing to any network.
pub(crate) const PUNCH_PACE: Duration = Duration::from_millis(5);

/// Time between two guesses at a port, and between two of the sockets that wait for a guess.
pub(crate) const PUNCH_GUESS_INTERVAL: Duration = Duration::from_millis(2);

/// Ports of a NAT that are tried: with 256 sockets behind it, one is found always but once in 26,000 times; 994 times in 1000 where the
/// guesses of one of two sockets alone can be right.
pub(crate) const PUNCH_GUESSES: usize = 2560;

/// How long guesses wait where something else worked the last time: longer than it takes to find a relay's path, or one in the first round.
pub(crate) const PUNCH_HOLD: Duration = Duration::from_millis(1000);

/// Sockets that wait for a guess.
pub(crate) const PUNCH_SOCKETS: u16 = 256;

/// Addresses of the peer's NAT for which each of these opens ours.
pub(crate) const PUNCH_TARGETS: usize = 2;

/// Ports behind the last one that are tried first where they follow each other: others use some meanwhile.
pub(crate) const PUNCH_WINDOW: u16 = 256;

/// The same where both sides guess: each guess uses a port up.
pub(crate) const PUNCH_WINDOW_BOTH: u16 = 16;

/// When a peer's relays are tried, from the start on: at once, because no NAT has to be opened first, and again for what is lost and for
/// a relay that has to permit us first. Two relays in a row are tried in the later half, unless both sides may be without UDP.
pub(crate) const PUNCH_RELAY_LAPS: &[Duration] = &[
    Duration::from_millis(0),
    Duration::from_millis(150),
    Duration::from_millis(450),
    Duration::from_millis(950),
    Duration::from_millis(1950),
    Duration::from_millis(3950),
];

/// Bits of the blocks of ports that carriers give a customer, the smallest first.
pub(crate) const PUNCH_BLOCKS: &[u32] = &[8, 9, 10, 11, 12];

/// Checks that are sent for one search.
pub(crate) const PUNCH_PACKETS: u32 = 4096;

/// Paths on which the peer is heard: of more the first ones serve as well.
pub(crate) const PUNCH_PAIRS: usize = 64;

/// From one check to the next on a path on which only we hear, and from one nomination to the next.
pub(crate) const PUNCH_RETRY: Duration = Duration::from_millis(100);

/// How often a path on which only we hear is tried.
pub(crate) const PUNCH_RETRIES: u8 = 10;

/// Checks that are sent on such a path for each one that came on it, besides those of the plan: sources can be forged.
pub(crate) const PUNCH_AMPLIFICATION: u32 = 3;

/// How long a better path may take to come after the first one.
pub(crate) const PUNCH_GRACE: Duration = Duration::from_millis(50);

/// How long the peer is answered after the end, and waited for after the last check.
pub(crate) const PUNCH_LINGER: Duration = Duration::from_secs(3);
