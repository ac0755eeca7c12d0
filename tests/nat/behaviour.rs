//! Every kind of box is recognised on every axis.

use std::net::{IpAddr, SocketAddr};

use srudp::nat::stun::ServerConfig;
use srudp::nat::{Allocation, Behaviour, Dependence, Discovery, DiscoveryConfig, Kind, Stage};
use srudp::proto::{Instant, SeededEntropy};
use srudp_links::{Dependence as OfBox, NatConfig, Pooling, PortAllocation};

use crate::world::{OTHER, PRIMARY, World, address, sockets};

const EXTERNAL: [u8; 4] = [203, 0, 113, 1];
const AXIS: [(OfBox, Dependence); 3] = [
    (OfBox::EndpointIndependent, Dependence::EndpointIndependent),
    (OfBox::AddressDependent, Dependence::AddressDependent),
    (OfBox::AddressAndPortDependent, Dependence::AddressAndPortDependent),
];

fn home() -> NatConfig {
    NatConfig::new(EXTERNAL.into())
}

fn all_sockets() -> Vec<SocketAddr> {
    sockets(1 + Discovery::SPARE_SOCKETS)
}

fn discover(world: &mut World, config: DiscoveryConfig) -> Behaviour {
    let mut discovery = Discovery::new(Instant::ZERO, config, Box::new(SeededEntropy::new(3)));
    world.run(&mut discovery);
    assert!(discovery.is_finished());
    discovery.report().clone()
}

/// Behind these boxes, by the server with two addresses.
fn behind(boxes: Vec<NatConfig>) -> Behaviour {
    let mut world = World::new(all_sockets(), boxes);
    discover(&mut world, DiscoveryConfig::new(&[address(PRIMARY)], &all_sockets()))
}

fn allocated(allocation: PortAllocation, found: Option<Allocation>) -> bool {
    match (allocation, found) {
        (PortAllocation::Preserve, Some(Allocation::Preserving))
        | (PortAllocation::Sequential, Some(Allocation::Sequential))
        | (PortAllocation::Random, Some(Allocation::Random)) => true,
        (PortAllocation::Blocks(size), Some(Allocation::Block { lowest, highest })) => {
            highest - lowest < size
        }
        _ => false,
    }
}

#[test]
fn every_combination_of_the_axes_is_recognised() {
    for (mapping, expected_mapping) in AXIS {
        for (filtering, expected_filtering) in AXIS {
            for allocation in [
                PortAllocation::Preserve,
                PortAllocation::Sequential,
                PortAllocation::Random,
                PortAllocation::Blocks(512),
            ] {
                for hairpin in [true, false] {
                    let config = home().mapping(mapping).filtering(filtering);
                    let config = config.allocation(allocation).hairpin(hairpin);
                    let found = behind(vec![config.clone()]);
                    let context = format!("{config:?}\n{found:?}");
                    assert_eq!(found.mapping, Some(expected_mapping), "{context}");
                    assert_eq!(found.filtering, Some(expected_filtering), "{context}");
                    assert!(allocated(allocation, found.allocation), "{context}");
                    assert_eq!(found.translated, Some(true), "{context}");
                    assert_eq!((found.blocked, found.several_addresses), (false, false));
                    let sure = mapping == OfBox::EndpointIndependent
                        || filtering == OfBox::EndpointIndependent;
                    let expected = (sure || found.hairpin == Some(true)).then_some(hairpin);
                    assert_eq!(found.hairpin, expected, "{context}");
                }
            }
        }
    }
}

#[test]
fn the_old_words_are_those_of_the_axes() {
    for (mapping, filtering, kind) in [
        (OfBox::EndpointIndependent, OfBox::EndpointIndependent, Kind::FullCone),
        (OfBox::EndpointIndependent, OfBox::AddressDependent, Kind::Restricted),
        (OfBox::EndpointIndependent, OfBox::AddressAndPortDependent, Kind::PortRestricted),
        (OfBox::AddressDependent, OfBox::EndpointIndependent, Kind::Symmetric),
        (OfBox::AddressAndPortDependent, OfBox::AddressAndPortDependent, Kind::Symmetric),
    ] {
        let found = behind(vec![home().mapping(mapping).filtering(filtering)]);
        assert_eq!(found.kind(), Some(kind));
    }
}

#[test]
fn a_host_without_a_nat_is_public_or_behind_a_firewall() {
    let config = || DiscoveryConfig::new(&[address(PRIMARY)], &all_sockets());
    let found = discover(&mut World::new(all_sockets(), vec![]), config());
    assert_eq!((found.kind(), found.translated), (Some(Kind::Public), Some(false)));
    assert_eq!((found.allocation, found.hairpin), (None, None));
    let found = discover(&mut World::new(all_sockets(), vec![]).firewall(), config());
    assert_eq!(found.kind(), Some(Kind::Firewalled));
    assert_eq!(found.filtering, Some(Dependence::AddressAndPortDependent));
}

#[test]
fn where_nothing_comes_through_udp_is_blocked() {
    let mut world = World::new(all_sockets(), vec![home()]).without_servers();
    let servers = [address(PRIMARY), address("192.0.2.1:3478")];
    let found = discover(&mut world, DiscoveryConfig::new(&servers, &all_sockets()));
    assert!(found.blocked);
    assert_eq!(found.kind(), Some(Kind::Blocked));
    assert!(found.servers.iter().all(|server| server.mapped.is_none()));
    assert!(world.now.as_secs() < 6, "it does not take long: {:?}", world.now);
    let none = discover(&mut world, DiscoveryConfig::new(&[], &all_sockets()));
    assert!(none.blocked);
}

#[test]
fn servers_with_one_address_show_the_mapping_alone() {
    let servers = ["192.0.2.1:3478", "192.0.2.2:3478", "192.0.2.3:19302"].map(address);
    for (mapping, expected) in [
        (OfBox::EndpointIndependent, Dependence::EndpointIndependent),
        (OfBox::AddressDependent, Dependence::EndpointDependent),
        (OfBox::AddressAndPortDependent, Dependence::EndpointDependent),
    ] {
        let boxes = vec![home().mapping(mapping).allocation(PortAllocation::Random)];
        let mut world = World::new(all_sockets(), boxes).without_servers();
        for server in servers {
            world.serve(ServerConfig::new(server));
        }
        let found = discover(&mut world, DiscoveryConfig::new(&servers, &all_sockets()));
        assert_eq!(found.mapping, Some(expected));
        assert_eq!(found.filtering, None);
        assert_eq!(found.allocation, Some(Allocation::Random));
        assert_eq!(found.servers.iter().filter(|server| server.mapped.is_some()).count(), 3);
        let symmetric = mapping != OfBox::EndpointIndependent;
        assert_eq!(found.kind(), symmetric.then_some(Kind::Symmetric));
    }
}

#[test]
fn one_server_with_one_address_shows_little_and_says_so() {
    let server = address("192.0.2.1:3478");
    let mut world = World::new(all_sockets(), vec![home()]).without_servers();
    world.serve(ServerConfig::new(server));
    let found = discover(&mut world, DiscoveryConfig::new(&[server], &all_sockets()));
    assert_eq!((found.mapping, found.filtering, found.kind()), (None, None, None));
    assert_eq!(found.mapped.map(|mapped| mapped.ip()), Some(IpAddr::from(EXTERNAL)));
    assert!(found.verdict().contains("Not enough"));
}

#[test]
fn a_dead_server_among_others_changes_nothing() {
    let servers = [address("192.0.2.9:3478"), address(PRIMARY)];
    let mut world = World::new(all_sockets(), vec![home()]);
    let found = discover(&mut world, DiscoveryConfig::new(&servers, &all_sockets()));
    assert_eq!(found.kind(), Some(Kind::PortRestricted));
    assert_eq!(found.servers[0].mapped, None);
    assert_eq!(found.servers[1].other, Some(address(OTHER)));
}

#[test]
fn a_pool_of_addresses_is_told_apart_from_ports() {
    let more = [[203, 0, 113, 2].into(), [203, 0, 113, 3].into()];
    let pool = |mapping| {
        let config = home().mapping(mapping).allocation(PortAllocation::Random);
        behind(vec![config.pool(&more, Pooling::Arbitrary)])
    };
    let symmetric = pool(OfBox::AddressAndPortDependent);
    assert!(symmetric.several_addresses);
    assert_eq!(symmetric.kind(), Some(Kind::Symmetric));
    let cone = pool(OfBox::EndpointIndependent);
    assert!(cone.several_addresses, "other sockets have other addresses");
    assert_eq!(cone.mapping, Some(Dependence::EndpointIndependent));
    let paired = behind(vec![home().pool(&more, Pooling::Paired)]);
    assert!(!paired.several_addresses);
}

#[test]
fn boxes_behind_each_other_add_up_and_the_gateway_gives_the_second_away() {
    let inner = NatConfig::new([100, 64, 0, 2].into()).filtering(OfBox::AddressDependent);
    let outer = home().mapping(OfBox::AddressAndPortDependent).allocation(PortAllocation::Random);
    let mut world = World::new(all_sockets(), vec![inner.clone(), outer]);
    let config = DiscoveryConfig::new(&[address(PRIMARY)], &all_sockets());
    let found = discover(&mut world, config.clone());
    assert_eq!(found.mapping, Some(Dependence::AddressAndPortDependent));
    assert_eq!(found.filtering, Some(Dependence::AddressAndPortDependent));
    assert_eq!(found.double, None, "servers alone do not see it");
    let mut world = World::new(all_sockets(), vec![inner, home()]);
    let found = discover(&mut world, config.gateway_external([100, 64, 0, 2].into()));
    assert_eq!(found.double, Some(true));
    let mut world = World::new(all_sockets(), vec![home()]);
    let config = DiscoveryConfig::new(&[address(PRIMARY)], &all_sockets());
    let found = discover(&mut world, config.gateway_external(EXTERNAL.into()));
    assert_eq!(found.double, Some(false));
}

#[test]
fn losses_do_not_change_the_findings() {
    for seed in 0..40 {
        let config = home().filtering(OfBox::AddressDependent);
        let mut world = World::new(all_sockets(), vec![config]).loss(0.05, seed);
        let config = DiscoveryConfig::new(&[address(PRIMARY)], &all_sockets());
        let found = discover(&mut world, config);
        assert_eq!(found.kind(), Some(Kind::Restricted), "seed {seed}: {found:?}");
        assert_eq!(found.allocation, Some(Allocation::Preserving), "seed {seed}");
    }
}

#[test]
fn without_spare_sockets_less_is_found_out_but_nothing_wrong() {
    let mut world = World::new(sockets(1), vec![home()]);
    let found = discover(&mut world, DiscoveryConfig::new(&[address(PRIMARY)], &sockets(1)));
    assert_eq!(found.mapping, Some(Dependence::EndpointIndependent));
    assert_eq!((found.filtering, found.allocation, found.hairpin), (None, None, None));
}

#[test]
fn an_address_that_is_not_known_is_not_taken_for_another() {
    let unknown: Vec<SocketAddr> =
        all_sockets().iter().map(|own| SocketAddr::from(([0, 0, 0, 0], own.port()))).collect();
    let mut world = World::new(all_sockets(), vec![home()]);
    let config = || DiscoveryConfig::new(&[address(PRIMARY)], &unknown);
    assert_eq!(discover(&mut world, config()).translated, None, "the port was kept");
    let boxes = vec![home().allocation(PortAllocation::Random)];
    let found = discover(&mut World::new(all_sockets(), boxes), config());
    assert_eq!(found.translated, Some(true));
}

#[test]
fn servers_are_asked_no_faster_than_they_like() {
    let mut world = World::new(all_sockets(), vec![home()]);
    let config = DiscoveryConfig::new(&[address(PRIMARY)], &all_sockets());
    let mut discovery = Discovery::new(Instant::ZERO, config, Box::new(SeededEntropy::new(3)));
    world.run(&mut discovery);
    assert!(world.sent < 40, "{}", world.sent);
    assert!(world.now.as_secs() < 12, "{:?}", world.now);
    let stages: Vec<Stage> = std::iter::from_fn(|| discovery.poll_event()).collect();
    let all = [Stage::Servers, Stage::Filtering, Stage::Mapping, Stage::Hairpin, Stage::Finished];
    assert_eq!(stages, all);
}
