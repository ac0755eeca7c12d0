//! Knocking with and without a key that a rendezvous gave out (SPEC §4.2).

mod sim;

use std::time::Duration;

use sim::{Sim, Wire, connected, dialler};
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
