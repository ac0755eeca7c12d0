//! One peer dials another: what it takes, what can go wrong, and what strangers cannot do (SPEC §5).

mod sim;

use std::net::SocketAddr;
use std::time::Duration;

use sim::faults::{Fault, Faulty};
use sim::internet::Internet;
use sim::{Datagram, Network, Sim, accepted, closed, connected, dialler, listener};
use srudp::proto::{
    ConnectionHandle, Dial, EndpointConfig, Event, Instant, ReadError, TransportConfig,
};
use srudp::{ConnectionError, Direction, ErrorCode, PacketCipher, Role};
use srudp_links::{Burst, LinkConfig};

const ONE_WAY: Duration = Duration::from_millis(10);
const PUNCH: u8 = 0xc0;
const PUBLIC_KEY: u8 = 0xc8;
const SHARED_KEY: u8 = 0xd0;

fn sim_of(seed: u64, configs: &[EndpointConfig]) -> Sim<Faulty> {
    Sim::new(seed, Faulty::recording(ONE_WAY), configs)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What was sent so far by this node, of this kind.
fn sent(sim: &Sim<Faulty>, node: usize, first: u8) -> Vec<Datagram> {
    let from = sim.nodes[node].address;
    let seen = sim.network.seen.iter().flatten();
    seen.filter(|one| one.from == from && one.payload[0] == first).cloned().collect()
}

/// A short stream goes from one to the other.
fn data_flows<N: Network>(
    sim: &mut Sim<N>,
    (from, ours): (usize, ConnectionHandle),
    (to, theirs): (usize, ConnectionHandle),
) {
    let connection = sim.connection(from, ours);
    let id = connection.open_stream(Direction::Unidirectional).unwrap();
    assert_eq!(connection.write(id, &[5; 3000]), Ok(3000));
    connection.finish(id).unwrap();
    let (mut got, mut out) = (0, [0; 4096]);
    let done = sim.run_until(Duration::from_secs(20), |sim| {
        let now = sim.now;
        match sim.connection(to, theirs).read(now, id, &mut out) {
            Ok(0) => return true,
            Ok(n) => got += n,
            Err(ReadError::Blocked | ReadError::Unknown) => {}
            Err(error) => panic!("{error}"),
        }
        false
    });
    assert!(done && got == 3000, "{got} bytes and no end");
}

/// Nothing more happens, and each has one connection.
fn nothing_else_happens<N: Network>(sim: &mut Sim<N>) {
    sim.run_for(Duration::from_secs(16));
    for node in [0, 1] {
        assert_eq!(sim.take(node, accepted), None, "node {node}");
        assert_eq!(sim.take(node, connected), None, "node {node}");
        assert_eq!(sim.take(node, closed), None, "node {node}");
        let stats = sim.nodes[node].endpoint.stats();
        assert_eq!((stats.connections, stats.half_open), (1, 0), "node {node}");
    }
}

/// How a dial is made, for all faults.
#[derive(Clone, Copy, Debug)]
struct Manner {
    punch: bool,
    cookie: bool,
    classical: bool,
    known: bool,
}

fn dial_with(manner: Manner, fault: Option<(u64, Fault)>) -> u64 {
    let listener = listener().always_ask_for_cookie(manner.cookie);
    let dialler = if manner.classical { dialler().classical_only() } else { dialler() };
    let mut sim = Sim::new(1, Faulty::new(ONE_WAY, fault), &[dialler, listener]);
    let remote = sim.nodes[1].address;
    let id = sim.nodes[1].id;
    let dial =
        if manner.known { Dial::new(id, remote) } else { Dial::trusting_on_first_use(remote) };
    let dial = if manner.punch { dial.punch() } else { dial };
    sim.dial_as(0, &dial, 1);
    let ours = sim.wait_for(0, "connected", connected);
    let theirs = sim.wait_for(1, "accepted", accepted);
    assert_eq!(sim.connection(0, ours).peer_id(), id);
    assert_eq!(sim.connection(0, ours).role(), Role::Initiator);
    assert_eq!(sim.connection(1, theirs).role(), Role::Responder);
    let carried = sim.network.carried;
    data_flows(&mut sim, (0, ours), (1, theirs));
    data_flows(&mut sim, (1, theirs), (0, ours));
    nothing_else_happens(&mut sim);
    carried
}

#[test]
fn a_dial_survives_every_single_mishap() {
    let flags = [false, true];
    for (punch, cookie) in flags.into_iter().flat_map(|punch| flags.map(|cookie| (punch, cookie))) {
        for (classical, known) in [(false, true), (true, false)] {
            let manner = Manner { punch, cookie, classical, known };
            for which in 0..dial_with(manner, None) {
                for fault in Fault::ALL {
                    eprintln!("{manner:?}, datagram {which}: {fault:?}");
                    dial_with(manner, Some((which, fault)));
                }
            }
        }
    }
}

/// What packets are sealed with at both sides, when these want AEGIS or do not.
fn ciphers(wanted: [bool; 2], punch: bool) -> [PacketCipher; 2] {
    let [a, b] = wanted.map(|aegis| TransportConfig::default().aegis(aegis));
    let mut sim = sim_of(1, &[dialler().transport(a), listener().transport(b)]);
    let dial = Dial::new(sim.nodes[1].id, sim.nodes[1].address);
    sim.dial_as(0, &if punch { dial.punch() } else { dial }, 1);
    let ours = sim.wait_for(0, "connected", connected);
    let theirs = sim.wait_for(1, "accepted", accepted);
    data_flows(&mut sim, (0, ours), (1, theirs));
    data_flows(&mut sim, (1, theirs), (0, ours));
    [(0, ours), (1, theirs)].map(|(node, handle)| sim.connection(node, handle).stats().cipher)
}

#[test]
fn packets_are_sealed_with_aegis_if_both_want_it() {
    for punch in [false, true] {
        for wanted in [[false, false], [false, true], [true, false]] {
            let both = [PacketCipher::Aes256Gcm; 2];
            assert_eq!(ciphers(wanted, punch), both, "{wanted:?}, {punch}");
        }
        let [ours, theirs] = ciphers([true, true], punch);
        assert_eq!(ours, theirs);
        #[cfg(all(feature = "aegis", target_arch = "x86_64"))]
        if is_x86_feature_detected!("aes") && is_x86_feature_detected!("avx") {
            assert_eq!(ours, PacketCipher::Aegis256X4);
        }
    }
}

/// The time from the dial to the connection.
fn time_to_connect(listener: EndpointConfig, punch: bool) -> Duration {
    let mut sim = sim_of(2, &[dialler(), listener]);
    let start = sim.now;
    let dial = Dial::new(sim.nodes[1].id, sim.nodes[1].address);
    let dial = if punch { dial.punch() } else { dial };
    sim.dial_as(0, &dial, 1);
    sim.wait_for(0, "connected", connected);
    sim.now - start
}

#[test]
fn a_proof_of_address_takes_one_more_round_trip() {
    assert_eq!(time_to_connect(listener(), false), ms(20));
    assert_eq!(time_to_connect(listener().always_ask_for_cookie(true), false), ms(40));
}

#[test]
fn a_knock_brings_the_proof_with_it() {
    assert_eq!(time_to_connect(listener(), true), ms(40));
    assert_eq!(time_to_connect(listener().always_ask_for_cookie(true), true), ms(40));
}

#[test]
fn an_unknown_peer_tells_who_it_is() {
    let mut sim = sim_of(3, &[dialler(), listener()]);
    let dial = Dial::trusting_on_first_use(sim.nodes[1].address);
    sim.dial_as(0, &dial, 1);
    let ours = sim.wait_for(0, "connected", connected);
    let theirs = sim.wait_for(1, "accepted", accepted);
    let ids = [sim.nodes[0].id, sim.nodes[1].id];
    assert_eq!(sim.connection(0, ours).peer_id(), ids[1]);
    assert_eq!(sim.connection(1, theirs).peer_id(), ids[0]);
}

/// Dials, and returns after what time and why it failed.
fn failure(sim: &mut Sim<Faulty>, dial: &Dial) -> (Duration, ConnectionError) {
    let start = sim.now;
    sim.dial_as(0, dial, 1);
    let (_, reason) = sim.wait_for(0, "closed", closed);
    assert_eq!(sim.take(1, accepted), None);
    (sim.now - start, reason)
}

fn patient_for(seconds: u64) -> TransportConfig {
    TransportConfig::default().handshake_timeout(Duration::from_secs(seconds))
}

#[test]
fn a_dial_for_somebody_else_times_out_when_configured() {
    let mut sim = sim_of(4, &[dialler(), listener(), listener()]);
    let dial = Dial::new(sim.nodes[2].id, sim.nodes[1].address).transport(patient_for(3));
    let failed = failure(&mut sim, &dial);
    assert_eq!(failed, (Duration::from_secs(3), ConnectionError::HandshakeTimedOut));
    assert_eq!(sim.take(0, connected), None);
}

#[test]
fn a_dial_to_a_peer_that_does_not_listen_times_out() {
    for punch in [false, true] {
        let mut sim = sim_of(5, &[dialler(), dialler()]);
        let dial = Dial::new(sim.nodes[1].id, sim.nodes[1].address);
        let dial = if punch { dial.punch() } else { dial };
        let failed = failure(&mut sim, &dial);
        assert_eq!(failed, (Duration::from_secs(10), ConnectionError::HandshakeTimedOut));
    }
}

#[test]
fn the_repetitions_of_a_dial_come_at_a_steady_pace_for_a_while() {
    let sends = |seconds| {
        let mut sim = sim_of(5, &[dialler(), dialler()]);
        let dial = Dial::new(sim.nodes[1].id, sim.nodes[1].address);
        failure(&mut sim, &dial.transport(patient_for(seconds)));
        sent(&sim, 0, PUBLIC_KEY).len() / 2
    };
    // After 0, 0.5, 1.5 s and so on until 9.5, then after 11.5, 15.5 and 23.5 s: a fifth more or less each.
    assert_eq!([5, 10, 29].map(sends), [6, 11, 14]);
}

/// Of 500 dials, how many come to nothing where 5 % of the datagrams are lost in bursts of so many in the mean.
fn dials_lost_to_bursts(length: f64) -> usize {
    let burst = Burst::new(0.05 / 0.95 / length, length);
    let config = LinkConfig::default().delay(ms(25)).rate(100_000_000).queue(600_000).burst(burst);
    let fails = |seed: &u64| {
        let network = Internet::new(*seed, 2, &config);
        let mut sim = Sim::new(*seed, network, &[dialler(), listener()]);
        sim.dial(0, 1);
        !sim.run_until(Duration::from_secs(11), |sim| sim.take(0, connected).is_some())
    };
    (0..500).filter(fails).count()
}

#[test]
fn a_dial_outlasts_bursts_that_end_with_the_datagrams_they_swallow() {
    let lost = [4.0, 8.0, 16.0].map(dials_lost_to_bursts);
    // 2 here; 6 if four waits were of a second, 13 if every wait were twice as long as the one before.
    assert!(lost.iter().sum::<usize>() <= 4, "of 500 each: {lost:?}");
}

#[test]
fn trust_on_first_use_can_be_turned_off() {
    let mut sim = sim_of(6, &[dialler(), listener().accept_trust_on_first_use(false)]);
    let dial = Dial::trusting_on_first_use(sim.nodes[1].address).transport(patient_for(2));
    assert_eq!(failure(&mut sim, &dial).1, ConnectionError::HandshakeTimedOut);
}

#[test]
fn a_peer_that_is_not_allowed_learns_that_it_was_refused() {
    let mut sim = sim_of(7, &[dialler(), listener().allow([])]);
    let dial = Dial::new(sim.nodes[1].id, sim.nodes[1].address);
    let (_, reason) = failure(&mut sim, &dial);
    assert_eq!(reason, ConnectionError::Refused { code: ErrorCode::REFUSED });
    assert!(sim.nodes[1].events.is_empty(), "{:?}", sim.nodes[1].events);
    sim.run_for(Duration::from_secs(20));
    assert_eq!(sim.nodes[1].endpoint.stats().connections, 0);
}

#[test]
fn another_application_protocol_is_refused_by_name() {
    let listener = listener().application_protocol(b"chess/2");
    let mut sim = sim_of(8, &[dialler().application_protocol(b"chess/1"), listener]);
    let dial = Dial::new(sim.nodes[1].id, sim.nodes[1].address);
    let (time, reason) = failure(&mut sim, &dial);
    assert_eq!(reason, ConnectionError::Refused { code: ErrorCode::APPLICATION_PROTOCOL });
    assert_eq!((time, sim.take(0, connected)), (ms(20), None));
    assert_eq!(sim.nodes[1].endpoint.stats().half_open, 0);
}

#[test]
fn a_full_endpoint_says_that_it_is_busy() {
    let mut sim = sim_of(9, &[dialler(), listener().max_connections(0)]);
    let dial = Dial::new(sim.nodes[1].id, sim.nodes[1].address);
    assert_eq!(failure(&mut sim, &dial).1, ConnectionError::Refused { code: ErrorCode::BUSY });
}

#[test]
fn a_repeated_public_key_is_answered_with_the_same_bytes() {
    let mut sim = sim_of(10, &[dialler(), listener()]);
    sim.dial(0, 1);
    sim.run_for(ms(12));
    let first = sent(&sim, 1, SHARED_KEY);
    for copy in sent(&sim, 0, PUBLIC_KEY) {
        sim.inject(sim.now, copy);
    }
    sim.run_for(ms(1));
    let both: Vec<_> = sent(&sim, 1, SHARED_KEY).into_iter().map(|one| one.payload).collect();
    assert_eq!(both.len(), 2 * first.len());
    assert_eq!(both[..first.len()], both[first.len()..]);
    assert_eq!(sim.nodes[1].endpoint.stats().half_open, 1);
}

#[test]
fn late_copies_of_a_whole_handshake_open_no_second_session() {
    let mut sim = sim_of(11, &[dialler(), listener()]);
    let (ours, theirs) = sim.connect(0, 1);
    sim.run_for(ms(100));
    for wait in [0, 3_000, 5_000] {
        let copies = sim.network.seen.clone().unwrap_or_default();
        for copy in copies.into_iter().take(40) {
            sim.inject(sim.now + ms(wait), copy);
        }
    }
    nothing_else_happens(&mut sim);
    data_flows(&mut sim, (0, ours), (1, theirs));
}

/// The first flight of a stranger for a peer that it has the id of.
fn first_flight(seed: u64, victim: &Sim<Faulty>, node: usize) -> Vec<Vec<u8>> {
    let mut strange = sim_of(seed, &[dialler().classical_only()]);
    let remote = victim.nodes[node].address;
    strange.dial_to(0, &Dial::new(victim.nodes[node].id, remote), remote);
    strange.step(strange.now);
    sent(&strange, 0, PUBLIC_KEY).into_iter().map(|one| one.payload).collect()
}

#[test]
fn a_stranger_with_a_forged_address_does_not_disturb_a_dial() {
    // Ten strangers: some ephemerals are larger than the dialler's own, some smaller.
    for (stranger, both) in (100..110).flat_map(|seed| [(seed, false), (seed, true)]) {
        for at in [0, 5, 11, 15, 19, 21, 29, 35] {
            let mut sim = sim_of(12, &[dialler(), listener()]);
            let start = sim.now;
            for payload in first_flight(stranger, &sim, 0) {
                let (from, to) = (sim.nodes[1].address, sim.nodes[0].address);
                let datagram = Datagram { from, to, ecn: None, payload };
                sim.inject(start + ms(at), datagram);
            }
            sim.dial(0, 1);
            if both {
                sim.dial(1, 0);
            }
            let ours = sim.wait_for(0, "connected", connected);
            let theirs =
                sim.wait_for(1, "a connection", |event| connected(event).or(accepted(event)));
            data_flows(&mut sim, (0, ours), (1, theirs));
            assert!(sim.now - start < ms(100), "it took {:?}", sim.now - start);
            nothing_else_happens(&mut sim);
        }
    }
}

fn spoofed(number: u32) -> SocketAddr {
    let [_, a, b, c] = number.to_be_bytes();
    SocketAddr::from(([100 + a, b, c, 1], 1000))
}

/// Many first flights that verify, each from an address that is not the sender's.
fn flood(sim: &mut Sim<Faulty>, flights: u32) -> usize {
    let payload = first_flight(200, sim, 1).remove(0);
    let mut most = 0;
    for number in 0..flights {
        let (from, to) = (spoofed(number), sim.nodes[1].address);
        let now = sim.now;
        sim.inject(now, Datagram { from, to, ecn: None, payload: payload.clone() });
        if number % 100 == 0 {
            sim.run_for(ms(1));
            most = most.max(sim.nodes[1].endpoint.stats().half_open);
        }
    }
    sim.run_for(ms(1));
    most.max(sim.nodes[1].endpoint.stats().half_open)
}

#[test]
fn spoofed_first_flights_leave_no_state_where_cookies_are_asked_for() {
    let mut sim = sim_of(13, &[dialler(), listener().always_ask_for_cookie(true)]);
    assert_eq!(flood(&mut sim, 10_000), 0);
    sim.connect(0, 1);
}

#[test]
fn spoofed_first_flights_do_not_fill_a_listener() {
    let mut sim = sim_of(14, &[dialler(), listener()]);
    let most = flood(&mut sim, 10_000);
    assert!((1..=512).contains(&most), "{most} half-open handshakes");
    let (ours, theirs) = sim.connect(0, 1);
    data_flows(&mut sim, (0, ours), (1, theirs));
    sim.run_for(Duration::from_secs(11));
    assert_eq!(sim.nodes[1].endpoint.stats().half_open, 0);
}

/// Delivers everything, and sends it back as well.
struct Mirror {
    through: bool,
}

impl Network for Mirror {
    fn carry(&mut self, now: Instant, datagram: Datagram, out: &mut Vec<(Instant, Datagram)>) {
        let (from, to) = (datagram.to, datagram.from);
        out.push((now + ONE_WAY / 2, Datagram { from, to, ..datagram.clone() }));
        if self.through {
            out.push((now + ONE_WAY, datagram));
        }
    }
}

#[test]
fn a_mirror_is_no_peer() {
    for punch in [false, true] {
        let mut sim = Sim::new(15, Mirror { through: false }, &[listener(), listener()]);
        let dial = Dial::new(sim.nodes[1].id, sim.nodes[1].address);
        let dial = if punch { dial.punch() } else { dial };
        sim.dial_as(0, &dial, 1);
        let (_, reason) = sim.wait_for(0, "closed", closed);
        assert_eq!(reason, ConnectionError::HandshakeTimedOut);
        assert!(sim.nodes[0].events.is_empty(), "{:?}", sim.nodes[0].events);
    }
}

#[test]
fn own_packets_that_come_back_do_not_disturb() {
    for punch in [false, true] {
        let mut sim = Sim::new(16, Mirror { through: true }, &[listener(), listener()]);
        let dial = Dial::new(sim.nodes[1].id, sim.nodes[1].address);
        let dial = if punch { dial.punch() } else { dial };
        sim.dial_as(0, &dial, 1);
        let ours = sim.wait_for(0, "connected", connected);
        let theirs = sim.wait_for(1, "accepted", accepted);
        data_flows(&mut sim, (0, ours), (1, theirs));
        data_flows(&mut sim, (1, theirs), (0, ours));
        nothing_else_happens(&mut sim);
    }
}

#[test]
fn the_first_packet_of_the_peer_confirms_the_connection() {
    let mut sim = sim_of(17, &[dialler(), listener()]);
    let (ours, _) = sim.connect(0, 1);
    let confirmed = |event: &Event| matches!(event, Event::Confirmed(_)).then_some(());
    sim.wait_for(0, "confirmed", confirmed);
    sim.wait_for(1, "confirmed", confirmed);
    assert!(sim.connection(0, ours).is_confirmed());
}

/// A wire that sends the first message of one kind on from somewhere else, as whoever can read it may do.
struct Forwarder {
    kind: u8,
    from: SocketAddr,
}

impl Network for Forwarder {
    fn carry(&mut self, now: Instant, mut datagram: Datagram, out: &mut Vec<(Instant, Datagram)>) {
        if datagram.payload.first() == Some(&self.kind) {
            datagram.from = self.from;
        }
        out.push((now + ms(10), datagram));
    }
}

/// The ledger of the simulation fails this test when somebody sends more than three times what came from an address that nobody
/// named and that has answered nothing.
fn forwarded(kind: u8) {
    let victim = SocketAddr::from(([203, 0, 113, 9], 9));
    let network = Forwarder { kind, from: victim };
    let mut sim = Sim::new(3, network, &[dialler(), listener()]);
    sim.dial(0, 1);
    for _ in 0..100 {
        sim.run_for(ms(100));
        for node in 0..2 {
            let Some(handle) = sim.take(node, connected).or_else(|| sim.take(node, accepted))
            else {
                continue;
            };
            let live = sim.connection(node, handle);
            let id = live.open_stream(Direction::Bidirectional).expect("streams are allowed");
            let _ = live.write(id, &[7; 100_000]);
        }
    }
    let bytes = sim.sent_to(victim);
    assert!(bytes < 5000, "{bytes} bytes went to somebody who has asked for nothing");
}

#[test]
fn a_shared_key_from_elsewhere_proves_nothing() {
    forwarded(0xd0);
}

#[test]
fn an_establish_from_elsewhere_proves_nothing() {
    forwarded(0xd8);
}

#[test]
fn the_first_message_of_a_dial_is_there_before_anybody_looks_at_the_timers() {
    let mut sim = sim_of(1, &[dialler(), listener()]);
    for punch in [false, true] {
        let dial = Dial::new(sim.nodes[1].id, sim.nodes[1].address);
        sim.dial_as(0, &if punch { dial.punch() } else { dial }, 1);
        let (now, mut buffer) = (sim.now, [0; 2000]);
        let mut sent = 0;
        while let Some(transmit) = sim.nodes[0].endpoint.poll_transmit(now, &mut buffer, 1) {
            assert_eq!(buffer[0], if punch { PUNCH } else { PUBLIC_KEY });
            assert_eq!(transmit.destination, sim.nodes[1].address);
            sent += 1;
        }
        assert!(sent > 0);
        assert!(sim.nodes[0].endpoint.poll_timeout().is_some_and(|at| at > now), "it repeats");
    }
}
