//! A simulated network in virtual time: endpoints, the links between them, and nothing else. Public API only.

#![allow(dead_code, reason = "each test binary uses a part of it")]

pub(crate) mod faults;
pub(crate) mod internet;
mod ledger;
pub(crate) mod ways;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use srudp::proto::{
    Connection, ConnectionHandle, Dial, Endpoint, EndpointConfig, Event, Instant, Received,
    SeededEntropy,
};
use srudp::{Identity, PeerId};

use ledger::Ledger;

/// A datagram on its way.
#[derive(Clone, Debug)]
pub(crate) struct Datagram {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) ecn: Option<srudp::proto::EcnMark>,
    pub(crate) payload: Vec<u8>,
}

/// What the network does to a datagram.
pub(crate) trait Network {
    /// Takes a datagram, and says when copies of it arrive, unless it keeps it until [`Self::poll`].
    fn carry(&mut self, now: Instant, datagram: Datagram, out: &mut Vec<(Instant, Datagram)>);

    /// When [`Self::poll`] has something to deliver.
    fn next(&self) -> Option<Instant> {
        None
    }

    fn poll(&mut self, _now: Instant) -> Option<Datagram> {
        None
    }
}

/// Every datagram arrives after the same time.
pub(crate) struct Wire(pub(crate) Duration);

impl Network for Wire {
    fn carry(&mut self, now: Instant, datagram: Datagram, out: &mut Vec<(Instant, Datagram)>) {
        out.push((now + self.0, datagram));
    }
}

/// An endpoint with its address and what it has told so far.
pub(crate) struct Node {
    pub(crate) endpoint: Endpoint,
    pub(crate) address: SocketAddr,
    pub(crate) id: PeerId,
    pub(crate) events: VecDeque<Event>,
    /// Its process stands still until then.
    asleep_until: Option<Instant>,
    /// What its socket holds meanwhile.
    socket: VecDeque<Datagram>,
}

impl Node {
    pub(crate) fn is_asleep(&self) -> bool {
        self.asleep_until.is_some()
    }
}

/// Datagrams that the socket of a sleeping process holds; more are dropped.
const SOCKET: usize = 256;

/// Nodes, a network, and the time.
pub(crate) struct Sim<N> {
    seed: u64,
    pub(crate) now: Instant,
    pub(crate) nodes: Vec<Node>,
    pub(crate) network: N,
    pub(crate) trace: Trace,
    flying: BTreeMap<(Instant, u64), Datagram>,
    count: u64,
    ledger: Ledger,
    /// Steps since the time has moved.
    still: u32,
    buffer: Vec<u8>,
    arrivals: Vec<(Instant, Datagram)>,
    pub(crate) segments: usize,
    /// Tells what is sent and what happens, as it does.
    pub(crate) talkative: bool,
}

/// A hash of everything that was sent, when and by whom (FNV-1a).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) hash: u64,
    pub(crate) datagrams: u64,
    pub(crate) bytes: u64,
}

impl Trace {
    fn note(&mut self, now: Instant, datagram: &Datagram) {
        self.datagrams += 1;
        self.bytes += datagram.payload.len() as u64;
        let head = now.as_nanos().to_be_bytes();
        for byte in head.iter().chain(&datagram.payload) {
            self.hash = (self.hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

pub(crate) fn seconds(now: Instant) -> f64 {
    now.as_nanos() as f64 / 1e9
}

fn tell_datagram(now: Instant, node: usize, datagram: &Datagram) {
    let kind = match datagram.payload[0] {
        0xc0 => "PUNCH".to_owned(),
        0xc8 => "PUBLIC_KEY".to_owned(),
        0xd0 => "SHARED_KEY".to_owned(),
        0xd8 => "ESTABLISH".to_owned(),
        _ => format!("short {:02x}{:02x}", datagram.payload[1], datagram.payload[2]),
    };
    let (to, bytes) = (datagram.to, datagram.payload.len());
    eprintln!("{:11.6} node {node} ─▶ {to} {kind}, {bytes} bytes", seconds(now));
}

pub(crate) fn address(node: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, u8::try_from(node).unwrap() + 1], 4000))
}

impl<N: Network> Sim<N> {
    pub(crate) fn new(seed: u64, network: N, configs: &[EndpointConfig]) -> Self {
        let mut nodes = Vec::new();
        for (index, config) in configs.iter().enumerate() {
            let mut entropy = SeededEntropy::new(seed.wrapping_mul(1000) + index as u64);
            let identity = Identity::from_entropy(&mut entropy);
            let id = identity.peer_id();
            let endpoint = Endpoint::new(config.clone(), identity, Box::new(entropy));
            nodes.push(Node {
                endpoint,
                address: address(index),
                id,
                events: VecDeque::new(),
                asleep_until: None,
                socket: VecDeque::new(),
            });
        }
        Self {
            seed,
            now: Instant::from_nanos(1_000_000_000),
            nodes,
            network,
            trace: Trace { hash: 0xcbf2_9ce4_8422_2325, datagrams: 0, bytes: 0 },
            flying: BTreeMap::new(),
            count: 0,
            ledger: Ledger::default(),
            still: 0,
            buffer: vec![0; 65_536],
            arrivals: Vec::new(),
            segments: 10,
            talkative: false,
        }
    }

    /// The process of a node dies without a word and begins anew, with the same key at the same address.
    pub(crate) fn restart(&mut self, node: usize, config: EndpointConfig) {
        let number = self.seed.wrapping_mul(1000) + node as u64;
        let identity = Identity::from_entropy(&mut SeededEntropy::new(number));
        let entropy = SeededEntropy::new(number + 500);
        self.nodes[node].endpoint = Endpoint::new(config, identity, Box::new(entropy));
        self.nodes[node].events.clear();
    }

    pub(crate) fn dial(&mut self, from: usize, to: usize) -> ConnectionHandle {
        let dial = Dial::new(self.nodes[to].id, self.nodes[to].address);
        self.dial_as(from, &dial, to)
    }

    pub(crate) fn dial_as(&mut self, from: usize, dial: &Dial, to: usize) -> ConnectionHandle {
        self.dial_to(from, dial, self.nodes[to].address)
    }

    pub(crate) fn dial_to(
        &mut self,
        from: usize,
        dial: &Dial,
        remote: SocketAddr,
    ) -> ConnectionHandle {
        self.ledger.named(from, remote);
        let now = self.now;
        self.nodes[from].endpoint.connect(now, dial).unwrap()
    }

    /// Tries whether the peer answers at another address.
    pub(crate) fn probe(
        &mut self,
        node: usize,
        handle: ConnectionHandle,
        remote: SocketAddr,
    ) -> bool {
        self.ledger.named(node, remote);
        self.nodes[node].endpoint.probe(self.now, handle, remote)
    }

    /// Lets a datagram arrive that nobody here has sent, or sent from elsewhere.
    pub(crate) fn inject(&mut self, at: Instant, datagram: Datagram) {
        self.count += 1;
        self.flying.insert((at.max(self.now), self.count), datagram);
    }

    /// The process of a node stands still for so long. What arrives meanwhile waits in its socket.
    pub(crate) fn freeze(&mut self, node: usize, time: Duration) {
        self.nodes[node].asleep_until = Some(self.now + time);
    }

    pub(crate) fn is_frozen(&self, node: usize) -> bool {
        self.nodes[node].is_asleep()
    }

    /// Whose sleep is over reads its socket.
    fn wake(&mut self) {
        for index in 0..self.nodes.len() {
            let now = self.now;
            if self.nodes[index].asleep_until.take_if(|until| *until <= now).is_some() {
                while let Some(datagram) = self.nodes[index].socket.pop_front() {
                    self.deliver(datagram);
                }
            }
        }
    }

    pub(crate) fn connection(&mut self, node: usize, handle: ConnectionHandle) -> &mut Connection {
        self.nodes[node].endpoint.connection(handle).expect("the connection exists")
    }

    /// Bytes that were sent to an address.
    pub(crate) fn sent_to(&self, remote: SocketAddr) -> usize {
        self.ledger.sent_to(remote)
    }

    /// Lets everything that is due happen, and moves the time to the next thing that will, but not beyond `end`. False: that
    /// is where the time stands now.
    pub(crate) fn step(&mut self, end: Instant) -> bool {
        self.flush_all();
        match self.next() {
            Some(next) if next <= end => {
                self.still = if next > self.now { 0 } else { self.still + 1 };
                assert!(self.still < 10_000, "a busy loop: the time does not move");
                self.now = self.now.max(next);
            }
            _ => {
                self.now = self.now.max(end);
                return false;
            }
        }
        self.wake();
        while let Some(entry) = self.flying.first_entry() {
            if entry.key().0 > self.now {
                break;
            }
            let datagram = entry.remove();
            self.deliver(datagram);
        }
        while let Some(datagram) = self.network.poll(self.now) {
            self.deliver(datagram);
        }
        for node in self.nodes.iter_mut().filter(|node| node.asleep_until.is_none()) {
            if node.endpoint.poll_timeout().is_some_and(|at| at <= self.now) {
                node.endpoint.handle_timeout(self.now);
            }
        }
        self.flush_all();
        true
    }

    fn next(&mut self) -> Option<Instant> {
        let arrival = self.flying.first_key_value().map(|(key, _)| key.0);
        let timer = |node: &mut Node| node.asleep_until.or_else(|| node.endpoint.poll_timeout());
        let timers = self.nodes.iter_mut().filter_map(timer).min();
        arrival.into_iter().chain(self.network.next()).chain(timers).min()
    }

    fn deliver(&mut self, mut datagram: Datagram) {
        let Some(index) = self.nodes.iter().position(|node| node.address == datagram.to) else {
            return;
        };
        let node = &mut self.nodes[index];
        if node.asleep_until.is_some() {
            if node.socket.len() < SOCKET {
                node.socket.push_back(datagram);
            }
            return;
        }
        self.ledger.received(index, &datagram);
        let received = Received {
            remote: datagram.from,
            local: None,
            ecn: datagram.ecn,
            segment_size: datagram.payload.len(),
            data: &mut datagram.payload,
        };
        self.nodes[index].endpoint.handle_datagram(self.now, received);
    }

    fn flush_all(&mut self) {
        for index in 0..self.nodes.len() {
            self.flush(index);
        }
    }

    /// Sends what a node has to send and collects what it has to tell.
    pub(crate) fn flush(&mut self, index: usize) {
        let (node, buffer) = (&mut self.nodes[index], &mut self.buffer);
        if node.asleep_until.is_some() {
            return;
        }
        while let Some(transmit) = node.endpoint.poll_transmit(self.now, buffer, self.segments) {
            for payload in buffer[..transmit.size].chunks(transmit.segment_size) {
                let datagram = Datagram {
                    from: node.address,
                    to: transmit.destination,
                    ecn: transmit.ecn,
                    payload: payload.to_vec(),
                };
                self.trace.note(self.now, &datagram);
                if self.talkative {
                    tell_datagram(self.now, index, &datagram);
                }
                self.ledger.sent(index, &datagram);
                self.network.carry(self.now, datagram, &mut self.arrivals);
            }
        }
        while let Some(event) = node.endpoint.poll_event() {
            if self.talkative {
                eprintln!("{:11.6} node {index}: {event:?}", seconds(self.now));
            }
            node.events.push_back(event);
        }
        for (at, datagram) in self.arrivals.drain(..) {
            self.count += 1;
            self.flying.insert((at, self.count), datagram);
        }
    }

    /// Steps until `done`, for at most so much virtual time. Returns whether it was.
    pub(crate) fn run_until(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&mut Self) -> bool,
    ) -> bool {
        let end = self.now + limit;
        loop {
            if done(self) {
                return true;
            }
            if !self.step(end) {
                return done(self);
            }
        }
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Takes the first event that fits.
    pub(crate) fn take<T>(&mut self, node: usize, fits: impl Fn(&Event) -> Option<T>) -> Option<T> {
        let events = &mut self.nodes[node].events;
        let found = events.iter().position(|event| fits(event).is_some())?;
        fits(&events.remove(found)?)
    }

    pub(crate) fn wait_for<T>(
        &mut self,
        node: usize,
        what: &str,
        fits: impl Fn(&Event) -> Option<T>,
    ) -> T {
        let mut found = None;
        self.run_until(Duration::from_secs(30), |sim| {
            found = sim.take(node, &fits);
            found.is_some()
        });
        found.unwrap_or_else(|| panic!("node {node} never told: {what}"))
    }

    /// Dials and waits until both sides have a connection.
    pub(crate) fn connect(
        &mut self,
        from: usize,
        to: usize,
    ) -> (ConnectionHandle, ConnectionHandle) {
        self.dial(from, to);
        let ours = self.wait_for(from, "connected", connected);
        let theirs = self.wait_for(to, "accepted", accepted);
        (ours, theirs)
    }
}

pub(crate) fn connected(event: &Event) -> Option<ConnectionHandle> {
    match event {
        Event::Connected(handle) => Some(*handle),
        _ => None,
    }
}

pub(crate) fn accepted(event: &Event) -> Option<ConnectionHandle> {
    match event {
        Event::Accepted(handle) => Some(*handle),
        _ => None,
    }
}

pub(crate) fn closed(event: &Event) -> Option<(ConnectionHandle, srudp::ConnectionError)> {
    match event {
        Event::Closed(handle, reason) => Some((*handle, reason.clone())),
        _ => None,
    }
}

/// Listens.
pub(crate) fn listener() -> EndpointConfig {
    EndpointConfig::default().accept(true)
}

/// Only dials.
pub(crate) fn dialler() -> EndpointConfig {
    EndpointConfig::default()
}
