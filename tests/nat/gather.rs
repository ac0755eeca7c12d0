//! What a host tells peers about itself behind boxes of every kind.

use std::net::SocketAddr;
use std::time::Duration;

use srudp::nat::stun::ServerConfig;
use srudp::nat::{
    CandidateKind, Dependence, GatherConfig, GatherEvent, Gathered, Gathering, Machine, NatSummary,
    SocketId, SocketRequest, Transmit,
};
use srudp::proto::{Instant, SeededEntropy};
use srudp_links::{Dependence as OfBox, NatConfig, PortAllocation};

use crate::world::{PRIMARY, World, address, sockets};

const SOCKETS: u16 = 1 + Gathering::SPARE_SOCKETS;
const SECOND: &str = "192.0.2.1:3478";

/// Opens its sockets as soon as it wants them.
struct Host {
    gathering: Gathering,
    gathered: Option<(Duration, Gathered)>,
}

impl Host {
    fn settle(&mut self, now: Instant) {
        while let Some(request) = self.gathering.poll_request() {
            let SocketRequest::Open(socket) = request else { panic!("{request:?}") };
            let local = sockets(SOCKETS)[usize::from(socket.number())];
            self.gathering.handle_opened(now, socket, Some(local));
        }
        if let Some(GatherEvent::Gathered(gathered)) = self.gathering.poll_event() {
            self.gathered = Some((now - Instant::ZERO, *gathered));
        }
    }
}

impl Machine for Host {
    fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        from: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        let taken = self.gathering.handle_datagram(now, socket, from, datagram);
        self.settle(now);
        taken
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.gathering.handle_timeout(now);
        self.settle(now);
    }

    fn poll_transmit(&mut self) -> Option<Transmit> {
        self.gathering.poll_transmit()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.gathering.poll_timeout()
    }
}

fn gather(world: &mut World, servers: &[&str]) -> (Duration, Gathered) {
    let servers: Vec<SocketAddr> = servers.iter().map(|server| address(server)).collect();
    let config = GatherConfig::new(sockets(1)[0]).servers(&servers);
    let entropy = Box::new(SeededEntropy::new(3));
    let gathering = Gathering::new(Instant::ZERO, config, SocketId::new(1), entropy);
    let mut host = Host { gathering, gathered: None };
    host.settle(Instant::ZERO);
    world.run(&mut host);
    host.gathered.expect("it ends")
}

fn home() -> NatConfig {
    NatConfig::new([203, 0, 113, 1].into())
}

fn two_servers(boxes: Vec<NatConfig>) -> World {
    let mut world = World::new(sockets(SOCKETS), boxes).without_servers();
    world.serve(ServerConfig::new(address(PRIMARY)));
    world.serve(ServerConfig::new(address(SECOND)));
    world
}

/// Whether the summary is that of a box with this mapping, this filtering if it is known, and these ports.
fn is_of(nat: &NatSummary, mapping: Dependence, filtering: Option<Dependence>, how: &str) -> bool {
    let text = format!("{nat:?}");
    text.contains(&format!("mapping: Some({mapping:?}), filtering: {filtering:?}"))
        && text.contains(how)
}

#[test]
fn one_server_with_two_addresses_shows_both_axes() {
    const AXIS: [(OfBox, Dependence); 3] = [
        (OfBox::EndpointIndependent, Dependence::EndpointIndependent),
        (OfBox::AddressDependent, Dependence::AddressDependent),
        (OfBox::AddressAndPortDependent, Dependence::AddressAndPortDependent),
    ];
    for (mapping, expected) in AXIS {
        for (filtering, admits) in AXIS {
            for (allocation, how) in [
                (PortAllocation::Sequential, "allocation: Some(Sequential), latest: Some"),
                (PortAllocation::Blocks(512), "allocation: Some(Block"),
                (PortAllocation::Random, "allocation: Some(Random)"),
            ] {
                let config = home().mapping(mapping).filtering(filtering).allocation(allocation);
                let mut world = World::new(sockets(SOCKETS), vec![config.clone()]);
                let (time, gathered) = gather(&mut world, &[PRIMARY]);
                // Where all peers see the same port nobody asks how it was chosen.
                let how = if expected == Dependence::EndpointIndependent { "" } else { how };
                let nat = gathered.description.nat();
                assert!(is_of(nat, expected, Some(admits), how), "{config:?}\n{nat:?}");
                assert!(time < Duration::from_millis(1600), "{time:?} {config:?}");
                assert_eq!(gathered.sockets.len(), usize::from(SOCKETS));
                assert_eq!(gathered.layers, 1);
            }
        }
    }
}

#[test]
fn two_simple_servers_show_what_mappings_depend_on() {
    for (mapping, expected) in [
        (OfBox::EndpointIndependent, Dependence::EndpointIndependent),
        (OfBox::AddressAndPortDependent, Dependence::EndpointDependent),
    ] {
        let boxed = home().mapping(mapping).allocation(PortAllocation::Sequential);
        let (time, gathered) = gather(&mut two_servers(vec![boxed]), &[PRIMARY, SECOND]);
        let symmetric = expected != Dependence::EndpointIndependent;
        let how = if symmetric { "latest: Some" } else { "" };
        let nat = gathered.description.nat();
        assert!(is_of(nat, expected, None, how), "{nat:?}");
        assert!(time < Duration::from_millis(500), "{time:?}");
    }
}

#[test]
fn a_silent_server_beside_one_that_answers_costs_less_than_three_seconds() {
    let mut world = two_servers(vec![home()]);
    let (time, gathered) = gather(&mut world, &["192.0.2.9:3478", PRIMARY, SECOND]);
    assert!(time < Duration::from_secs(3), "{time:?}");
    assert_eq!(gathered.behaviour.mapping, Some(Dependence::EndpointIndependent));
    let nobody = gather(&mut World::new(sockets(SOCKETS), vec![]).without_servers(), &[PRIMARY]);
    assert!(nobody.0 < Duration::from_secs(3) && nobody.1.behaviour.blocked);
}

#[test]
fn without_a_nat_there_is_no_layer_to_open() {
    let mut world = World::new(sockets(SOCKETS), vec![]);
    let (_, gathered) = gather(&mut world, &[PRIMARY]);
    assert_eq!(gathered.layers, 0);
    let admits = Some(Dependence::EndpointIndependent);
    let nat = gathered.description.nat();
    assert!(is_of(nat, Dependence::EndpointIndependent, admits, ""), "{nat:?}");
}

#[test]
fn every_socket_is_told_where_its_port_is() {
    let mut world = two_servers(vec![home().allocation(PortAllocation::Random)]).loss(0.1, 3);
    let (_, gathered) = gather(&mut world, &[PRIMARY, SECOND]);
    let candidates = gathered.description.candidates();
    let reflexive =
        candidates.iter().filter(|candidate| candidate.kind() == CandidateKind::Reflexive);
    let numbers: Vec<u8> = reflexive.map(|candidate| candidate.socket()).collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
}
