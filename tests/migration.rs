//! Peers that move, NATs that rebind, and attackers that pretend either (SPEC §7.2).

mod sim;

use std::net::SocketAddr;
use std::time::Duration;

use sim::faults::Faulty;
use sim::ways::{ALIASES, TwoWays, elsewhere};
use sim::{Datagram, Network, Sim, accepted, closed, connected, dialler, listener};
use srudp::Direction;
use srudp::proto::{ConnectionHandle, Event, Instant, ReadError, WriteError};

const ONE_WAY: Duration = Duration::from_millis(10);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A connection and a transfer over it.
struct Transfer<N> {
    sim: Sim<N>,
    handles: [ConnectionHandle; 2],
    /// Who writes.
    writer: usize,
    id: srudp::StreamId,
    total: usize,
    sent: usize,
    got: usize,
}

fn byte(place: usize) -> u8 {
    (place * 7 + place / 251) as u8
}

impl<N: Network> Transfer<N> {
    fn over(network: N, seed: u64, writer: usize, total: usize) -> Self {
        let mut sim = Sim::new(seed, network, &[dialler(), listener()]);
        let (ours, theirs) = sim.connect(0, 1);
        sim.run_for(ms(500));
        let handles = [ours, theirs];
        let connection = sim.connection(writer, handles[writer]);
        let id = connection.open_stream(Direction::Unidirectional).unwrap();
        Self { sim, handles, writer, id, total, sent: 0, got: 0 }
    }

    /// Writes and reads what is possible. True when everything has arrived.
    fn pump(&mut self) -> bool {
        let (writer, reader) = (self.writer, 1 - self.writer);
        while self.sent < self.total {
            let end = self.total.min(self.sent + 65_536);
            let data: Vec<u8> = (self.sent..end).map(byte).collect();
            match self.sim.connection(writer, self.handles[writer]).write(self.id, &data) {
                Ok(n) => self.sent += n,
                Err(WriteError::Blocked) => break,
                Err(error) => panic!("{error}"),
            }
        }
        let (now, mut out) = (self.sim.now, vec![0; 65_536]);
        loop {
            match self.sim.connection(reader, self.handles[reader]).read(now, self.id, &mut out) {
                Ok(n) => {
                    let right = out[..n].iter().zip(self.got..).all(|(got, at)| *got == byte(at));
                    assert!(right, "what arrives is what was written");
                    self.got += n;
                }
                Err(ReadError::Blocked | ReadError::Unknown) => return self.got == self.total,
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn run_until_got(&mut self, bytes: usize) {
        let end = self.sim.now + Duration::from_secs(60);
        while !self.pump() && self.got < bytes {
            assert!(self.sim.step(end), "{} of {} bytes arrived", self.got, self.total);
        }
    }

    fn finish(&mut self) {
        self.run_until_got(self.total);
        for node in [0, 1] {
            assert_eq!(self.sim.take(node, closed), None);
        }
    }

    fn moved(&mut self, node: usize, address: SocketAddr) {
        self.sim.nodes[node].address = address;
    }

    /// The node knows that it has moved.
    fn moved_on_purpose(&mut self, node: usize, address: SocketAddr) {
        self.moved(node, address);
        let now = self.sim.now;
        self.sim.nodes[node].endpoint.rebound(now);
    }

    fn remote_of(&mut self, node: usize) -> SocketAddr {
        self.sim.connection(node, self.handles[node]).remote_address()
    }

    /// Addresses to which the node has turned, in order.
    fn turns(&mut self, node: usize) -> Vec<SocketAddr> {
        let mut turns = Vec::new();
        while let Some(to) = self.sim.take(node, |event| match event {
            Event::PathChanged(_, to) => Some(*to),
            _ => None,
        }) {
            turns.push(to);
        }
        turns
    }
}

fn transfer(seed: u64, writer: usize, total: usize) -> Transfer<Faulty> {
    Transfer::over(Faulty::new(ONE_WAY, None), seed, writer, total)
}

#[test]
fn a_nat_that_rebinds_the_writer_is_followed() {
    let mut transfer = transfer(1, 0, 3_000_000);
    transfer.run_until_got(1_000_000);
    transfer.moved(0, elsewhere(1));
    transfer.finish();
    assert_eq!(transfer.turns(1), [elsewhere(1)]);
    assert_eq!(transfer.turns(0), [], "it does not know of it");
}

#[test]
fn a_nat_that_rebinds_the_reader_is_followed_once_the_reader_speaks() {
    let mut transfer = transfer(2, 1, 3_000_000);
    transfer.run_until_got(1_000_000);
    transfer.moved(0, elsewhere(1));
    // Acknowledgements of what was under way are lost; what the application says is not.
    let connection = transfer.sim.connection(0, transfer.handles[0]);
    let id = connection.open_stream(Direction::Unidirectional).unwrap();
    connection.write(id, b"still here").unwrap();
    transfer.finish();
    assert_eq!(transfer.turns(1), [elsewhere(1)]);
}

#[test]
fn either_side_may_move_on_purpose_whether_it_writes_or_reads() {
    for node in [0, 1] {
        for writer in [0, 1] {
            let mut transfer = transfer(3, writer, 3_000_000);
            transfer.run_until_got(1_000_000);
            transfer.moved_on_purpose(node, elsewhere(1));
            transfer.finish();
            assert_eq!(transfer.remote_of(1 - node), elsewhere(1), "{node} moved");
        }
    }
}

#[test]
fn who_moves_on_purpose_changes_the_connection_id() {
    let mut transfer = Transfer::over(Faulty::recording(ONE_WAY), 4, 0, 1_000_000);
    transfer.run_until_got(500_000);
    transfer.moved_on_purpose(0, elsewhere(1));
    transfer.finish();
    let seen = transfer.sim.network.seen.take().unwrap();
    let of = |address: SocketAddr, sent: bool| {
        let mut ids: Vec<_> = seen
            .iter()
            .filter(|one| one.payload[0] & 0xe0 == 0x60)
            .filter(|one| if sent { one.from == address } else { one.to == address })
            .map(|one| one.payload[1..9].to_vec())
            .collect();
        ids.dedup();
        ids
    };
    let old = sim::address(0);
    for sent in [true, false] {
        let linked = of(old, sent).iter().any(|id| of(elsewhere(1), sent).contains(id));
        assert!(!linked, "an id is seen at both addresses, sent: {sent}");
    }
}

/// The way back to a new address carries one datagram, and then nothing for half a second.
struct Hesitant {
    wire: Faulty,
    to: SocketAddr,
    since: Option<Instant>,
}

impl Network for Hesitant {
    fn carry(&mut self, now: Instant, datagram: Datagram, out: &mut Vec<(Instant, Datagram)>) {
        let is_lost = datagram.to == self.to && self.since.is_some_and(|at| now < at + ms(500));
        if datagram.to == self.to {
            self.since.get_or_insert(now);
        }
        if !is_lost {
            self.wire.carry(now, datagram, out);
        }
    }
}

#[test]
fn a_reader_that_moves_is_found_though_the_question_and_all_that_may_be_sent_with_it_are_lost() {
    let wire = Faulty::new(ONE_WAY, None);
    let network = Hesitant { wire, to: elsewhere(1), since: None };
    let mut transfer = Transfer::over(network, 5, 1, 4_000_000);
    transfer.run_until_got(100_000);
    transfer.moved_on_purpose(0, elsewhere(1));
    transfer.finish();
    assert_eq!(transfer.turns(1), [elsewhere(1)]);
}

#[test]
fn both_may_move_at_once_if_one_of_them_hears_of_it() {
    let mut transfer = transfer(6, 0, 3_000_000);
    transfer.run_until_got(1_000_000);
    transfer.moved_on_purpose(0, elsewhere(1));
    // What leaves next is paced.
    transfer.sim.run_for(ONE_WAY + ms(5));
    transfer.moved_on_purpose(1, elsewhere(2));
    transfer.finish();
    assert_eq!(transfer.remote_of(0), elsewhere(2));
    assert_eq!(transfer.remote_of(1), elsewhere(1));
}

/// An attacker beside the path, who sees what node 0 sends and is faster.
struct Attacker {
    wire: Faulty,
    /// From which copies seem to come, while it is at work.
    from: Option<SocketAddr>,
    /// Copies sent, and bytes of what was sent to the false address.
    copied: usize,
    received: usize,
}

impl Network for Attacker {
    fn carry(&mut self, now: Instant, datagram: Datagram, out: &mut Vec<(Instant, Datagram)>) {
        let Some(false_address) = self.from else {
            return self.wire.carry(now, datagram, out);
        };
        if datagram.to == false_address {
            self.received += datagram.payload.len();
            return;
        }
        if datagram.from == sim::address(0) {
            self.copied += datagram.payload.len();
            let copy = Datagram { from: false_address, ..datagram.clone() };
            out.push((now + ONE_WAY / 2, copy));
        }
        self.wire.carry(now, datagram, out);
    }
}

fn attacked(seed: u64, writer: usize) -> Transfer<Attacker> {
    let wire = Faulty::new(ONE_WAY, None);
    let attacker = Attacker { wire, from: None, copied: 0, received: 0 };
    let mut transfer = Transfer::over(attacker, seed, writer, 3_000_000);
    transfer.run_until_got(1_000_000);
    transfer
}

#[test]
fn who_copies_packets_from_elsewhere_gets_at_most_three_times_their_bytes() {
    for writer in [0, 1] {
        let mut transfer = attacked(7, writer);
        transfer.sim.network.from = Some(elsewhere(66));
        let end = transfer.sim.now + Duration::from_secs(20);
        while transfer.sim.step(end) {
            transfer.pump();
            let Attacker { copied, received, .. } = transfer.sim.network;
            assert!(received <= 3 * copied, "{received} bytes for {copied}");
        }
        assert!(transfer.sim.network.copied > 0);
    }
}

#[test]
fn who_copies_packets_for_a_while_does_not_keep_the_connection() {
    for writer in [0, 1] {
        let mut transfer = attacked(8, writer);
        transfer.sim.network.from = Some(elsewhere(66));
        transfer.sim.run_for(ms(100));
        transfer.sim.network.from = None;
        transfer.finish();
        assert_eq!(transfer.remote_of(1), sim::address(0));
    }
}

#[test]
fn an_old_packet_from_elsewhere_moves_nothing() {
    let mut transfer = Transfer::over(Faulty::recording(ONE_WAY), 9, 0, 1_000_000);
    transfer.run_until_got(500_000);
    let seen = transfer.sim.network.seen.clone().unwrap();
    // What was still under way would not be old.
    transfer.sim.run_for(2 * ONE_WAY);
    let now = transfer.sim.now;
    for datagram in seen.iter().filter(|one| one.from == sim::address(0)) {
        transfer.sim.inject(now, Datagram { from: elsewhere(66), ..datagram.clone() });
    }
    transfer.finish();
    assert_eq!(transfer.turns(1), []);
}

#[test]
fn an_address_that_does_not_answer_is_left_again() {
    let mut transfer = attacked(10, 1);
    // One packet is taken out of the stream and arrives from elsewhere, and then the peer is silent.
    transfer.sim.network.from = Some(elsewhere(66));
    let connection = transfer.sim.connection(0, transfer.handles[0]);
    let id = connection.open_stream(Direction::Unidirectional).unwrap();
    connection.write(id, b"once").unwrap();
    transfer.sim.run_for(ms(1));
    transfer.sim.network.from = None;
    transfer.finish();
    let turns = transfer.turns(1);
    assert_eq!(turns.first(), Some(&elsewhere(66)));
    assert_eq!(turns.last(), Some(&sim::address(0)));
}

#[test]
fn a_move_before_the_connection_is_confirmed_does_not_end_it() {
    for millis in [1, 11, 15, 21, 25, 31] {
        let mut sim = Sim::new(11, Faulty::new(ONE_WAY, None), &[dialler(), listener()]);
        sim.dial(0, 1);
        sim.run_for(ms(millis));
        sim.nodes[0].address = elsewhere(1);
        let now = sim.now;
        sim.nodes[0].endpoint.rebound(now);
        sim.wait_for(0, "connected", connected);
        sim.wait_for(1, "accepted", accepted);
        sim.run_for(Duration::from_secs(12));
        for node in [0, 1] {
            assert_eq!(sim.take(node, closed), None, "node {node}, moved after {millis} ms");
        }
    }
}

fn two_ways(writer: usize, works: [bool; 2]) -> Transfer<TwoWays> {
    Transfer::over(TwoWays::new(ONE_WAY, works), 5, writer, 4_000_000)
}

fn probe(transfer: &mut Transfer<TwoWays>, node: usize, remote: SocketAddr) -> bool {
    let handle = transfer.handles[node];
    transfer.sim.probe(node, handle, remote)
}

fn remotes(transfer: &mut Transfer<TwoWays>) -> [SocketAddr; 2] {
    let handles = transfer.handles;
    [0, 1].map(|node| transfer.sim.connection(node, handles[node]).remote_address())
}

#[test]
fn a_connection_moves_to_a_path_that_was_tried_before() {
    for writer in [0, 1] {
        let mut transfer = two_ways(writer, [true, true]);
        transfer.run_until_got(500_000);
        assert!(probe(&mut transfer, 0, elsewhere(2)));
        transfer.run_until_got(4_000_000);
        assert_eq!(remotes(&mut transfer), [elsewhere(2), elsewhere(1)]);
        let handle = transfer.handles[writer];
        let stats = transfer.sim.connection(writer, handle).stats();
        assert_eq!(stats.probe_timeouts, 0, "make before break");
    }
}

#[test]
fn both_sides_may_move_at_once() {
    let mut transfer = two_ways(0, [true, true]);
    transfer.run_until_got(500_000);
    for (node, alias) in [(0, 2), (1, 1)] {
        assert!(probe(&mut transfer, node, elsewhere(alias)));
    }
    transfer.run_until_got(4_000_000);
    assert_eq!(remotes(&mut transfer), [elsewhere(2), elsewhere(1)]);
}

#[test]
fn a_path_that_carries_nothing_is_not_taken() {
    let mut transfer = two_ways(0, [true, false]);
    assert!(probe(&mut transfer, 0, elsewhere(2)));
    transfer.run_until_got(4_000_000);
    transfer.sim.run_for(ms(5000));
    assert_eq!(remotes(&mut transfer), [sim::address(1), sim::address(0)]);
    assert!(transfer.sim.network.carried[1] <= 6, "challenges and nothing else");
    let handle = transfer.handles[0];
    assert_eq!(transfer.sim.connection(0, handle).probed_address(), None);
}

#[test]
fn what_was_lost_with_a_path_is_sent_on_the_other() {
    for writer in [0, 1] {
        let mut transfer = two_ways(writer, [true, true]);
        transfer.run_until_got(500_000);
        transfer.sim.network.works[0] = false;
        let (began, handle) = (transfer.sim.now, transfer.handles[writer]);
        let end = began + ms(2000);
        while transfer.sim.connection(writer, handle).probe_timeouts() < 2 {
            transfer.pump();
            assert!(transfer.sim.step(end), "a dead path shows");
        }
        let got = transfer.got;
        assert!(probe(&mut transfer, writer, elsewhere(ALIASES[1 - writer])));
        transfer.run_until_got(got + 1);
        assert!(transfer.sim.now - began < ms(400), "{:?}", transfer.sim.now - began);
        transfer.run_until_got(4_000_000);
    }
}
