//! The kinds of access to the Internet, what each does as its host would measure it, and whether two of them leave a direct path.

use std::time::Duration;

use srudp::nat::{
    Allocation, Candidate, CandidateKind, Dependence, Description, NatSummary, SocketId,
};
use srudp_links::{Dependence as Box, NatConfig, PortAllocation};

use super::world::{Access, World};

/// A kind of access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No NAT, everybody comes in.
    Open,
    /// No NAT, who was sent to comes in.
    Firewall,
    /// One port for all peers: everybody comes in, who has the address of somebody sent to, or only who was sent to.
    FullCone,
    Restricted,
    Home,
    /// As a home router, but ports are random.
    HomeRandom,
    /// A Linux router that accepts what comes in unasked.
    Racy,
    /// A home router behind a carrier's NAT of the same kind.
    Carrier,
    /// Another port for each address of a peer, by chance.
    PerAddress,
    /// Another port for each peer: the next one, one of a block, any.
    Counting,
    Block,
    Symmetric,
    /// A home router behind a carrier's symmetric NAT.
    CarrierSymmetric,
    /// Another port for each peer, but everybody comes in.
    SymmetricOpen,
    /// No UDP.
    Blocked,
    /// As a home router with random ports, but it forgets them after ten seconds. Not among the others.
    Forgetful,
}

use Kind::{
    Block, Blocked, Carrier, CarrierSymmetric, Counting, Firewall, Forgetful, FullCone, Home,
    HomeRandom, Open, PerAddress, Racy, Restricted, Symmetric, SymmetricOpen,
};

impl Kind {
    pub(crate) const ALL: [Self; 15] = [
        Open,
        Firewall,
        FullCone,
        Restricted,
        Home,
        HomeRandom,
        Racy,
        Carrier,
        PerAddress,
        Counting,
        Block,
        Symmetric,
        CarrierSymmetric,
        SymmetricOpen,
        Blocked,
    ];

    pub(crate) fn access(self, number: u8) -> Access {
        let home = || NatConfig::new([203, 0, 113, number].into());
        let inner = || NatConfig::new([100, 64, number, 2].into());
        let symmetric =
            |allocation| home().mapping(Box::AddressAndPortDependent).allocation(allocation);
        let boxes = match self {
            Open | Firewall | Blocked => vec![],
            FullCone => vec![home().filtering(Box::EndpointIndependent)],
            Restricted => vec![home().filtering(Box::AddressDependent)],
            Home => vec![home()],
            Forgetful => {
                let forgets = home().idle_timeout(Duration::from_secs(10));
                vec![forgets.allocation(PortAllocation::Random)]
            }
            HomeRandom => vec![home().allocation(PortAllocation::Random)],
            Racy => vec![home().remembers_unasked()],
            Carrier => vec![inner(), home()],
            PerAddress => {
                vec![home().mapping(Box::AddressDependent).allocation(PortAllocation::Random)]
            }
            Counting => vec![symmetric(PortAllocation::Sequential)],
            Block => vec![symmetric(PortAllocation::Blocks(512))],
            Symmetric => vec![symmetric(PortAllocation::Random)],
            CarrierSymmetric => vec![inner(), symmetric(PortAllocation::Random)],
            SymmetricOpen => {
                vec![symmetric(PortAllocation::Random).filtering(Box::EndpointIndependent)]
            }
        };
        Access { boxes, firewall: self == Firewall, blocked: self == Blocked }
    }

    fn mapping(self) -> Dependence {
        match self {
            PerAddress => Dependence::AddressDependent,
            Counting | Block | Symmetric | CarrierSymmetric | SymmetricOpen => {
                Dependence::AddressAndPortDependent
            }
            _ => Dependence::EndpointIndependent,
        }
    }

    fn filtering(self) -> Dependence {
        match self {
            Open | FullCone | SymmetricOpen => Dependence::EndpointIndependent,
            Restricted => Dependence::AddressDependent,
            _ => Dependence::AddressAndPortDependent,
        }
    }

    /// What its host says about itself: a main socket and three spare ones, and eight questions to servers about ports.
    pub(crate) fn describe(self, world: &mut World, host: usize) -> Description {
        let mut candidates = Vec::new();
        for number in 0..4 {
            if let Some(seen) = world.observe(host, SocketId::new(number)) {
                let candidate = Candidate::new(CandidateKind::Reflexive, seen);
                candidates.push(candidate.of_socket(u8::try_from(number).unwrap()));
            }
        }
        let samples = (0..8).filter_map(|_| world.observe(host, SocketId::MAIN));
        let ports: Vec<u16> = samples.map(|seen| seen.port()).collect();
        let (lowest, highest) = (ports.iter().min().copied(), ports.iter().max().copied());
        let allocation = match self {
            Counting => Allocation::Sequential,
            Block => Allocation::Block { lowest: lowest.unwrap(), highest: highest.unwrap() },
            HomeRandom | Forgetful | PerAddress | Symmetric | CarrierSymmetric | SymmetricOpen => {
                Allocation::Random
            }
            _ => Allocation::Preserving,
        };
        let mut nat = NatSummary::new(self.mapping(), Some(self.filtering()), allocation);
        if let (Counting, Some(latest)) = (self, ports.last()) {
            nat = nat.latest(*latest, 1);
        }
        Description::new(nat, &candidates)
    }

    /// Whether two such hosts can reach each other directly, with a number of datagrams that one may send.
    pub(crate) fn can_reach(self, other: Self) -> bool {
        let both = [self, other];
        if both.contains(&Blocked) {
            return false;
        }
        // One side whose port is known: it is sent to, and the other's port can be found. That a box which gives every peer another
        // port lets everybody in does not help: what its host sends comes from a port that the other side did not send to.
        let port_is_known = |kind: &Self| kind.mapping() == Dependence::EndpointIndependent;
        both.iter().any(port_is_known) || both == [Counting; 2]
    }
}
