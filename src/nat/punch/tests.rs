//! What a punch refuses, and what it tells. That it finds paths is tested in `tests/golden/punching.rs`.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::base::SeededEntropy;
use crate::crypto::Identity;
use crate::nat::behaviour::{Allocation, Dependence};
use crate::nat::offer::{Description, NatSummary, Offer};

const START: Instant = Instant::from_nanos(1_000_000_000);
const PEER: &str = "203.0.113.7:40000";

fn home() -> NatSummary {
    let mapping = Dependence::EndpointIndependent;
    let filtering = Some(Dependence::AddressAndPortDependent);
    NatSummary::new(mapping, filtering, Allocation::Preserving)
}

fn symmetric() -> NatSummary {
    NatSummary::new(Dependence::AddressAndPortDependent, None, Allocation::Random)
}

fn described(nat: NatSummary, candidates: &[(CandidateKind, &str)]) -> Description {
    let candidate =
        |(kind, address): &(CandidateKind, &str)| Candidate::new(*kind, address.parse().unwrap());
    Description::new(nat, &candidates.iter().map(candidate).collect::<Vec<_>>())
}

/// Our punch, and the peer's for the same offers.
fn pair(ours: Description, theirs: Description) -> [Punch; 2] {
    // The peer id of the first is the smaller one: it decides.
    let mut identities = [1, 2].map(|seed| Identity::from_secret_bytes([seed; 32]));
    identities.sort_unstable_by_key(Identity::peer_id);
    let offers =
        [ours, theirs].map(|description| Offer::new(0, description, &mut SeededEntropy::new(1)));
    [0, 1].map(|index: usize| {
        let (own, other) = (&identities[index], identities[1 - index].peer_id());
        let config =
            PunchConfig::from_offers(own, other, &offers[index], &offers[1 - index], START);
        Punch::new(config.unwrap(), Box::new(SeededEntropy::new(index as u64)))
    })
}

fn reflexive(nat: NatSummary, address: &str) -> Description {
    described(nat, &[(CandidateKind::Reflexive, address)])
}

/// Lets time pass until the end, and collects what is sent.
fn run(punch: &mut Punch) -> Vec<(Instant, PunchTransmit)> {
    let mut sent = Vec::new();
    while let Some(now) = punch.poll_timeout() {
        punch.handle_timeout(now);
        while let Some(transmit) = punch.poll_transmit() {
            sent.push((now, transmit));
        }
    }
    sent
}

#[test]
fn nothing_is_sent_before_the_start_and_the_first_datagrams_die_behind_the_own_nat() {
    let [mut punch, _] = pair(reflexive(home(), "198.51.100.9:5000"), reflexive(home(), PEER));
    assert_eq!(punch.poll_timeout(), Some(START));
    let sent = run(&mut punch);
    let ttls: Vec<_> = sent.iter().take(5).map(|(_, transmit)| transmit.ttl).collect();
    assert_eq!(ttls, [Some(2), Some(2), None, None, None]);
    assert_eq!(sent[2].0, START + Duration::from_millis(200));
    assert_eq!(punch.poll_event(), Some(PunchEvent::Failed(Failure::Silence)));
    assert_eq!(sent.len(), 20, "five for each round");
}

/// With four sockets each, sixteen pairs of ports; a router forgets what came in unasked after 30 s.
#[test]
fn searches_with_tickets_meet_on_the_same_pairs_of_ports_and_none_again_for_40_s() {
    let candidates = |host: u8| {
        let candidate = |socket: u8| {
            let address = SocketAddr::from(([198, 51, 100, host], 5000 + u16::from(socket)));
            Candidate::new(CandidateKind::Reflexive, address).of_socket(socket)
        };
        Description::new(home(), &[0, 1, 2, 3].map(candidate))
    };
    let mut used = Vec::new();
    for turn in 7..11 {
        let pairs = pair(candidates(1), candidates(2)).map(|punch| {
            let sockets = [0, 1, 2, 3].map(SocketId::new);
            let config = punch.config().clone().sockets(&sockets).at(START, turn);
            let mut punch = Punch::new(config, Box::new(SeededEntropy::new(1)));
            let sent = run(&mut punch);
            let pairs =
                sent.into_iter().map(|(_, it)| (it.socket.number(), it.destination.port() - 5000));
            pairs.collect::<BTreeSet<_>>()
        });
        let [ours, theirs] = pairs;
        assert_eq!(ours.len(), 4);
        assert_eq!(ours, theirs.into_iter().map(|(socket, port)| (port, socket)).collect());
        used.extend(ours);
    }
    assert_eq!(used.len(), 16);
    assert_eq!(used.into_iter().collect::<BTreeSet<_>>().len(), 16);
}

#[test]
fn a_peer_cannot_aim_us_at_what_is_not_its_own() {
    let victims = [
        (CandidateKind::Host, "127.0.0.1:4000"),
        (CandidateKind::Host, "[::ffff:127.0.0.1]:4000"),
        (CandidateKind::Host, "169.254.169.254:8080"),
        (CandidateKind::Host, "192.168.1.1:4000"),
        (CandidateKind::Reflexive, "198.51.100.53:53"),
    ];
    let [mut punch, _] = pair(reflexive(home(), "198.51.100.9:5000"), described(home(), &victims));
    assert_eq!(run(&mut punch), []);
    assert_eq!(punch.poll_event(), Some(PunchEvent::Failed(Failure::NoCandidates)));
    assert_eq!(punch.report().forbidden, 4 * 4 * 5, "two forms of one address count once");
}

#[test]
fn guesses_go_to_one_address_and_not_beyond_the_budget() {
    let many: Vec<String> = (1..40).map(|host| format!("203.0.113.{host}:40000")).collect();
    let candidates: Vec<_> =
        many.iter().map(|address| (CandidateKind::Reflexive, address.as_str())).collect();
    let [mut punch, _] =
        pair(reflexive(home(), "198.51.100.9:5000"), described(symmetric(), &candidates));
    let sent = run(&mut punch);
    let mut counts: std::collections::BTreeMap<_, usize> = std::collections::BTreeMap::new();
    for (_, transmit) in &sent {
        *counts.entry(transmit.destination.ip()).or_default() += 1;
    }
    let mut counts: Vec<usize> = counts.into_values().collect();
    counts.sort_unstable();
    assert_eq!(counts.len(), 16);
    assert_eq!(counts[..15], [5; 15]);
    assert_eq!(counts[15], 5 + 2560);
}

#[test]
fn sockets_that_did_not_win_are_closed() {
    let [mut punch, _] = pair(reflexive(symmetric(), "198.51.100.9:5000"), reflexive(home(), PEER));
    let mut open = BTreeSet::new();
    while let Some(now) = punch.poll_timeout() {
        punch.handle_timeout(now);
        while let Some(request) = punch.poll_request() {
            match request {
                SocketRequest::Open(socket) => assert!(open.insert(socket)),
                SocketRequest::Close(socket) => assert!(open.remove(&socket)),
                SocketRequest::Connect(..) => panic!("punching is for UDP"),
            }
        }
        while let Some(transmit) = punch.poll_transmit() {
            assert!(transmit.socket == SocketId::MAIN || open.contains(&transmit.socket));
        }
    }
    assert!(open.is_empty());
    assert_eq!(punch.report().sockets, 256);
}

/// A router that takes what comes in unasked for a flow of its own gives the peer's socket another port from the guess on that is right
/// about it.
#[test]
fn who_waits_for_guesses_sends_nothing_before_them_that_could_reach_the_sockets_that_make_them() {
    let told = |socket: u8| {
        let address = SocketAddr::from(([203, 0, 113, 7], 40_000 + u16::from(socket)));
        Candidate::new(CandidateKind::Reflexive, address).of_socket(socket)
    };
    let theirs = Description::new(home(), &[0, 1, 2, 3].map(told));
    let [mut punch, _] = pair(reflexive(symmetric(), "198.51.100.9:5000"), theirs);
    let sent = run(&mut punch);
    let full =
        |port| sent.iter().filter(move |(_, it)| it.ttl.is_none() && it.destination.port() == port);
    assert_eq!(full(40_000).count(), 1, "when nobody guesses any more");
    assert!(full(40_001).all(|(at, _)| *at >= START + Duration::from_millis(3500)));
    assert!(full(40_002).next().is_none());
    assert_eq!(full(40_003).count(), 3, "who lets in strangers hears us there");
}

/// Delivers what one sends to the other, which sees it come from `from`.
fn deliver(now: Instant, sent: Option<PunchTransmit>, to: &mut Punch, from: &str) {
    let sent = sent.expect("something is sent");
    assert!(to.handle_datagram(now, SocketId::MAIN, from.parse().unwrap(), &sent.payload));
}

#[test]
fn both_win_when_each_knows_that_the_other_hears_it() {
    let own = "198.51.100.9:5000";
    let [mut a, mut b] = pair(reflexive(home(), own), reflexive(home(), PEER));
    let now = START;
    a.handle_timeout(now);
    deliver(now, a.poll_transmit(), &mut b, own);
    deliver(now, b.poll_transmit(), &mut a, PEER);
    deliver(now, a.poll_transmit(), &mut b, own);
    assert_eq!((a.poll_event(), b.poll_event()), (None, None));
    let now = now + PUNCH_GRACE;
    a.handle_timeout(now);
    deliver(now, a.poll_transmit(), &mut b, own);
    let winner = |remote: &str| {
        let kind = CandidateKind::Reflexive;
        Some(PunchEvent::Won(Winner {
            socket: SocketId::MAIN,
            remote: remote.parse().unwrap(),
            kind,
        }))
    };
    assert_eq!(b.poll_event(), winner(own));
    assert_eq!(a.poll_event(), None);
    deliver(now, b.poll_transmit(), &mut a, PEER);
    assert_eq!(a.poll_event(), winner(PEER));
    a.handle_timeout(now);
    assert!(!a.is_finished());
    a.handle_timeout(now + PUNCH_LINGER);
    assert!(a.is_finished());
}

#[test]
fn a_check_that_comes_back_to_its_sender_or_was_changed_is_nothing() {
    let own = "198.51.100.9:5000";
    let [mut a, mut b] = pair(reflexive(home(), own), reflexive(home(), PEER));
    a.handle_timeout(START);
    let check = a.poll_transmit().unwrap().payload;
    let from = PEER.parse().unwrap();
    assert!(!a.handle_datagram(START, SocketId::MAIN, from, &check));
    for byte in 0..check.len() {
        let mut changed = check.clone();
        changed[byte] ^= 1;
        assert!(!b.handle_datagram(START, SocketId::MAIN, from, &changed));
    }
    assert_eq!(b.poll_transmit(), None, "who proves nothing is not answered");
}

#[test]
fn a_port_that_the_peers_nat_should_not_use_is_called_poisoned() {
    let own = "198.51.100.9:5000";
    let [mut a, mut b] = pair(reflexive(home(), own), reflexive(home(), PEER));
    a.handle_timeout(START);
    deliver(START, a.poll_transmit(), &mut b, "198.51.100.9:61234");
    run(&mut b);
    assert_eq!(b.poll_event(), Some(PunchEvent::Failed(Failure::Poisoned)));
}

#[test]
fn who_is_heard_but_does_not_hear_is_told_apart_from_who_is_silent() {
    let own = "198.51.100.9:5000";
    let [mut a, mut b] = pair(reflexive(home(), own), reflexive(home(), PEER));
    a.handle_timeout(START);
    deliver(START, a.poll_transmit(), &mut b, own);
    run(&mut b);
    assert_eq!(b.poll_event(), Some(PunchEvent::Failed(Failure::OneWay)));
    let [mut a, _] = pair(reflexive(symmetric(), own), reflexive(symmetric(), PEER));
    run(&mut a);
    assert_eq!(a.poll_event(), Some(PunchEvent::Failed(Failure::BothSymmetric)));
}

/// What is sent by each socket to whom, and when the end is.
fn plan_with(
    lesson: Option<Lesson>,
    ours: NatSummary,
    theirs: NatSummary,
) -> (Vec<(SocketId, SocketAddr)>, Instant) {
    let two_sockets = |address: &str, nat| {
        let first: SocketAddr = address.parse().unwrap();
        let candidates = [0, 1].map(|socket| {
            let address = SocketAddr::new(first.ip(), first.port() + u16::from(socket));
            Candidate::new(CandidateKind::Reflexive, address).of_socket(socket)
        });
        Description::new(nat, &candidates)
    };
    let [punch, _] = pair(two_sockets("198.51.100.9:5000", ours), two_sockets(PEER, theirs));
    let config = punch.config().clone().sockets(&[SocketId::MAIN, SocketId::new(1)]).lesson(lesson);
    let mut punch = Punch::new(config, Box::new(SeededEntropy::new(1)));
    let sent = run(&mut punch);
    let mut shots: Vec<_> = sent.iter().map(|(_, it)| (it.socket, it.destination)).collect();
    shots.sort_unstable();
    (shots, START + punch.report().elapsed.unwrap())
}

#[test]
fn whoever_remembers_something_wrong_loses_a_second_and_nothing_else() {
    for (ours, theirs) in [(home(), symmetric()), (symmetric(), home())] {
        let (shots, end) = plan_with(None, ours, theirs);
        for lesson in [
            Lesson::Told,
            Lesson::Relayed,
            Lesson::Guessed(None),
            Lesson::Guessed(Some(2)),
            Lesson::Guessed(Some(3)),
            Lesson::Guessed(Some(200)),
        ] {
            let (others, other_end) = plan_with(Some(lesson), ours, theirs);
            assert_eq!(others, shots, "{lesson:?}");
            assert!(other_end <= end + Duration::from_secs(1), "{lesson:?}: {other_end:?}");
        }
    }
}
