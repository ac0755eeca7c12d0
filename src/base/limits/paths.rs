//! Congestion, pacing, sizes and the proof of one path.

use std::time::Duration;

use super::packets::DATAGRAM_MAX;

/// Datagrams of the initial congestion window (RFC 9002 §7.2).
pub(crate) const INITIAL_WINDOW_DATAGRAMS: u64 = 10;

/// The same where the round trip was measured before anything is sent, so that no more than ten leave in one burst (SPEC §8.3).
pub(crate) const INITIAL_WINDOW_DATAGRAMS_PACED: u64 = 32;

/// Bytes of each of them that count, unless two whole datagrams are more (RFC 9002 §7.2: 14,720 for ten).
pub(crate) const INITIAL_WINDOW_DATAGRAM: u64 = 1472;

/// Datagrams below which the congestion window never falls (RFC 9002 §7.2).
pub(crate) const MINIMUM_WINDOW_DATAGRAMS: u64 = 2;

/// Largest congestion window: 100 Gbit/s for a third of a second. Keeps all window arithmetic inside `u64`.
pub(crate) const CONGESTION_WINDOW_MAX: u64 = 1 << 32;

/// Round trip assumed before the first sample (RFC 9002 §6.2.2).
pub(crate) const INITIAL_RTT: Duration = Duration::from_millis(333);

/// Time at the pacing rate that may leave in one burst: what a coarse timer needs to keep up.
pub(crate) const PACER_BURST_TIME: Duration = Duration::from_millis(2);

/// Datagrams that may always leave in one burst (RFC 9002 §7.7: the initial window).
pub(crate) const PACER_BURST_DATAGRAMS: u64 = 10;

/// Largest burst of the pacer: four segment-offload batches; more would fill the queue of a shallow switch.
pub(crate) const PACER_BURST_MAX: u64 = 256 * 1024;

/// Time at the pacing rate that a blocked sender waits for, so that a batch is worth its system call.
pub(crate) const PACER_QUANTUM: Duration = Duration::from_millis(1);

/// Datagram sizes likely to be the limit of an IPv4 path, rising: Ethernet behind a 20-byte tunnel, Ethernet,
/// jumbo frames, 16 KiB interfaces (loopback of some systems), and the most that UDP over IPv4 carries.
pub(crate) const MTU_SIZES_V4: &[usize] = &[1452, 1472, 8972, 16_356, DATAGRAM_MAX];

/// The same over IPv6, whose header is 20 bytes longer; the last fits a 65,536-byte loopback interface.
pub(crate) const MTU_SIZES_V6: &[usize] = &[1432, 1452, 8952, 16_336, 65_488];

/// The MTU search ends when the largest known good and the smallest known bad size are this close.
pub(crate) const MTU_GRANULARITY: usize = 20;

/// Losses after which a probed size counts as too large (RFC 8899 §5.1.2, MAX_PROBES).
pub(crate) const MTU_PROBES: u8 = 3;

/// Rest before sizes above a found MTU are tried again (RFC 8899 §5.1.1, PMTU_RAISE_TIMER).
pub(crate) const MTU_RAISE_INTERVAL: Duration = Duration::from_secs(600);

/// Rest after a black hole before larger datagrams are tried again. Short, for a queue that overflows looks like one, and
/// the probes that follow tell which it was at the cost of a few packets.
pub(crate) const MTU_BLACK_HOLE_REST: Duration = Duration::from_secs(1);

/// Consecutive loss events of large packets, with none delivered between them, that make a black hole.
pub(crate) const MTU_BLACK_HOLE_EVENTS: u8 = 3;

/// Packets marked ECT(0) before the first evidence that the path carries the mark (RFC 9000 §A.4).
pub(crate) const ECN_TESTING_PACKETS: u64 = 10;

/// Bytes that may be sent to an unproved address for each byte received from it (RFC 9000 §8).
pub(crate) const AMPLIFICATION_FACTOR: u64 = 3;

/// PATH_CHALLENGE frames sent in one validation before its deadline decides.
pub(crate) const CHALLENGE_SENDS: u8 = 6;

/// Of the bytes that an unproved address may get, those that only PATH_CHALLENGE frames use, so that traffic cannot use up the room
/// of the question that would lift the bound: one smallest packet for each.
pub(crate) const CHALLENGE_RESERVE: u64 = 270;

/// Probe timeouts that a path validation may last (RFC 9000 §8.2.4).
pub(crate) const CHALLENGE_PTOS: u32 = 3;

/// Addresses at which it is tried at a time whether the peer answers there too: some relays, and the way around them.
pub(crate) const PATH_SCOUTS: usize = 6;

/// Answers to PATH_CHALLENGE that wait; of more, the oldest are forgotten (CVE-2023-49295).
pub(crate) const PATH_ANSWERS: usize = 4;

/// A round trip within which a peer is near: on the same host or in the same rack.
pub(crate) const NEAR: Duration = Duration::from_micros(500);

/// One batch of segment offload, the most that a sender held back by the pacer waits for.
pub(crate) const BATCH_MAX: u64 = 64 * 1024;

/// Bytes by which bunched acknowledgements widen the window of a near path: eight batches, half a millisecond at 8 Gbit/s. More waits in
/// the memory of the receiver's socket, and has left the caches of both ends before it is read.
pub(crate) const BUNCHED_NEAR: u64 = 512 * 1024;
