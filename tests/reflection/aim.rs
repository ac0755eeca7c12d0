//! A node, what it sends to whom, and the addresses that others would like it to send to.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use srudp::Identity;
use srudp::nat::{
    Allocation, Candidate, CandidateKind, Dependence, Description, NatSummary, Offer, PunchConfig,
    SocketId, SocketRequest,
};
use srudp::node::{Node, NodeEvent};
use srudp::proto::{Endpoint, EndpointConfig, Instant, Received, SeededEntropy};

/// Somebody who has not asked for anything.
pub(crate) const VICTIM: &str = "203.0.113.66:6000";

/// Our own sockets: the main one, and spare ones.
pub(crate) const SOCKETS: [SocketId; 4] =
    [SocketId::MAIN, SocketId::new(1), SocketId::new(2), SocketId::new(3)];

/// When searches begin.
pub(crate) const START: Instant = Instant::from_nanos(1_000_000_000);

/// All kinds of candidates.
pub(crate) const KINDS: [CandidateKind; 5] = [
    CandidateKind::Host,
    CandidateKind::Mapped,
    CandidateKind::PeerReflexive,
    CandidateKind::Reflexive,
    CandidateKind::Relayed,
];

/// The host of that.
pub(crate) fn victim() -> Ipv4Addr {
    match address(VICTIM).ip() {
        IpAddr::V4(ip) => ip,
        IpAddr::V6(_) => unreachable!("it is written in IPv4"),
    }
}

/// Bytes of a check (SPEC §18.4).
pub(crate) const CHECK: usize = 47;

pub(crate) fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// The IPv6 addresses that may bring a packet to an IPv4 host, or that its own system takes for it.
pub(crate) fn forms(ip: Ipv4Addr) -> Vec<IpAddr> {
    let [a, b, c, d] = ip.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    let v6 = |segments: [u16; 8]| IpAddr::V6(Ipv6Addr::from(segments));
    vec![
        ip.into(),
        v6([0, 0, 0, 0, 0, 0xffff, high, low]),
        v6([0, 0, 0, 0, 0, 0, high, low]),
        v6([0, 0, 0, 0, 0xffff, 0, high, low]),
        v6([0x2002, high, low, 0, 0, 0, 0, 1]),
        v6([0x2001, 0, 0x4136, 0xe378, 0x8000, 0x63bf, !high, !low]),
        v6([0x64, 0xff9b, 0, 0, 0, 0, high, low]),
        v6([0x64, 0xff9b, 1, 0, 0, 0, high, low]),
        v6([0x2001, 0xdb8, 0, 0, 0, 0x5efe, high, low]),
        v6([0x2001, 0xdb8, 0, 0, 0x200, 0x5efe, high, low]),
        v6([0xfe80, 0, 0, 0, 0, 0x5efe, high, low]),
    ]
}

/// Where nothing is ever sent because somebody else said so: this host, this link, everybody, nobody, networks that are not ours.
pub(crate) fn forbidden() -> Vec<IpAddr> {
    let v4 = [
        [0, 0, 0, 0],
        [0, 1, 2, 3],
        [10, 0, 0, 1],
        [100, 64, 0, 1],
        [127, 0, 0, 1],
        [127, 255, 255, 254],
        [169, 254, 169, 254],
        [172, 31, 255, 254],
        [192, 0, 0, 8],
        [192, 88, 99, 1],
        [192, 168, 1, 255],
        [192, 168, 2, 1],
        [224, 0, 0, 251],
        [239, 255, 255, 250],
        [240, 0, 0, 1],
        [255, 255, 255, 255],
    ];
    let v6 = [
        "::",
        "::1",
        "fe80::1",
        "fec0::1",
        "fd12::1",
        "ff02::1",
        "ff05::2",
        "100::1",
        "64:ff9b:1::1",
        "4000::1",
        "5f00::1",
        "fe00::1",
    ];
    let v4 = v4.into_iter().flat_map(|ip| forms(ip.into()));
    v4.chain(v6.iter().map(|ip| ip.parse().unwrap())).collect()
}

/// What was sent to one address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) packets: usize,
    pub(crate) bytes: usize,
}

/// Who got what.
#[derive(Debug, Default)]
pub(crate) struct Ledger(BTreeMap<SocketAddr, Got>);

impl Ledger {
    pub(crate) fn record(&mut self, to: SocketAddr, bytes: usize) {
        let got = self.0.entry(to).or_default();
        got.packets += 1;
        got.bytes += bytes;
    }

    /// What went to this host, whatever the port, in all forms of its address.
    pub(crate) fn host(&self, ip: Ipv4Addr) -> Got {
        let forms = forms(ip);
        self.sum(|to| forms.contains(&to.ip()))
    }

    pub(crate) fn at(&self, address: SocketAddr) -> Got {
        self.sum(|to| *to == address)
    }

    pub(crate) fn all(&self) -> Got {
        self.sum(|_| true)
    }

    fn sum(&self, wanted: impl Fn(&SocketAddr) -> bool) -> Got {
        let mut sum = Got::default();
        for (_, got) in self.0.iter().filter(|(to, _)| wanted(to)) {
            sum.packets += got.packets;
            sum.bytes += got.bytes;
        }
        sum
    }
}

/// A node that is attacked.
pub(crate) struct Target {
    pub(crate) identity: Identity,
    pub(crate) node: Node,
    pub(crate) now: Instant,
    pub(crate) sent: Ledger,
    pub(crate) events: Vec<NodeEvent>,
}

impl Target {
    /// One that lets everybody in.
    pub(crate) fn new() -> Self {
        let identity = Identity::from_secret_bytes([1; 32]);
        let config = EndpointConfig::default().accept(true).accept_trust_on_first_use(true);
        let config = config.reset_key([5; 32]);
        let entropy = |seed| Box::new(SeededEntropy::new(seed));
        let node = Node::new(Endpoint::new(config, identity.clone(), entropy(1)), entropy(2));
        let (sent, events) = (Ledger::default(), Vec::new());
        Self { identity, node, now: Instant::ZERO, sent, events }
    }

    /// A datagram that seems to come from there.
    pub(crate) fn receive(&mut self, socket: SocketId, from: SocketAddr, datagram: &[u8]) {
        self.hand_over(socket, from, datagram);
        self.drain();
    }

    /// The same, but what the node has to say to it is left to the caller.
    pub(crate) fn hand_over(&mut self, socket: SocketId, from: SocketAddr, datagram: &[u8]) {
        let mut data = datagram.to_vec();
        let segment_size = data.len();
        let data = data.as_mut_slice();
        let received = Received { remote: from, local: None, ecn: None, segment_size, data };
        self.node.handle_datagram(self.now, socket, received);
    }

    /// Lets so much time pass.
    pub(crate) fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        self.drain();
        while let Some(at) = self.node.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.node.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) {
        while let Some(SocketRequest::Open(_) | SocketRequest::Close(_)) = self.node.poll_request()
        {
        }
        let mut buffer = vec![0; 1 << 16];
        while let Some(sending) = self.node.poll_transmit(self.now, &mut buffer, 16) {
            let transmit = sending.transmit;
            for datagram in buffer[..transmit.size].chunks(transmit.segment_size) {
                self.sent.record(transmit.destination, datagram.len());
            }
        }
        self.events.extend(std::iter::from_fn(|| self.node.poll_event()));
    }

    /// What both sides of a search by these descriptions need: ours, and that of the peer with this number.
    pub(crate) fn configs(
        &self,
        peer: u8,
        ours: Description,
        theirs: Description,
    ) -> [PunchConfig; 2] {
        let other = Identity::from_secret_bytes([peer; 32]);
        let mut entropy = SeededEntropy::new(peer.into());
        let [ours, theirs] = [ours, theirs].map(|text| Offer::new(0, text, &mut entropy));
        let of = |own: &Identity, peer: &Identity, ours, theirs| {
            let config = PunchConfig::from_offers(own, peer.peer_id(), ours, theirs, START);
            config.unwrap().sockets(&SOCKETS)
        };
        [of(&self.identity, &other, &ours, &theirs), of(&other, &self.identity, &theirs, &ours)]
    }
}

/// A NAT with one port for all peers, or with another one for each.
pub(crate) fn nat(symmetric: bool) -> NatSummary {
    let mapping = if symmetric {
        Dependence::AddressAndPortDependent
    } else {
        Dependence::EndpointIndependent
    };
    NatSummary::new(mapping, None, Allocation::Random)
}

/// What we tell about ourselves.
pub(crate) fn ours(symmetric: bool) -> Description {
    let own = Candidate::new(CandidateKind::Reflexive, address("198.51.100.9:5000"));
    Description::new(nat(symmetric), &[own])
}
