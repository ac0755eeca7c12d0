//! What the application may choose about streams.

/// Windows, limits and buffers of the streams of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamConfig {
    /// Bytes that the peer may send on a new stream before the application reads.
    pub(crate) stream_window: u64,
    /// What a stream's window may grow to.
    pub(crate) stream_window_max: u64,
    /// Bytes that the peer may send on all streams together; at least one and a half times a stream's.
    pub(crate) connection_window: u64,
    /// What the connection's window may grow to. This bounds the memory that a peer can fill.
    pub(crate) connection_window_max: u64,
    /// Bidirectional streams of the peer that may be open at a time.
    pub(crate) max_streams_bidi: u64,
    /// Unidirectional streams of the peer that may be open at a time.
    pub(crate) max_streams_uni: u64,
    /// Unacknowledged bytes that a connection buffers for sending.
    pub(crate) send_buffer: u64,
}

impl Default for StreamConfig {
    /// The first windows fill 100 Mbit/s × 100 ms; the largest leave room for four times 1 Gbit/s × 100 ms.
    fn default() -> Self {
        Self {
            stream_window: 1_250_000,
            stream_window_max: 64 << 20,
            connection_window: 2_000_000,
            connection_window_max: 96 << 20,
            max_streams_bidi: 256,
            max_streams_uni: 256,
            send_buffer: 64 << 20,
        }
    }
}
