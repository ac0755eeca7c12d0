//! A STUN server with two addresses, and a relay, on the Internet between the hosts. The relay does what RFC 8656 wants of one, for clients
//! that behave; whether ours does is tested with other people's relays.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use srudp::nat::stun::{
    Attribute, Builder, Class, Key, Message, Method, PasswordAlgorithm, Server, ServerConfig,
    TransactionId,
};
use srudp::nat::turn::TurnConfig;
use srudp::proto::{Instant, SeededEntropy};

const STUN: [u8; 4] = [192, 0, 2, 11];
const STUN_OTHER: [u8; 4] = [192, 0, 2, 12];
const RELAY: [u8; 4] = [192, 0, 2, 17];

const NONCE: &str = "nonce";
const REALM: &str = "realm";

/// The STUN server that hosts know.
pub(crate) fn stun() -> SocketAddr {
    SocketAddr::from((STUN, 3478))
}

fn relay() -> SocketAddr {
    SocketAddr::from((RELAY, 3478))
}

/// The relay that hosts know.
pub(crate) fn relay_config() -> TurnConfig {
    TurnConfig::new(relay(), "alice", "secret")
}

/// A packet: from, to, and what.
pub(crate) type Packet = (SocketAddr, SocketAddr, Vec<u8>);

#[derive(Default)]
struct Allocation {
    port: u16,
    permitted: BTreeSet<IpAddr>,
    channels: BTreeMap<u16, SocketAddr>,
}

/// All of them.
pub(crate) struct Services {
    server: Server,
    allocations: BTreeMap<SocketAddr, Allocation>,
    ports: u16,
    /// The relay is dead.
    pub(crate) dead: bool,
    /// Datagrams that went through the relay.
    pub(crate) relayed: usize,
}

impl Services {
    pub(crate) fn new() -> Self {
        let other = SocketAddr::from((STUN_OTHER, 3479));
        let config = ServerConfig::new(stun()).with_other(other).unwrap();
        let server = Server::new(config, &mut SeededEntropy::new(9));
        let allocations = BTreeMap::new();
        Self { server, allocations, ports: 50_000, dead: false, relayed: 0 }
    }

    pub(crate) fn own(address: SocketAddr) -> bool {
        [STUN, STUN_OTHER, RELAY].iter().any(|ip| IpAddr::from(*ip) == address.ip())
    }

    /// Addresses that the relay has given.
    pub(crate) fn allocations(&self) -> usize {
        self.allocations.len()
    }

    /// The relay forgets everything.
    pub(crate) fn restart(&mut self) {
        self.allocations.clear();
    }

    pub(crate) fn receive(
        &mut self,
        now: Instant,
        (from, to): (SocketAddr, SocketAddr),
        payload: &[u8],
    ) -> Vec<Packet> {
        if to.ip() != IpAddr::from(RELAY) {
            self.server.handle_datagram(now, to, from, payload);
            let answers = std::iter::from_fn(|| self.server.poll_transmit());
            return answers.map(|it| (it.source, it.destination, it.payload)).collect();
        }
        let mut out = Vec::new();
        let mut waiting = vec![(from, to, payload.to_vec())];
        while let Some((from, to, payload)) = waiting.pop().filter(|_| !self.dead) {
            let next = if to == relay() {
                self.on_client(from, &payload)
            } else {
                self.on_peer(from, to, &payload)
            };
            // From one of its addresses to another it need not leave.
            match next {
                Some(packet) if packet.1.ip() == IpAddr::from(RELAY) => waiting.push(packet),
                packet => out.extend(packet),
            }
        }
        out
    }

    fn on_client(&mut self, client: SocketAddr, payload: &[u8]) -> Option<Packet> {
        let source = |port| SocketAddr::from((RELAY, port));
        if let [0x40..=0x4f, ..] = payload {
            let allocation = self.allocations.get(&client)?;
            let number = u16::from_be_bytes([payload[0], payload[1]]);
            let length = usize::from(u16::from_be_bytes([payload[2], payload[3]]));
            let peer = *allocation.channels.get(&number)?;
            self.relayed += 1;
            return Some((source(allocation.port), peer, payload[4..4 + length].to_vec()));
        }
        let message = Message::decode(payload).ok()?;
        if message.class() == Class::Request {
            return Some((relay(), client, self.answer(client, &message)));
        }
        let allocation = self.allocations.get(&client)?;
        let peer = peer_of(&message).filter(|peer| allocation.permitted.contains(&peer.ip()))?;
        let data = message.find(|attribute| match attribute {
            Attribute::Data(data) => Some(data),
            _ => None,
        })?;
        self.relayed += 1;
        Some((source(allocation.port), peer, data.to_vec()))
    }

    fn on_peer(&mut self, peer: SocketAddr, to: SocketAddr, payload: &[u8]) -> Option<Packet> {
        let (client, allocation) =
            self.allocations.iter().find(|(_, allocation)| allocation.port == to.port())?;
        if !allocation.permitted.contains(&peer.ip()) {
            return None;
        }
        self.relayed += 1;
        let channel = allocation.channels.iter().find(|(_, bound)| **bound == peer);
        let wrapped = match channel {
            Some((number, _)) => {
                let length = u16::try_from(payload.len()).unwrap();
                [&number.to_be_bytes()[..], &length.to_be_bytes(), payload].concat()
            }
            None => Builder::new(Class::Indication, Method::DATA, TransactionId::new([7; 12]))
                .attribute(&Attribute::XorPeerAddress(peer))
                .attribute(&Attribute::Data(payload))
                .finish()
                .unwrap(),
        };
        Some((relay(), *client, wrapped))
    }

    fn answer(&mut self, client: SocketAddr, request: &Message<'_>) -> Vec<u8> {
        let (method, transaction) = (request.method(), request.transaction());
        let key = Key::long_term(PasswordAlgorithm::Md5, "alice", REALM, "secret");
        let refuse = |code| {
            Builder::new(Class::Error, method, transaction)
                .attribute(&Attribute::ErrorCode { code, reason: "no" })
        };
        if !request.verify_sha1(&key) {
            let challenge = refuse(401).attribute(&Attribute::Realm(REALM));
            return challenge.attribute(&Attribute::Nonce(NONCE)).finish().unwrap();
        }
        if method == Method::ALLOCATE {
            self.ports += 1;
            let port = self.ports;
            self.allocations.insert(client, Allocation { port, ..Allocation::default() });
        }
        let Some(allocation) = self.allocations.get_mut(&client) else {
            return refuse(437).integrity(&key).finish().unwrap();
        };
        if let Some(peer) = peer_of(request) {
            allocation.permitted.insert(peer.ip());
            let number = request.find(|attribute| match attribute {
                Attribute::ChannelNumber(number) => Some(number),
                _ => None,
            });
            allocation.channels.extend(number.map(|number| (number, peer)));
        }
        let relayed = SocketAddr::from((RELAY, allocation.port));
        let released = |attribute| matches!(attribute, Attribute::Lifetime(0));
        if request.attributes().any(released) {
            self.allocations.remove(&client);
        }
        Builder::new(Class::Success, method, transaction)
            .attribute(&Attribute::Lifetime(600))
            .attribute(&Attribute::XorMappedAddress(client))
            .attribute(&Attribute::XorRelayedAddress(relayed))
            .integrity(&key)
            .finish()
            .unwrap()
    }
}

fn peer_of(message: &Message<'_>) -> Option<SocketAddr> {
    message.find(|attribute| match attribute {
        Attribute::XorPeerAddress(peer) => Some(peer),
        _ => None,
    })
}
