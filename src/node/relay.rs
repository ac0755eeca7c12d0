//! One relay: asked over UDP, and over TCP where UDP does not come through (SPEC §19.3).
//!
//! ```text
//!  over UDP ──────▶ asked ── gives an address ──▶ up
//!     │ silent for 0.5 s        │                  ▲ the way that was first stays, the other one ends
//!     └─▶ over TCP as well ─▶ asked ───────────────┘
//! ```
//!
//! Contents are sealed end to end, so the stream has no TLS: it would hide only from those before the relay what the relay sees.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::base::limits::{NODE_RELAY_RETRY, NODE_RELAY_RETRY_MAX, NODE_STREAM_AFTER};
use crate::base::time::earliest;
use crate::base::{Entropy, Instant, SeededEntropy};
use crate::nat::turn::{
    FrameReader, Framing, TurnClient, TurnConfig, TurnError, TurnEvent, TurnInput,
};
use crate::nat::{SocketId, Transmit};

/// What has happened to a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RelayEvent {
    /// There is an address; late, if not when it was asked for.
    Up { late: bool },
    /// Somebody is let in.
    Permitted,
    /// What had this number is gone.
    Lost(SocketId, SocketAddr, TurnError),
}

/// A client on a TCP connection.
#[derive(Debug)]
struct Stream {
    client: TurnClient,
    frames: FrameReader,
    is_connected: bool,
}

/// A relay, and how it is asked.
#[derive(Debug)]
pub(super) struct Relay {
    config: TurnConfig,
    entropy: SeededEntropy,
    datagrams: Option<TurnClient>,
    stream: Option<Stream>,
    /// When it is asked over TCP as well, unless something comes over UDP before.
    stream_at: Option<Instant>,
    address: Option<SocketAddr>,
    /// Since when.
    since: Instant,
    permitted: BTreeSet<IpAddr>,
    /// It belongs to what was gathered last.
    pub(super) wanted: bool,
    /// When to ask anew, after it was lost.
    retry: Option<Instant>,
    failures: u32,
    /// It is being given back.
    pub(super) closing: bool,
    /// It was given back, or lost and is not wanted.
    pub(super) is_over: bool,
}

impl Relay {
    pub(super) fn new(now: Instant, config: TurnConfig, entropy: &mut dyn Entropy) -> Self {
        let mut relay = Self {
            entropy: SeededEntropy::fork(entropy),
            datagrams: None,
            stream: None,
            stream_at: None,
            address: None,
            since: now,
            permitted: BTreeSet::new(),
            wanted: true,
            retry: None,
            failures: 0,
            closing: false,
            is_over: false,
            config,
        };
        if relay.config.is_stream() {
            relay.ask_by_stream(now);
        } else {
            let fork = Box::new(SeededEntropy::fork(&mut relay.entropy));
            relay.datagrams = Some(TurnClient::new(now, relay.config.clone(), fork));
            relay.stream_at = Some(now + NODE_STREAM_AFTER);
        }
        relay
    }

    /// The same relay, asked anew after it was lost.
    pub(super) fn anew(self, now: Instant, entropy: &mut dyn Entropy) -> Self {
        Self { failures: self.failures, ..Self::new(now, self.config, entropy) }
    }

    fn ask_by_stream(&mut self, now: Instant) {
        self.stream_at = None;
        let config = self.config.clone().framing(Framing::Stream);
        let fork = Box::new(SeededEntropy::fork(&mut self.entropy));
        let client = TurnClient::new(now, config, fork);
        self.stream = Some(Stream { client, frames: FrameReader::default(), is_connected: false });
    }

    /// The client that gave the address: the only one from then on.
    fn client(&mut self) -> Option<&mut TurnClient> {
        let stream = self.stream.as_mut().map(|stream| &mut stream.client);
        self.datagrams.as_mut().or(stream)
    }

    fn clients(&mut self) -> impl Iterator<Item = &mut TurnClient> {
        let stream = self.stream.as_mut().map(|stream| &mut stream.client);
        self.datagrams.as_mut().into_iter().chain(stream)
    }

    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Whether this is the relay that somebody wants now.
    pub(super) fn is_of(&self, config: &TurnConfig, patient: bool) -> bool {
        let waits = patient && self.retry.is_some();
        self.config.is_same(config) && (self.address.is_some() || self.wanted || waits)
    }

    /// Whether it is known if there is an address.
    pub(super) fn is_settled(&self) -> bool {
        self.address.is_some() || self.retry.is_some()
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.retry.is_some_and(|at| at <= now)
    }

    /// Where the relay is: elsewhere than configured after it has named another.
    pub(super) fn server(&self) -> SocketAddr {
        let datagrams = self.datagrams.as_ref().map(TurnClient::server);
        datagrams.unwrap_or_else(|| self.config.server())
    }

    /// Whether datagrams from there may be the relay's.
    pub(super) fn hears(&self, remote: SocketAddr) -> bool {
        self.datagrams.as_ref().is_some_and(|client| client.server() == remote)
    }

    /// Where a TCP connection leads that is needed now.
    pub(super) fn stream_to(&self) -> Option<SocketAddr> {
        self.stream.as_ref().map(|stream| stream.client.server())
    }

    pub(super) fn permit(&mut self, now: Instant, ips: &BTreeSet<IpAddr>) {
        for ip in ips {
            // One that has no room for more serves others.
            if self.client().is_some_and(|client| client.permit(now, *ip).is_ok()) {
                self.permitted.insert(*ip);
            }
        }
    }

    /// Whether datagrams can be sent to this IP address at the moment.
    pub(super) fn lets_in(&self, now: Instant, ip: IpAddr) -> bool {
        let stream = self.stream.as_ref().map(|stream| &stream.client);
        let client = self.datagrams.as_ref().or(stream);
        self.address.is_some() && client.is_some_and(|client| client.lets_in(now, ip))
    }

    /// Asks whether the address is ours still.
    pub(super) fn verify(&mut self, now: Instant) {
        if let Some(client) = self.client() {
            client.verify(now);
        }
    }

    pub(super) fn open(&mut self, now: Instant, peer: SocketAddr) {
        if self.client().is_some_and(|client| client.open(now, peer).is_ok()) {
            self.permitted.insert(peer.ip());
        }
    }

    /// Lets nobody in but these.
    pub(super) fn forget_others(&mut self, now: Instant, peers: &BTreeSet<IpAddr>) {
        let others: Vec<IpAddr> = self.permitted.extract_if(.., |ip| !peers.contains(ip)).collect();
        if let Some(client) = self.client() {
            others.into_iter().for_each(|ip| client.forget(now, ip));
        }
    }

    /// Begins to give the address back.
    pub(super) fn close(&mut self, now: Instant) {
        (self.closing, self.address) = (true, None);
        self.clients().for_each(|client| client.close(now));
    }

    /// A datagram came.
    pub(super) fn receive<'d>(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &'d [u8],
    ) -> TurnInput<'d> {
        let Some(client) = &mut self.datagrams else { return TurnInput::Foreign };
        let input = client.handle_datagram(now, from, datagram);
        if input != TurnInput::Foreign {
            self.stream_at = None;
        }
        input
    }

    pub(super) fn handle_connected(&mut self) {
        if let Some(stream) = &mut self.stream {
            stream.is_connected = true;
        }
    }

    pub(super) fn handle_disconnected(&mut self) {
        if let Some(stream) = &mut self.stream {
            stream.client.handle_disconnect();
        }
    }

    /// Takes bytes of the stream off the front of `input`, up to the end of a datagram. Returns it with its sender.
    pub(super) fn read(
        &mut self,
        now: Instant,
        input: &mut &[u8],
    ) -> Option<(SocketAddr, Vec<u8>)> {
        let Stream { client, frames, .. } = self.stream.as_mut()?;
        let server = client.server();
        while !input.is_empty() {
            match frames.read(input) {
                Ok(None) => {}
                Ok(Some(message)) => {
                    if let TurnInput::Received { peer, payload } =
                        client.handle_datagram(now, server, message)
                    {
                        return Some((peer, payload.to_vec()));
                    }
                }
                // Whoever that is, it is no relay.
                Err(_) => {
                    client.handle_disconnect();
                    return None;
                }
            }
        }
        None
    }

    /// What to send to the relay so that the peer gets this datagram; `stream` is the number of the TCP connection.
    pub(super) fn wrap(
        &mut self,
        now: Instant,
        stream: SocketId,
        peer: SocketAddr,
        datagram: &[u8],
    ) -> Option<Transmit> {
        let socket = if self.stream.is_some() { stream } else { SocketId::MAIN };
        let client = self.client()?;
        let mut payload = Vec::new();
        client.send(now, peer, datagram, &mut payload).ok()?;
        Some(Transmit { socket, destination: client.server(), payload })
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.clients().for_each(|client| client.handle_timeout(now));
        if self.stream_at.is_some_and(|at| at <= now) {
            self.ask_by_stream(now);
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let datagrams = self.datagrams.as_ref().and_then(TurnClient::poll_timeout);
        let stream = self.stream.as_ref().and_then(|stream| stream.client.poll_timeout());
        earliest(earliest(datagrams, stream), earliest(self.stream_at, self.retry))
    }

    pub(super) fn poll_transmit(&mut self, stream: SocketId) -> Option<Transmit> {
        if let Some(asked) = self.datagrams.as_mut().and_then(TurnClient::poll_transmit) {
            return Some(asked);
        }
        let connected = self.stream.as_mut().filter(|stream| stream.is_connected)?;
        let asked = connected.client.poll_transmit()?;
        Some(Transmit { socket: stream, ..asked })
    }

    pub(super) fn poll_event(&mut self, now: Instant, socket: SocketId) -> Option<RelayEvent> {
        loop {
            let datagrams = self.datagrams.as_mut().and_then(TurnClient::poll_event);
            let by_stream = datagrams.is_none();
            let stream = self.stream.as_mut();
            let event = datagrams.or_else(|| stream.and_then(|it| it.client.poll_event()))?;
            if let Some(event) = self.on_event(now, socket, by_stream, event) {
                return Some(event);
            }
        }
    }

    fn on_event(
        &mut self,
        now: Instant,
        socket: SocketId,
        by_stream: bool,
        event: TurnEvent,
    ) -> Option<RelayEvent> {
        match event {
            TurnEvent::Allocated(given) => {
                if by_stream {
                    self.datagrams = None;
                } else {
                    self.stream = None;
                }
                (self.address, self.stream_at, self.since) = (given.ipv4, None, now);
                return Some(RelayEvent::Up { late: self.failures > 0 });
            }
            TurnEvent::Lost(error) => {
                let server = self.server();
                let went_on = if by_stream {
                    self.stream = None;
                    self.datagrams.is_some()
                } else {
                    self.datagrams = None;
                    self.stream.as_ref().is_some_and(|stream| stream.is_connected)
                };
                if !went_on {
                    self.on_lost(now);
                    return Some(RelayEvent::Lost(socket, server, error));
                }
            }
            TurnEvent::Refused { ip, .. } => {
                self.permitted.remove(&ip);
            }
            TurnEvent::Closed => self.is_over = true,
            TurnEvent::Permitted(_) => return Some(RelayEvent::Permitted),
        }
        None
    }

    fn on_lost(&mut self, now: Instant) {
        let served = self.address.is_some();
        if served && now.saturating_since(self.since) >= NODE_RELAY_RETRY {
            self.failures = 0;
        }
        (self.stream, self.stream_at, self.address) = (None, None, None);
        // One that has served may just not know us any more, where we have another address now.
        let wait = match self.failures {
            0 if served => Duration::ZERO,
            failures => NODE_RELAY_RETRY.saturating_mul(1 << failures.saturating_sub(1).min(16)),
        };
        if !served {
            self.failures = self.failures.max(1);
        }
        self.retry = self.wanted.then_some(now + wait.min(NODE_RELAY_RETRY_MAX));
        self.failures = self.failures.saturating_add(1);
        self.is_over = !self.wanted;
    }
}
