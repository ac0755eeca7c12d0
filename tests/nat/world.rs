//! One host with many sockets, boxes before it, and STUN servers on the other side, in virtual time.
//!
//! ```text
//!  machine ─▶ host ─▶ boxes ─▶ firewall ─▶ 20 ms, loss ─▶ servers
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use srudp::nat::stun::{Attribute, Message, Server, ServerConfig};
use srudp::nat::{Machine, SocketId, Transmit};
use srudp::proto::{Instant, SeededEntropy};
use srudp_links::{Generator, Nat, NatChain, NatConfig, Packet, Route};

const DELAY: Duration = Duration::from_millis(20);

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(crate) const PRIMARY: &str = "198.51.100.1:3478";
pub(crate) const OTHER: &str = "198.51.100.2:3479";

/// The local addresses of the host's sockets; their ports have no order.
pub(crate) fn sockets(count: u16) -> Vec<SocketAddr> {
    let port = |number: u16| 33_000 + number.wrapping_mul(27_611) % 30_000;
    (0..count).map(|number| SocketAddr::from(([192, 168, 0, 2], port(number)))).collect()
}

pub(crate) struct World {
    sockets: Vec<SocketAddr>,
    chain: NatChain,
    /// Whom the host has sent to, where a firewall cares.
    firewall: Option<BTreeSet<(SocketAddr, SocketAddr)>>,
    servers: Vec<Server>,
    on_the_way: BTreeMap<(Duration, u64), Packet>,
    count: u64,
    loss: f64,
    /// The servers do not see questions with RESPONSE-PORT.
    deaf: bool,
    generator: Generator,
    pub(crate) now: Duration,
    pub(crate) sent: usize,
}

impl World {
    /// A host with these sockets behind these boxes, the nearest first, and a server with two addresses.
    pub(crate) fn new(sockets: Vec<SocketAddr>, boxes: Vec<NatConfig>) -> Self {
        let boxes = (1..).zip(boxes).map(|(seed, config)| Nat::new(config, seed)).collect();
        let mut world = Self {
            sockets,
            chain: NatChain::new(boxes),
            firewall: None,
            servers: Vec::new(),
            on_the_way: BTreeMap::new(),
            count: 0,
            loss: 0.0,
            deaf: false,
            generator: Generator::new(7),
            now: Duration::ZERO,
            sent: 0,
        };
        let config = ServerConfig::new(address(PRIMARY)).with_other(address(OTHER)).unwrap();
        world.serve(config);
        world
    }

    /// Adds a server.
    pub(crate) fn serve(&mut self, config: ServerConfig) {
        self.servers.push(Server::new(config, &mut SeededEntropy::new(9)));
    }

    pub(crate) fn without_servers(mut self) -> Self {
        self.servers.clear();
        self
    }

    pub(crate) fn without_response_port(mut self) -> Self {
        self.deaf = true;
        self
    }

    pub(crate) fn firewall(mut self) -> Self {
        self.firewall = Some(BTreeSet::new());
        self
    }

    pub(crate) fn loss(mut self, loss: f64, seed: u64) -> Self {
        (self.loss, self.generator) = (loss, Generator::new(seed));
        self
    }

    /// Runs until the machine has nothing more to wait for.
    pub(crate) fn run(&mut self, machine: &mut dyn Machine) {
        for _ in 0..100_000 {
            while let Some(transmit) = machine.poll_transmit() {
                self.send(transmit);
            }
            let Some(timer) = machine.poll_timeout() else { return };
            let timer = Duration::from_nanos(timer.as_nanos());
            let arrival = self.on_the_way.first_key_value().map(|((at, _), _)| *at);
            self.now = self.now.max(arrival.map_or(timer, |at| at.min(timer)));
            let now = instant(self.now);
            match self.on_the_way.first_entry() {
                Some(entry) if entry.key().0 <= self.now => {
                    let packet = entry.remove();
                    self.arrive(packet, machine);
                }
                _ => machine.handle_timeout(now),
            }
        }
        panic!("the machine never ends");
    }

    fn send(&mut self, transmit: Transmit) {
        self.sent += 1;
        let from = self.sockets[usize::from(transmit.socket.number())];
        let to = transmit.destination;
        let packet = match self.chain.outbound(self.now, from, to) {
            None => return,
            Some(Route::Outside(source)) => Packet::new(source, to, transmit.payload),
            Some(Route::Inside { from, to }) => {
                return self.put(Packet::new(from, to, transmit.payload));
            }
        };
        if let Some(known) = &mut self.firewall {
            known.insert((packet.from, packet.to));
        }
        self.carry(packet);
    }

    fn carry(&mut self, packet: Packet) {
        if !self.generator.chance(self.loss) {
            self.put(packet);
        }
    }

    fn put(&mut self, packet: Packet) {
        self.count += 1;
        self.on_the_way.insert((self.now + DELAY, self.count), packet);
    }

    fn arrive(&mut self, packet: Packet, machine: &mut dyn Machine) {
        let now = instant(self.now);
        let Packet { from, to, payload, .. } = packet;
        let serving = self.servers.iter().position(|server| server.addresses().contains(&to));
        if let Some(index) = serving {
            let asks = |attribute| matches!(attribute, Attribute::ResponsePort(_));
            if self.deaf && Message::decode(&payload).unwrap().attributes().any(asks) {
                return;
            }
            self.servers[index].handle_datagram(now, to, from, &payload);
            while let Some(response) = self.servers[index].poll_transmit() {
                self.carry(Packet::new(response.source, response.destination, response.payload));
            }
            return;
        }
        if self.firewall.as_ref().is_some_and(|known| !known.contains(&(to, from))) {
            return;
        }
        // What a box turned back is inside already.
        let inside = self.sockets.contains(&to).then_some(to);
        let inside = inside.or_else(|| self.chain.inbound(self.now, from, to));
        let socket = inside.and_then(|to| self.sockets.iter().position(|own| *own == to));
        if let Some(number) = socket {
            let socket = SocketId::new(u16::try_from(number).unwrap());
            machine.handle_datagram(now, socket, from, &payload);
        }
    }
}

pub(crate) fn instant(time: Duration) -> Instant {
    Instant::ZERO + time
}
