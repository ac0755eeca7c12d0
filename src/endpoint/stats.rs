//! What an endpoint counts.

use super::Endpoint;

/// What an endpoint counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointStats {
    /// Connections and dials that exist.
    pub connections: usize,
    /// Connection ids under which packets would be taken.
    pub connection_ids: usize,
    /// Handshakes that wait for their third message.
    pub half_open: usize,
    /// Datagrams that belonged to nothing, did not parse or did not verify.
    pub dropped: u64,
    /// Handshake messages that did not verify.
    pub handshakes_failed: u64,
    /// Peers that were turned away.
    pub refused: u64,
    /// Stateless resets sent.
    pub resets_sent: u64,
}

impl EndpointStats {
    /// The figures of two together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            connections: self.connections + other.connections,
            connection_ids: self.connection_ids + other.connection_ids,
            half_open: self.half_open + other.half_open,
            dropped: self.dropped + other.dropped,
            handshakes_failed: self.handshakes_failed + other.handshakes_failed,
            refused: self.refused + other.refused,
            resets_sent: self.resets_sent + other.resets_sent,
        }
    }
}

impl Endpoint {
    /// The figures at this moment.
    pub fn stats(&self) -> EndpointStats {
        EndpointStats {
            connections: self.slots.len(),
            connection_ids: self.by_cid.len(),
            half_open: self.half_opens.len(),
            ..self.stats
        }
    }
}
