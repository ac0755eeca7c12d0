//! Where a peer may be met by relays when the way that was found does not lead there any more (SPEC §19.3).
//!
//! ```text
//!   main socket ──────────────────▶ the peer's relays
//!   each of our relays ─────┬─────▶ the peer's relays     of two in a row each lets the other in by its IP address, so that one of
//!                           └─────▶ the peer's own address            them may be lost, and asked for anew, without the other side
//! ```
//!
//! What a peer has only told, and was not met at, is tried a few times in all, and in all lists together only so many relays are tried:
//! who lies about them aims full datagrams at somebody.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::relays;
use crate::base::limits::{NODE_DETOUR_TRIES, NODE_RELAYS, NODE_TOLD_RELAYS};
use crate::nat::{Description, Destinations, PunchConfig, Scope};

/// An address at a relay of the peer's.
#[derive(Clone, Copy, Debug)]
struct Told {
    address: SocketAddr,
    tries: u8,
}

/// What a peer has said of itself when it was searched or since, as far as relays are concerned, and what we have said.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    relayed: Vec<Told>,
    /// What it said before.
    former: Vec<Told>,
    ips: BTreeSet<IpAddr>,
    ours: Description,
}

impl Reach {
    pub(super) fn of(config: &PunchConfig) -> Self {
        let mut reach = Self { ours: config.ours().clone(), ..Self::default() };
        reach.replace(config.theirs(), |to| config.may_send_to(to));
        reach
    }

    /// The peer says something else of itself now.
    pub(super) fn renew(&mut self, theirs: &Description, destinations: &Destinations) {
        self.replace(theirs, |to| destinations.check(to, true).is_ok());
    }

    fn replace(&mut self, theirs: &Description, may_send_to: impl Fn(SocketAddr) -> bool) {
        self.ips = relays::peers(theirs);
        // One that has no relay at the moment may get it back, and until then those that it had are better than none.
        if theirs.relayed().next().is_none() {
            self.ips.extend(self.relayed.iter().map(|told| told.address.ip().to_canonical()));
            return;
        }
        // What was not tried, or has answered, can be tried as if it were new.
        let left = self.relayed.drain(..).filter(|told| told.tries < NODE_DETOUR_TRIES);
        self.former.extend(left);
        for address in theirs.relayed().filter(|to| may_send_to(*to)).take(NODE_RELAYS) {
            let known = self.former.iter().position(|told| told.address == address);
            let known = known.map(|at| self.former.swap_remove(at));
            if known.is_none() && self.former.len() + self.relayed.len() >= NODE_TOLD_RELAYS {
                continue;
            }
            let tries = known.map_or(NODE_DETOUR_TRIES, |told| told.tries);
            self.relayed.push(Told { address, tries });
        }
    }

    /// Whether the peer does not know of this yet. Spare sockets are others each time, and of use for searches alone.
    pub(super) fn is_news(&self, ours: &Description) -> bool {
        let lasting = |of: &Description| {
            of.candidates().iter().filter(|it| it.socket() == 0).copied().collect()
        };
        differ(&self.ours, ours, lasting)
    }

    /// The same of where we are: a NAT that gives every peer another port gives another one for every question as well.
    pub(super) fn is_elsewhere(&self, ours: &Description) -> bool {
        if ours.nat().is_symmetric() != Some(true) {
            return self.is_news(ours);
        }
        let hosts = |of: &Description| {
            let lasting = of.candidates().iter().filter(|it| it.socket() == 0);
            lasting.map(|it| (it.kind(), it.address().ip())).collect()
        };
        differ(&self.ours, ours, hosts)
    }

    /// The peer was told this.
    pub(super) fn on_told(&mut self, ours: &Description) {
        self.ours = ours.clone();
    }

    /// Whom our relays have to let in.
    pub(super) fn ips(&self) -> &BTreeSet<IpAddr> {
        &self.ips
    }

    /// Whether the address is at a relay of the peer's: it may be another one there by now.
    pub(super) fn is_relay(&self, remote: SocketAddr) -> bool {
        let ip = remote.ip().to_canonical();
        let mut all = self.relayed.iter().chain(&self.former);
        all.any(|told| told.address.ip().to_canonical() == ip)
    }

    /// The peer's relays that may be tried still.
    pub(super) fn relayed(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.relayed.iter().filter(|told| told.tries > 0).map(|told| told.address)
    }

    /// One of them is going to be tried.
    pub(super) fn on_tried(&mut self, remote: SocketAddr) {
        if let Some(told) = self.relayed.iter_mut().find(|told| told.address == remote) {
            told.tries = told.tries.saturating_sub(1);
        }
    }

    /// The peer was met there. It may have got another address at a relay of which it has not told yet.
    pub(super) fn on_met(&mut self, remote: SocketAddr) {
        let ip = remote.ip().to_canonical();
        let Self { relayed, former, .. } = self;
        let met = Told { address: remote, tries: NODE_DETOUR_TRIES };
        if let Some(told) = relayed.iter_mut().find(|told| told.address == remote) {
            *told = met;
        } else if former.len() < NODE_TOLD_RELAYS
            && let Some(told) =
                relayed.iter_mut().find(|told| told.address.ip().to_canonical() == ip)
        {
            former.push(std::mem::replace(told, met));
        }
    }
}

/// Whether these two descriptions say something else, `what` being what counts.
fn differ<T: Ord>(
    one: &Description,
    other: &Description,
    what: impl Fn(&Description) -> BTreeSet<T>,
) -> bool {
    what(one) != what(other)
}

/// Whether a relay of ours, which has an IPv4 address, could send there.
pub(super) fn is_beyond(remote: SocketAddr) -> bool {
    let ip = remote.ip().to_canonical();
    ip.is_ipv4() && Scope::of(ip) == Scope::Global
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nat::{Allocation, Candidate, CandidateKind, Dependence, NatSummary};

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([203, 0, 113, 9], port))
    }

    fn candidate(kind: CandidateKind, address: SocketAddr) -> Candidate {
        Candidate::new(kind, address)
    }

    fn renew(reach: &mut Reach, relays: &[SocketAddr]) -> Vec<SocketAddr> {
        let relayed: Vec<_> =
            relays.iter().map(|to| candidate(CandidateKind::Relayed, *to)).collect();
        let theirs = Description::new(NatSummary::UNKNOWN, &relayed);
        reach.renew(&theirs, &Destinations::default());
        let mut relayed: Vec<_> = reach.relayed().collect();
        relayed.sort();
        relayed
    }

    fn wear_out(reach: &mut Reach) -> usize {
        let relayed: Vec<SocketAddr> = reach.relayed().collect();
        (0..NODE_DETOUR_TRIES)
            .for_each(|_| relayed.iter().for_each(|relay| reach.on_tried(*relay)));
        relayed.len()
    }

    #[test]
    fn a_relay_that_is_told_once_more_is_not_tried_more_often() {
        let mut reach = Reach::default();
        assert_eq!(renew(&mut reach, &[at(4000)]), [at(4000)]);
        wear_out(&mut reach);
        assert_eq!(renew(&mut reach, &[at(4001)]), [at(4001)]);
        assert_eq!(renew(&mut reach, &[at(4000), at(4002)]), [at(4002)]);
        assert!(reach.is_relay(at(4001)), "it may come from the former one still");
    }

    #[test]
    fn in_all_lists_so_many_relays_are_tried_and_those_that_answered_do_not_count() {
        let mut reach = Reach::default();
        let mut tried = 0;
        for list in 0..20 {
            let relays: Vec<_> = (0..4).map(|relay| at(4000 + list * 4 + relay)).collect();
            renew(&mut reach, &relays);
            tried += wear_out(&mut reach);
        }
        assert_eq!(tried, NODE_TOLD_RELAYS);
        let mut honest = Reach::default();
        for port in 4000..4100 {
            assert_eq!(renew(&mut honest, &[at(port)]), [at(port)]);
            honest.on_tried(at(port));
            honest.on_met(at(port));
        }
    }

    #[test]
    fn a_peer_that_is_met_at_another_port_of_its_relay_is_looked_for_there_and_not_at_every_one() {
        let mut reach = Reach::default();
        renew(&mut reach, &[at(4000)]);
        reach.on_met(SocketAddr::from(([203, 0, 113, 10], 4001)));
        assert_eq!(reach.relayed().collect::<Vec<_>>(), [at(4000)], "that is no relay");
        let mut tried = 0;
        for port in 4001..5000 {
            reach.on_met(at(port));
            tried += wear_out(&mut reach);
        }
        assert!(tried <= NODE_TOLD_RELAYS + 1, "{tried}");
    }

    #[test]
    fn a_list_without_a_relay_leaves_those_that_there_were() {
        let mut reach = Reach::default();
        renew(&mut reach, &[at(4000)]);
        assert_eq!(renew(&mut reach, &[]), [at(4000)]);
        assert!(reach.ips().contains(&at(4000).ip()), "it is let in still");
    }

    #[test]
    fn a_relay_that_must_not_be_sent_to_is_not_heeded() {
        let mut reach = Reach::default();
        let forbidden = ["127.0.0.1:4000", "192.168.1.7:4000", "203.0.113.9:53"];
        let forbidden = forbidden.map(|text| text.parse().unwrap());
        assert_eq!(renew(&mut reach, &forbidden), []);
    }

    #[test]
    fn other_spare_sockets_are_no_news_and_another_relay_or_port_is() {
        let mut reach = Reach::default();
        let main = candidate(CandidateKind::Reflexive, at(5000));
        let relay = candidate(CandidateKind::Relayed, at(6000));
        let of = |all: &[Candidate]| Description::new(NatSummary::UNKNOWN, all);
        let spare = |port| candidate(CandidateKind::Reflexive, at(port)).of_socket(1);
        assert!(reach.is_news(&of(&[main])));
        reach.on_told(&of(&[main, relay, spare(5001)]));
        assert!(!reach.is_news(&of(&[main, relay, spare(5002)])));
        assert!(reach.is_news(&of(&[main, spare(5001)])));
        let moved = candidate(CandidateKind::Reflexive, at(5009));
        assert!(reach.is_news(&of(&[moved, relay, spare(5001)])));
    }

    #[test]
    fn another_port_is_no_other_place_where_every_peer_gets_another_one() {
        for (mapping, elsewhere) in
            [(Dependence::EndpointIndependent, true), (Dependence::AddressAndPortDependent, false)]
        {
            let nat = NatSummary::new(mapping, None, Allocation::Random);
            let of =
                |address| Description::new(nat, &[candidate(CandidateKind::Reflexive, address)]);
            let mut reach = Reach::default();
            reach.on_told(&of(at(5000)));
            assert!(reach.is_news(&of(at(5001))));
            assert_eq!(reach.is_elsewhere(&of(at(5001))), elsewhere);
            let moved = SocketAddr::from(([203, 0, 113, 10], 5000));
            assert!(reach.is_elsewhere(&of(moved)));
        }
    }
}
