//! What a peer says about itself: where it may be reached, and what its NAT does.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::body;
use crate::base::limits::CANDIDATES;
use crate::nat::behaviour::{Allocation, Behaviour, Dependence};
use crate::nat::candidate::{Candidate, CandidateKind, Destinations};
use crate::nat::scope::canonical;
use crate::wire::Reader;

/// What a NAT does, as far as the other side has to know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NatSummary {
    pub(super) mapping: Option<Dependence>,
    pub(super) filtering: Option<Dependence>,
    pub(super) allocation: Option<Allocation>,
    /// The external port that was given out last, and the step to the next.
    pub(super) latest: Option<(u16, i8)>,
}

impl NatSummary {
    /// Nothing is known.
    pub const UNKNOWN: Self =
        Self { mapping: None, filtering: None, allocation: None, latest: None };

    /// From what was measured.
    pub const fn new(
        mapping: Dependence,
        filtering: Option<Dependence>,
        allocation: Allocation,
    ) -> Self {
        Self { mapping: Some(mapping), filtering, allocation: Some(allocation), latest: None }
    }

    /// Where ports are given out one after the other: the last one seen, and how far it is from one to the next.
    #[must_use]
    pub const fn latest(mut self, port: u16, step: i8) -> Self {
        self.latest = Some((port, step));
        self
    }

    /// Whether peers see different mappings; `None` if that is not known.
    pub(crate) fn is_symmetric(&self) -> Option<bool> {
        self.mapping.map(|mapping| mapping != Dependence::EndpointIndependent)
    }

    /// What its mappings depend on, and what it lets in.
    pub(crate) fn dependences(&self) -> (Option<Dependence>, Option<Dependence>) {
        (self.mapping, self.filtering)
    }

    /// Whether somebody comes in whose port is not the one that was sent to.
    pub(crate) fn admits_other_ports(&self) -> bool {
        matches!(
            self.filtering,
            Some(Dependence::EndpointIndependent | Dependence::AddressDependent)
        )
    }

    /// The next port and the step to those behind it, where ports follow each other.
    pub(crate) fn next_port(&self) -> Option<(u16, i8)> {
        let (port, step) =
            self.latest.filter(|_| self.allocation == Some(Allocation::Sequential))?;
        Some((port.wrapping_add_signed(i16::from(step)), step))
    }

    /// The lowest and the highest port seen, where they are all in a small range.
    pub(crate) fn block(&self) -> Option<(u16, u16)> {
        match self.allocation {
            Some(Allocation::Block { lowest, highest }) => Some((lowest, highest)),
            _ => None,
        }
    }
}

impl From<&Behaviour> for NatSummary {
    fn from(behaviour: &Behaviour) -> Self {
        let untranslated = behaviour.translated == Some(false);
        Self {
            mapping: behaviour.mapping.or(untranslated.then_some(Dependence::EndpointIndependent)),
            filtering: behaviour.filtering,
            allocation: behaviour.allocation,
            latest: None,
        }
    }
}

/// What a peer says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    pub(super) nat: NatSummary,
    pub(super) candidates: Vec<Candidate>,
}

impl Description {
    /// The best 16 of these candidates.
    pub fn new(nat: NatSummary, candidates: &[Candidate]) -> Self {
        let mut best = candidates.to_vec();
        best.sort_by_key(|candidate| std::cmp::Reverse((candidate.priority(), *candidate)));
        best.dedup();
        best.truncate(CANDIDATES);
        Self { nat, candidates: best }
    }

    /// The same, and these too.
    pub(crate) fn with(&self, more: &[Candidate]) -> Self {
        Self::new(self.nat, &[&self.candidates, more].concat())
    }

    /// The same without its relays.
    pub(crate) fn without_relays(&self) -> Self {
        let direct = |it: &&Candidate| it.kind() != CandidateKind::Relayed;
        let candidates = self.candidates.iter().filter(direct).copied().collect();
        Self { nat: self.nat, candidates }
    }

    /// Its addresses at relays. One that it has told as another kind too does not count, nor does one count twice: nobody is sent to more
    /// often for that.
    pub(crate) fn relayed(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        let host = |it: &Candidate| (canonical(it.address().ip()), it.address().port());
        let known = move |at: usize, own: &Candidate| {
            let alike = |(other_at, other): (usize, &Candidate)| {
                let first = other_at < at || other.kind() != CandidateKind::Relayed;
                first && host(other) == host(own)
            };
            self.candidates.iter().enumerate().any(alike)
        };
        let relayed = self
            .candidates
            .iter()
            .enumerate()
            .filter(move |(at, it)| it.kind() == CandidateKind::Relayed && !known(*at, it));
        relayed.map(|(_, it)| it.address())
    }

    /// Where a peer with this description, of which it has proved that it is its own, may be dialled without a search: addresses of its
    /// main socket that may be sent to, the best first. Each host and port once, under whatever kinds and in whatever forms it is told.
    pub fn dialable(&self, destinations: &Destinations) -> Vec<SocketAddr> {
        let main = self.candidates.iter().filter(|candidate| candidate.socket() == 0);
        let mut addresses: Vec<SocketAddr> = main.map(|candidate| candidate.address()).collect();
        addresses.retain(|address| destinations.check(*address, true).is_ok());
        distinct(addresses)
    }

    /// The bytes of a CANDIDATES frame (SPEC §8.4).
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        body::encode_description(self, &mut out);
        out
    }

    /// What such bytes say, if they are one description and nothing else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let reader = &mut Reader::new(bytes);
        body::decode_description(reader).ok().filter(|_| reader.is_empty())
    }

    /// What its NAT does.
    pub fn nat(&self) -> &NatSummary {
        &self.nat
    }

    /// Where it may be reached, the best first.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }
}

/// Each host and port once, under whatever kinds and in whatever forms the peer has told it: nobody is sent to twice for that.
pub(in crate::nat) fn distinct(mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let mut seen = BTreeSet::new();
    addresses.retain(|address| seen.insert((canonical(address.ip()), address.port())));
    addresses
}
