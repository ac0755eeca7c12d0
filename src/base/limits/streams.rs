//! Streams and their memory.

/// Unit in which stream data is buffered. Large enough that a bulk transfer touches a page every few packets, small
/// enough that ten thousand streams with a few bytes each stay below 100 MB.
pub(crate) const STREAM_PAGE: usize = 8 * 1024;

/// Free pages that are kept however few are in use: for some short messages.
pub(crate) const STREAM_PAGES_FEW: usize = 4;

/// Pages that an endpoint is done with, before free ones that were not needed meanwhile are given back: 128 MiB of a bulk transfer.
pub(crate) const STREAM_PAGES_PERIOD: usize = 16_384;

/// A `Bytes` chunk at least this long is sent from where it lies; shorter ones are cheaper to copy than to keep.
pub(crate) const STREAM_SHARED_MIN: usize = 2 * 1024;

/// Gaps in the received data of one stream (SPEC §9.3): a window of 64 MiB in which every second packet of
/// 1200 bytes is missing has 28,000.
pub(crate) const STREAM_GAPS: usize = 32_768;

/// Bytes that a stream sends before the next one of the same priority has its turn: long enough that the receiver's
/// reads are contiguous, short enough that a neighbour waits for a few packets only.
pub(crate) const STREAM_TURN: u64 = 16 * 1024;

/// A STREAM frame in a packet that already holds something carries at least this many bytes, or all there are.
pub(crate) const STREAM_FRAGMENT_MIN: usize = 32;

/// Unacknowledged bytes that every stream may buffer, however small the congestion window.
pub(crate) const STREAM_SEND_MIN: u64 = 128 * 1024;

/// Bytes of a stream that may wait to be sent for the first time: more would leave the processor's cache before that, and
/// be written before it is known what is more urgent.
pub(crate) const STREAM_UNSENT_MAX: u64 = 256 * 1024;

/// The same where the peer is near and no other connection's turn has to be waited for: two batches, of which one is sent while the
/// other is written. With what is in flight there they stay in the cache that is nearest to one processor.
pub(crate) const STREAM_UNSENT_NEAR: u64 = 128 * 1024;

/// Streams of one direction that a peer may ever open (RFC 9000 §4.6).
pub(crate) const STREAMS_MAX: u64 = 1 << 60;

/// Largest offset on a stream and largest sum of offsets on a connection (RFC 9000 §4.5).
pub(crate) const OFFSET_MAX: u64 = (1 << 62) - 1;
