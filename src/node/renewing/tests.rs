//! Which lists are heeded, between two nodes that are connected without a network between them.

use std::net::SocketAddr;
use std::time::Duration;

use super::super::links::Way;
use super::super::reach::Reach;
use super::*;
use crate::base::SeededEntropy;
use crate::close::ConnectionError;
use crate::crypto::Identity;
use crate::endpoint::{Dial, Endpoint, EndpointConfig, Event, Received};
use crate::nat::{Candidate, CandidateKind, NatSummary, SocketId};

struct Pair {
    nodes: [Node; 2],
    handles: [Option<ConnectionHandle>; 2],
    closed: [Option<ConnectionError>; 2],
    now: Instant,
}

fn address(number: usize) -> SocketAddr {
    SocketAddr::from(([203, 0, 113, 1], 4001 + u16::try_from(number).unwrap()))
}

fn identity(number: usize) -> Identity {
    Identity::from_secret_bytes([1 + u8::try_from(number).unwrap(); 32])
}

impl Pair {
    fn connected() -> Self {
        let nodes = [0, 1].map(|number| {
            let entropy = |more| Box::new(SeededEntropy::new(more + number as u64));
            let config = EndpointConfig::default().accept(true);
            Node::new(Endpoint::new(config, identity(number), entropy(10)), entropy(20))
        });
        let now = Instant::ZERO + Duration::from_secs(1);
        let mut pair = Self { nodes, handles: [None; 2], closed: [None, None], now };
        let dial = Dial::new(identity(1).peer_id(), address(1));
        pair.nodes[0].endpoint.connect(now, &dial).unwrap();
        pair.run();
        pair
    }

    /// What both have to say to each other in a second.
    fn run(&mut self) {
        for _ in 0..200 {
            self.now += Duration::from_millis(5);
            for number in [0, 1] {
                self.nodes[number].handle_timeout(self.now);
                self.deliver(number);
                self.listen(number);
            }
        }
    }

    fn deliver(&mut self, number: usize) {
        let mut buffer = [0; 2000];
        while let Some(sent) = self.nodes[number].poll_transmit(self.now, &mut buffer, 1) {
            let data = &mut buffer[..sent.transmit.size];
            let (remote, segment_size) = (address(number), data.len());
            let received = Received { remote, local: None, ecn: None, segment_size, data };
            self.nodes[1 - number].handle_datagram(self.now, SocketId::MAIN, received);
        }
    }

    fn listen(&mut self, number: usize) {
        while let Some(event) = self.nodes[number].poll_event() {
            match event {
                NodeEvent::Transport(Event::Connected(it) | Event::Accepted(it)) => {
                    self.handles[number] = Some(it);
                }
                NodeEvent::Transport(Event::Closed(_, why)) => self.closed[number] = Some(why),
                _ => {}
            }
        }
    }

    /// As if the second had been searched by the first.
    fn link(&mut self, confirmed: bool) {
        let (handle, way) =
            (self.handles[0].unwrap(), Way { socket: SocketId::MAIN, remote: address(1) });
        self.nodes[0].links.add(self.now, handle, (way, false), Reach::default());
        if confirmed {
            self.nodes[0].links.on_confirmed(handle);
        }
    }

    /// The second tells the first.
    fn tell(&mut self, description: Vec<u8>) {
        let handle = self.handles[1].unwrap();
        let connection = self.nodes[1].endpoint.connection(handle).unwrap();
        connection.tell_candidates(None, description);
        self.run();
    }

    /// Relays of the second that the first knows.
    fn heeded(&self) -> Vec<SocketAddr> {
        let link = self.nodes[0].links.get(self.handles[0].unwrap());
        link.map(|link| link.reach.relayed().collect()).unwrap_or_default()
    }
}

const RELAY: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 9)), 50_000);

fn list() -> Vec<u8> {
    let relay = Candidate::new(CandidateKind::Relayed, RELAY);
    Description::new(NatSummary::UNKNOWN, &[relay]).encode()
}

#[test]
fn a_list_of_a_peer_that_was_searched_is_heeded_once_it_is_confirmed() {
    for confirmed in [false, true] {
        let mut pair = Pair::connected();
        pair.link(confirmed);
        pair.tell(list());
        assert_eq!(!pair.heeded().is_empty(), confirmed);
        assert_eq!(pair.closed, [None, None]);
    }
}

#[test]
fn a_list_of_a_peer_that_was_not_searched_is_ignored_whatever_it_says() {
    for description in [list(), b"no description".to_vec()] {
        let mut pair = Pair::connected();
        pair.tell(description);
        assert!(pair.heeded().is_empty());
        assert_eq!(pair.closed, [None, None]);
    }
}

#[test]
fn a_list_that_is_none_ends_the_connection() {
    let mut longer = list();
    longer.push(0);
    for description in [b"no description".to_vec(), Vec::new(), longer] {
        let mut pair = Pair::connected();
        pair.link(true);
        pair.tell(description);
        assert!(pair.closed.iter().all(Option::is_some), "{:?}", pair.closed);
    }
}
