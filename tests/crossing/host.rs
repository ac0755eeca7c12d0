//! A whole node on one of the hosts, which sends bytes to its peer and checks those that come.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use srudp::nat::{
    Candidate, CandidateKind, Description, GatherConfig, Gathered, Offer, PunchConfig,
    PunchTransmit, SeenOffers, SocketId, SocketRequest,
};
use srudp::node::{Node, NodeEvent, Route, SearchHandle};
use srudp::proto::{
    ConnectionHandle, Endpoint, EndpointConfig, Event, Instant, Received, SeededEntropy,
    TransportConfig,
};
use srudp::{Direction, Identity, StreamId};

use super::kinds::Kind;
use super::services;
use super::tubes::Piece;
use super::world::{Machine, STRANGER, World, instant, port_of};

/// Unix time at which everything happens.
const UNIX: u64 = 1_800_000_000;

/// Bytes that a host sends per second, and how often it writes.
const RATE: u64 = 1_000_000;
const WRITES: Duration = Duration::from_millis(10);

/// The bytes of every transfer.
pub(crate) fn byte(place: usize) -> u8 {
    (place * 7 + place / 251) as u8
}

pub(crate) struct Host {
    pub(crate) node: Node,
    ip: SocketAddr,
    pub(crate) gathered: Option<Box<Gathered>>,
    search: Option<SearchHandle>,
    pub(crate) connection: Option<ConnectionHandle>,
    /// There is no path, and none will be found.
    pub(crate) failed: bool,
    /// All that the node has told beside what the endpoint has.
    pub(crate) events: Vec<(Instant, NodeEvent)>,
    pub(crate) accepted: bool,
    pub(crate) closed: bool,
    pub(crate) opened: Vec<SocketId>,
    /// TCP connections to make, or else to end.
    streams: VecDeque<(SocketId, bool)>,
    /// How much to send.
    pub(crate) total: usize,
    sending: Option<(StreamId, usize)>,
    /// When it may write more.
    next_write: Instant,
    receiving: Option<StreamId>,
    pub(crate) received: usize,
    /// When bytes came in last, and the longest time without any since the first.
    last: Option<Instant>,
    pub(crate) longest_pause: Duration,
    relays: bool,
    /// It does as it is told when what was gathered is outdated.
    renews: bool,
    measures: bool,
}

impl Host {
    fn new(world: &World, number: usize, meeting: &Meeting) -> Self {
        let Meeting { seed, total, accept, measures, .. } = *meeting;
        let identity = identity(number);
        let entropy = |more: u64| Box::new(SeededEntropy::new(seed * 8 + more + number as u64));
        let mut config = EndpointConfig::default().accept(accept);
        if measures {
            // Keep-alives are due before the half of it.
            let transport = TransportConfig::default().idle_timeout(Duration::from_secs(600));
            config = config.transport(transport);
        }
        let endpoint = Endpoint::new(config, identity, entropy(2));
        Self {
            node: Node::new(endpoint, entropy(4)),
            ip: world.local(number, SocketId::MAIN),
            gathered: None,
            search: None,
            connection: None,
            failed: false,
            events: Vec::new(),
            accepted: false,
            closed: false,
            opened: Vec::new(),
            streams: VecDeque::new(),
            total,
            sending: None,
            next_write: Instant::ZERO,
            receiving: None,
            received: 0,
            last: None,
            longest_pause: Duration::ZERO,
            relays: meeting.relays[number],
            renews: meeting.renews,
            measures,
        }
    }

    /// It finds out where it may be reached, from now on.
    pub(crate) fn gather_anew(&mut self, world: &World) {
        self.gather(instant(world.now));
        self.settle(instant(world.now));
    }

    fn gather(&mut self, now: Instant) {
        let relays = if self.relays { vec![services::relay_config()] } else { vec![] };
        let config = GatherConfig::new(self.ip).servers(&[services::stun()]).relays(&relays);
        let config = if self.measures { config.measure_lifetime() } else { config };
        self.node.gather(now, config);
    }

    fn settle(&mut self, now: Instant) {
        while let Some(request) = self.node.poll_request() {
            match request {
                SocketRequest::Open(socket) => {
                    assert!(!self.opened.contains(&socket), "{socket:?} is open");
                    self.opened.push(socket);
                    let local = SocketAddr::new(self.ip.ip(), port_of(socket));
                    self.node.handle_opened(now, socket, Some(local));
                }
                SocketRequest::Connect(stream, server) => {
                    assert_eq!(server, services::relay_config().server());
                    self.streams.push_back((stream, true));
                }
                // Relays have numbers below those of spare sockets.
                SocketRequest::Close(stream) if stream.number() < 512 => {
                    self.streams.push_back((stream, false));
                }
                SocketRequest::Close(socket) => {
                    assert!(self.opened.contains(&socket), "{socket:?} is not open");
                    self.opened.retain(|open| *open != socket);
                }
            }
        }
        while let Some(event) = self.node.poll_event() {
            match event {
                NodeEvent::Transport(Event::Connected(handle)) => self.connection = Some(handle),
                NodeEvent::Transport(Event::Accepted(handle)) => {
                    self.connection = Some(handle);
                    let search = self.search.take();
                    search.and_then(|search| self.node.abandon(now, search));
                    self.accepted = true;
                }
                NodeEvent::Transport(Event::Closed(..)) => self.closed = true,
                NodeEvent::Transport(_) => {}
                NodeEvent::Gathered(gathered) => self.gathered = Some(gathered),
                event => {
                    if self.renews && event == NodeEvent::Outdated {
                        self.gather(now);
                    }
                    self.failed |= matches!(event, NodeEvent::NotFound(..));
                    self.events.push((now, event));
                }
            }
        }
        if let Some(handle) = self.connection {
            self.carry(now, handle);
        }
    }

    /// Sends bytes on a stream of its own, and reads those of the peer.
    fn carry(&mut self, now: Instant, handle: ConnectionHandle) {
        let Some(connection) = self.node.endpoint().connection(handle) else { return };
        if self.sending.is_none() {
            self.sending = connection.open_stream(Direction::Unidirectional).map(|id| (id, 0));
        }
        if let Some((id, sent)) = &mut self.sending
            && self.next_write <= now
        {
            let more = usize::try_from(RATE).unwrap() / 100;
            let end = self.total.min(*sent + more);
            let data: Vec<u8> = (*sent..end).map(byte).collect();
            *sent += connection.write(*id, &data).unwrap_or(0);
            self.next_write = now + WRITES;
        }
        if self.receiving.is_none() {
            self.receiving = connection.accept_stream(Direction::Unidirectional);
        }
        let mut buffer = [0; 4096];
        while let Some(Ok(read @ 1..)) =
            self.receiving.map(|id| connection.read(now, id, &mut buffer))
        {
            let right =
                buffer[..read].iter().zip(self.received..).all(|(got, at)| *got == byte(at));
            assert!(right, "what arrives is what was sent");
            self.received += read;
            let pause = self.last.replace(now).map_or(Duration::ZERO, |last| now - last);
            self.longest_pause = self.longest_pause.max(pause);
        }
    }

    /// Everything has arrived, or nothing ever will.
    pub(crate) fn is_done(&self) -> bool {
        self.failed || self.received == self.total
    }

    pub(crate) fn route(&mut self) -> Option<Route> {
        self.node.route(self.connection?)
    }

    pub(crate) fn is_direct(&mut self) -> bool {
        self.route().is_some_and(|route| !route.relayed)
    }

    pub(crate) fn is_relayed(&mut self) -> bool {
        self.route().is_some_and(|route| route.relayed)
    }

    /// From now on it says that it may be reached at these addresses too.
    pub(crate) fn lie(&mut self, world: &World, candidates: &[Candidate]) {
        let relays = if self.relays { vec![services::relay_config()] } else { vec![] };
        let config = GatherConfig::new(self.ip).servers(&[services::stun()]).relays(&relays);
        self.node.gather(instant(world.now), config.candidates(candidates));
        self.settle(instant(world.now));
    }

    /// It has another address in its network.
    pub(crate) fn renumber(&mut self, local: SocketAddr) {
        self.ip = local;
    }

    pub(crate) fn say_more(&mut self, bytes: usize) {
        self.total += bytes;
    }

    /// As if there had been no connection.
    fn forget_all(&mut self) {
        (self.failed, self.accepted, self.closed) = (false, false, false);
        (self.connection, self.sending, self.receiving, self.received) = (None, None, None, 0);
        self.events.clear();
        self.forget_pauses();
    }

    /// Begins to count pauses anew.
    pub(crate) fn forget_pauses(&mut self) {
        (self.last, self.longest_pause) = (None, Duration::ZERO);
    }
}

impl Machine for Host {
    fn receive(&mut self, now: Instant, socket: SocketId, from: SocketAddr, datagram: &mut [u8]) {
        if socket != SocketId::MAIN && !self.opened.contains(&socket) {
            return;
        }
        let segment_size = datagram.len();
        let received =
            Received { remote: from, local: None, ecn: None, segment_size, data: datagram };
        self.node.handle_datagram(now, socket, received);
        self.settle(now);
    }

    fn tick(&mut self, now: Instant) {
        if self.node.poll_timeout().is_some_and(|at| at <= now) {
            self.node.handle_timeout(now);
        }
        self.settle(now);
    }

    fn transmit(&mut self, now: Instant) -> Option<PunchTransmit> {
        let mut buffer = [0; 2048];
        let transmit = self.node.poll_transmit(now, &mut buffer, 1)?;
        let payload = buffer[..transmit.transmit.size].to_vec();
        let destination = transmit.transmit.destination;
        Some(PunchTransmit { socket: transmit.socket, destination, ttl: transmit.ttl, payload })
    }

    fn timeout(&mut self) -> Option<Instant> {
        let writes = self.sending.is_some_and(|(_, sent)| sent < self.total);
        let write = writes.then_some(self.next_write);
        write.into_iter().chain(self.node.poll_timeout()).min()
    }

    fn poll_stream(&mut self) -> Option<(SocketId, bool)> {
        self.streams.pop_front()
    }

    fn on_stream(&mut self, now: Instant, stream: SocketId, piece: &Piece) {
        match piece {
            Piece::Opened => self.node.handle_connected(now, stream),
            Piece::Bytes(bytes) => self.node.handle_stream(now, stream, bytes),
            Piece::Ended => self.node.handle_disconnected(now, stream),
        }
        self.settle(now);
    }
}

fn identity(number: usize) -> Identity {
    Identity::from_secret_bytes([1 + u8::try_from(number).unwrap(); 32])
}

/// How two hosts meet.
#[derive(Clone, Copy)]
pub(crate) struct Meeting {
    pub(crate) kinds: [Kind; 2],
    pub(crate) seed: u64,
    pub(crate) loss: f64,
    /// Who has an address at the relay.
    pub(crate) relays: [bool; 2],
    /// Bytes that each sends.
    pub(crate) total: usize,
    /// Relays that the second one makes up, at a stranger's address.
    pub(crate) lies: u16,
    /// Both would accept strangers, and do not look on when the other has come.
    pub(crate) accept: bool,
    /// They gather again when they are told to.
    pub(crate) renews: bool,
    /// It is measured how long NATs keep mappings, and connections may be silent for long.
    pub(crate) measures: bool,
}

impl Meeting {
    pub(crate) fn of(kinds: [Kind; 2], relays: [bool; 2]) -> Self {
        Self {
            kinds,
            seed: 1,
            loss: 0.0,
            relays,
            total: 50_000,
            lies: 0,
            accept: false,
            renews: true,
            measures: false,
        }
    }

    /// Both have gathered and exchanged offers, and begin to search at the time that is returned.
    pub(crate) fn begin(self) -> (World, [Host; 2], Duration) {
        let Self { kinds, seed, loss, .. } = self;
        let mut world = World::new(seed, loss, [kinds[0].access(1), kinds[1].access(2)]);
        let mut hosts = [0, 1].map(|number| {
            let mut host = Host::new(&world, number, &self);
            host.gather_anew(&world);
            host
        });
        world.run(&mut hosts, |hosts| hosts.iter().all(|host| host.gathered.is_some()));
        if let Some(gathered) = hosts[1].gathered.as_mut().filter(|_| self.lies > 0) {
            let relay = |port| SocketAddr::from((STRANGER, 6000 + port));
            let made_up =
                (0..self.lies).map(|port| Candidate::new(CandidateKind::Relayed, relay(port)));
            let told = gathered.description.candidates().iter().copied().chain(made_up);
            let told: Vec<Candidate> = told.collect();
            gathered.description = Description::new(*gathered.description.nat(), &told);
        }
        let start = world.now + Duration::from_millis(100);
        let configs = agree(&hosts, seed, instant(start));
        for (host, config) in hosts.iter_mut().zip(configs) {
            host.search = Some(host.node.search(config, None).unwrap());
        }
        world.sent = [0; 2];
        world.services.relayed = 0;
        (world, hosts, start)
    }

    /// Both let go of each other, and begin to search once more at the time that is returned.
    pub(crate) fn repeat(self, world: &mut World, hosts: &mut [Host; 2]) -> Duration {
        for host in hosts.iter_mut() {
            let connection = host.connection.take();
            connection.into_iter().for_each(|it| host.node.remove(instant(world.now), it));
            host.forget_all();
        }
        world.run_until(world.now + Duration::from_secs(5), hosts, |_| false);
        let start = world.now + Duration::from_millis(100);
        let configs = agree(hosts, self.seed + 1000, instant(start));
        for (host, config) in hosts.iter_mut().zip(configs) {
            host.events.clear();
            host.search = Some(host.node.search(config, None).unwrap());
        }
        world.sent = [0; 2];
        start
    }

    /// Runs until all has arrived, or both know that there is no path.
    pub(crate) fn hold(self) -> (World, [Host; 2], Duration) {
        let (mut world, mut hosts, start) = self.begin();
        world.run(&mut hosts, |hosts| hosts.iter().all(Host::is_done));
        (world, hosts, start)
    }
}

/// An offer and its answer, sealed and opened.
fn agree(hosts: &[Host; 2], seed: u64, start: Instant) -> [PunchConfig; 2] {
    let mut entropy = SeededEntropy::new(seed);
    let identities = [0, 1].map(identity);
    let gathered = [0, 1].map(|number: usize| hosts[number].gathered.as_ref().expect("gathered"));
    let offer = Offer::new(UNIX, gathered[0].description.clone(), &mut entropy);
    let sealed = offer.seal(&identities[0], &identities[1].peer_id(), &mut entropy).unwrap();
    let mut seen = SeenOffers::default();
    let (_, offered) = Offer::open(&identities[1], UNIX, &mut seen, &sealed).unwrap();
    let (delay, theirs) = (Duration::from_millis(100), gathered[1].description.clone());
    let answer = offered.answer(theirs, delay, Duration::ZERO, &mut entropy);
    let sealed = answer.seal(&identities[1], &identities[0].peer_id(), &mut entropy).unwrap();
    let (_, answered) = Offer::open(&identities[0], UNIX, &mut seen, &sealed).unwrap();
    assert!(answered.answers(&offer));
    let said = [[&offer, &answered], [&answer, &offered]];
    [0, 1].map(|number: usize| {
        let (own, other) = (&identities[number], identities[1 - number].peer_id());
        let [ours, theirs] = said[number];
        let config = PunchConfig::from_offers(own, other, ours, theirs, start).unwrap();
        gathered[number].prepare(config)
    })
}
