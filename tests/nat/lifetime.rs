//! Lifetimes of mappings are measured, whatever ends them.

use std::time::Duration;

use srudp::nat::{Allocation, Lifetime, LifetimeConfig, LifetimeProbe, Method};
use srudp::proto::{Instant, SeededEntropy};
use srudp_links::{NatConfig, PortAllocation};

use crate::world::{PRIMARY, World, address, sockets};

fn home() -> NatConfig {
    NatConfig::new([203, 0, 113, 1].into())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn world(config: NatConfig) -> World {
    World::new(sockets(LifetimeProbe::SOCKETS), vec![config])
}

fn measure_with(world: &mut World, config: LifetimeConfig) -> Lifetime {
    let entropy = Box::new(SeededEntropy::new(5));
    let mut probe = LifetimeProbe::new(Instant::ZERO, config, entropy);
    world.run(&mut probe);
    assert!(probe.is_finished());
    probe.report()
}

fn config() -> LifetimeConfig {
    LifetimeConfig::new(address(PRIMARY), LifetimeProbe::SOCKETS)
}

fn measure(nat: NatConfig) -> Lifetime {
    measure_with(&mut world(nat), config())
}

/// The lifetime lies between the bounds, and they are within ten per cent of each other.
fn fits(found: &Lifetime, lifetime: Duration) -> bool {
    let Some(expired) = found.expired else { return false };
    let late = Duration::from_secs(1);
    found.survived <= lifetime
        && lifetime <= expired + late
        && expired - found.survived <= (found.survived / 10).max(seconds(1))
}

#[test]
fn idle_lifetimes_are_found_within_ten_per_cent() {
    for lifetime in [20, 30, 45, 60, 90, 120, 150, 180, 200, 240, 270].map(seconds) {
        for refresh in [true, false] {
            let found = measure(home().idle_timeout(lifetime).inbound_refresh(refresh));
            assert_eq!(found.method, Some(Method::ResponsePort));
            assert!(fits(&found, lifetime), "{lifetime:?}: {found:?}");
            assert_eq!(found.inbound_refreshes, Some(refresh), "{lifetime:?}: {found:?}");
            assert_eq!(found.absolute, None);
        }
    }
}

#[test]
fn a_long_life_is_known_to_be_long() {
    let found = measure(home().idle_timeout(seconds(3600)));
    assert_eq!((found.survived, found.expired), (seconds(290), None));
    assert_eq!(found.inbound_refreshes, None);
    assert!(found.watched >= seconds(140), "{found:?}");
}

#[test]
fn nobody_waits_for_an_end_that_cannot_be_seen() {
    let mut world = world(home().idle_timeout(seconds(20)));
    let known = config().allocation(Some(Allocation::Preserving));
    let found = measure_with(&mut world, known);
    assert!(fits(&found, seconds(20)), "{found:?}");
    assert_eq!((found.absolute, found.watched), (None, Duration::ZERO));
    assert!(world.now < seconds(110), "{:?}", world.now);
}

#[test]
fn an_absolute_limit_is_seen_where_ports_change() {
    for limit in [50, 75] {
        let nat = home().allocation(PortAllocation::Random).idle_timeout(seconds(300));
        let found = measure(nat.absolute_timeout(seconds(limit)));
        let absolute = found.absolute.unwrap();
        assert!((limit..=limit + 6).contains(&absolute.as_secs()), "{limit}: {found:?}");
    }
}

#[test]
fn without_response_port_a_new_port_tells_unless_ports_are_preserved() {
    let deaf = |allocation: PortAllocation| {
        let nat = home().allocation(allocation).idle_timeout(seconds(60));
        world(nat).without_response_port()
    };
    let random = config().allocation(Some(Allocation::Random));
    let found = measure_with(&mut deaf(PortAllocation::Random), random);
    assert_eq!(found.method, Some(Method::SamePort));
    assert!(fits(&found, seconds(60)), "{found:?}");
    assert_eq!(found.inbound_refreshes, None);
    let preserving = config().allocation(Some(Allocation::Preserving));
    let found = measure_with(&mut deaf(PortAllocation::Preserve), preserving);
    assert_eq!((found.method, found.expired), (None, None));
    assert_eq!(found.survived, Duration::ZERO);
}

#[test]
fn losses_cost_time_and_not_the_truth() {
    for seed in 0..10 {
        let nat = home().idle_timeout(seconds(60));
        let mut world = world(nat).loss(0.02, seed);
        let found = measure_with(&mut world, config());
        assert!(fits(&found, seconds(60)), "seed {seed}: {found:?}");
    }
}

#[test]
fn few_sockets_take_longer_and_none_measure_nothing() {
    let few = LifetimeConfig::new(address(PRIMARY), 4);
    let found = measure_with(&mut world(home().idle_timeout(seconds(40))), few);
    assert!(fits(&found, seconds(40)), "{found:?}");
    for count in 0..3 {
        let none = LifetimeConfig::new(address(PRIMARY), count);
        let found = measure_with(&mut world(home()), none);
        assert_eq!((found.method, found.expired), (None, None));
    }
}

#[test]
fn a_server_that_is_silent_is_given_up() {
    let mut world = world(home()).without_servers();
    let found = measure_with(&mut world, config());
    assert_eq!((found.method, found.survived), (None, Duration::ZERO));
    assert!(world.now < seconds(200));
}
