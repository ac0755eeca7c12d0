//! Floor 6: one connection, the facade over its components.
//!
//! ```text
//!              handle_datagram ──▶ receive ──▶ dispatch ──▶ acks  streams  datagrams  cids  paths  lifetime
//!                                                  │ ACK
//!                                                  ▼
//!  handle_timeout ──▶ timers ──▶ recovery ──▶ fate ──▶ paths (rtt, congestion, mtu) and back to the sources
//!                                                  ▲
//!              poll_transmit ◀── send ◀────────────┴── acks  controls  cids  datagrams  streams
//! ```
//!
//! Components never see each other. Deadlines are a fold over them, sending is an ordered list of sources, and what a
//! packet carried comes back to its source as a record with its fate. A connection exists once its keys exist: the
//! handshake is the endpoint's.

mod batch;
mod beside;
mod config;
mod controls;
mod dispatch;
mod event;
mod fate;
mod keys;
mod lists;
mod paths;
mod receive;
mod run;
mod send;
mod share;
mod stats;
mod tail;
mod timers;
mod user;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::ack::AckTracker;
use crate::base::{Instant, limits};
use crate::cid::{LocalCids, PeerCids};
use crate::close::{ConnectionError, Lifetime};
use crate::crypto::{PeerId, Secrets};
use crate::datagram::Datagrams;
use crate::idle::Idle;
use crate::path::PathConfig;
use crate::recovery::Recovery;
use crate::stream::Streams;
use crate::vocab::Outcome;
use crate::wire::{ConnectionId, Parameters, Role, TransportError};

pub use config::TransportConfig;
pub use event::ConnectionEvent;
pub(crate) use lists::PeerList;
pub(crate) use receive::Arrival;
pub use send::Transmit;
pub(crate) use share::Share;
pub use stats::ConnectionStats;

use controls::Controls;
use keys::Keys;
use lists::Lists;
use paths::Paths;
use send::Establish;
use stats::Counters;

/// A connection to one peer.
///
/// Obtained from an endpoint. Whatever is done to it takes effect when the endpoint is polled next.
#[derive(Debug)]
pub struct Connection {
    role: Role,
    peer: PeerId,
    confirmed: bool,
    /// When the handshake is given up, if nothing has confirmed it (SPEC §6.3).
    confirm_by: Option<Instant>,
    /// When the peer may send at the latest what it owes us as an acknowledgement.
    peer_max_ack_delay: Duration,
    /// The shortest delay of its acknowledgements that the peer can be asked for, if it can be asked at all.
    peer_min_ack_delay: Option<Duration>,
    keys: Keys,
    acks: AckTracker,
    recovery: Recovery,
    paths: Paths,
    streams: Streams,
    datagrams: Datagrams,
    local_cids: LocalCids,
    peer_cids: PeerCids,
    retired_cids: Vec<ConnectionId>,
    controls: Controls,
    lists: Lists,
    establish: Option<Establish>,
    idle: Idle,
    lifetime: Lifetime,
    closed_reported: bool,
    paced_until: Option<Instant>,
    share: Share,
    /// It takes turns with other connections to the same address.
    takes_turns: bool,
    /// Bytes that are left of its turn, if others wait for theirs.
    turn_left: Option<u64>,
    /// At the last poll there was data that might not leave only because others came first.
    awaits_turn: bool,
    /// The application is likely to go on writing.
    expects_more: bool,
    ack_only_streak: u32,
    observed: Option<(u64, SocketAddr)>,
    /// Absent while it is used, and at rest.
    outcome: Option<Box<Outcome>>,
    events: VecDeque<ConnectionEvent>,
    counters: Counters,
}

/// What the handshake hands to the connection.
#[derive(Debug)]
pub(crate) struct Birth {
    pub(crate) role: Role,
    pub(crate) peer: PeerId,
    pub(crate) secrets: Secrets,
    pub(crate) local_cid: ConnectionId,
    /// The peer's parameters, as the handshake authenticated them.
    pub(crate) parameters: Parameters,
    /// Where the handshake message went that the peer has answered: that the answer came proves this address.
    pub(crate) remote: SocketAddr,
    pub(crate) local: Option<IpAddr>,
    /// The round trip of the handshake, if it was measured.
    pub(crate) rtt: Option<Duration>,
    /// When the handshake began.
    pub(crate) began: Instant,
    /// Initiator only: the ESTABLISH packet.
    pub(crate) establish: Option<Vec<u8>>,
    /// Chooses the packet numbers that are skipped.
    pub(crate) skip_seed: u64,
}

impl Connection {
    /// A connection whose parameters are acceptable.
    ///
    /// # Errors
    /// The error with which the handshake fails, when the peer's parameters lack what is required.
    pub(crate) fn new(
        now: Instant,
        config: &TransportConfig,
        birth: Birth,
    ) -> Result<Self, TransportError> {
        let peer = birth.parameters;
        let peer_cid = peer.initial_cid.ok_or(TransportError::PARAMETER)?;
        let path = PathConfig {
            algorithm: config.congestion,
            max_datagram: config.payload_max.min(clamp(peer.max_udp_payload)),
            validated: true,
            ecn: true,
            // Half of it is enough here, and tells nothing of the numbers that all of it decides.
            seed: u32::try_from(birth.skip_seed >> 32).unwrap_or(0),
        };
        let mut paths = Paths::new(now, birth.remote, birth.local, &path);
        if let Some(rtt) = birth.rtt {
            paths.active_mut().on_round_trip(rtt);
        }
        let mut streams = Streams::new(birth.role, &config.streams());
        streams.on_peer_parameters(&peer);
        let mut controls = Controls::default();
        if birth.role == Role::Responder {
            controls.announce_established();
        }
        controls.announce_address(birth.remote);
        let establish = birth.establish.map(|packet| Establish::new(now, packet, birth.rtt));
        Ok(Self {
            role: birth.role,
            peer: birth.peer,
            confirmed: false,
            confirm_by: Some(birth.began + config.handshake_timeout),
            peer_max_ack_delay: peer.max_ack_delay,
            peer_min_ack_delay: peer.min_ack_delay.filter(|_| config.ack_frequency),
            keys: Keys::new(&birth.secrets, birth.role, config.cipher(&peer)),
            acks: AckTracker::new(config.max_ack_delay),
            recovery: Recovery::new(birth.skip_seed),
            paths,
            streams,
            datagrams: Datagrams::new(config.datagram_max, peer.max_datagram_frame),
            local_cids: LocalCids::new(birth.local_cid, peer.active_cid_limit),
            peer_cids: PeerCids::new(peer_cid, peer.reset_token),
            retired_cids: Vec::new(),
            controls,
            lists: Lists::default(),
            establish,
            idle: Idle::new(now, config.idle_timeout, peer.max_idle_timeout, config.keep_alive)
                .yielding(birth.role == Role::Responder),
            lifetime: Lifetime::default(),
            closed_reported: false,
            paced_until: None,
            share: Share::default(),
            takes_turns: false,
            turn_left: None,
            awaits_turn: false,
            expects_more: false,
            ack_only_streak: 0,
            observed: None,
            outcome: None,
            events: VecDeque::new(),
            counters: Counters::new(now.saturating_since(birth.began)),
        })
    }

    /// The next thing to tell the application. The end is the last of it: packets that still open while closing are nobody's news.
    pub(crate) fn poll_event(&mut self) -> Option<ConnectionEvent> {
        if self.closed_reported {
            return None;
        }
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        if let Some(event) = self.streams.poll_event() {
            return Some(ConnectionEvent::Stream(event));
        }
        let reason = self.lifetime.reason()?.clone();
        self.closed_reported = true;
        Some(ConnectionEvent::Closed(reason))
    }

    /// How many more connection ids the peer could use.
    pub(crate) fn cids_wanted(&self) -> usize {
        if self.confirmed && self.lifetime.is_open() { self.local_cids.wanted() } else { 0 }
    }

    /// Gives the peer another connection id.
    pub(crate) fn issue_cid(&mut self, cid: ConnectionId, reset_token: [u8; 16]) {
        self.local_cids.issue(cid, reset_token);
    }

    /// A connection id that the peer will not use any more.
    pub(crate) fn poll_retired_cid(&mut self) -> Option<ConnectionId> {
        self.retired_cids.pop()
    }

    /// Connection ids under which packets for this connection may arrive.
    pub(crate) fn local_cids(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.local_cids.iter()
    }

    /// The token with which the peer would say that it knows this connection no more. None once that is no news; and none before
    /// the connection is confirmed, for a responder whom ESTABLISH has not reached yet resets what overtakes it.
    pub(crate) fn reset_token(&self) -> Option<[u8; 16]> {
        self.peer_cids.reset_token().filter(|_| self.confirmed && self.lifetime.is_open())
    }

    /// Bytes that are under way to the peer's address, as far as anything is known of it: a peer that has fallen silent keeps
    /// nobody else waiting.
    pub(crate) fn in_flight(&self) -> u64 {
        let is_silent = self.recovery.probe_timeouts() >= limits::PROBES_IN_VAIN;
        if self.lifetime.is_open() && !is_silent {
            self.recovery.in_flight_on(self.paths.active().id())
        } else {
            0
        }
    }

    /// Bytes that congestion control allows to be in flight.
    pub(crate) fn window(&self) -> u64 {
        self.paths.active().window()
    }

    /// The peer was once heard within [`NEAR`](limits::NEAR).
    pub(crate) fn is_near(&self) -> bool {
        let rtt = self.paths.active().rtt();
        rtt.measured && rtt.minimum <= limits::NEAR
    }

    /// Nothing will ever happen again.
    pub(crate) fn is_drained(&self) -> bool {
        self.lifetime.is_drained()
    }

    /// The operating system refused a datagram of this size to this address.
    pub(crate) fn on_too_large(&mut self, remote: SocketAddr, size: usize) {
        if self.paths.active().remote() == remote {
            self.paths.active_mut().on_too_large(size);
        }
    }

    /// A packet of the peer has opened.
    pub fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Queues an event, unless too many wait: those of which there can be many are only hints.
    fn tell(&mut self, event: ConnectionEvent) {
        if self.events.len() < limits::CONNECTION_EVENTS {
            self.events.push_back(event);
        }
    }

    fn fail(&mut self, now: Instant, error: TransportError) {
        self.lifetime.fail(now, error);
    }

    fn end(&mut self, error: ConnectionError) {
        self.lifetime.end(error);
    }

    /// The peer is not wanted: it is told so, and nobody else hears of the connection.
    pub(crate) fn refuse(&mut self, now: Instant, error: TransportError) {
        self.lifetime.fail(now, error);
    }
}

fn clamp(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
