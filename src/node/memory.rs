//! What has led to a path between two networks is tried first when it is looked for again (SPEC §18.5).
//!
//! ```text
//!  a path is found, by whatever ──▶ remembered ── an hour, a search that finds nothing, more than 64 newer ones ──▶ forgotten
//!                                     ▲     │
//!                                     └─────┘ another way is found
//! ```
//!
//! It is told by the plan alone what comes first and what later, so whoever remembers something that is not true any more loses a second.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::base::Instant;
use crate::base::limits::{NODE_MEMORY, NODE_MEMORY_LIFE};
use crate::crypto::PeerId;
use crate::nat::{CandidateKind, Dependence, Description, Lesson, PunchConfig};

/// A network as it looks from outside: its prefix, and what its NAT does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Network {
    prefix: IpAddr,
    mapping: Option<Dependence>,
    filtering: Option<Dependence>,
}

impl Network {
    /// `None` if it is not known how it looks from outside.
    fn of(description: &Description) -> Option<Self> {
        let reflexive =
            |kind| matches!(kind, CandidateKind::Reflexive | CandidateKind::PeerReflexive);
        let mut candidates = description.candidates().iter();
        let seen = candidates.find(|it| it.socket() == 0 && reflexive(it.kind()))?;
        let (mapping, filtering) = description.nat().dependences();
        Some(Self { prefix: prefix(seen.address().ip()), mapping, filtering })
    }
}

/// The smallest network that is routed by itself: /24 and /48. A host that comes back has another address in it.
fn prefix(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() & !0xff).into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 80 << 80).into(),
    }
}

/// Ours and the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Networks {
    ours: Network,
    theirs: Network,
}

impl Networks {
    pub(super) fn of(config: &PunchConfig) -> Option<Self> {
        let (ours, theirs) = (Network::of(config.ours())?, Network::of(config.theirs())?);
        Some(Self { ours, theirs })
    }

    /// Whether the peer was found where it says that it is. One that lies teaches nothing about others.
    pub(super) fn have(&self, remote: IpAddr) -> bool {
        self.theirs.prefix == prefix(remote)
    }
}

#[derive(Debug)]
struct Known {
    since: Instant,
    peer: PeerId,
    lesson: Lesson,
}

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Memory(BTreeMap<Networks, Known>);

impl Memory {
    /// What to begin with. That nothing but a relay helped is believed of the same peer only.
    pub(super) fn recall(&self, now: Instant, networks: &Networks, peer: PeerId) -> Option<Lesson> {
        let known = self.0.get(networks)?;
        let is_old = now.saturating_since(known.since) >= NODE_MEMORY_LIFE;
        let is_others = known.lesson == Lesson::Relayed && known.peer != peer;
        (!is_old && !is_others).then_some(known.lesson)
    }

    pub(super) fn learn(&mut self, now: Instant, networks: Networks, peer: PeerId, lesson: Lesson) {
        self.0.insert(networks, Known { since: now, peer, lesson });
        while self.0.len() > NODE_MEMORY {
            let oldest = self.0.iter().min_by_key(|(_, known)| known.since);
            let Some(oldest) = oldest.map(|(networks, _)| *networks) else { return };
            self.0.remove(&oldest);
        }
    }

    pub(super) fn forget(&mut self, networks: &Networks) {
        self.0.remove(networks);
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use super::*;
    use crate::crypto::Identity;
    use crate::nat::{Allocation, Candidate, NatSummary};

    fn network(address: &str, mapping: Dependence) -> Network {
        let address: SocketAddr = address.parse().unwrap();
        let nat = NatSummary::new(mapping, None, Allocation::Random);
        let candidate = Candidate::new(CandidateKind::Reflexive, address);
        Network::of(&Description::new(nat, &[candidate])).unwrap()
    }

    fn home(host: u32) -> Networks {
        let easy = Dependence::EndpointIndependent;
        let theirs = format!("{}:4000", Ipv4Addr::from_bits(0xcb00_0000 | host << 8));
        Networks { ours: network("198.51.100.9:4000", easy), theirs: network(&theirs, easy) }
    }

    fn peer(seed: u8) -> PeerId {
        Identity::from_secret_bytes([seed; 32]).peer_id()
    }

    const NOW: Instant = Instant::from_nanos(1_000_000_000);

    #[test]
    fn a_host_that_comes_back_to_its_network_is_known_and_another_nat_is_not() {
        let easy = Dependence::EndpointIndependent;
        let first = network("203.0.113.7:4000", easy);
        assert_eq!(first, network("203.0.113.250:5000", easy));
        assert_eq!(first, network("[::ffff:203.0.113.1]:5000", easy));
        assert_ne!(first, network("203.0.114.7:4000", easy));
        assert_ne!(first, network("203.0.113.7:4000", Dependence::AddressDependent));
        let v6 = |text| network(text, easy);
        assert_eq!(v6("[2001:db8:1:2::1]:1024"), v6("[2001:db8:1:ffff::2]:1024"));
        assert_ne!(v6("[2001:db8:1::1]:1024"), v6("[2001:db8:2::1]:1024"));
        assert_eq!(Network::of(&Description::default()), None);
    }

    #[test]
    fn what_is_old_is_not_believed_and_what_is_forgotten_not_known() {
        let mut memory = Memory::default();
        memory.learn(NOW, home(1), peer(1), Lesson::Told);
        let just = NOW + NODE_MEMORY_LIFE - Duration::from_nanos(1);
        assert_eq!(memory.recall(just, &home(1), peer(2)), Some(Lesson::Told));
        assert_eq!(memory.recall(NOW + NODE_MEMORY_LIFE, &home(1), peer(1)), None);
        assert_eq!(memory.recall(NOW, &home(2), peer(1)), None);
        memory.forget(&home(1));
        assert_eq!(memory.recall(NOW, &home(1), peer(1)), None);
    }

    #[test]
    fn a_peer_that_needs_a_relay_does_not_bring_others_to_one() {
        let mut memory = Memory::default();
        memory.learn(NOW, home(1), peer(1), Lesson::Relayed);
        assert_eq!(memory.recall(NOW, &home(1), peer(1)), Some(Lesson::Relayed));
        assert_eq!(memory.recall(NOW, &home(1), peer(2)), None);
    }

    #[test]
    fn the_oldest_goes_where_there_is_no_room() {
        let mut memory = Memory::default();
        let many = u32::try_from(NODE_MEMORY).unwrap();
        for number in 0..=many {
            let now = NOW + Duration::from_secs(number.into());
            memory.learn(now, home(number), peer(1), Lesson::Guessed(None));
        }
        let now = NOW + Duration::from_secs(many.into());
        assert_eq!(memory.0.len(), NODE_MEMORY);
        assert_eq!(memory.recall(now, &home(0), peer(1)), None);
        assert_eq!(memory.recall(now, &home(1), peer(1)), Some(Lesson::Guessed(None)));
    }
}
