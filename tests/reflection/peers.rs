//! Peers that lie about where they are, and those who lie to them or copy what they say (SPEC §18).

use std::net::SocketAddr;
use std::time::Duration;

use srudp::Identity;
use srudp::nat::{
    Candidate, CandidateKind, Description, Destinations, LocalNetwork, Offer, OfferError, Punch,
    PunchConfig, SeenOffers, SocketId, Ticket, TicketError,
};
use srudp::node::{NodeEvent, SearchError};
use srudp::proto::SeededEntropy;

use super::aim::{
    CHECK, KINDS, SOCKETS, START, Target, VICTIM, address, forbidden, forms, nat, ours, victim,
};

/// Longer than any search.
const SEARCH: Duration = Duration::from_secs(30);

/// Ports that a guess may hit and that are not sent to.
const SPARED: usize = 8;

/// Searches for a peer that says so, and never answers.
fn search(theirs: Description, symmetric: bool) -> Target {
    let mut target = Target::new();
    let [config, _] = target.configs(2, ours(symmetric), theirs);
    target.node.search(config, None).unwrap();
    target.wait(SEARCH);
    target
}

/// 16 ports of the victim.
fn many_ports(kind: CandidateKind, symmetric: bool) -> Description {
    let ports = (0..16).map(|port| Candidate::new(kind, SocketAddr::from((victim(), 6000 + port))));
    Description::new(nat(symmetric), &ports.collect::<Vec<_>>())
}

#[test]
fn forbidden_destinations_get_nothing_under_whatever_kind_and_in_whatever_form() {
    let home = LocalNetwork::new("eth0", [192, 168, 1, 2].into(), 24);
    let own = address("192.168.1.2:4000");
    let destinations = Destinations::new(&[home]).own(&[own]);
    let mut aimed: Vec<(SocketAddr, bool)> =
        forbidden().into_iter().map(|ip| (SocketAddr::new(ip, 4000), true)).collect();
    // These hosts may be sent to, but not there: our own socket, and services that answer strangers.
    let own = forms([192, 168, 1, 2].into());
    aimed.extend(own.into_iter().map(|ip| (SocketAddr::new(ip, 4000), false)));
    let ports = [0, 53, 123, 1900, 3478, 11_211];
    aimed.extend(ports.map(|port| (SocketAddr::from((victim(), port)), false)));
    for (aimed, whole_host) in aimed {
        for kind in KINDS {
            for symmetric in [false, true] {
                let mut target = Target::new();
                let theirs = Description::new(nat(symmetric), &[Candidate::new(kind, aimed)]);
                let [config, _] = target.configs(2, ours(!symmetric), theirs);
                let config = config.destinations(destinations.clone());
                target.node.search(config, None).unwrap();
                target.wait(SEARCH);
                assert_eq!(target.sent.at(aimed).packets, 0, "{aimed} as {kind}");
                assert!(!whole_host || target.sent.all().packets == 0, "{aimed} as {kind}");
            }
        }
    }
}

#[test]
fn a_neighbour_in_our_own_network_is_sent_to() {
    let home = LocalNetwork::new("eth0", [192, 168, 1, 2].into(), 24);
    let neighbour = address("192.168.1.7:4000");
    let theirs = Description::new(nat(false), &[Candidate::new(CandidateKind::Host, neighbour)]);
    let mut target = Target::new();
    let [config, _] = target.configs(2, ours(false), theirs);
    target.node.search(config.destinations(Destinations::new(&[home])), None).unwrap();
    target.wait(SEARCH);
    assert_eq!(target.sent.at(neighbour).packets, 20);
}

#[test]
fn an_address_gets_twenty_checks_however_often_and_in_whatever_forms_it_is_told() {
    let mut candidates = Vec::new();
    for (number, kind) in KINDS.into_iter().enumerate() {
        // Those that stay candidates: an IPv4 address hidden in an IPv6 one.
        for ip in forms(victim()).into_iter().take(2) {
            let candidate = Candidate::new(kind, SocketAddr::new(ip, 6000));
            candidates.push(candidate.of_socket(u8::try_from(number % 4).unwrap()));
        }
    }
    for socket in 0..4 {
        candidates.push(Candidate::new(CandidateKind::Host, address(VICTIM)).of_socket(socket));
    }
    assert!(candidates.len() <= 16);
    let target = search(Description::new(nat(false), &candidates), false);
    let got = target.sent.host(victim());
    assert!((5..=20).contains(&got.packets), "{got:?}");
    assert_eq!(got.bytes, got.packets * CHECK);
}

#[test]
fn a_host_with_many_ports_gets_what_the_specification_says() {
    for kind in KINDS {
        for (we, they, most) in
            [(false, false, 320), (false, true, 2640), (true, false, 1608), (true, true, 320)]
        {
            let target = search(many_ports(kind, they), we);
            let got = target.sent.host(victim());
            assert!(got.packets <= most, "{kind}, {we}, {they}: {got:?}");
            assert_eq!(got.bytes, got.packets * CHECK);
            assert_eq!(got, target.sent.all());
        }
    }
    // The bounds are reached, but for ports that a guess must not go to.
    for (we, they, most) in [(false, false, 320), (false, true, 2640), (true, false, 1608)] {
        let got = search(many_ports(CandidateKind::Reflexive, they), we).sent.all();
        assert!((most - SPARED..=most).contains(&got.packets), "{we}, {they}: {got:?}");
    }
}

#[test]
fn all_searches_at_once_have_a_bound_too() {
    let mut target = Target::new();
    let mut refused = [0; 2];
    for peer in 2..=40 {
        // As wide as it may be: one of them, and then as many others as there may be.
        for they in [true, false] {
            let [config, _] =
                target.configs(peer, ours(false), many_ports(CandidateKind::Reflexive, they));
            match target.node.search(config, None) {
                Err(SearchError::Busy) => refused[0] += 1,
                Err(_) => refused[1] += 1,
                Ok(_) => {}
            }
        }
    }
    assert!(refused.iter().all(|count| *count > 0), "{refused:?}");
    target.wait(SEARCH);
    let got = target.sent.host(victim());
    let most = 15 * 320 + 2640;
    assert!((most - SPARED..=most).contains(&got.packets), "{got:?}");
    assert_eq!(got.bytes, got.packets * CHECK);
}

/// The checks that a peer sends in a whole search without an answer.
fn checks(config: PunchConfig) -> Vec<Vec<u8>> {
    let mut punch = Punch::new(config, Box::new(SeededEntropy::new(9)));
    let mut checks = Vec::new();
    while let Some(at) = punch.poll_timeout() {
        punch.handle_timeout(at);
        checks.extend(std::iter::from_fn(|| punch.poll_transmit()).map(|check| check.payload));
    }
    checks
}

/// A search that runs, and what its peer says in it.
fn searching() -> (Target, Vec<Vec<u8>>) {
    let mut target = Target::new();
    let peer = Candidate::new(CandidateKind::Reflexive, address("192.0.2.7:7000"));
    let theirs = Description::new(nat(false), &[peer]);
    let [config, other] = target.configs(2, ours(false), theirs);
    target.node.search(config, None).unwrap();
    target.wait(START - target.now);
    (target, checks(other))
}

#[test]
fn a_copied_check_from_elsewhere_brings_at_most_three_times_its_bytes() {
    for copies in [1, 2, 5, 20] {
        let (mut target, checks) = searching();
        for _ in 0..copies {
            target.receive(SocketId::MAIN, address(VICTIM), &checks[0]);
        }
        target.wait(SEARCH);
        let got = target.sent.host(victim());
        assert!((1..=3 * copies).contains(&got.packets), "{copies} copies: {got:?}");
        assert_eq!(got.bytes, got.packets * CHECK);
    }
}

#[test]
fn a_peer_that_forges_its_address_gains_no_more_with_many_checks_ports_and_sockets() {
    let (mut target, checks) = searching();
    assert_eq!(checks.len(), 20);
    let mut aimed = 0;
    for (number, check) in (0..).zip(checks.iter().cycle().take(2000)) {
        let from = SocketAddr::from((victim(), 6000 + number % 500));
        target.receive(SOCKETS[usize::from(number % 4)], from, check);
        aimed += 1;
    }
    target.wait(SEARCH);
    let got = target.sent.host(victim());
    assert!(got.packets <= 3 * aimed, "{got:?} for {aimed}");
    // Whatever came: the packets of one search.
    assert!(target.sent.all().packets <= 4096);
    assert_eq!(got.bytes, got.packets * CHECK, "nothing but checks: it is not dialled");
    let found = |event: &NodeEvent| matches!(event, NodeEvent::Found(..));
    assert!(!target.events.iter().any(found));
}

#[test]
fn a_search_sends_4096_checks_at_most_whatever_comes() {
    let (mut target, checks) = searching();
    for (number, check) in (0..).zip(checks.iter().cycle().take(6000)) {
        let from = SocketAddr::from((victim(), 6000 + number % 16));
        target.receive(SOCKETS[usize::from(number % 4)], from, check);
    }
    target.wait(SEARCH);
    assert_eq!(target.sent.all().packets, 4096, "the bound is reached");
}

#[test]
fn copies_after_the_end_of_a_search_bring_nothing() {
    let (mut target, checks) = searching();
    target.wait(SEARCH);
    let before = target.sent.all();
    for check in &checks {
        target.receive(SocketId::MAIN, address(VICTIM), check);
    }
    target.wait(SEARCH);
    assert_eq!(target.sent.all(), before);
}

#[test]
fn offers_that_a_rendezvous_has_changed_aimed_elsewhere_or_repeated_are_refused() {
    let [ours, peer, other] = [1, 2, 3].map(|seed| Identity::from_secret_bytes([seed; 32]));
    let unix = 1_800_000_000;
    let mut entropy = SeededEntropy::new(1);
    let offer = Offer::new(unix, many_ports(KINDS[0], false), &mut entropy);
    let sealed = offer.seal(&peer, &ours.peer_id(), &mut entropy).unwrap();
    let mut seen = SeenOffers::default();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(Offer::open(&ours, unix, &mut seen, &changed).is_err(), "byte {at}");
    }
    assert!(Offer::open(&other, unix, &mut seen, &sealed).is_err(), "it was for somebody else");
    assert!(Offer::open(&ours, unix + 61, &mut seen, &sealed).is_err(), "it was held back");
    assert!(Offer::open(&ours, unix, &mut seen, &sealed).is_ok());
    let again: Result<_, OfferError> = Offer::open(&ours, unix, &mut seen, &sealed);
    assert!(again.is_err(), "it came before");
}

#[test]
fn a_ticket_that_was_changed_is_none() {
    let peer = Identity::from_secret_bytes([2; 32]);
    let about = many_ports(KINDS[0], false);
    let text = Ticket::new(&peer, u64::MAX, about, &mut SeededEntropy::new(1)).to_string();
    assert!(text.parse::<Ticket>().is_ok());
    for at in "srudp:".len()..text.len() {
        let other = if text.as_bytes()[at] == b'a' { "b" } else { "a" };
        let mut changed = text.clone();
        changed.replace_range(at..=at, other);
        let parsed: Result<Ticket, TicketError> = changed.parse();
        assert!(parsed.is_err(), "character {at}");
    }
}
