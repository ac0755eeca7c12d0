//! What travels: a datagram, its addresses and its ECN codepoint.

use std::net::SocketAddr;

/// The ECN codepoint of a packet (RFC 3168 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ecn {
    /// The sender does not take part in ECN.
    #[default]
    NotEct,
    /// ECN-capable transport, codepoint 1.
    Ect1,
    /// ECN-capable transport, codepoint 0: what ordinary senders set.
    Ect0,
    /// Congestion experienced.
    Ce,
}

impl Ecn {
    /// Whether a router may mark the packet where it would otherwise drop it.
    pub fn is_capable(self) -> bool {
        self != Self::NotEct
    }
}

/// A UDP datagram under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// The source address as seen at this point of the way.
    pub from: SocketAddr,
    /// The destination address as seen at this point of the way.
    pub to: SocketAddr,
    /// The ECN codepoint.
    pub ecn: Ecn,
    /// The UDP payload.
    pub payload: Vec<u8>,
}

impl Packet {
    /// A packet without ECN.
    pub fn new(from: SocketAddr, to: SocketAddr, payload: Vec<u8>) -> Self {
        Self { from, to, ecn: Ecn::NotEct, payload }
    }
}
