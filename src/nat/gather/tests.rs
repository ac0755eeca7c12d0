//! Silence, failures and the time after. What NATs look like is tested in `tests/nat/gather.rs`.

use std::time::Duration;

use super::*;
use crate::base::SeededEntropy;
use crate::nat::candidate::LocalNetwork;
use crate::nat::stun::{Server, ServerConfig};

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

const SERVER: &str = "198.51.100.1:3478";
const HOST: [u8; 4] = [192, 168, 1, 2];
const FIRST_SPARE: u16 = 512;

fn gathering(config: GatherConfig) -> Gathering {
    let entropy = Box::new(SeededEntropy::new(1));
    Gathering::new(Instant::ZERO, config, SocketId::new(FIRST_SPARE), entropy)
}

fn config() -> GatherConfig {
    let home = LocalNetwork::new("eth0", HOST.into(), 24);
    GatherConfig::new(address("0.0.0.0:4000")).networks(&[home]).servers(&[address(SERVER)])
}

/// Opens the sockets that are asked for, at the ports that have their numbers.
fn open(gathering: &mut Gathering, now: Instant) {
    while let Some(SocketRequest::Open(socket)) = gathering.poll_request() {
        let local = SocketAddr::from(([0; 4], socket.number()));
        gathering.handle_opened(now, socket, Some(local));
    }
}

/// A server that sees sockets at 203.0.113.1, at their own ports plus `shift`.
fn answer(gathering: &mut Gathering, now: Instant, shift: u16) {
    let mut entropy = SeededEntropy::new(2);
    let mut server = Server::new(ServerConfig::new(address(SERVER)), &mut entropy);
    while let Some(asked) = gathering.poll_transmit() {
        let port = if asked.socket == SocketId::MAIN { 4000 } else { asked.socket.number() };
        let seen = SocketAddr::from(([203, 0, 113, 1], port + shift));
        server.handle_datagram(now, asked.destination, seen, &asked.payload);
        if let Some(answer) = server.poll_transmit() {
            gathering.handle_datagram(now, asked.socket, answer.source, &answer.payload);
        }
    }
}

fn gathered(gathering: &mut Gathering) -> Option<Gathered> {
    match gathering.poll_event()? {
        GatherEvent::Gathered(gathered) => Some(*gathered),
        GatherEvent::Outdated => None,
    }
}

/// Lets time pass until something is told.
fn run(gathering: &mut Gathering, answers: bool) -> (Instant, GatherEvent) {
    let mut now = Instant::ZERO;
    loop {
        open(gathering, now);
        if answers {
            answer(gathering, now, 0);
        }
        while gathering.poll_transmit().is_some() {}
        if let Some(event) = gathering.poll_event() {
            return (now, event);
        }
        now = gathering.poll_timeout().expect("it ends");
        gathering.handle_timeout(now);
    }
}

fn addresses(gathered: &Gathered) -> Vec<String> {
    let candidates = gathered.description.candidates().iter();
    candidates.map(|it| format!("{} {} {}", it.kind(), it.socket(), it.address())).collect()
}

#[test]
fn without_a_server_the_own_addresses_are_known_at_once() {
    let mut gathering = gathering(config().servers(&[]));
    assert_eq!(gathering.poll_request(), None);
    let gathered = gathered(&mut gathering).expect("at once");
    assert_eq!(addresses(&gathered), ["host 0 192.168.1.2:4000"]);
    assert_eq!((gathered.sockets, gathered.layers), (vec![SocketId::MAIN], 1));
    assert!(!gathered.behaviour.blocked);
    assert_eq!(gathering.poll_timeout(), None);
}

#[test]
fn silent_servers_cost_less_than_three_seconds() {
    let mut gathering = gathering(config());
    let (now, event) = run(&mut gathering, false);
    assert!(now - Instant::ZERO < GATHER_TIME, "{now:?}");
    let GatherEvent::Gathered(gathered) = event else { panic!("{event:?}") };
    assert_eq!(addresses(&gathered), ["host 0 192.168.1.2:4000"]);
    assert!(gathered.behaviour.blocked);
}

#[test]
fn sockets_are_told_as_a_server_sees_them() {
    let mut gathering = gathering(config());
    let (_, event) = run(&mut gathering, true);
    let GatherEvent::Gathered(gathered) = event else { panic!("{event:?}") };
    let expected = [
        "host 0 192.168.1.2:4000",
        "reflexive 0 203.0.113.1:4000",
        "reflexive 1 203.0.113.1:512",
        "reflexive 2 203.0.113.1:513",
        "reflexive 3 203.0.113.1:514",
    ];
    assert_eq!(addresses(&gathered), expected);
    assert_eq!(gathered.sockets, [0, 512, 513, 514].map(SocketId::new));
    assert_eq!(gathered.layers, 1);
    let own = address("192.168.1.2:513");
    assert!(gathered.destinations.check(own, true).is_err(), "never to ourselves");
    assert_eq!(gathered.destinations.check(address("192.168.1.3:4000"), true), Ok(()));
}

#[test]
fn sockets_that_cannot_be_opened_are_not_waited_for() {
    let mut gathering = gathering(config());
    while let Some(SocketRequest::Open(socket)) = gathering.poll_request() {
        gathering.handle_opened(Instant::ZERO, socket, None);
    }
    answer(&mut gathering, Instant::ZERO, 0);
    let gathered = gathered(&mut gathering).expect("at once");
    assert_eq!(gathered.sockets, [SocketId::MAIN]);
}

#[test]
fn a_host_without_a_nat_is_told_as_servers_see_it() {
    let public = LocalNetwork::new("eth0", [203, 0, 113, 1].into(), 24);
    let mut gathering = gathering(config().networks(&[public]));
    let (_, event) = run(&mut gathering, true);
    let GatherEvent::Gathered(gathered) = event else { panic!("{event:?}") };
    assert_eq!(addresses(&gathered)[0], "reflexive 0 203.0.113.1:4000");
    assert_eq!((addresses(&gathered).len(), gathered.layers), (4, 0));
}

#[test]
fn a_socket_that_is_seen_elsewhere_makes_what_was_told_untrue() {
    let mut gathering = gathering(config().keep(Duration::from_secs(600)));
    let (mut now, _) = run(&mut gathering, true);
    for shift in [0, 0, 1] {
        assert_eq!(gathering.poll_event(), None);
        let until = now + KEEP_ALIVE_UNKNOWN;
        while let Some(next) = gathering.poll_timeout().filter(|next| *next <= until) {
            now = next;
            gathering.handle_timeout(now);
            answer(&mut gathering, now, shift);
        }
    }
    assert_eq!(gathering.poll_event(), Some(GatherEvent::Outdated));
    assert_eq!(gathering.poll_timeout(), None);
}

#[test]
fn sockets_are_kept_for_as_long_as_was_asked_for() {
    let mut gathering = gathering(config().keep(Duration::from_secs(60)));
    let (mut now, _) = run(&mut gathering, true);
    let (end, mut sent) = (now + Duration::from_secs(60), 0);
    while let Some(next) = gathering.poll_timeout() {
        now = next;
        gathering.handle_timeout(now);
        sent += std::iter::from_fn(|| gathering.poll_transmit()).count();
    }
    assert_eq!((now, gathering.poll_event()), (end, None));
    // Four sockets, three times, and nobody answers.
    assert_eq!(sent, 4 * 3 * usize::from(GATHER_SENDS));
}

#[test]
fn only_the_gateway_knows_whether_there_is_a_second_nat() {
    for (gateway, layers) in
        [(None, (1, 2)), (Some([203, 0, 113, 1]), (1, 1)), (Some([100, 64, 0, 9]), (2, 2))]
    {
        let config = gateway.iter().fold(config(), |it, ip| it.gateway_external((*ip).into()));
        let (_, event) = run(&mut gathering(config), true);
        let GatherEvent::Gathered(gathered) = event else { panic!("{event:?}") };
        assert_eq!((gathered.layers, gathered.layers_max), layers, "{gateway:?}");
    }
}
