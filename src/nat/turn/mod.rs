//! A client of relays: TURN (RFC 8656) without I/O, for peers that cannot reach each other.
//!
//! ```text
//!                  300: the relay that it names; 437: once more, after releasing what is left there
//!                ┌──────────────┐
//!                ▼              │
//!   new ──▶  Allocating ────────┘
//!                │ relay agrees            close              relay answers, or does not
//!                └────────────▶ Allocated ───────▶ Closing ──────────────────▶ Over
//!                                   │ Refresh unanswered, 437, disconnected      ▲
//!                                   └────────────────────────────────────────────┘
//! ```
//!
//! While allocated, the relay is asked again and again to go on: that makes the allocation last, keeps the NAT's mapping to the relay
//! alive, and shows soon when the relay is dead. Peers get a permission each ([`TurnClient::permit`]), and those that much is sent to
//! a channel ([`TurnClient::open`]).
//!
//! Data takes a way of its own, without copies on the heap: [`TurnClient::send`] writes into a buffer of the caller's, and
//! [`TurnClient::handle_datagram`] shows where the peer's datagram lies in the relay's.

mod allocation;
mod backlog;
mod channels;
mod config;
mod data;
mod error;
mod event;
mod frames;
mod permissions;
mod requests;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub use allocation::Relayed;
pub use backlog::FrameQueue;
pub use config::{Framing, Relays, TurnConfig};
pub use error::{TurnAskError, TurnError, TurnSendError};
pub use event::{TurnEvent, TurnInput};
pub use frames::FrameReader;

use crate::base::limits::STUN_ROUNDS;
use crate::base::time::earliest;
use crate::base::{Entropy, Instant};
use crate::nat::scope::Scope;
use crate::nat::socket::{SocketId, Transmit};
use crate::nat::stun::{Class, Message, Method, TransactionId};
use channels::Channels;
use permissions::Permissions;
use requests::{Outcome, Purpose, Requests};

#[derive(Debug)]
enum State {
    Allocating {
        redirections: u8,
        /// What an earlier client left at the relay was released.
        released: bool,
    },
    Allocated {
        /// When to ask again; `None` while a request is on its way.
        due: Option<Instant>,
    },
    Closing,
    Over,
}

/// An allocation at a relay.
pub struct TurnClient {
    config: TurnConfig,
    server: SocketAddr,
    entropy: Box<dyn Entropy>,
    requests: Requests,
    state: State,
    permissions: Permissions,
    channels: Channels,
    events: VecDeque<TurnEvent>,
}

impl TurnClient {
    /// Asks the relay for an allocation.
    pub fn new(now: Instant, config: TurnConfig, entropy: Box<dyn Entropy>) -> Self {
        let credentials = config.credentials.clone();
        let mut client = Self {
            server: config.server,
            entropy,
            requests: Requests::new(credentials, config.patience_or_default()),
            state: State::Allocating { redirections: 0, released: false },
            permissions: Permissions::default(),
            channels: Channels::default(),
            events: VecDeque::new(),
            config,
        };
        client.allocate(now);
        client
    }

    /// The relay: not the configured one after that has named another.
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// Asks the relay to let in what comes from this IP address, and goes on asking until it is forgotten.
    ///
    /// # Errors
    ///
    /// See [`TurnAskError`].
    pub fn permit(&mut self, now: Instant, ip: IpAddr) -> Result<(), TurnAskError> {
        if !matches!(self.state, State::Allocated { .. }) {
            return Err(TurnAskError::NotAllocated);
        }
        if Scope::of(ip) == Scope::Unusable {
            return Err(TurnAskError::Unusable);
        }
        if !self.permissions.contains(ip) {
            if !self.permissions.add(ip) {
                return Err(TurnAskError::TooMany);
            }
            self.start(now, Purpose::Permit(ip));
        }
        Ok(())
    }

    /// Permits a peer's IP address, and asks for a channel to the peer: 4 bytes of header instead of 36. If the relay has no more of
    /// them, datagrams take the longer header.
    ///
    /// # Errors
    ///
    /// See [`TurnAskError`].
    pub fn open(&mut self, now: Instant, peer: SocketAddr) -> Result<(), TurnAskError> {
        self.permit(now, peer.ip())?;
        if let Some(number) = self.channels.open(peer) {
            self.start(now, Purpose::Bind { number, peer });
        }
        Ok(())
    }

    /// Lets the permission of an IP address lapse, and the channels to its ports.
    pub fn forget(&mut self, now: Instant, ip: IpAddr) {
        self.permissions.remove(ip);
        let peers: Vec<_> = self.channels.peers().filter(|peer| peer.ip() == ip).collect();
        for peer in peers {
            self.channels.forget(now, peer);
        }
    }

    /// Whether datagrams can be sent to this IP address at the moment.
    pub fn lets_in(&self, now: Instant, ip: IpAddr) -> bool {
        matches!(self.state, State::Allocated { .. }) && self.permissions.holds(now, ip)
    }

    /// Asks the relay for a sign of life now, unless that is being done: something has fallen silent. If the allocation is not ours any more,
    /// because our address has become another one, [`TurnEvent::Lost`] follows soon.
    pub fn verify(&mut self, now: Instant) {
        if let State::Allocated { due } = &mut self.state
            && due.take().is_some()
        {
            self.start(now, Purpose::Verify { seconds: self.config.seconds() });
        }
    }

    /// Writes into `out`, instead of what it holds, what has to be sent to [`Self::server`] to have the datagram relayed to the peer.
    ///
    /// # Errors
    ///
    /// See [`TurnSendError`]; `out` is then worth nothing.
    pub fn send(
        &mut self,
        now: Instant,
        peer: SocketAddr,
        datagram: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), TurnSendError> {
        if !matches!(self.state, State::Allocated { .. }) {
            return Err(TurnSendError::NotAllocated);
        }
        if !self.permissions.holds(now, peer.ip()) {
            return Err(TurnSendError::NotPermitted);
        }
        let written = match self.channels.number(now, peer) {
            Some(number) => data::write_channel(number, datagram, self.config.framing, out),
            None => {
                let transaction = TransactionId::random(&mut *self.entropy);
                data::write_indication(peer, datagram, transaction, out)
            }
        };
        written.map_err(|_| TurnSendError::TooLong)
    }

    /// Gives the allocation back. [`TurnEvent::Closed`] follows, at the latest when the relay does not answer.
    pub fn close(&mut self, now: Instant) {
        match self.state {
            State::Closing | State::Over => {}
            State::Allocating { .. } => self.end(TurnEvent::Closed),
            State::Allocated { .. } => {
                self.forget_all();
                self.state = State::Closing;
                self.start(now, Purpose::Release);
            }
        }
    }

    /// The connection to the relay has ended.
    pub fn handle_disconnect(&mut self) {
        self.fail(TurnError::Disconnected);
    }

    /// A datagram came, or a message that [`FrameReader`] cut out of the relay's stream.
    pub fn handle_datagram<'d>(
        &mut self,
        now: Instant,
        from: SocketAddr,
        datagram: &'d [u8],
    ) -> TurnInput<'d> {
        if from != self.server || matches!(self.state, State::Over) {
            return TurnInput::Foreign;
        }
        if datagram.first().copied().is_some_and(data::is_channel_data) {
            let named = data::read_channel(datagram);
            let of_peer = named.and_then(|(number, it)| Some((self.channels.peer(number)?, it)));
            return received(of_peer.filter(|(peer, _)| self.permissions.contains(peer.ip())));
        }
        let Ok(message) = Message::decode(datagram) else { return TurnInput::Foreign };
        match (message.class(), message.method()) {
            (Class::Indication, Method::DATA) => {
                let from_peer = data::read_indication(&message);
                received(from_peer.filter(|(peer, _)| self.permissions.contains(peer.ip())))
            }
            (Class::Success | Class::Error, _) => self.on_response(now, &message),
            _ => TurnInput::Foreign,
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(purpose) = self.requests.poll_expired(now) {
            self.on_done(now, purpose, Err(TurnError::TimedOut), None);
        }
        if let State::Allocated { due } = &mut self.state
            && due.is_some_and(|due| due <= now)
        {
            *due = None;
            self.start(now, Purpose::Refresh { seconds: self.config.seconds() });
        }
        while let Some(ip) = self.permissions.poll_due(now) {
            self.start(now, Purpose::Permit(ip));
        }
        while let Some((number, peer)) = self.channels.poll_due(now) {
            self.start(now, Purpose::Bind { number, peer });
        }
    }

    /// What to send to the relay.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let payload = self.requests.poll_transmit()?.to_vec();
        Some(Transmit { socket: SocketId::MAIN, destination: self.server, payload })
    }

    /// When to call [`Self::handle_timeout`]; `None` when all is over.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let refresh = match self.state {
            State::Allocated { due } => due,
            _ => None,
        };
        let tables = earliest(self.permissions.poll_timeout(), self.channels.poll_timeout());
        earliest(earliest(refresh, self.requests.poll_timeout()), tables)
    }

    /// What has happened.
    pub fn poll_event(&mut self) -> Option<TurnEvent> {
        self.events.pop_front()
    }

    fn allocate(&mut self, now: Instant) {
        let (relays, seconds) = (self.config.relays, self.config.seconds());
        self.start(now, Purpose::Allocate { relays, seconds });
    }

    fn start(&mut self, now: Instant, purpose: Purpose) {
        if let Err(error) = self.requests.start(now, purpose, &mut *self.entropy) {
            self.fail(error);
        }
    }

    fn on_response(&mut self, now: Instant, message: &Message<'_>) -> TurnInput<'static> {
        match self.requests.on_response(now, self.server, message, &mut *self.entropy) {
            Outcome::Foreign => return TurnInput::Foreign,
            Outcome::Taken => {}
            Outcome::Done(purpose, result) => self.on_done(now, purpose, result, Some(message)),
        }
        TurnInput::Taken
    }

    fn on_done(
        &mut self,
        now: Instant,
        purpose: Purpose,
        result: Result<(), TurnError>,
        message: Option<&Message<'_>>,
    ) {
        match (purpose, result) {
            (Purpose::Allocate { .. }, Ok(())) => self.on_allocated(now, message),
            (Purpose::Allocate { .. }, Err(error)) => self.on_not_allocated(now, error),
            // All may be silent for a while: the relay is given up when it has not answered once more.
            (Purpose::Verify { .. }, Err(TurnError::TimedOut)) => {
                self.state = State::Allocated { due: Some(now) };
            }
            (Purpose::Refresh { .. } | Purpose::Verify { .. }, Ok(())) => {
                match message.and_then(allocation::lifetime) {
                    None => self.fail(TurnError::Incomprehensible),
                    Some(lifetime) => self.schedule(now, lifetime),
                }
            }
            (Purpose::Release, _) => self.on_released(now),
            // Whatever was asked: without an answer, or without an allocation, there is no relay.
            (_, Err(error @ (TurnError::TimedOut | TurnError::Mismatch)))
            | (Purpose::Refresh { .. } | Purpose::Verify { .. }, Err(error)) => self.fail(error),
            (Purpose::Permit(ip), Ok(())) => {
                if self.permissions.on_permitted(now, ip) {
                    self.events.push_back(TurnEvent::Permitted(ip));
                }
            }
            (Purpose::Permit(ip), Err(error)) => {
                if self.permissions.remove(ip) {
                    self.forget(now, ip);
                    self.events.push_back(TurnEvent::Refused { ip, error });
                }
            }
            (Purpose::Bind { number, .. }, result) => {
                self.channels.on_answer(now, number, result.is_ok());
            }
        }
    }

    fn on_allocated(&mut self, now: Instant, message: Option<&Message<'_>>) {
        let relayed = message.and_then(|message| Relayed::read(message, self.config.relays));
        match (relayed, message.and_then(allocation::lifetime)) {
            (Some(relayed), Some(lifetime)) => {
                self.schedule(now, lifetime);
                self.events.push_back(TurnEvent::Allocated(relayed));
            }
            _ => self.fail(TurnError::Incomprehensible),
        }
    }

    fn on_not_allocated(&mut self, now: Instant, error: TurnError) {
        let State::Allocating { redirections, released } = &mut self.state else { return };
        match error {
            // Over a stream there has to be a connection first, which is not ours to make.
            TurnError::Redirected(server) if self.config.framing == Framing::Datagrams => {
                *redirections += 1;
                if *redirections > STUN_ROUNDS {
                    return self.fail(TurnError::BadRedirection);
                }
                self.server = server;
                self.requests.reset();
                self.allocate(now);
            }
            // An earlier client at the same address did not close (RFC 8656 §7.4).
            TurnError::Mismatch if !*released => {
                *released = true;
                self.start(now, Purpose::Release);
            }
            error => self.fail(error),
        }
    }

    fn on_released(&mut self, now: Instant) {
        match self.state {
            State::Allocating { .. } => self.allocate(now),
            _ => self.end(TurnEvent::Closed),
        }
    }

    fn schedule(&mut self, now: Instant, lifetime: Duration) {
        let due = allocation::refresh_at(now, lifetime, self.config.life_sign);
        self.state = State::Allocated { due: Some(due) };
    }

    fn fail(&mut self, error: TurnError) {
        match self.state {
            State::Over => {}
            State::Closing => self.end(TurnEvent::Closed),
            _ => self.end(TurnEvent::Lost(error)),
        }
    }

    fn end(&mut self, event: TurnEvent) {
        self.forget_all();
        self.state = State::Over;
        self.events.push_back(event);
    }

    fn forget_all(&mut self) {
        self.requests.clear();
        self.permissions.clear();
        self.channels.clear();
    }
}

impl fmt::Debug for TurnClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnClient")
            .field("server", &self.server)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

fn received(found: Option<(SocketAddr, &[u8])>) -> TurnInput<'_> {
    match found {
        Some((peer, payload)) => TurnInput::Received { peer, payload },
        None => TurnInput::Taken,
    }
}
