//! Addresses at which a peer may be reached, and in which order they are preferred (RFC 8445 §5.1).

mod destinations;
mod network;

use std::fmt;
use std::net::SocketAddr;

pub use destinations::{Destinations, Forbidden};
pub use network::LocalNetwork;

/// How an address is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CandidateKind {
    /// An interface has it.
    Host,
    /// A gateway was asked for it (PCP, NAT-PMP, UPnP).
    Mapped,
    /// The peer sees it.
    PeerReflexive,
    /// A STUN server sees it.
    Reflexive,
    /// A relay has it.
    Relayed,
}

impl CandidateKind {
    /// Every kind, the best first.
    pub(crate) const ALL: [Self; 5] =
        [Self::Host, Self::Mapped, Self::PeerReflexive, Self::Reflexive, Self::Relayed];

    /// The type preference (RFC 8445 §5.1.2.2). A mapped port lets everybody in, so that it is better than one that was only seen.
    const fn preference(self) -> u32 {
        match self {
            Self::Host => 126,
            Self::Mapped => 118,
            Self::PeerReflexive => 110,
            Self::Reflexive => 100,
            Self::Relayed => 0,
        }
    }
}

impl fmt::Display for CandidateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Mapped => "mapped",
            Self::PeerReflexive => "peer-reflexive",
            Self::Reflexive => "reflexive",
            Self::Relayed => "relayed",
        })
    }
}

/// An address at which a peer may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    kind: CandidateKind,
    socket: u8,
    address: SocketAddr,
}

impl Candidate {
    /// An address of the main socket.
    pub const fn new(kind: CandidateKind, address: SocketAddr) -> Self {
        Self { kind, socket: 0, address }
    }

    /// An address of the spare socket with this number: what punching turns to when the main one does not come through.
    #[must_use]
    pub const fn of_socket(self, socket: u8) -> Self {
        Self { socket, ..self }
    }

    /// How it is known.
    pub const fn kind(&self) -> CandidateKind {
        self.kind
    }

    /// The socket that it leads to: 0 is the main one.
    pub const fn socket(&self) -> u8 {
        self.socket
    }

    /// The address.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Higher is better (RFC 8445 §5.1.2.1). IPv6 goes before IPv4, as it needs fewer translators (RFC 8421 §4).
    pub const fn priority(&self) -> u32 {
        let local = if self.address.is_ipv6() { 65_535 } else { 32_767 };
        // The component is the only one, so that the last summand is 255.
        (self.kind.preference() << 24) + (local << 8) + 255 - self.socket as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(kind: CandidateKind, address: &str) -> Candidate {
        Candidate::new(kind, address.parse().unwrap())
    }

    #[test]
    fn nearer_addresses_go_first_and_a_relay_last() {
        let of = |kind| candidate(kind, "192.0.2.1:4000").priority();
        assert!(CandidateKind::ALL.map(of).is_sorted_by(|a, b| a > b));
        let v6 = candidate(CandidateKind::Reflexive, "[2001:db8::1]:4000").priority();
        assert!(v6 > of(CandidateKind::Reflexive) && v6 < of(CandidateKind::Host));
    }

    #[test]
    fn a_spare_socket_comes_after_the_main_one() {
        let main = candidate(CandidateKind::Host, "192.0.2.1:4000");
        assert!(main.priority() > main.of_socket(1).priority());
        assert_eq!(main.of_socket(1).socket(), 1);
    }
}
