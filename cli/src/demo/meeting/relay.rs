//! A relay for pairs of NATs that leave no direct path: as much of a TURN server (RFC 8656) as the demonstration needs, for one user.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use srudp::nat::stun::{
    Attribute, Builder, Class, Key, Message, Method, PasswordAlgorithm, StunError, TransactionId,
};
use srudp::nat::turn::TurnConfig;
use srudp_links::Packet;

const ADDRESS: ([u8; 4], u16) = ([192, 0, 2, 3], 3478);

const USER: &str = "demo";
const PASSWORD: &str = "demo";
const REALM: &str = "demo";
const NONCE: &str = "demo";

/// Seconds that an allocation lasts: longer than the demonstration.
const LIFETIME: u32 = 600;

/// The relayed addresses have the ports behind this one.
const PORTS: u16 = 50_000;

/// What one client has here.
#[derive(Debug, Default)]
struct Allocation {
    port: u16,
    permitted: BTreeSet<IpAddr>,
    channels: BTreeMap<u16, SocketAddr>,
}

/// The relay.
#[derive(Debug, Default)]
pub(super) struct Relay {
    allocations: BTreeMap<SocketAddr, Allocation>,
    /// Datagrams that it has passed on.
    pub(super) passed: u64,
}

/// What peers have to know of it.
pub(super) fn config() -> TurnConfig {
    TurnConfig::new(ADDRESS.into(), USER, PASSWORD)
}

impl Relay {
    /// Whether this is one of its addresses.
    pub(super) fn owns(address: SocketAddr) -> bool {
        address.ip() == IpAddr::from(ADDRESS.0)
    }

    /// What leaves because this came. From one of its addresses to another it need not leave.
    pub(super) fn receive(&mut self, packet: Packet) -> Option<Packet> {
        let mut packet = packet;
        while Self::owns(packet.to) {
            packet = if packet.to == SocketAddr::from(ADDRESS) {
                self.on_client(packet.from, &packet.payload)?
            } else {
                self.on_peer(packet.from, packet.to.port(), &packet.payload)?
            };
        }
        Some(packet)
    }

    fn on_client(&mut self, client: SocketAddr, payload: &[u8]) -> Option<Packet> {
        if let [high @ 0x40..=0x4f, low, a, b, data @ ..] = payload {
            let allocation = self.allocations.get(&client)?;
            let peer = *allocation.channels.get(&u16::from_be_bytes([*high, *low]))?;
            let data = data.get(..usize::from(u16::from_be_bytes([*a, *b])))?;
            self.passed += 1;
            return Some(Packet::new(relayed(allocation), peer, data.to_vec()));
        }
        let message = Message::decode(payload).ok()?;
        if message.class() == Class::Request {
            let answer = self.answer(client, &message).ok()?;
            return Some(Packet::new(ADDRESS.into(), client, answer));
        }
        let allocation = self.allocations.get(&client)?;
        let peer = peer_of(&message).filter(|peer| allocation.permitted.contains(&peer.ip()))?;
        let data = message.find(|attribute| match attribute {
            Attribute::Data(data) => Some(data),
            _ => None,
        })?;
        self.passed += 1;
        Some(Packet::new(relayed(allocation), peer, data.to_vec()))
    }

    fn on_peer(&mut self, peer: SocketAddr, port: u16, payload: &[u8]) -> Option<Packet> {
        let mut allocations = self.allocations.iter();
        let (client, allocation) = allocations.find(|(_, allocation)| allocation.port == port)?;
        if !allocation.permitted.contains(&peer.ip()) {
            return None;
        }
        let channel = allocation.channels.iter().find(|(_, bound)| **bound == peer);
        let wrapped = match channel {
            Some((number, _)) => {
                let length = u16::try_from(payload.len()).ok()?;
                [&number.to_be_bytes()[..], &length.to_be_bytes(), payload].concat()
            }
            None => Builder::new(Class::Indication, Method::DATA, TransactionId::new([0; 12]))
                .attribute(&Attribute::XorPeerAddress(peer))
                .attribute(&Attribute::Data(payload))
                .finish()
                .ok()?,
        };
        self.passed += 1;
        Some(Packet::new(ADDRESS.into(), *client, wrapped))
    }

    fn answer(&mut self, client: SocketAddr, request: &Message<'_>) -> Result<Vec<u8>, StunError> {
        let (method, transaction) = (request.method(), request.transaction());
        let key = Key::long_term(PasswordAlgorithm::Md5, USER, REALM, PASSWORD);
        let refuse = |code| {
            Builder::new(Class::Error, method, transaction)
                .attribute(&Attribute::ErrorCode { code, reason: "" })
        };
        if !request.verify_sha1(&key) {
            let challenge = refuse(401).attribute(&Attribute::Realm(REALM));
            return challenge.attribute(&Attribute::Nonce(NONCE)).finish();
        }
        if method == Method::ALLOCATE {
            let count = u16::try_from(self.allocations.len()).unwrap_or_default();
            let port = PORTS.saturating_add(count);
            self.allocations.entry(client).or_insert(Allocation { port, ..Allocation::default() });
        }
        let Some(allocation) = self.allocations.get_mut(&client) else {
            return refuse(437).integrity(&key).finish();
        };
        if let Some(peer) = peer_of(request) {
            allocation.permitted.insert(peer.ip());
            let number = request.find(|attribute| match attribute {
                Attribute::ChannelNumber(number) => Some(number),
                _ => None,
            });
            allocation.channels.extend(number.map(|number| (number, peer)));
        }
        Builder::new(Class::Success, method, transaction)
            .attribute(&Attribute::Lifetime(LIFETIME))
            .attribute(&Attribute::XorMappedAddress(client))
            .attribute(&Attribute::XorRelayedAddress(relayed(allocation)))
            .integrity(&key)
            .finish()
    }
}

fn relayed(allocation: &Allocation) -> SocketAddr {
    SocketAddr::from((ADDRESS.0, allocation.port))
}

fn peer_of(message: &Message<'_>) -> Option<SocketAddr> {
    message.find(|attribute| match attribute {
        Attribute::XorPeerAddress(peer) => Some(peer),
        _ => None,
    })
}
