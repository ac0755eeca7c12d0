//! Two hosts behind boxes, and the Internet between them, for machines that have several sockets and care for the TTL.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::services::{Sent, Services};
use super::tubes::{End, Piece, Tube, Tubes, pieces};
use srudp::nat::{PunchTransmit, SocketId};
use srudp::proto::Instant;
use srudp_links::{Generator, Nat, NatChain, NatConfig, Route};

/// From a host to the other.
pub(crate) const DELAY: Duration = Duration::from_millis(20);

/// Where addresses are asked for.
const STUN: [u8; 4] = [192, 0, 2, 1];

/// Somebody who has nothing to do with them.
pub(crate) const STRANGER: [u8; 4] = [198, 51, 100, 200];

/// A machine on one of the hosts.
pub(crate) trait Machine {
    fn receive(&mut self, now: Instant, socket: SocketId, from: SocketAddr, datagram: &mut [u8]);
    fn tick(&mut self, now: Instant);
    fn transmit(&mut self, now: Instant) -> Option<PunchTransmit>;
    fn timeout(&mut self) -> Option<Instant>;

    /// A TCP connection to the relay to make, or else to end. Most machines have none.
    fn poll_stream(&mut self) -> Option<(SocketId, bool)> {
        None
    }

    /// Something has happened to one.
    fn on_stream(&mut self, _now: Instant, _stream: SocketId, _piece: &Piece) {}
}

/// What stands between a host and the Internet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    /// The nearest to the host first.
    pub(crate) boxes: Vec<NatConfig>,
    /// Only those who were sent to come in.
    pub(crate) firewall: bool,
    pub(crate) blocked: bool,
}

struct Host {
    access: Access,
    chain: NatChain,
    known: BTreeSet<(SocketAddr, SocketAddr)>,
    /// The sockets that were used, by their addresses.
    sockets: BTreeMap<SocketAddr, SocketId>,
    asked: u16,
    /// Addresses that it had in its network before.
    former: u8,
}

/// Where a packet is going to.
#[derive(Clone, Copy)]
enum Place {
    Host(usize),
    Services,
}

struct Packet {
    from: SocketAddr,
    to: SocketAddr,
    payload: Vec<u8>,
}

enum Flying {
    Packet(Place, Packet),
    Piece(Tube, End, Piece),
}

pub(crate) struct World {
    hosts: [Host; 2],
    flying: BTreeMap<(Duration, u64), Flying>,
    tubes: Tubes,
    pub(crate) services: Services,
    /// Nothing goes from one host to the other without a relay.
    pub(crate) cut: bool,
    count: u64,
    loss: f64,
    generator: Generator,
    pub(crate) now: Duration,
    /// Datagrams of each host.
    pub(crate) sent: [usize; 2],
    /// Those of a search for a direct path among them.
    pub(crate) checks: [usize; 2],
    /// The sizes of what went to the stranger.
    pub(crate) astray: Vec<usize>,
}

impl World {
    pub(crate) fn new(seed: u64, loss: f64, accesses: [Access; 2]) -> Self {
        let mut number = seed.wrapping_mul(16);
        let hosts = accesses.map(|access| {
            let boxes = access.boxes.iter().map(|config| {
                number += 1;
                Nat::new(config.clone(), number)
            });
            let chain = NatChain::new(boxes.collect());
            Host {
                access,
                chain,
                known: BTreeSet::new(),
                sockets: BTreeMap::new(),
                asked: 0,
                former: 0,
            }
        });
        Self {
            hosts,
            flying: BTreeMap::new(),
            tubes: Tubes::default(),
            services: Services::new(),
            cut: false,
            count: 0,
            loss,
            generator: Generator::new(seed),
            now: Duration::ZERO,
            sent: [0; 2],
            checks: [0; 2],
            astray: Vec::new(),
        }
    }

    /// The address of a socket as its host sees it.
    pub(crate) fn local(&self, host: usize, socket: SocketId) -> SocketAddr {
        let port = port_of(socket);
        let last = u8::try_from(host).unwrap() + 1;
        let Host { access, former, .. } = &self.hosts[host];
        let ip = if access.boxes.is_empty() {
            [198, 51, 100, last]
        } else {
            [192, 168, last, 2 + former]
        };
        SocketAddr::from((ip, port))
    }

    /// The address of a socket as a server sees it, or another one at every call. `None` if nothing comes through.
    pub(crate) fn observe(&mut self, host: usize, socket: SocketId) -> Option<SocketAddr> {
        let local = self.local(host, socket);
        let now = self.now;
        let host = &mut self.hosts[host];
        host.asked += 1;
        let server = SocketAddr::from((STUN, 3478 + host.asked));
        host.sockets.insert(local, socket);
        match host.chain.outbound(now, local, server) {
            Some(Route::Outside(address)) if !host.access.blocked => Some(address),
            _ => None,
        }
    }

    /// The host gets another address in its network. What comes for the old one is lost.
    pub(crate) fn renumber_host(&mut self, host: usize) {
        let host = &mut self.hosts[host];
        assert!(!host.access.boxes.is_empty(), "its address is that of the Internet");
        host.former += 1;
        host.sockets.clear();
    }

    /// The router that is nearest to the Internet gets another address there, and forgets all mappings.
    pub(crate) fn renumber_router(&mut self, host: usize) {
        let last = u8::try_from(host).unwrap() + 1;
        let nearest = self.hosts[host].chain.boxes().last_mut().expect("a router");
        let IpAddr::V4(old) = nearest.external() else { panic!("of IPv4") };
        let [a, b, c, _] = old.octets();
        nearest.set_external([a, b, c + 1, last].into());
    }

    pub(crate) fn layers(&self, host: usize) -> u8 {
        u8::try_from(self.hosts[host].access.boxes.len()).unwrap()
    }

    /// Runs both machines until `done`, or until nothing happens any more.
    pub(crate) fn run<M: Machine>(
        &mut self,
        machines: &mut [M; 2],
        done: impl FnMut(&mut [M; 2]) -> bool,
    ) {
        self.run_until(Duration::from_secs(3600), machines, done);
    }

    /// The same, but no longer than until `end`.
    pub(crate) fn run_until<M: Machine>(
        &mut self,
        end: Duration,
        machines: &mut [M; 2],
        mut done: impl FnMut(&mut [M; 2]) -> bool,
    ) {
        for _ in 0..10_000_000 {
            for (number, machine) in machines.iter_mut().enumerate() {
                while let Some((stream, open)) = machine.poll_stream() {
                    self.change_stream((number, stream), open);
                }
                while let Some(transmit) = machine.transmit(instant(self.now)) {
                    self.send(number, transmit);
                }
            }
            if done(machines) {
                return;
            }
            let arrival = self.flying.first_key_value().map(|((at, _), _)| *at);
            let timers = machines.iter_mut().filter_map(Machine::timeout);
            let timer = timers.min().map(|at| Duration::from_nanos(at.as_nanos()));
            let next = arrival.into_iter().chain(timer).min();
            let Some(next) = next.filter(|next| *next <= end) else {
                return self.now = self.now.max(next.map_or(self.now, |_| end));
            };
            self.now = self.now.max(next);
            while let Some(entry) =
                self.flying.first_entry().filter(|entry| entry.key().0 <= self.now)
            {
                match entry.remove() {
                    Flying::Packet(to, packet) => self.arrive(to, packet, machines),
                    Flying::Piece(tube, to, piece) => self.come_out(tube, to, &piece, machines),
                }
            }
            machines.iter_mut().for_each(|machine| machine.tick(instant(self.now)));
        }
        let timers = machines.each_mut().map(Machine::timeout);
        panic!("it never ends: {:?} {timers:?}", self.now);
    }

    fn send(&mut self, number: usize, transmit: PunchTransmit) {
        self.sent[number] += 1;
        self.checks[number] += usize::from(is_check(&transmit));
        let tube = (number, transmit.socket);
        if self.tubes.is_open(tube) {
            return pieces(&transmit.payload).for_each(|it| self.push(tube, End::Relay, it, 1));
        }
        let local = self.local(number, transmit.socket);
        let host = &mut self.hosts[number];
        host.sockets.insert(local, transmit.socket);
        let ttl = usize::from(transmit.ttl.unwrap_or(64));
        let boxes = host.access.boxes.len();
        if host.access.blocked || ttl <= boxes {
            return;
        }
        let (from, to) = match host.chain.outbound(self.now, local, transmit.destination) {
            Some(Route::Outside(from)) => (from, transmit.destination),
            _ => return,
        };
        host.known.insert((from, to));
        // The router between the two networks.
        if ttl == boxes + 1 || self.generator.chance(self.loss) {
            return;
        }
        let packet = Packet { from, to, payload: transmit.payload };
        self.note(to, &packet.payload);
        if Services::own(to) {
            self.fly(Place::Services, packet);
        } else if !self.cut {
            self.fly(Place::Host(1 - number), packet);
        }
    }

    fn note(&mut self, to: SocketAddr, payload: &[u8]) {
        if to.ip() == IpAddr::from(STRANGER) {
            self.astray.push(payload.len());
        }
    }

    /// A host's network lets TCP out, whatever it does to UDP.
    fn change_stream(&mut self, tube: Tube, open: bool) {
        if open {
            self.tubes.open(tube);
            self.services.open(tube);
            self.push(tube, End::Host, Piece::Opened, 2);
        } else {
            self.tubes.close(tube);
            self.services.close(tube);
        }
    }

    /// All TCP connections of a host break.
    pub(crate) fn break_streams(&mut self, host: usize) {
        for tube in self.tubes.all().into_iter().filter(|(of, _)| *of == host) {
            self.services.close(tube);
            self.push(tube, End::Host, Piece::Ended, 1);
        }
    }

    fn push(&mut self, tube: Tube, to: End, piece: Piece, delays: u32) {
        let mut losses = 0;
        while self.generator.chance(self.loss) {
            losses += 1;
        }
        if let Some(at) = self.tubes.arrival(tube, to, self.now + DELAY * delays, losses) {
            self.count += 1;
            self.flying.insert((at, self.count), Flying::Piece(tube, to, piece));
        }
    }

    fn come_out<M: Machine>(&mut self, tube: Tube, to: End, piece: &Piece, machines: &mut [M; 2]) {
        let (number, stream) = tube;
        match (to, piece) {
            _ if !self.tubes.is_open(tube) => {}
            (End::Host, piece) => {
                if matches!(piece, Piece::Ended) {
                    self.tubes.close(tube);
                }
                machines[number].on_stream(instant(self.now), stream, piece);
            }
            (End::Relay, Piece::Bytes(bytes)) => {
                let sent = self.services.read(tube, bytes);
                self.serve(sent);
            }
            (End::Relay, _) => {}
        }
    }

    fn fly(&mut self, place: Place, packet: Packet) {
        self.count += 1;
        self.flying.insert((self.now + DELAY, self.count), Flying::Packet(place, packet));
    }

    /// What servers send goes to the hosts.
    fn serve(&mut self, sent: Vec<Sent>) {
        for sent in sent {
            let (from, to, payload) = match sent {
                Sent::Packet(packet) => packet,
                Sent::Bytes(tube, bytes) => {
                    pieces(&bytes).for_each(|piece| self.push(tube, End::Host, piece, 1));
                    continue;
                }
            };
            self.note(to, &payload);
            let lost = self.generator.chance(self.loss);
            // The last number of an address is that of the host that is behind it.
            let IpAddr::V4(ip) = to.ip() else { continue };
            let host = usize::from(ip.octets()[3]).wrapping_sub(1);
            if host < 2 && !lost {
                self.fly(Place::Host(host), Packet { from, to, payload });
            }
        }
    }

    fn arrive<M: Machine>(&mut self, place: Place, packet: Packet, machines: &mut [M; 2]) {
        let Packet { from, to, mut payload } = packet;
        let number = match place {
            Place::Host(number) => number,
            Place::Services => {
                let sent = self.services.receive(instant(self.now), (from, to), &payload);
                return self.serve(sent);
            }
        };
        let host = &mut self.hosts[number];
        if host.access.blocked || host.access.firewall && !host.known.contains(&(to, from)) {
            return;
        }
        let inside = host.chain.inbound(self.now, from, to);
        if let Some(socket) = inside.and_then(|local| host.sockets.get(&local)) {
            machines[number].receive(instant(self.now), *socket, from, &mut payload);
        }
    }
}

/// What relays are to pass on is wrapped.
fn is_check(transmit: &PunchTransmit) -> bool {
    matches!(transmit.payload.first(), Some(0x50..=0x5f))
}

/// Ports have no order.
pub(crate) fn port_of(socket: SocketId) -> u16 {
    33_000 + socket.number().wrapping_mul(27_611) % 30_000
}

pub(crate) fn instant(time: Duration) -> Instant {
    Instant::ZERO + time
}
