//! Peers that lie about their relays to us who have one too, and a relay that lies about whom it lets in (SPEC §19.3).

use std::net::SocketAddr;
use std::time::Duration;

use srudp::Identity;
use srudp::nat::stun::{Attribute, Builder, Class, Method, TransactionId};
use srudp::nat::{Candidate, CandidateKind, Description, GatherConfig, SocketId, SocketRequest};
use srudp::node::NodeEvent;
use srudp::proto::{Dial, Endpoint, EndpointConfig, Instant, SeededEntropy};

use super::aim::{
    CHECK, KINDS, Ledger, START, Target, VICTIM, address, forbidden, forms, nat, ours, victim,
};
use super::crossing::services::{self, Sent, Services};

/// Longer than any search.
const SEARCH: Duration = Duration::from_secs(30);

/// Checks to an address that a peer calls its relay: from our main socket, and from a relay of ours.
const BY_US: usize = 6;
const BY_RELAY: usize = 3;

/// Where we are.
const OWN: &str = "198.51.100.9:5000";

/// A node that has an address at a relay, and what the relay sends for it.
struct Relayed {
    target: Target,
    services: Services,
    by_relay: Ledger,
}

impl Relayed {
    fn new() -> Self {
        let (target, services) = (Target::new(), Services::new());
        let mut node = Self { target, services, by_relay: Ledger::default() };
        let config = GatherConfig::new(address(OWN)).relays(&[services::relay_config()]);
        node.target.node.gather(Instant::ZERO, config);
        node.run(START - Instant::ZERO);
        assert_eq!(node.services.allocations(), 1);
        node.target.sent = Ledger::default();
        node
    }

    fn run(&mut self, time: Duration) {
        let end = self.target.now + time;
        self.drain();
        while let Some(at) = self.target.node.poll_timeout().filter(|at| *at <= end) {
            self.target.now = self.target.now.max(at);
            self.target.node.handle_timeout(self.target.now);
            self.drain();
        }
        self.target.now = end;
    }

    /// What goes to the relay is carried out at once; the rest is counted.
    fn drain(&mut self) {
        let mut buffer = [0; 2000];
        loop {
            while let Some(request) = self.target.node.poll_request() {
                if let SocketRequest::Open(socket) = request {
                    self.target.node.handle_opened(self.target.now, socket, None);
                }
            }
            let now = self.target.now;
            let Some(sending) = self.target.node.poll_transmit(now, &mut buffer, 1) else { break };
            let (to, size) = (sending.transmit.destination, sending.transmit.size);
            if !Services::own(to) {
                self.target.sent.record(to, size);
                continue;
            }
            let answers = self.services.receive(now, (address(OWN), to), &buffer[..size]);
            for answer in answers {
                // Nothing goes by TCP to a relay that is served over UDP.
                let Sent::Packet((from, to, payload)) = answer else { continue };
                if to == address(OWN) {
                    self.target.hand_over(SocketId::MAIN, from, &payload);
                } else {
                    self.by_relay.record(to, payload.len());
                }
            }
        }
        self.target.events.extend(std::iter::from_fn(|| self.target.node.poll_event()));
    }

    /// Searches for a peer that says so, and never answers.
    fn search(&mut self, peer: u8, theirs: Description) {
        let [config, _] = self.target.configs(peer, ours(false), theirs);
        self.target.node.search(config.at(self.target.now, 0), None).unwrap();
        self.run(SEARCH);
    }
}

#[test]
fn nothing_forbidden_is_sent_to_from_our_relay_either() {
    let mut node = Relayed::new();
    for aimed in forbidden().into_iter().map(|ip| SocketAddr::new(ip, 4000)) {
        for kind in KINDS {
            node.search(2, Description::new(nat(false), &[Candidate::new(kind, aimed)]));
            let all = (node.target.sent.all().packets, node.by_relay.all().packets);
            assert_eq!(all, (0, 0), "{aimed} as {kind}");
        }
    }
    let ports = [0, 53, 123, 1900, 3478, 11_211].map(|port| SocketAddr::from((victim(), port)));
    for aimed in ports {
        let relay = Candidate::new(CandidateKind::Relayed, aimed);
        node.search(2, Description::new(nat(false), &[relay]));
        let all = (node.target.sent.all().packets, node.by_relay.all().packets);
        assert_eq!(all, (0, 0), "{aimed}");
    }
}

#[test]
fn what_a_peer_calls_its_relay_gets_six_checks_from_us_and_three_from_our_relay() {
    let mut node = Relayed::new();
    // However often and in whatever forms it is told.
    let candidates: Vec<Candidate> = (0..4)
        .flat_map(|socket| {
            let forms = forms(victim()).into_iter().take(2);
            forms.map(move |ip| {
                Candidate::new(CandidateKind::Relayed, SocketAddr::new(ip, 6000)).of_socket(socket)
            })
        })
        .collect();
    node.search(2, Description::new(nat(false), &candidates));
    let (by_us, by_relay) = (node.target.sent.host(victim()), node.by_relay.host(victim()));
    // A relay of ours that gives IPv4 addresses is not asked to send to the other form, should that come first.
    assert!(by_us.packets == BY_US && by_relay.packets <= BY_RELAY, "{by_us:?} {by_relay:?}");
    assert_eq!((by_us.bytes, by_relay.bytes), (BY_US * CHECK, by_relay.packets * CHECK));
}

#[test]
fn a_host_that_is_called_many_relays_gets_sixteen_times_as_much() {
    let mut node = Relayed::new();
    let port = |port: u16| {
        Candidate::new(CandidateKind::Relayed, SocketAddr::from((victim(), 6000 + port)))
    };
    node.search(2, Description::new(nat(false), &(0..40).map(port).collect::<Vec<_>>()));
    let (by_us, by_relay) = (node.target.sent.all(), node.by_relay.all());
    assert_eq!((by_us.packets, by_relay.packets), (16 * BY_US, 16 * BY_RELAY));
    assert_eq!(node.target.sent.host(victim()), by_us);
    assert_eq!(node.by_relay.host(victim()), by_relay);
}

/// The first flight of a dial to us.
fn first_flight() -> Vec<Vec<u8>> {
    let listener = Identity::from_secret_bytes([1; 32]).peer_id();
    let entropy = Box::new(SeededEntropy::new(7));
    let identity = Identity::from_secret_bytes([7; 32]);
    let mut dialler = Endpoint::new(EndpointConfig::default(), identity, entropy);
    dialler.connect(Instant::ZERO, &Dial::new(listener, address(OWN))).unwrap();
    let mut buffer = vec![0; 2000];
    let datagrams = std::iter::from_fn(|| {
        let size = dialler.poll_transmit(Instant::ZERO, &mut buffer, 1)?.size;
        Some(buffer[..size].to_vec())
    });
    datagrams.collect()
}

/// What a relay hands over as a datagram of this peer.
fn handed_over(peer: SocketAddr, data: &[u8]) -> Vec<u8> {
    Builder::new(Class::Indication, Method::DATA, TransactionId::new([7; 12]))
        .attribute(&Attribute::XorPeerAddress(peer))
        .attribute(&Attribute::Data(data))
        .finish()
        .unwrap()
}

#[test]
fn whom_we_did_not_let_in_gets_nothing_whatever_the_relay_hands_over() {
    let mut node = Relayed::new();
    let peer = Candidate::new(CandidateKind::Reflexive, address("192.0.2.77:7000"));
    let [config, _] = node.target.configs(2, ours(false), Description::new(nat(false), &[peer]));
    node.target.node.search(config.at(node.target.now, 0), None).unwrap();
    node.drain();
    let mut check = vec![0x55; CHECK];
    check[1] = 1;
    for data in first_flight().into_iter().chain([check, vec![0x40; 100]]) {
        for _ in 0..20 {
            let relay = address("192.0.2.17:3478");
            node.target.hand_over(SocketId::MAIN, relay, &handed_over(address(VICTIM), &data));
        }
    }
    node.run(SEARCH);
    let all = (node.target.sent.host(victim()).packets, node.by_relay.all().packets);
    assert_eq!(all, (0, 0));
    let connected = |event: &NodeEvent| matches!(event, NodeEvent::Transport(_));
    assert!(!node.target.events.iter().any(connected));
}

/// Whom we let in gets what it would get if it had sent to us itself.
#[test]
fn whom_we_let_in_gets_at_most_three_times_its_bytes_by_the_relay() {
    let mut node = Relayed::new();
    let peer = Candidate::new(CandidateKind::Reflexive, address(VICTIM));
    let [config, _] = node.target.configs(2, ours(false), Description::new(nat(false), &[peer]));
    node.target.node.search(config.at(node.target.now, 0), None).unwrap();
    node.drain();
    let mut came = 0;
    for message in first_flight().iter().cycle().take(20) {
        let relay = address("192.0.2.17:3478");
        node.target.hand_over(SocketId::MAIN, relay, &handed_over(address(VICTIM), message));
        came += message.len();
    }
    node.run(SEARCH);
    let got = node.by_relay.at(address(VICTIM));
    assert!((1..=3 * came).contains(&got.bytes), "{got:?} for {came}");
}
