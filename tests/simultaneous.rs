//! Both peers dial each other: one connection comes of it, whatever happens to any single datagram (SPEC §5.6).

mod sim;

use std::time::Duration;

use sim::faults::{Fault, Faulty};
use sim::{Sim, accepted, closed, connected, dialler, listener};
use srudp::proto::{ConnectionHandle, Dial, Event, TransportConfig};
use srudp::{Direction, Role};

const ONE_WAY: Duration = Duration::from_millis(10);

/// One run, and all that is needed to run it again.
#[derive(Clone, Copy, Debug)]
struct Case {
    seed: u64,
    punch: bool,
    /// Both would also accept strangers.
    accept: bool,
    /// Handshake messages of one datagram each.
    classical: bool,
    /// How much later the second dials, in milliseconds.
    offset: u64,
    fault: Option<(u64, Fault)>,
    /// Who dials twice.
    twice: Option<usize>,
}

/// Tells which case was running when a test panics.
struct Running(Case);

impl Drop for Running {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the failing case: {:?}", self.0);
        }
    }
}

impl Case {
    fn dial(self) -> Sim<Faulty> {
        let config = if self.accept { listener() } else { dialler() };
        let config = if self.classical { config.classical_only() } else { config };
        let mut sim =
            Sim::new(self.seed, Faulty::new(ONE_WAY, self.fault), &[config.clone(), config]);
        for (from, to) in [(0, 1), (1, 0)] {
            let dial = Dial::new(sim.nodes[to].id, sim.nodes[to].address);
            let dial = if self.punch { dial.punch() } else { dial };
            sim.dial_as(from, &dial, to);
            if self.twice == Some(from) {
                sim.dial_as(from, &dial, to);
            }
            if from == 0 {
                sim.run_for(Duration::from_millis(self.offset));
            }
        }
        sim
    }

    /// How many datagrams it takes until both have a connection and have heard of each other.
    fn datagrams(self) -> u64 {
        let mut sim = self.dial();
        for node in [0, 1] {
            sim.wait_for(node, "confirmed", |event| {
                matches!(event, Event::Confirmed(_)).then_some(())
            });
        }
        sim.network.carried
    }

    /// Both get one connection, the same, and nothing else.
    fn gives_one_connection(self) {
        let _running = Running(self);
        let mut sim = self.dial();
        let handles = [0, 1].map(|node| sim.wait_for(node, "connected", connected));
        data_flows_both_ways(&mut sim, handles);
        // Longer than what the latest copy can begin lives.
        sim.run_for(Duration::from_secs(16));
        for node in [0, 1] {
            assert_eq!(sim.take(node, accepted), None, "node {node} has accepted another");
            assert_eq!(sim.take(node, connected), None, "node {node} is connected twice");
            assert_eq!(sim.take(node, closed), None, "node {node} has lost a connection");
            let stats = sim.nodes[node].endpoint.stats();
            assert_eq!((stats.connections, stats.half_open), (1, 0), "node {node}");
        }
    }

    /// A dial into an existing connection makes another one. However many there are, both sides have the same ones.
    fn gives_the_same_connections_to_both(self) {
        let _running = Running(self);
        let mut sim = self.dial();
        sim.run_for(Duration::from_secs(16));
        let secrets = [0, 1].map(|node| {
            let mut secrets = Vec::new();
            while let Some(handle) = sim.take(node, |event| connected(event).or(accepted(event))) {
                secrets.push(secret(&mut sim, node, handle));
            }
            assert_eq!(sim.take(node, closed), None, "node {node} has lost a connection");
            secrets.sort_unstable();
            secrets
        });
        assert_eq!(secrets[0], secrets[1]);
        let most = if self.twice.is_some() { 3 } else { 2 };
        assert!((1..=most).contains(&secrets[0].len()), "{}", secrets[0].len());
    }

    /// Every single mishap to each of the datagrams.
    fn with_every_fault(self, check: fn(Self)) {
        check(self);
        for which in 0..self.datagrams() {
            for fault in Fault::ALL {
                check(Self { fault: Some((which, fault)), ..self });
            }
        }
    }
}

/// The connections of both are the same one, and carry data.
fn data_flows_both_ways(sim: &mut Sim<Faulty>, handles: [ConnectionHandle; 2]) {
    let roles = [0, 1].map(|node| sim.connection(node, handles[node]).role());
    assert!(roles.contains(&Role::Initiator) && roles.contains(&Role::Responder), "{roles:?}");
    assert_eq!(secret(sim, 0, handles[0]), secret(sim, 1, handles[1]), "the same connection");
    let ids = [0, 1].map(|node| {
        let connection = sim.connection(node, handles[node]);
        let id = connection.open_stream(Direction::Unidirectional).unwrap();
        connection.write(id, &[node as u8; 3000]).unwrap();
        connection.finish(id).unwrap();
        id
    });
    for node in [0, 1] {
        let (mut got, mut out) = (Vec::new(), [0; 4096]);
        let done = sim.run_until(Duration::from_secs(20), |sim| {
            let now = sim.now;
            match sim.connection(node, handles[node]).read(now, ids[1 - node], &mut out) {
                Ok(0) => return true,
                Ok(n) => got.extend_from_slice(&out[..n]),
                Err(_) => {}
            }
            false
        });
        assert!(done, "node {node} has read {} bytes and no end", got.len());
        assert_eq!(got, vec![1 - node as u8; 3000]);
    }
}

/// What the other side was told about an endpoint holds for the connection, even if our own dial, which it comes of, asked for less.
#[test]
fn a_dial_that_ends_as_the_responder_keeps_what_the_endpoint_has_promised() {
    const WINDOW: u64 = 16 << 10;
    let data = vec![7; 8 * WINDOW as usize];
    let mut sim = Sim::new(1, Faulty::new(ONE_WAY, None), &[dialler(), dialler()]);
    for (from, to) in [(0, 1), (1, 0)] {
        let small = TransportConfig::default().initial_windows(WINDOW, WINDOW).max_window(WINDOW);
        let dial = Dial::new(sim.nodes[to].id, sim.nodes[to].address).transport(small);
        sim.dial_as(from, &dial, to);
    }
    let handles = [0, 1].map(|node| sim.wait_for(node, "connected", connected));
    for (from, handle) in handles.into_iter().enumerate() {
        let connection = sim.connection(from, handle);
        let id = connection.open_stream(Direction::Unidirectional).unwrap();
        assert_eq!(connection.write(id, &data), Ok(data.len()));
        connection.finish(id).unwrap();
    }
    // Nobody reads: what is promised is filled.
    sim.run_for(Duration::from_secs(5));
    for node in [0, 1] {
        assert_eq!(sim.take(node, closed), None, "node {node}");
    }
}

fn secret(sim: &mut Sim<Faulty>, node: usize, handle: ConnectionHandle) -> [u8; 32] {
    let mut secret = [0; 32];
    assert!(sim.connection(node, handle).export(b"test", b"", &mut secret));
    secret
}

fn case(seed: u64, punch: bool, offset: u64) -> Case {
    let (accept, classical) = (seed > 2, seed.is_multiple_of(3));
    Case { seed, punch, accept, classical, offset, fault: None, twice: None }
}

/// The orders of peer ids and ephemerals change with the seed.
const SEEDS: std::ops::Range<u64> = 1..8;

/// These do too.
const FEW_SEEDS: [u64; 4] = [2, 5, 6, 7];

fn every_fault_at(offsets: &[u64], punch: bool) {
    for offset in offsets {
        let seeds = if *offset == 0 { SEEDS.collect() } else { FEW_SEEDS.to_vec() };
        for seed in seeds {
            case(seed, punch, *offset).with_every_fault(Case::gives_one_connection);
        }
    }
}

#[test]
fn the_seeds_let_either_ephemeral_win_with_either_id_larger() {
    let mut orders: Vec<_> = SEEDS
        .map(|seed| {
            let mut sim = case(seed, false, 0).dial();
            let handle = sim.wait_for(0, "connected", connected);
            let won = sim.connection(0, handle).role() == Role::Initiator;
            (won, sim.nodes[0].id > sim.nodes[1].id)
        })
        .collect();
    orders.sort_unstable();
    orders.dedup();
    assert_eq!(orders.len(), 4, "{orders:?}");
}

#[test]
fn dials_at_the_same_instant_meet_in_one_connection() {
    every_fault_at(&[0], false);
}

#[test]
fn knocks_at_the_same_instant_meet_in_one_connection() {
    every_fault_at(&[0], true);
}

#[test]
fn a_dial_before_the_first_one_is_heard_meets_it() {
    every_fault_at(&[1, 5, 9], false);
}

#[test]
fn a_dial_after_the_first_one_is_heard_meets_it() {
    every_fault_at(&[11, 15, 21, 25], false);
}

#[test]
fn a_knock_before_the_first_one_is_heard_meets_it() {
    every_fault_at(&[1, 5, 9], true);
}

#[test]
fn a_knock_after_the_first_one_is_heard_meets_it() {
    every_fault_at(&[11, 15, 21, 25], true);
}

#[test]
fn a_dial_after_the_first_one_succeeded_meets_it_or_is_a_second_one() {
    for punch in [false, true] {
        for seed in FEW_SEEDS {
            case(seed, punch, 40).with_every_fault(Case::gives_the_same_connections_to_both);
        }
    }
}

/// New addresses all the time, which a connection would tell.
/// The first dial dies at the peer's firewall, which the peer's own dial then opens: whoever wins, nobody waits for a repetition.
#[test]
fn a_dial_that_died_before_the_peer_dialled_is_repeated_at_once() {
    for seed in SEEDS {
        let lost = Some((0, Fault::Lose));
        let mut sim = Case { classical: true, fault: lost, ..case(seed, false, 100) }.dial();
        let second = sim.now;
        for node in [0, 1] {
            sim.wait_for(node, "connected", connected);
        }
        assert!(sim.now - second < Duration::from_millis(100), "seed {seed}");
    }
}

fn tells_of_connections_first(case: Case) {
    let _running = Running(case);
    let mut sim = case.dial();
    let mut begun = [Vec::new(), Vec::new()];
    let end = sim.now + Duration::from_secs(2);
    while sim.step(end) {
        for (node, begun) in begun.iter_mut().enumerate() {
            let now = sim.now;
            sim.nodes[node].endpoint.rebound(now);
            sim.flush(node);
            while let Some(event) = sim.nodes[node].events.pop_front() {
                match event {
                    Event::Connected(handle) | Event::Accepted(handle) => begun.push(handle),
                    Event::PathChanged(handle, _) => assert!(begun.contains(&handle)),
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn of_a_connection_that_may_yet_be_dropped_nothing_is_told() {
    for seed in FEW_SEEDS {
        case(seed, false, 11).with_every_fault(tells_of_connections_first);
    }
}

#[test]
fn two_dials_meet_one_and_both_sides_have_the_same_connections() {
    for twice in [0, 1] {
        for offset in [0, 11] {
            for seed in FEW_SEEDS {
                let case = Case { accept: true, twice: Some(twice), ..case(seed, false, offset) };
                case.with_every_fault(Case::gives_the_same_connections_to_both);
            }
        }
    }
}
