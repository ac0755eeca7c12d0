//! Knocking with and without a key that a rendezvous gave out (SPEC §4.2).

mod sim;

use std::time::Duration;

use sim::ways::{ALIASES, TwoWays, elsewhere};
use sim::{Sim, Wire, address, connected, dialler};
use srudp::proto::Dial;

/// How long it takes until both peers, who knock at the same instant, are connected.
fn time_to_connect(keys: [Option<[u8; 16]>; 2]) -> Duration {
    let mut sim = Sim::new(1, Wire(Duration::from_millis(10)), &[dialler(), dialler()]);
    for (node, key) in keys.into_iter().enumerate() {
        let other = &sim.nodes[1 - node];
        let dial = Dial::new(other.id, other.address);
        let dial = match key {
            Some(key) => dial.punch_with_key(key),
            None => dial.punch(),
        };
        sim.dial_as(node, &dial, 1 - node);
    }
    let start = sim.now;
    sim.wait_for(0, "connected", connected);
    sim.wait_for(1, "connected", connected);
    sim.now - start
}

#[test]
fn a_tag_saves_the_round_trip_that_an_echo_takes() {
    let without = time_to_connect([None, None]);
    let with = time_to_connect([Some([7; 16]); 2]);
    assert!(with + Duration::from_millis(9) < without, "{with:?} with, {without:?} without");
}

#[test]
fn a_wrong_tag_costs_time_and_nothing_else() {
    let without = time_to_connect([None, None]);
    assert_eq!(time_to_connect([Some([7; 16]), Some([8; 16])]), without);
}

#[test]
fn peers_that_begin_on_different_ways_to_each_other_meet() {
    let delay = Duration::from_millis(10);
    for (first, key) in [(0, Some([7; 16])), (1, Some([7; 16])), (0, None)] {
        let network = TwoWays::new(delay, [true, true]);
        let mut sim = Sim::new(1, network, &[dialler(), dialler()]);
        let mut handles = Vec::new();
        for node in [first, 1 - first] {
            let remote =
                if node == first { address(1 - node) } else { elsewhere(ALIASES[1 - node]) };
            let dial = Dial::new(sim.nodes[1 - node].id, remote);
            let dial = match key {
                Some(key) => dial.punch_with_key(key),
                None => dial.punch(),
            };
            handles.push(sim.dial_to(node, &dial, remote));
        }
        let met = sim.run_until(Duration::from_secs(2), |sim| {
            [first, 1 - first]
                .iter()
                .zip(&handles)
                .all(|(node, handle)| sim.nodes[*node].endpoint.connection(*handle).is_some())
        });
        assert_eq!(met, key.is_some(), "a tag shows whose knock it is");
    }
}
