//! Our addresses at relays. To searches each is a socket with a number; what goes in and out of it is wrapped (SPEC §19.3).
//!
//! ```text
//!             gives an address                lost
//!  asked ─────────────────────────▶ up ─────────────────▶ waits 5 s, 10 s … 320 s ──▶ asked, under another number
//!    └── refuses, or is silent ───────────────────────────────▲
//!  not wanted and not used any more: given back
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use crate::base::limits::{
    NODE_PERMITS, NODE_RELAY_RETRY, NODE_RELAY_RETRY_MAX, NODE_RELAYS, NODE_RELAYS_FROM,
    NODE_SPARES_FROM,
};
use crate::base::time::earliest;
use crate::base::{Entropy, Instant, SeededEntropy};
use crate::nat::stun::AddressFamily;
use crate::nat::turn::{self, TurnClient, TurnConfig, TurnError, TurnEvent, TurnInput};
use crate::nat::{Candidate, CandidateKind, Description, Scope, SocketId, Transmit};

/// Bytes around a peer's datagram on its way to the relay: ChannelData.
pub(super) const WRAPPING: usize = 4;

/// What has happened to a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RelayEvent {
    /// There is an address after all: not when it was asked for.
    Late,
    /// What had this number is gone.
    Lost(SocketId, SocketAddr, TurnError),
}

/// What a datagram from a relay was.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Relayed {
    Foreign,
    Taken,
    /// A peer's, by this relay.
    Received(SocketId, SocketAddr, Vec<u8>),
}

#[derive(Debug)]
struct Relay {
    config: TurnConfig,
    client: TurnClient,
    address: Option<SocketAddr>,
    permitted: BTreeSet<IpAddr>,
    /// It belongs to what was gathered last.
    wanted: bool,
    /// When to ask anew, after it was lost.
    retry: Option<Instant>,
    failures: u32,
    /// It is being given back.
    closing: bool,
    /// It was given back, or lost and is not wanted.
    is_over: bool,
}

impl Relay {
    fn new(now: Instant, config: TurnConfig, entropy: &mut dyn Entropy) -> Self {
        let fork = Box::new(SeededEntropy::fork(entropy));
        let client = TurnClient::new(now, config.clone(), fork);
        let (address, permitted) = (None, BTreeSet::new());
        Self {
            config,
            client,
            address,
            permitted,
            wanted: true,
            retry: None,
            failures: 0,
            closing: false,
            is_over: false,
        }
    }

    fn on_event(&mut self, now: Instant, socket: SocketId, event: TurnEvent) -> Option<RelayEvent> {
        match event {
            TurnEvent::Allocated(given) => {
                self.address = given.ipv4;
                return (self.failures > 0).then_some(RelayEvent::Late);
            }
            TurnEvent::Lost(error) => {
                self.address = None;
                let wait = NODE_RELAY_RETRY.saturating_mul(1 << self.failures.min(16));
                self.retry = self.wanted.then_some(now + wait.min(NODE_RELAY_RETRY_MAX));
                self.failures = self.failures.saturating_add(1);
                self.is_over = !self.wanted;
                return Some(RelayEvent::Lost(socket, self.client.server(), error));
            }
            TurnEvent::Refused { ip, .. } => {
                self.permitted.remove(&ip);
            }
            TurnEvent::Closed => self.is_over = true,
            TurnEvent::Permitted(_) => {}
        }
        None
    }

    /// Whether it is known if there is an address.
    fn is_settled(&self) -> bool {
        self.address.is_some() || self.retry.is_some()
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Relays {
    all: BTreeMap<SocketId, Relay>,
    numbers: u16,
    events: VecDeque<RelayEvent>,
}

impl Relays {
    pub(super) fn is_relay(socket: SocketId) -> bool {
        (NODE_RELAYS_FROM..NODE_SPARES_FROM).contains(&socket.number())
    }

    fn number(&mut self) -> SocketId {
        loop {
            let number = NODE_RELAYS_FROM + self.numbers;
            self.numbers = (self.numbers + 1) % (NODE_SPARES_FROM - NODE_RELAYS_FROM);
            if !self.all.contains_key(&SocketId::new(number)) {
                return SocketId::new(number);
            }
        }
    }

    /// From now on these are wanted, and no others.
    pub(super) fn want(&mut self, now: Instant, configs: &[TurnConfig], entropy: &mut dyn Entropy) {
        self.all.values_mut().for_each(|relay| relay.wanted = false);
        for config in configs.iter().take(NODE_RELAYS) {
            let same = |relay: &&mut Relay| {
                let usable = relay.address.is_some() || relay.wanted;
                relay.config.server() == config.server() && usable
            };
            if let Some(relay) = self.all.values_mut().find(same) {
                relay.wanted = true;
                continue;
            }
            let config = config.clone().relays(turn::Relays::One(AddressFamily::Ipv4));
            let relay = Relay::new(now, config, entropy);
            let number = self.number();
            self.all.insert(number, relay);
        }
        // One that was asked in vain until now is asked as it is wanted now.
        self.all.retain(|_, relay| relay.wanted || relay.closing || relay.address.is_some());
    }

    /// Whether all that are wanted have an address, or are known to have none.
    pub(super) fn are_settled(&self) -> bool {
        self.all.values().filter(|relay| relay.wanted).all(Relay::is_settled)
    }

    /// What peers may be told.
    pub(super) fn candidates(&self) -> Vec<Candidate> {
        let wanted = self.all.values().filter(|relay| relay.wanted);
        let addresses = wanted.filter_map(|relay| relay.address);
        addresses.map(|address| Candidate::new(CandidateKind::Relayed, address)).collect()
    }

    /// Those that have an address.
    pub(super) fn sockets(&self) -> Vec<SocketId> {
        let up = self.all.iter().filter(|(_, relay)| relay.address.is_some());
        up.map(|(socket, _)| *socket).collect()
    }

    /// The relay behind a number.
    pub(super) fn server(&self, socket: SocketId) -> Option<SocketAddr> {
        Some(self.all.get(&socket)?.client.server())
    }

    pub(super) fn serves(&self, remote: SocketAddr) -> bool {
        self.all.values().any(|relay| relay.client.server() == remote)
    }

    /// Lets a peer in by all relays, from wherever it says that it is.
    pub(super) fn permit(&mut self, now: Instant, peer: &Description) {
        let ips = peers(peer);
        for relay in self.all.values_mut().filter(|relay| relay.address.is_some()) {
            for ip in &ips {
                // One that has no room for more serves others.
                if relay.client.permit(now, *ip).is_ok() {
                    relay.permitted.insert(*ip);
                }
            }
        }
    }

    /// Much is going to be sent to a peer.
    pub(super) fn open(&mut self, now: Instant, socket: SocketId, peer: SocketAddr) {
        if let Some(relay) = self.all.get_mut(&socket)
            && relay.client.open(now, peer).is_ok()
        {
            relay.permitted.insert(peer.ip());
        }
    }

    pub(super) fn receive(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> Relayed {
        // One that is being given back waits for an answer, and for nothing else that another one at the same relay might get.
        let answers = matches!(datagram, [0x01 | 0x03, ..]);
        for (socket, relay) in self.all.iter_mut().filter(|(_, it)| answers || !it.closing) {
            match relay.client.handle_datagram(now, from, datagram) {
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
        let relay = self.all.get_mut(&socket)?;
        let mut payload = Vec::new();
        relay.client.send(now, peer, datagram, &mut payload).ok()?;
        Some(Transmit { socket: SocketId::MAIN, destination: relay.client.server(), payload })
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, entropy: &mut dyn Entropy) {
        self.all.values_mut().for_each(|relay| relay.client.handle_timeout(now));
        let due = |relay: &Relay| relay.retry.is_some_and(|at| at <= now);
        let again: Vec<Relay> =
            self.all.extract_if(.., |_, relay| due(relay)).map(|(_, relay)| relay).collect();
        for lost in again {
            let mut relay = Relay::new(now, lost.config, entropy);
            relay.failures = lost.failures;
            let number = self.number();
            self.all.insert(number, relay);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let timeouts = self.all.values().map(|relay| {
            let retry = relay.retry;
            earliest(retry, relay.client.poll_timeout())
        });
        timeouts.fold(None, earliest)
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.all.values_mut().find_map(|relay| relay.client.poll_transmit())
    }

    pub(super) fn poll_event(&mut self, now: Instant) -> Option<RelayEvent> {
        for (socket, relay) in &mut self.all {
            while let Some(event) = relay.client.poll_event() {
                self.events.extend(relay.on_event(now, *socket, event));
            }
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
                (relay.closing, relay.address) = (true, None);
                relay.client.close(now);
            }
            for ip in relay.permitted.extract_if(.., |ip| !peers.contains(ip)) {
                relay.client.forget(now, ip);
            }
        }
    }
}

/// The IP addresses of a peer that a relay may meet.
pub(super) fn peers(peer: &Description) -> BTreeSet<IpAddr> {
    let ips = peer.candidates().iter().map(|candidate| candidate.address().ip().to_canonical());
    // Relays have IPv4 addresses, and see what the Internet sees.
    ips.filter(|ip| ip.is_ipv4() && Scope::of(*ip) == Scope::Global).take(NODE_PERMITS).collect()
}
