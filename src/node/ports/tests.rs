//! A node that gathers behind a gateway which speaks NAT-PMP (RFC 6886), and one that does not.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::*;
use crate::crypto::Identity;
use crate::endpoint::{Endpoint, EndpointConfig, Received};
use crate::nat::{CandidateKind, GatherConfig, Gathered, LocalNetwork};
use crate::node::{Node, NodeEvent};

const GATEWAY: [u8; 4] = [192, 168, 1, 1];
const OWN: &str = "192.168.1.2:4000";
const OUTSIDE: &str = "203.0.113.9:4000";

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

/// A node, and a gateway that answers at once, later, or not at all.
struct Site {
    node: Node,
    now: Instant,
    /// How many requests for a port it does not answer.
    deaf: usize,
    external: Ipv4Addr,
    /// What lives there: the internal port, and seconds.
    given: Option<(u16, u32)>,
    /// Datagrams for it, and when they came.
    heard: Vec<Instant>,
    events: Vec<(Instant, NodeEvent)>,
}

impl Site {
    fn new(deaf: usize) -> Self {
        let entropy = |seed| Box::new(SeededEntropy::new(seed));
        let identity = Identity::from_secret_bytes([1; 32]);
        let endpoint = Endpoint::new(EndpointConfig::default(), identity, entropy(1));
        Self {
            node: Node::new(endpoint, entropy(2)),
            now: at(1000),
            deaf,
            external: Ipv4Addr::new(203, 0, 113, 9),
            given: None,
            heard: Vec::new(),
            events: Vec::new(),
        }
    }

    fn config(own: &str, gateway: IpAddr) -> GatherConfig {
        let own: SocketAddr = own.parse().unwrap();
        let networks = [LocalNetwork::new("eth0", own.ip(), 24)];
        GatherConfig::new(own).networks(&networks).port_mapping(Some(gateway))
    }

    fn gather(&mut self, config: GatherConfig) {
        self.node.gather(self.now, config);
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.drain();
        while let Some(next) = self.node.poll_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.node.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) {
        let mut buffer = [0; 2000];
        loop {
            while let Some(request) = self.node.poll_request() {
                if let SocketRequest::Open(socket) = request {
                    let local = SocketAddr::from(([192, 168, 1, 2], 5000));
                    self.node.handle_opened(self.now, socket, Some(local));
                }
            }
            while let Some(event) = self.node.poll_event() {
                self.events.push((self.now, event));
            }
            let Some(sent) = self.node.poll_transmit(self.now, &mut buffer, 1) else { return };
            let to = sent.transmit.destination;
            if to == SocketAddr::from((GATEWAY, 5351)) {
                assert_eq!(sent.socket, SOCKET);
                self.heard.push(self.now);
                self.answer(&buffer[..sent.transmit.size]);
            }
        }
    }

    fn answer(&mut self, request: &[u8]) {
        let head = |code: u8| [0, 128 + code, 0, 0, 0, 0, 0, 1];
        let mut answer = match request {
            _ if self.deaf > 0 => return self.deaf -= 1,
            [0, 0] => [&head(0)[..], &self.external.octets()].concat(),
            [0, 1, 0, 0, inside @ .., _, _, _, _, _, _] => {
                let seconds = u32::from_be_bytes(*request.last_chunk().unwrap());
                let port = u16::from_be_bytes(inside.try_into().unwrap());
                self.given = (seconds > 0).then_some((port, seconds));
                [&head(1)[..], inside, inside, &request[8..]].concat()
            }
            // PCP: the version is another one.
            _ => [&head(0)[..2], &[0, 1, 0, 0, 0, 1, 0, 0, 0, 0]].concat(),
        };
        let (remote, segment_size) = (SocketAddr::from((GATEWAY, 5351)), answer.len());
        let data = &mut answer;
        let received = Received { remote, local: None, ecn: None, segment_size, data };
        self.node.handle_datagram(self.now, SOCKET, received);
    }

    /// What was gathered last, and when.
    fn gathered(&self) -> Option<(Instant, &Gathered)> {
        self.events.iter().rev().find_map(|(at, event)| match event {
            NodeEvent::Gathered(gathered) => Some((*at, &**gathered)),
            _ => None,
        })
    }

    fn mapped(&self) -> Option<SocketAddr> {
        let (_, gathered) = self.gathered()?;
        let mut candidates = gathered.description.candidates().iter();
        let mapped = candidates.find(|it| it.kind() == CandidateKind::Mapped);
        mapped.map(|it| it.address())
    }

    fn is_outdated(&self) -> bool {
        self.events.iter().any(|(_, event)| matches!(event, NodeEvent::Outdated))
    }
}

#[test]
fn a_port_of_the_gateway_is_told_renewed_and_given_back() {
    let mut site = Site::new(0);
    site.gather(Site::config(OWN, GATEWAY.into()));
    site.run(Duration::from_millis(100));
    assert_eq!(site.gathered().map(|(at, _)| at), Some(at(1000)), "nobody had to wait");
    assert_eq!(site.mapped(), Some(OUTSIDE.parse().unwrap()));
    assert_eq!(site.given, Some((4000, 7200)));
    let asked = site.heard.len();
    site.run(Duration::from_secs(601));
    assert_eq!(site.heard.len(), asked + 5, "every two minutes");
    site.gather(Site::config(OWN, GATEWAY.into()));
    site.run(Duration::from_secs(1));
    assert_eq!((site.heard.len(), site.mapped().is_some()), (asked + 5, true), "it is known");
    assert!(!site.node.give_back(site.now));
    site.run(Duration::ZERO);
    assert!(site.given.is_none() && site.node.give_back(site.now));
    assert!(!site.is_outdated());
    site.run(Duration::from_secs(600));
    assert_eq!(site.heard.len(), asked + 6, "it is left alone");
}

#[test]
fn who_gathers_without_the_gateway_gives_the_port_back() {
    let mut site = Site::new(0);
    site.gather(Site::config(OWN, GATEWAY.into()));
    site.run(Duration::from_secs(1));
    site.gather(GatherConfig::new(OWN.parse().unwrap()));
    site.run(Duration::from_secs(1));
    assert_eq!((site.given, site.mapped()), (None, None));
}

#[test]
fn a_gateway_that_is_silent_delays_nothing_for_longer_than_its_limit() {
    let mut site = Site::new(usize::MAX);
    site.gather(Site::config(OWN, GATEWAY.into()));
    site.run(Duration::from_secs(60));
    assert_eq!(site.gathered().map(|(at, _)| at), Some(at(1000) + NODE_GATEWAY_WAIT));
    assert!(site.mapped().is_none() && !site.is_outdated());
    // Nor is it asked for ever, and it is asked anew for the next ticket.
    assert_eq!((site.heard.len(), site.node.poll_timeout()), (8, None));
    site.gather(Site::config(OWN, GATEWAY.into()));
    site.run(Duration::from_secs(60));
    assert_eq!(site.heard.len(), 16);
}

#[test]
fn a_port_that_comes_late_is_told_the_next_time() {
    let mut site = Site::new(2);
    site.gather(Site::config(OWN, GATEWAY.into()));
    site.run(Duration::from_secs(2));
    assert!(site.gathered().is_some() && site.mapped().is_none());
    assert!(site.given.is_some() && !site.is_outdated(), "what was told is true still");
    site.gather(Site::config(OWN, GATEWAY.into()));
    site.run(Duration::ZERO);
    assert_eq!(site.mapped(), Some(OUTSIDE.parse().unwrap()));
}

#[test]
fn a_port_that_was_told_and_is_gone_is_asked_for_anew() {
    let mut site = Site::new(0);
    site.gather(Site::config(OWN, GATEWAY.into()));
    site.run(Duration::from_secs(1));
    assert!(site.mapped().is_some());
    // The gateway is switched off: the renewals are not answered.
    site.deaf = usize::MAX;
    site.run(Duration::from_secs(130));
    assert!(site.is_outdated());
    site.deaf = 0;
    site.gather(Site::config(OWN, GATEWAY.into()));
    site.run(Duration::from_secs(1));
    assert!(site.mapped().is_some());
}

#[test]
fn a_gateway_of_another_network_and_that_of_a_public_host_are_left_alone() {
    for (own, gateway) in [(OWN, [10, 0, 0, 1]), ("203.0.113.5:4000", GATEWAY)] {
        let mut site = Site::new(0);
        site.gather(Site::config(own, gateway.into()));
        site.run(Duration::from_secs(10));
        assert!(site.heard.is_empty() && site.gathered().is_some(), "{own}");
    }
}
