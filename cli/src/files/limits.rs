//! Bounds of the file protocol, with the reason for each. Nothing a peer sends makes us hold more.

/// Bytes of a path, its separators included. `PATH_MAX` of Linux and macOS is in the same order.
pub(super) const PATH_BYTES_MAX: usize = 4096;

/// Bytes of one name in a path: `NAME_MAX` of the usual file systems.
pub(super) const NAME_BYTES_MAX: usize = 255;

/// Names in a path. Every one costs a system call, and real trees are far below.
pub(super) const DEPTH_MAX: usize = 128;

/// Bytes of a DATA body: large enough that the header and the system calls do not count.
pub(super) const DATA_BYTES_MAX: usize = 128 * 1024;

/// Bytes of an explanation for people, in REFUSE and ABORT.
pub(super) const TEXT_BYTES_MAX: usize = 512;

/// Bytes of any other body: an OFFER is the longest.
pub(super) const BODY_BYTES_MAX: usize = PATH_BYTES_MAX + 64;

/// Files that a sender has under way at once: hides the round trips of small ones.
pub(super) const FILES_AT_ONCE: usize = 4;

/// Streams of one connection that a receiver serves at once, each with a thread.
pub(super) const STREAMS_AT_ONCE_MAX: usize = 8;

/// Connections that a receiver serves at once, each with a thread.
pub(super) const CONNECTIONS_AT_ONCE_MAX: usize = 32;

/// Times that a file is sent again because its checksum was wrong.
pub(super) const CHECKSUM_RETRIES: u32 = 1;

/// Rounds of looking at a partial file that somebody else placed at the same moment.
pub(super) const CLAIM_ROUNDS_MAX: usize = 8;
