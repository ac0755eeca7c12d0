//! Our addresses at relays. To searches each is a socket with a number; what goes in and out of it is wrapped (SPEC §19.3).
//!
//! ```text
//!             gives an address                lost
//!  asked ─────────────────────────▶ up ─────────────────▶ waits 0, 5 s, 10 s … 320 s ──▶ asked, under another number
//!    └── refuses, or is silent ───────────────────────────────▲
//!  not wanted and not used any more: given back
//! ```
//!
//! The TCP connection to a relay has the relay's number.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use super::relay::{Relay, RelayEvent};
use crate::base::limits::{NODE_GATEWAY_HTTP, NODE_PERMITS, NODE_RELAYS, NODE_RELAYS_FROM};
use crate::base::time::earliest;
use crate::base::{Entropy, Instant};
use crate::nat::stun::AddressFamily;
use crate::nat::turn::{self, TurnConfig, TurnInput};
use crate::nat::{Candidate, CandidateKind, Description, Scope, SocketId, SocketRequest, Transmit};

/// Bytes around a peer's datagram on its way to the relay: ChannelData.
pub(super) const WRAPPING: usize = 4;

/// What a datagram from a relay was.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Relayed {
    Foreign,
    Taken,
    /// A peer's, by this relay.
    Received(SocketId, SocketAddr, Vec<u8>),
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Relays {
    all: BTreeMap<SocketId, Relay>,
    numbers: u16,
    /// TCP connections that were asked for, and neither ended nor were given up.
    streams: BTreeSet<SocketId>,
    events: VecDeque<RelayEvent>,
}

impl Relays {
    pub(super) fn is_relay(socket: SocketId) -> bool {
        (NODE_RELAYS_FROM..NODE_GATEWAY_HTTP).contains(&socket.number())
    }

    fn number(&mut self) -> SocketId {
        loop {
            let number = NODE_RELAYS_FROM + self.numbers;
            self.numbers = (self.numbers + 1) % (NODE_GATEWAY_HTTP - NODE_RELAYS_FROM);
            if !self.all.contains_key(&SocketId::new(number)) {
                return SocketId::new(number);
            }
        }
    }

    /// From now on these are wanted, and no others; `patient`: those that were lost are not asked sooner for that.
    pub(super) fn want(
        &mut self,
        now: Instant,
        (configs, patient): (&[TurnConfig], bool),
        entropy: &mut dyn Entropy,
    ) {
        self.all.values_mut().for_each(|relay| relay.wanted = false);
        for config in configs.iter().take(NODE_RELAYS) {
            if let Some(relay) = self.all.values_mut().find(|relay| relay.is_of(config, patient)) {
                relay.wanted = true;
                continue;
            }
            let config = config.clone().relays(turn::Relays::One(AddressFamily::Ipv4));
            let relay = Relay::new(now, config, entropy);
            let number = self.number();
            self.all.insert(number, relay);
        }
        // One that was asked in vain until now is asked as it is wanted now.
        self.all.retain(|_, relay| relay.wanted || relay.closing || relay.address().is_some());
    }

    /// Whether all that are wanted have an address, or are known to have none.
    pub(super) fn are_settled(&self) -> bool {
        self.all.values().filter(|relay| relay.wanted).all(Relay::is_settled)
    }

    /// What peers may be told.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let wanted = self.all.values().filter(|relay| relay.wanted);
        let addresses = wanted.filter_map(Relay::address);
        addresses.map(|address| Candidate::new(CandidateKind::Relayed, address)).collect()
    }

    /// Those that have an address.
    pub(super) fn sockets(&self) -> Vec<SocketId> {
        let up = self.all.iter().filter(|(_, relay)| relay.address().is_some());
        up.map(|(socket, _)| *socket).collect()
    }

    /// The relay behind a number.
    pub(super) fn server(&self, socket: SocketId) -> Option<SocketAddr> {
        Some(self.all.get(&socket)?.server())
    }

    pub(super) fn serves(&self, remote: SocketAddr) -> bool {
        self.all.values().any(|relay| relay.hears(remote))
    }

    /// Lets these in by all relays.
    pub(super) fn permit(&mut self, now: Instant, ips: &BTreeSet<IpAddr>) {
        for relay in self.all.values_mut().filter(|relay| relay.address().is_some()) {
            relay.permit(now, ips);
        }
    }

    /// Whether a relay can be sent through to this IP address at the moment.
    pub(super) fn lets_in(&self, now: Instant, relay: SocketId, ip: IpAddr) -> bool {
        self.all.get(&relay).is_some_and(|relay| relay.lets_in(now, ip))
    }

    pub(super) fn is_up(&self, relay: SocketId) -> bool {
        self.all.get(&relay).is_some_and(|relay| relay.address().is_some())
    }

    /// Something has fallen silent: are the addresses ours still?
    pub(super) fn verify(&mut self, now: Instant) {
        self.all.values_mut().for_each(|relay| relay.verify(now));
    }

    /// Much is going to be sent to a peer.
    pub(super) fn open(&mut self, now: Instant, socket: SocketId, peer: SocketAddr) {
        if let Some(relay) = self.all.get_mut(&socket) {
            relay.open(now, peer);
        }
    }

    pub(super) fn handle_connected(&mut self, stream: SocketId) {
        if let Some(relay) = self.all.get_mut(&stream) {
            relay.handle_connected();
        }
    }

    pub(super) fn handle_disconnected(&mut self, stream: SocketId) {
        self.streams.remove(&stream);
        if let Some(relay) = self.all.get_mut(&stream) {
            relay.handle_disconnected();
        }
    }

    /// Takes bytes of a stream off the front of `input`, up to the end of a datagram. Returns it with its sender.
    pub(super) fn read(
        &mut self,
        now: Instant,
        stream: SocketId,
        input: &mut &[u8],
    ) -> Option<(SocketAddr, Vec<u8>)> {
        self.all.get_mut(&stream)?.read(now, input)
    }

    pub(super) fn receive(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> Relayed {
        // One that is being given back waits for an answer, and for nothing else that another one at the same relay might get.
        let answers = matches!(datagram, [0x01 | 0x03, ..]);
        for (socket, relay) in self.all.iter_mut().filter(|(_, it)| answers || !it.closing) {
            match relay.receive(now, from, datagram) {
                TurnInput::Foreign => {}
                TurnInput::Taken => return Relayed::Taken,
                TurnInput::Received { peer, payload } => {
                    return Relayed::Received(*socket, peer, payload.to_vec());
                }
            }
        }
        Relayed::Foreign
    }

    /// What to send to the relay, and where that is, so that the peer gets this datagram.
    pub(super) fn wrap(
        &mut self,
        now: Instant,
        socket: SocketId,
        peer: SocketAddr,
        datagram: &[u8],
    ) -> Option<Transmit> {
        self.all.get_mut(&socket)?.wrap(now, socket, peer, datagram)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, entropy: &mut dyn Entropy) {
        self.all.values_mut().for_each(|relay| relay.handle_timeout(now));
        let again = self.all.extract_if(.., |_, relay| relay.is_due(now));
        let again: Vec<Relay> = again.map(|(_, relay)| relay).collect();
        for lost in again {
            let number = self.number();
            self.all.insert(number, lost.anew(now, entropy));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.streams.is_empty()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.all.values().map(Relay::poll_timeout).fold(None, earliest)
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.all.iter_mut().find_map(|(socket, relay)| relay.poll_transmit(*socket))
    }

    /// TCP connections to open or to close.
    pub(super) fn requests(&mut self) -> Vec<SocketRequest> {
        let Self { all, streams, .. } = self;
        let needed = |socket: &SocketId| all.get(socket).and_then(Relay::stream_to);
        let closed = streams.extract_if(.., |socket| needed(socket).is_none());
        let mut requests: Vec<_> = closed.map(SocketRequest::Close).collect();
        for (socket, relay) in &*all {
            if let Some(server) = relay.stream_to().filter(|_| streams.insert(*socket)) {
                requests.push(SocketRequest::Connect(*socket, server));
            }
        }
        requests
    }

    pub(super) fn poll_event(&mut self, now: Instant) -> Option<RelayEvent> {
        for (socket, relay) in &mut self.all {
            self.events.extend(std::iter::from_fn(|| relay.poll_event(now, *socket)));
        }
        self.all.retain(|_, relay| !relay.is_over);
        self.events.pop_front()
    }

    /// Gives back what is neither wanted nor in use, and lets nobody in who is not looked for or connected.
    pub(super) fn retire(
        &mut self,
        now: Instant,
        in_use: impl Fn(SocketId) -> bool,
        peers: &BTreeSet<IpAddr>,
    ) {
        for (socket, relay) in &mut self.all {
            if !relay.wanted && !relay.closing && !in_use(*socket) {
                relay.close(now);
            }
            relay.forget_others(now, peers);
        }
    }
}

/// The IP addresses of a peer that a relay may meet.
pub(super) fn peers(peer: &Description) -> BTreeSet<IpAddr> {
    let ips = peer.candidates().iter().map(|candidate| candidate.address().ip().to_canonical());
    // Relays have IPv4 addresses, and see what the Internet sees.
    ips.filter(|ip| ip.is_ipv4() && Scope::of(*ip) == Scope::Global).take(NODE_PERMITS).collect()
}
