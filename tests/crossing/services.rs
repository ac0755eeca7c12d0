//! A STUN server with two addresses, and a relay, on the Internet between the hosts. The relay does what RFC 8656 wants of one, for clients
//! that behave; whether ours does is tested with other people's relays.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use srudp::nat::stun::{
    Attribute, Builder, Class, Key, Message, Method, PasswordAlgorithm, Server, ServerConfig,
    TransactionId,
};
use srudp::nat::turn::{FrameReader, TurnConfig};
use srudp::proto::{Instant, SeededEntropy};

use super::tubes::Tube;

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

/// What servers send.
pub(crate) enum Sent {
    Packet(Packet),
    Bytes(Tube, Vec<u8>),
}

/// Whom the relay knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Client {
    Datagrams(SocketAddr),
    Stream(Tube),
}

impl Client {
    /// A message to it.
    fn send(self, mut message: Vec<u8>) -> Sent {
        match self {
            Self::Datagrams(address) => Sent::Packet((relay(), address, message)),
            Self::Stream(tube) => {
                message.resize(message.len().next_multiple_of(4), 0);
                Sent::Bytes(tube, message)
            }
        }
    }
}

#[derive(Default)]
struct Allocation {
    port: u16,
    permitted: BTreeSet<IpAddr>,
    channels: BTreeMap<u16, SocketAddr>,
}

/// All of them.
pub(crate) struct Services {
    server: Server,
    allocations: BTreeMap<Client, Allocation>,
    streams: BTreeMap<Tube, FrameReader>,
    ports: u16,
    /// The relay is dead.
    pub(crate) dead: bool,
    /// Datagrams that went through the relay.
    pub(crate) relayed: usize,
    /// TCP connections to the relay that there were.
    pub(crate) connections: usize,
}

impl Services {
    pub(crate) fn new() -> Self {
        let other = SocketAddr::from((STUN_OTHER, 3479));
        let config = ServerConfig::new(stun()).with_other(other).unwrap();
        let server = Server::new(config, &mut SeededEntropy::new(9));
        Self {
            server,
            allocations: BTreeMap::new(),
            streams: BTreeMap::new(),
            ports: 50_000,
            dead: false,
            relayed: 0,
            connections: 0,
        }
    }

    pub(crate) fn own(address: SocketAddr) -> bool {
        [STUN, STUN_OTHER, RELAY].iter().any(|ip| IpAddr::from(*ip) == address.ip())
    }

    /// Addresses that the relay has given.
    pub(crate) fn allocations(&self) -> usize {
        self.allocations.len()
    }

    /// TCP connections that are open.
    pub(crate) fn streams(&self) -> usize {
        self.streams.len()
    }

    /// The relay forgets everything.
    pub(crate) fn restart(&mut self) {
        self.allocations.clear();
    }

    pub(crate) fn open(&mut self, tube: Tube) {
        self.streams.insert(tube, FrameReader::default());
        self.connections += 1;
    }

    pub(crate) fn close(&mut self, tube: Tube) {
        self.streams.remove(&tube);
        self.allocations.remove(&Client::Stream(tube));
    }

    /// Bytes from a client over TCP.
    pub(crate) fn read(&mut self, tube: Tube, bytes: &[u8]) -> Vec<Sent> {
        let (mut input, mut messages) = (bytes, Vec::new());
        if let Some(frames) = self.streams.get_mut(&tube).filter(|_| !self.dead) {
            while !input.is_empty() {
                messages.extend(frames.read(&mut input).unwrap().map(<[u8]>::to_vec));
            }
        }
        let sent = messages.iter().filter_map(|message| {
            let sent = self.on_client(Client::Stream(tube), message);
            self.pass(sent)
        });
        sent.collect()
    }

    pub(crate) fn receive(
        &mut self,
        now: Instant,
        (from, to): (SocketAddr, SocketAddr),
        payload: &[u8],
    ) -> Vec<Sent> {
        if to.ip() != IpAddr::from(RELAY) {
            self.server.handle_datagram(now, to, from, payload);
            let answers = std::iter::from_fn(|| self.server.poll_transmit());
            let packets = answers.map(|it| (it.source, it.destination, it.payload));
            return packets.map(Sent::Packet).collect();
        }
        if self.dead {
            return Vec::new();
        }
        let sent = if to == relay() {
            self.on_client(Client::Datagrams(from), payload)
        } else {
            self.on_peer(from, to, payload)
        };
        self.pass(sent).into_iter().collect()
    }

    /// From one of the relay's addresses to another nothing need leave.
    fn pass(&mut self, mut sent: Option<Sent>) -> Option<Sent> {
        while let Some(Sent::Packet((from, to, payload))) = &sent
            && to.ip() == IpAddr::from(RELAY)
        {
            sent = self.on_peer(*from, *to, payload);
        }
        sent
    }

    fn on_client(&mut self, client: Client, payload: &[u8]) -> Option<Sent> {
        let source = |port| SocketAddr::from((RELAY, port));
        if let [0x40..=0x4f, ..] = payload {
            let allocation = self.allocations.get(&client)?;
            let number = u16::from_be_bytes([payload[0], payload[1]]);
            let length = usize::from(u16::from_be_bytes([payload[2], payload[3]]));
            let peer = *allocation.channels.get(&number)?;
            self.relayed += 1;
            let datagram = payload[4..4 + length].to_vec();
            return Some(Sent::Packet((source(allocation.port), peer, datagram)));
        }
        let message = Message::decode(payload).ok()?;
        if message.class() == Class::Request {
            return Some(client.send(self.answer(client, &message)));
        }
        let allocation = self.allocations.get(&client)?;
        let peer = peer_of(&message).filter(|peer| allocation.permitted.contains(&peer.ip()))?;
        let data = message.find(|attribute| match attribute {
            Attribute::Data(data) => Some(data),
            _ => None,
        })?;
        self.relayed += 1;
        Some(Sent::Packet((source(allocation.port), peer, data.to_vec())))
    }

    fn on_peer(&mut self, peer: SocketAddr, to: SocketAddr, payload: &[u8]) -> Option<Sent> {
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
        Some(client.send(wrapped))
    }

    fn answer(&mut self, client: Client, request: &Message<'_>) -> Vec<u8> {
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
        let mapped = match client {
            Client::Datagrams(address) => address,
            // Nobody asks.
            Client::Stream(_) => relayed,
        };
        let released = |attribute| matches!(attribute, Attribute::Lifetime(0));
        if request.attributes().any(released) {
            self.allocations.remove(&client);
        }
        Builder::new(Class::Success, method, transaction)
            .attribute(&Attribute::Lifetime(600))
            .attribute(&Attribute::XorMappedAddress(mapped))
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
