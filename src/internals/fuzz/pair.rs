//! Two endpoints and the worst network between them: the input decides the fate of each datagram, and what the applications do.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use super::input::Input;
use crate::base::{Instant, SeededEntropy};
use crate::connection::{Connection, TransportConfig};
use crate::crypto::Identity;
use crate::endpoint::{ConnectionHandle, Dial, Endpoint, EndpointConfig, Event, Received};
use crate::wire::{ApplicationCode, Direction, Role, StreamId};

/// One event may cause so many datagrams.
const DATAGRAMS_MAX: usize = 20_000;
/// A deadline that is due again so often at one instant never ends.
const TIMEOUTS_MAX: usize = 100;
/// A side writes no more, so that every input comes to an end.
const WRITTEN_MAX: usize = 1 << 20;
/// Stream data of a connection takes no more memory: both buffers, a page for each stream and the spare pages.
const MEMORY_MAX: usize = 8 << 20;
/// Steps of the good network at the end.
const CALM: usize = 20_000;

struct Node {
    endpoint: Endpoint,
    handles: Vec<ConnectionHandle>,
    /// Bytes written so far, by connection and stream.
    written: BTreeMap<(usize, StreamId), usize>,
    /// Bytes read so far, the same way. All streams that were opened here or accepted have an entry.
    read: BTreeMap<(usize, StreamId), usize>,
    total: usize,
    /// A connection was closed, a stream was reset or stopped: what was written need not arrive.
    excused: bool,
}

struct World {
    now: Instant,
    nodes: [Node; 2],
    /// Datagrams to each node.
    flying: [VecDeque<Vec<u8>>; 2],
    buffer: Vec<u8>,
    /// The port from which each node sends; a NAT may change it.
    ports: [u16; 2],
}

/// A network between two endpoints, and their applications.
pub fn pair(data: &[u8]) {
    let mut input = Input::new(data);
    let Some(flags) = input.u8() else {
        return;
    };
    let mut world = World::new(flags);
    world.settle();
    while world.step(&mut input).is_some() {
        world.settle();
    }
    world.calm();
}

impl World {
    fn new(flags: u8) -> Self {
        let transport = TransportConfig::default()
            .initial_windows(16 << 10, 24 << 10)
            .max_window(256 << 10)
            .send_buffer(1 << 20)
            .max_streams(4, 4);
        let node = |seed: u8| {
            let config = EndpointConfig::default().accept(true).transport(transport.clone());
            let config = if flags & 1 == 0 { config.classical_only() } else { config };
            let config = config.always_ask_for_cookie(flags & 2 != 0);
            let identity = Identity::from_secret_bytes([seed; 32]);
            let entropy = Box::new(SeededEntropy::new(u64::from(seed)));
            Node {
                endpoint: Endpoint::new(config, identity, entropy),
                handles: Vec::new(),
                written: BTreeMap::new(),
                read: BTreeMap::new(),
                total: 0,
                excused: false,
            }
        };
        let mut world = Self {
            now: Instant::from_nanos(1_000_000_000),
            nodes: [node(1), node(2)],
            flying: [VecDeque::new(), VecDeque::new()],
            buffer: vec![0; 65_536],
            ports: [4000; 2],
        };
        world.dial(0, flags);
        if flags & 4 != 0 {
            world.dial(1, flags);
        }
        world
    }

    fn dial(&mut self, from: usize, flags: u8) {
        let to = from ^ 1;
        let dial = Dial::new(self.nodes[to].endpoint.peer_id(), self.address(to));
        let dial = if flags & 8 == 0 { dial } else { dial.punch() };
        let dialled = self.nodes[from].endpoint.connect(self.now, &dial);
        assert!(dialled.is_ok(), "{dialled:?}");
    }

    fn address(&self, node: usize) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, node as u8 + 1], self.ports[node]))
    }

    fn step(&mut self, input: &mut Input<'_>) -> Option<()> {
        let op = input.u8()?;
        let node = usize::from(op >> 7);
        match op & 0x0f {
            0..=3 => self.deliver(node, 0),
            4 => {
                // A burst, so that short inputs go far.
                for _ in 0..=input.u8()? & 0x3f {
                    self.deliver(node, 0);
                    self.settle();
                }
            }
            5 => self.deliver(node, input.u8()?),
            6 => _ = self.flying[node].pop_front(),
            7 => self.damage(node, input)?,
            8 => self.now += input.time()?,
            9 => self.wait(),
            10 | 11 => self.write(node, input)?,
            12 => self.read(node),
            13 => self.ports[node] = 4000 + u16::from(input.u8()? & 3),
            14 => self.control(node, input)?,
            _ => {
                self.wait();
                self.deliver(0, 0);
                self.deliver(1, 0);
            }
        }
        Some(())
    }

    /// Until the next deadline.
    fn wait(&mut self) {
        let next = self.nodes.iter_mut().filter_map(|node| node.endpoint.poll_timeout()).min();
        self.now = self.now.max(next.unwrap_or(self.now));
    }

    fn deliver(&mut self, to: usize, index: u8) {
        let length = self.flying[to].len().max(1);
        if let Some(datagram) = self.flying[to].remove(usize::from(index) % length) {
            self.hand_over(to, datagram);
        }
    }

    fn hand_over(&mut self, to: usize, mut datagram: Vec<u8>) {
        let received = Received {
            remote: self.address(to ^ 1),
            local: None,
            ecn: None,
            segment_size: datagram.len(),
            data: &mut datagram,
        };
        self.nodes[to].endpoint.handle_datagram(self.now, received);
    }

    /// A copy arrives, changed or not; the datagram itself is still on its way.
    fn damage(&mut self, to: usize, input: &mut Input<'_>) -> Option<()> {
        let (how, at) = (input.u8()?, usize::from(input.u16()?));
        let Some(mut datagram) = self.flying[to].front().cloned() else {
            return Some(());
        };
        let length = datagram.len();
        match how % 4 {
            0 => {}
            1 => datagram[at % length] ^= how | 1,
            2 => datagram.truncate(at % length),
            _ => datagram.extend_from_within(..at % length),
        }
        self.hand_over(to, datagram);
        Some(())
    }

    fn write(&mut self, index: usize, input: &mut Input<'_>) -> Option<()> {
        let (what, length) = (input.u8()?, usize::from(input.u16()?));
        let (node, connection) = (&mut self.nodes[index], usize::from(what >> 7));
        let Some(handle) = node.handles.get(connection).copied() else {
            return Some(());
        };
        let Some(live) = node.endpoint.connection(handle) else {
            return Some(());
        };
        let id = match what & 3 {
            0 => live.open_stream(Direction::Bidirectional),
            1 => live.open_stream(Direction::Unidirectional),
            _ => None,
        };
        if let Some(id) = id {
            node.read.entry((connection, id)).or_default();
        }
        let kind = if what & 4 == 0 { Direction::Bidirectional } else { Direction::Unidirectional };
        let opener = if what & 8 == 0 { Role::Initiator } else { Role::Responder };
        let id = id.unwrap_or_else(|| StreamId::new(opener, kind, u64::from(what >> 4 & 3)));
        let done = node.written.entry((connection, id)).or_default();
        let length = length.min(WRITTEN_MAX - node.total);
        let data: Vec<u8> = (*done..*done + length).map(|offset| pattern(id, offset)).collect();
        let taken = live.write(id, &data).unwrap_or(0);
        *done += taken;
        node.total += taken;
        if what & 0x40 != 0 {
            let _ = live.finish(id);
        }
        Some(())
    }

    /// Reads all there is, and compares it with what was written.
    fn read(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        for (connection, handle) in node.handles.iter().enumerate() {
            let Some(live) = node.endpoint.connection(*handle) else {
                continue;
            };
            for direction in [Direction::Bidirectional, Direction::Unidirectional] {
                while let Some(id) = live.accept_stream(direction) {
                    node.read.entry((connection, id)).or_default();
                }
            }
            let first = (connection, StreamId::from_wire(0));
            let last = (connection, StreamId::from_wire(u64::MAX));
            for ((_, id), done) in node.read.range_mut(first..=last) {
                read_stream(live, self.now, *id, done);
            }
            while live.recv_datagram().is_some() {}
        }
    }

    fn control(&mut self, index: usize, input: &mut Input<'_>) -> Option<()> {
        let (what, value) = (input.u8()?, input.u8()?);
        let (now, id) = (self.now, StreamId::from_wire(u64::from(value & 0x1f)));
        let node = &mut self.nodes[index];
        let Some(handle) = node.handles.get(usize::from(value >> 7)).copied() else {
            return Some(());
        };
        let Some(live) = node.endpoint.connection(handle) else {
            return Some(());
        };
        let code = ApplicationCode::new(u64::from(value));
        match what % 8 {
            0 => live.reset(id, code),
            1 => live.stop(id, code),
            2 => _ = live.send_datagram(vec![value; usize::from(value) * 4].into()),
            3 => _ = live.update_keys(),
            4 => live.close(now, code, b"enough", Duration::from_millis(u64::from(value))),
            5 => node.endpoint.rebound(now),
            6 => node.endpoint.on_too_large(SocketAddr::from(([192, 0, 2, 1], 4000)), 1300),
            _ => node.endpoint.remove(now, handle),
        }
        node.excused |= matches!(what % 8, 0 | 1 | 4 | 7);
        Some(())
    }

    /// What a driver does after every input.
    fn settle(&mut self) {
        for index in 0..2 {
            self.settle_one(index);
        }
    }

    fn settle_one(&mut self, index: usize) {
        for _ in 0..TIMEOUTS_MAX {
            self.transmit(index);
            self.act(index);
            let node = &mut self.nodes[index].endpoint;
            if node.poll_timeout().is_none_or(|at| at > self.now) {
                return;
            }
            node.handle_timeout(self.now);
        }
        panic!("a timer is due for ever");
    }

    fn transmit(&mut self, index: usize) {
        let mut datagrams = 0;
        let node = &mut self.nodes[index].endpoint;
        while let Some(sent) = node.poll_transmit(self.now, &mut self.buffer, 10) {
            for datagram in self.buffer[..sent.size].chunks(sent.segment_size) {
                datagrams += 1;
                // What was sent to a port that the peer has left is lost.
                let port = self.ports[index ^ 1];
                if sent.destination.port() == port {
                    self.flying[index ^ 1].push_back(datagram.to_vec());
                }
            }
            assert!(datagrams < DATAGRAMS_MAX, "it sends without end");
        }
    }

    fn act(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        while let Some(event) = node.endpoint.poll_event() {
            match event {
                Event::Connected(handle) | Event::Accepted(handle) => node.handles.push(handle),
                Event::Closed(..) => node.excused = true,
                _ => {}
            }
        }
        for handle in &node.handles {
            if let Some(live) = node.endpoint.connection(*handle) {
                let memory = live.stats().stream_memory;
                assert!(memory <= MEMORY_MAX, "{memory} bytes of stream data");
            }
        }
    }

    /// A good network, at last: all that was written arrives, unless somebody did not want it.
    fn calm(&mut self) {
        for _ in 0..CALM {
            self.settle();
            self.read(0);
            self.read(1);
            if self.is_done() {
                break;
            }
            if self.flying.iter().all(VecDeque::is_empty) {
                self.wait();
            } else {
                self.now += Duration::from_millis(1);
            }
            for to in 0..2 {
                for _ in 0..self.flying[to].len() {
                    self.deliver(to, 0);
                }
            }
        }
        assert!(self.is_done(), "what was written has not arrived");
        for (index, node) in self.nodes.iter().enumerate() {
            let other = &self.nodes[index ^ 1];
            for (key, read) in &node.read {
                // With two connections the sides may count them in another order.
                let written = other.written.get(key).copied().unwrap_or(0);
                assert!(*read <= written || other.handles.len() > 1, "more was read than written");
            }
        }
    }

    fn is_done(&self) -> bool {
        let excused = self.nodes.iter().any(|node| node.excused);
        let sum = |map: &BTreeMap<_, usize>| map.values().sum::<usize>();
        let [a, b] = &self.nodes;
        excused || (sum(&a.written) == sum(&b.read) && sum(&b.written) == sum(&a.read))
    }
}

fn read_stream(live: &mut Connection, now: Instant, id: StreamId, done: &mut usize) {
    let mut space = [0; 4096];
    while let Ok(length @ 1..) = live.read(now, id, &mut space) {
        for (index, byte) in space[..length].iter().enumerate() {
            assert_eq!(*byte, pattern(id, *done + index), "other bytes than were written");
        }
        *done += length;
    }
}

/// The byte at an offset of a stream.
fn pattern(id: StreamId, offset: usize) -> u8 {
    let mixed = (id.as_u64() + 1).wrapping_mul(0x9e37_79b9).wrapping_add(offset as u64 * 0x85eb);
    (mixed >> 8 ^ mixed) as u8
}
