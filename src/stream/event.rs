//! What streams tell the application, through the connection.
//!
//! Events are edges: each comes once, and again only after the application has acted on it.

use crate::wire::{ApplicationCode, Direction, StreamId};

/// Something happened to streams. Each event comes once, and again only after the application has acted on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamEvent {
    /// The peer opened streams: accept until there is none.
    Opened(Direction),
    /// The peer allows more streams, after none could be opened.
    Available(Direction),
    /// There is data, the end, or a reset to read: read until `Blocked`.
    Readable(StreamId),
    /// There is room for data, after a write was `Blocked`.
    Writable(StreamId),
    /// The peer does not want what is written to the stream, which was reset therefore.
    Stopped {
        /// The stream.
        id: StreamId,
        /// Why, in the application's own terms.
        code: ApplicationCode,
    },
    /// The stream was finished, and the peer has all of it.
    Finished(StreamId),
}

/// Numbers about the streams of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamStats {
    /// Streams that are not closed.
    pub(crate) open: usize,
    /// Bytes written and not acknowledged.
    pub(crate) send_buffered: u64,
    /// The connection's receive window.
    pub(crate) receive_window: u64,
    /// Bytes of memory in pages of stream data.
    pub(crate) page_bytes: usize,
    /// Pages ever allocated.
    pub(crate) pages_allocated: u64,
}
