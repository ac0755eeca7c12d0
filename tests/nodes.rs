//! Whole nodes behind NATs: offers sealed, searched, dialled, and data carried on the path that was found.

mod crossing;

use std::net::SocketAddr;
use std::time::Duration;

use crossing::kinds::Kind;
use crossing::world::{Machine, World, instant};
use srudp::nat::{Offer, PunchConfig, PunchTransmit, SeenOffers, SocketId, SocketRequest};
use srudp::node::{Node, NodeEvent};
use srudp::proto::{
    ConnectionHandle, Endpoint, EndpointConfig, Event, Instant, Received, SeededEntropy,
};
use srudp::{Direction, Identity, StreamId};

/// Unix time at which everything happens.
const UNIX: u64 = 1_800_000_000;

/// What is carried each way.
const BYTES: usize = 50_000;

struct Host {
    node: Node,
    connection: Option<ConnectionHandle>,
    /// No direct path.
    failed: bool,
    opened: Vec<SocketId>,
    sending: Option<(StreamId, usize)>,
    receiving: Option<StreamId>,
    received: usize,
    /// The path that was found, and by which socket.
    found: Option<(SocketId, SocketAddr)>,
}

impl Host {
    fn settle(&mut self, now: Instant) {
        while let Some(request) = self.node.poll_request() {
            match request {
                SocketRequest::Open(socket) => self.opened.push(socket),
                SocketRequest::Close(socket) => self.opened.retain(|open| *open != socket),
            }
        }
        while let Some(event) = self.node.poll_event() {
            match event {
                NodeEvent::Transport(Event::Connected(handle) | Event::Accepted(handle)) => {
                    self.connection = Some(handle);
                }
                NodeEvent::Found(_, winner, _, _) => {
                    self.found = Some((winner.socket, winner.remote));
                }
                NodeEvent::NotFound(..) => self.failed = true,
                _ => {}
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
        if let Some((id, sent)) = &mut self.sending {
            while *sent < BYTES {
                let Ok(more) = connection.write(*id, &[7; BYTES][*sent..]) else { break };
                *sent += more;
            }
            if *sent == BYTES {
                let _ = connection.finish(*id);
            }
        }
        if self.receiving.is_none() {
            self.receiving = connection.accept_stream(Direction::Unidirectional);
        }
        let mut buffer = [0; 4096];
        while let Some(Ok(read @ 1..)) =
            self.receiving.map(|id| connection.read(now, id, &mut buffer))
        {
            self.received += read;
        }
    }

    fn is_done(&self) -> bool {
        self.failed || self.received == BYTES
    }
}

impl Machine for Host {
    fn receive(&mut self, now: Instant, socket: SocketId, from: SocketAddr, datagram: &mut [u8]) {
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
        self.node.poll_timeout()
    }
}

/// Two nodes that have exchanged offers, with a main socket and three spare ones each.
fn meet(kinds: [Kind; 2], seed: u64, loss: f64) -> (World, [Host; 2]) {
    let mut world = World::new(seed, loss, [kinds[0].access(1), kinds[1].access(2)]);
    let identities = [1, 2].map(|number| Identity::from_secret_bytes([number; 32]));
    let mut entropy = SeededEntropy::new(seed);
    let described = [0, 1].map(|host: usize| kinds[host].describe(&mut world, host));
    let [ours, theirs] = described;
    let offer = Offer::new(UNIX, ours, &mut entropy);
    let sealed = offer.seal(&identities[0], &identities[1].peer_id(), &mut entropy).unwrap();
    let mut seen = SeenOffers::default();
    let (_, offered) = Offer::open(&identities[1], UNIX, &mut seen, &sealed).unwrap();
    let (delay, hold) = (Duration::from_millis(100), Duration::ZERO);
    let answer = offered.answer(theirs, delay, hold, &mut entropy);
    let sealed = answer.seal(&identities[1], &identities[0].peer_id(), &mut entropy).unwrap();
    let (_, answered) = Offer::open(&identities[0], UNIX, &mut seen, &sealed).unwrap();
    assert!(answered.answers(&offer));
    let sent = Duration::from_millis(1000);
    let way = Duration::from_millis(40);
    let starts = [
        answered.start_of_offerer(instant(sent - way), instant(sent + way)),
        answer.start_of_answerer(instant(sent)),
    ];
    assert_eq!(starts[0], starts[1]);
    let said = [[&offer, &answered], [&answer, &offered]];
    let hosts = [0, 1].map(|host: usize| {
        let (own, other) = (identities[host].clone(), identities[1 - host].peer_id());
        let [ours, theirs] = said[host];
        let config = PunchConfig::from_offers(&own, other, ours, theirs, starts[host]).unwrap();
        let sockets = [0, 1, 2, 3].map(SocketId::new);
        let config = config.sockets(&sockets).layers(world.layers(host));
        let entropy = |number: u64| Box::new(SeededEntropy::new(seed * 8 + number + host as u64));
        let endpoint = Endpoint::new(EndpointConfig::default(), own, entropy(2));
        let mut node = Node::new(endpoint, entropy(4));
        node.search(config, None).unwrap();
        Host {
            node,
            connection: None,
            failed: false,
            opened: Vec::new(),
            sending: None,
            receiving: None,
            received: 0,
            found: None,
        }
    });
    (world, hosts)
}

#[test]
fn nodes_find_each_other_and_carry_data_on_the_path_that_they_found() {
    let kinds = [
        Kind::Open,
        Kind::Home,
        Kind::Racy,
        Kind::Carrier,
        Kind::Counting,
        Kind::Block,
        Kind::Symmetric,
        Kind::Blocked,
    ];
    for first in kinds {
        for second in kinds {
            for (seed, loss) in [(1, 0.0), (2, 0.05)] {
                let (mut world, mut hosts) = meet([first, second], seed, loss);
                world.run(&mut hosts, |hosts| hosts.iter().all(Host::is_done));
                for host in &hosts {
                    assert_eq!(!host.failed, first.can_reach(second), "{first:?} {second:?}");
                    assert!(host.failed || host.connection.is_some());
                }
            }
        }
    }
}

#[test]
fn a_spare_socket_that_won_stays_open_for_its_connection_and_no_longer() {
    let (mut world, mut hosts) = meet([Kind::Symmetric, Kind::Home], 1, 0.0);
    world.run(&mut hosts, |hosts| hosts.iter().all(Host::is_done));
    let (socket, _) = hosts[0].found.expect("a path");
    assert_ne!(socket, SocketId::MAIN, "one of many sockets was guessed");
    assert_eq!(hosts[0].opened, [socket]);
    let (connection, now) = (hosts[0].connection.unwrap(), instant(world.now));
    let closing = hosts[0].node.endpoint().connection(connection).unwrap();
    closing.close(now, srudp::ApplicationCode::ZERO, b"", Duration::ZERO);
    world.run(&mut hosts, |_| false);
    assert_eq!(hosts[0].opened, []);
}
