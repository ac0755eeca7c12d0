//! The Internet of the demonstration: two hosts behind their NATs, bad links, a STUN server and a relay, in this process and in real time.
//!
//! ```text
//!  left ─ NATs ─ firewall ══ link ══╗                     ╔══ link ══ firewall ─ NATs ─ right
//!                                   ╠════ STUN server ════╣
//!                                   ╚═══════ relay ═══════╝
//! ```
//!
//! A link has two halves, one for each host, so that a path between the hosts is twice as long and bad as one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::thread;
use std::time::{self, Duration};

use srudp::SystemEntropy;
use srudp::nat::stun::{Server, ServerConfig};
use srudp::nat::{LocalNetwork, SocketId};
use srudp::proto::Instant;
use srudp_links::{Link, LinkConfig, LinkStats, Nat, NatChain, Packet, Route};

use super::kind::Kind;
use super::relay::Relay;
use crate::clock;

/// Where STUN is answered: two addresses and two ports, so that it can tell everything (RFC 5780).
pub(super) const SERVERS: [([u8; 4], u16); 2] = [([192, 0, 2, 1], 3478), ([192, 0, 2, 2], 3479)];

/// What the Internet sees of the two hosts.
const EXTERNAL: [[u8; 4]; 2] = [[203, 0, 113, 10], [198, 51, 100, 20]];

/// How many routers forward a packet.
const TTL: u8 = 64;

/// The longest sleep, in case that nothing is due.
const NAP: Duration = Duration::from_millis(20);

/// A datagram that a machine wants to be sent.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) socket: SocketId,
    pub(super) to: SocketAddr,
    /// As usual if `None`.
    pub(super) ttl: Option<u8>,
    pub(super) payload: Vec<u8>,
}

/// A machine on one of the hosts.
pub(super) trait Machine {
    fn receive(&mut self, now: Instant, socket: SocketId, from: SocketAddr, datagram: &mut [u8]);
    fn tick(&mut self, now: Instant);
    fn transmit(&mut self, now: Instant, out: &mut Vec<Outgoing>);
    fn timeout(&mut self) -> Option<Instant>;
}

/// A host, what stands between it and the Internet, and its half of the links.
struct Host {
    kind: Kind,
    address: IpAddr,
    external: IpAddr,
    chain: NatChain,
    layers: u8,
    /// Whom the firewall has seen to be sent to.
    known: BTreeSet<(SocketAddr, SocketAddr)>,
    sockets: BTreeMap<SocketAddr, SocketId>,
    up: Link,
    down: Link,
    /// Packets that a NAT turned back.
    turned: Vec<Packet>,
    effort: Effort,
}

/// What a host has sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Effort {
    pub(super) datagrams: u64,
    pub(super) sockets: BTreeSet<SocketId>,
    pub(super) addresses: BTreeSet<SocketAddr>,
}

/// Everything but the machines.
pub(super) struct World {
    begin: time::Instant,
    hosts: [Host; 2],
    server: Server,
    relay: Relay,
}

impl World {
    /// `half`: what is wrong with one half of the links.
    pub(super) fn new(
        kinds: [Kind; 2],
        half: &LinkConfig,
        seed: u64,
        entropy: &mut SystemEntropy,
    ) -> Self {
        let [primary, other] = SERVERS.map(SocketAddr::from);
        let alone = ServerConfig::new(primary);
        let config = alone.clone().with_other(other).unwrap_or(alone);
        let host = |number: usize| Host::new(kinds[number], number, half, seed);
        let server = Server::new(config, entropy);
        Self { begin: clock::now(), hosts: [host(0), host(1)], server, relay: Relay::default() }
    }

    pub(super) fn now(&self) -> Instant {
        Instant::ZERO + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        clock::now().duration_since(self.begin)
    }

    /// The network that the host is in, by its own address.
    pub(super) fn network(&self, host: usize) -> LocalNetwork {
        LocalNetwork::new("eth0", self.hosts[host].address, 24)
    }

    /// Datagrams that the relay has passed on.
    pub(super) fn relayed(&self) -> u64 {
        self.relay.passed
    }

    /// What both hosts have sent since [`Self::count_anew`].
    pub(super) fn efforts(&self) -> [&Effort; 2] {
        self.hosts.each_ref().map(|host| &host.effort)
    }

    /// From now on it counts what is sent.
    pub(super) fn count_anew(&mut self) {
        self.hosts.iter_mut().for_each(|host| host.effort = Effort::default());
    }

    /// What became of the packets on the links.
    pub(super) fn link_stats(&self) -> impl Iterator<Item = LinkStats> {
        self.hosts.iter().flat_map(|host| [host.up.stats(), host.down.stats()])
    }

    /// Lets both machines run until `done`.
    pub(super) fn run<M: Machine>(
        &mut self,
        machines: &mut [M; 2],
        mut done: impl FnMut(&Self, &mut [M; 2]) -> bool,
    ) {
        let mut out = Vec::new();
        loop {
            let now = self.now();
            for (host, machine) in self.hosts.iter_mut().zip(machines.iter_mut()) {
                machine.tick(now);
                machine.transmit(now, &mut out);
                out.drain(..).for_each(|outgoing| host.send(elapsed(now), outgoing));
            }
            if done(self, machines) {
                return;
            }
            let timers = machines.iter_mut().filter_map(Machine::timeout).map(elapsed);
            let next = timers.chain(self.hosts.iter().filter_map(Host::next)).min();
            let wait = next.map_or(NAP, |at| at.saturating_sub(self.elapsed()).min(NAP));
            if !wait.is_zero() {
                thread::sleep(wait);
            }
            self.carry();
            let now = self.now();
            for (host, machine) in self.hosts.iter_mut().zip(machines.iter_mut()) {
                host.deliver(now, machine);
            }
        }
    }

    /// From the upper halves of the links to the lower ones, and to the server and back.
    fn carry(&mut self) {
        let now = self.elapsed();
        for number in 0..self.hosts.len() {
            while let Some(packet) = self.hosts[number].up.poll(now) {
                if self.server.addresses().contains(&packet.to) {
                    let at = Instant::ZERO + now;
                    self.server.handle_datagram(at, packet.to, packet.from, &packet.payload);
                } else if Relay::owns(packet.to) {
                    let passed = self.relay.receive(packet);
                    passed.into_iter().for_each(|packet| self.forward(now, packet));
                } else {
                    self.forward(now, packet);
                }
            }
        }
        while let Some(answer) = self.server.poll_transmit() {
            self.forward(now, Packet::new(answer.source, answer.destination, answer.payload));
        }
    }

    fn forward(&mut self, now: Duration, packet: Packet) {
        if let Some(host) = self.hosts.iter_mut().find(|host| host.external == packet.to.ip()) {
            host.down.send(now, packet);
        }
    }
}

impl Host {
    fn new(kind: Kind, number: usize, half: &LinkConfig, seed: u64) -> Self {
        let external = IpAddr::from(EXTERNAL[number]);
        let boxes = kind.boxes(external);
        let site = u8::try_from(number).unwrap_or(0) + 1;
        let address = if boxes.is_empty() { external } else { [192, 168, site, 2].into() };
        let part = seed.wrapping_mul(16).wrapping_add(u64::from(site) * 8);
        let layers = u8::try_from(boxes.len()).unwrap_or(u8::MAX);
        let boxes = (part..).zip(boxes).map(|(seed, config)| Nat::new(config, seed));
        Self {
            kind,
            address,
            external,
            chain: NatChain::new(boxes.collect()),
            layers,
            known: BTreeSet::new(),
            sockets: BTreeMap::new(),
            up: Link::new(half.clone(), part.wrapping_add(6)),
            down: Link::new(half.clone(), part.wrapping_add(7)),
            turned: Vec::new(),
            effort: Effort::default(),
        }
    }

    fn next(&self) -> Option<Duration> {
        let turned = (!self.turned.is_empty()).then_some(Duration::ZERO);
        [turned, self.up.next_deadline(), self.down.next_deadline()].into_iter().flatten().min()
    }

    fn send(&mut self, now: Duration, outgoing: Outgoing) {
        self.effort.datagrams += 1;
        self.effort.sockets.insert(outgoing.socket);
        self.effort.addresses.insert(outgoing.to);
        if self.kind == Kind::Blocked {
            return;
        }
        let from = SocketAddr::new(self.address, port(outgoing.socket));
        self.sockets.insert(from, outgoing.socket);
        match self.chain.outbound(now, from, outgoing.to) {
            Some(Route::Inside { from, to }) => {
                self.turned.push(Packet::new(from, to, outgoing.payload));
            }
            Some(Route::Outside(from)) => {
                self.known.insert((from, outgoing.to));
                // One router more than the NATs before the path forks.
                if outgoing.ttl.unwrap_or(TTL) > self.layers + 1 {
                    self.up.send(now, Packet::new(from, outgoing.to, outgoing.payload));
                }
            }
            None => {}
        }
    }

    /// Hands over what has arrived.
    fn deliver(&mut self, now: Instant, machine: &mut impl Machine) {
        for mut packet in std::mem::take(&mut self.turned) {
            if let Some(socket) = self.sockets.get(&packet.to) {
                machine.receive(now, *socket, packet.from, &mut packet.payload);
            }
        }
        while let Some(mut packet) = self.down.poll(elapsed(now)) {
            let unasked = !self.known.contains(&(packet.to, packet.from));
            if self.kind == Kind::Blocked || self.kind == Kind::Firewall && unasked {
                continue;
            }
            let inside = self.chain.inbound(elapsed(now), packet.from, packet.to);
            if let Some(socket) = inside.and_then(|local| self.sockets.get(&local)) {
                machine.receive(now, *socket, packet.from, &mut packet.payload);
            }
        }
    }
}

/// The port of a socket. They have no order, as those that a system gives out; none comes twice, for 27,611 and 30,000 have no common divisor.
pub(super) fn port(socket: SocketId) -> u16 {
    let port = 33_000 + u32::from(socket.number()) * 27_611 % 30_000;
    u16::try_from(port).unwrap_or(u16::MAX)
}

fn elapsed(now: Instant) -> Duration {
    Duration::from_nanos(now.as_nanos())
}
