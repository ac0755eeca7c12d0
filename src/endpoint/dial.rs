//! A dial until it has keys: the initiator's half of the handshake (SPEC §5.5).
//!
//! ```text
//!   punch ─▶ knocking ── PUNCH that echoes ours ─▶ asking ── SHARED_KEY verifies ─▶ a connection, to be confirmed
//!   direct ─────────────────────────────────────────▲  │
//!                                                   └──┘ PUNCH with a cookie: the same message again, with it
//! ```
//!
//! Every state repeats its datagram with growing intervals until the dial's time is up. Those of `asking` stay at a second for a while: a
//! silence may be a burst of losses that ends with the datagrams which it swallows.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::event::{ConnectError, Dial};
use super::outbox::Envelope;
use crate::base::{Entropy, Instant, limits};
use crate::close::ConnectionError;
use crate::connection::TransportConfig;
use crate::crypto::{
    Context, HandshakeError, Identity, Initiator, PeerId, punch_tag, verify_punch_tag,
};
use crate::wire::{
    ConnectionId, HandshakeId, HandshakeKind, Parameters, Punch, PunchFlags, SetMap, Suite,
};

/// A dial that has no keys yet.
#[derive(Debug)]
pub(super) struct Attempt {
    remote: SocketAddr,
    peer: Option<PeerId>,
    config: TransportConfig,
    hid: HandshakeId,
    offered: SetMap,
    tags: Option<Tags>,
    began: Instant,
    due: Instant,
    interval: Duration,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Knocking { transaction: [u8; 8], echo: [u8; 8], heard: HandshakeId },
    Asking(Box<Asking>),
}

#[derive(Debug)]
struct Asking {
    initiator: Arc<Initiator>,
    /// The connection id to come: the same for every SHARED_KEY, so that the same message is never answered in two ways.
    local_cid: Option<ConnectionId>,
    message: Vec<u8>,
    envelope: Envelope,
    /// Direct mode: the first flight proves nothing, so it is padded.
    padded: bool,
    /// How often the message was sent with this cookie, and when last.
    sends: u32,
    sent_at: Instant,
    /// It was sent again because the peer's own PUBLIC_KEY came.
    crossed: bool,
}

/// A dial that is to begin, and of which the endpoint does not know yet.
#[derive(Debug)]
pub(crate) struct Prepared {
    attempt: Attempt,
    /// The application protocol to ask for, unless the dial begins with a PUNCH.
    protocol: Option<Vec<u8>>,
}

impl Prepared {
    pub(super) fn new(attempt: Attempt, protocol: Option<Vec<u8>>) -> Self {
        Self { attempt, protocol }
    }

    /// Makes the keys and the first message, if the dial begins with them. `identity` is that of the endpoint.
    pub(crate) fn make_keys(
        &mut self,
        now: Instant,
        identity: &Identity,
        entropy: &mut dyn Entropy,
    ) -> Result<(), ConnectError> {
        let Some(protocol) = &self.protocol else { return Ok(()) };
        let asked = self.attempt.ask(now, identity, protocol, None, entropy);
        asked.map_err(|_| ConnectError::OwnId)
    }

    pub(super) fn into_attempt(self) -> Attempt {
        self.attempt
    }
}

/// What a due attempt wants.
#[derive(Debug)]
pub(super) enum Step {
    /// Send these.
    Send(Vec<Vec<u8>>),
    /// The time is up.
    TimedOut(ConnectionError),
}

impl Attempt {
    pub(super) fn new(
        now: Instant,
        dial: &Dial,
        config: TransportConfig,
        offered: SetMap,
        (own, hid): (PeerId, HandshakeId),
        entropy: &mut dyn Entropy,
    ) -> Self {
        Self {
            remote: dial.remote,
            peer: dial.peer,
            config,
            hid,
            offered,
            tags: Tags::new(dial, own),
            began: now,
            due: now,
            interval: limits::PUNCH_INTERVAL,
            stage: Stage::Knocking {
                transaction: entropy.array(),
                echo: [0; 8],
                heard: HandshakeId::ZERO,
            },
        }
    }

    /// Starts the handshake proper. `answer` is the PUNCH that the responder was heard with, if any.
    pub(super) fn ask(
        &mut self,
        now: Instant,
        identity: &Identity,
        protocol: &[u8],
        answer: Option<&Punch>,
        entropy: &mut dyn Entropy,
    ) -> Result<(), HandshakeError> {
        let theirs = answer.map_or(self.offered, |punch| punch.offered);
        // With nothing in common the suite is one that the responder refuses: as good as silence.
        let set = self.offered.best(theirs).unwrap_or(SetMap::CLASSICAL);
        let suite = Suite::new(set, self.peer.is_some());
        let (hid_responder, offered_responder) =
            answer.map_or((HandshakeId::ZERO, SetMap::NONE), |punch| (punch.source, punch.offered));
        let context = Context {
            suite,
            offered_initiator: self.offered,
            offered_responder,
            hid_initiator: self.hid,
            hid_responder,
        };
        let p1 = Parameters { application_protocol: protocol.to_vec(), ..Parameters::default() };
        let (initiator, message) =
            Initiator::start(identity, self.peer, &context, &p1.encode(), entropy)?;
        let envelope = Envelope {
            kind: HandshakeKind::PublicKey,
            destination: hid_responder,
            source: self.hid,
            suite,
            offered: self.offered,
            cookie: answer.map_or([0; 20], |punch| punch.cookie),
        };
        self.stage = Stage::Asking(Box::new(Asking {
            initiator: Arc::new(initiator),
            local_cid: None,
            message,
            envelope,
            padded: answer.is_none(),
            sends: 0,
            sent_at: now,
            crossed: false,
        }));
        self.due = now;
        self.interval = limits::HANDSHAKE_RETRY;
        Ok(())
    }

    /// Whether only the peer that is dialled can have sent this.
    pub(super) fn vouches(&self, punch: &Punch) -> bool {
        self.tags.as_ref().is_some_and(|tags| tags.fits(punch))
    }

    /// A PUNCH that belongs to this attempt. Returns whether the handshake proper can start with it.
    pub(super) fn on_punch(&mut self, now: Instant, punch: &Punch) -> bool {
        match &mut self.stage {
            Stage::Knocking { transaction, echo, heard } => {
                *echo = punch.transaction;
                *heard = punch.source;
                let vouched = self.tags.as_ref().is_some_and(|tags| tags.fits(punch));
                punch.echo == *transaction || vouched
            }
            Stage::Asking(asking) => {
                let wanted = punch.flags.contains(PunchFlags::RESEND)
                    && punch.destination == self.hid
                    && punch.cookie != asking.envelope.cookie;
                if wanted {
                    asking.envelope.cookie = punch.cookie;
                    asking.sends = 0;
                    self.due = now;
                    self.interval = limits::HANDSHAKE_RETRY;
                }
                false
            }
        }
    }

    /// The peer's PUBLIC_KEY with this ephemeral came. Returns whether ours stands against it (SPEC §5.6).
    ///
    /// If so, ours may have died at a firewall that the peer's has only then opened, and is sent again at once; but once, so that whoever makes
    /// up such messages does not get more of ours.
    pub(super) fn stands_against(&mut self, now: Instant, theirs: [u8; 32]) -> bool {
        let Stage::Asking(asking) = &mut self.stage else {
            return false;
        };
        let own = asking.initiator.ephemeral();
        if own > theirs && !asking.crossed {
            asking.crossed = true;
            self.due = now;
            self.interval = limits::HANDSHAKE_RETRY;
        }
        // Equal: it is our own message, reflected.
        own >= theirs
    }

    /// Something is due.
    pub(super) fn on_due(
        &mut self,
        now: Instant,
        cookie: [u8; 20],
        entropy: &mut dyn Entropy,
    ) -> Step {
        if now - self.began >= self.config.handshake_timeout {
            return Step::TimedOut(ConnectionError::HandshakeTimedOut);
        }
        let jitter = jitter(self.interval, entropy);
        self.due = (now + jitter).min(self.began + self.config.handshake_timeout);
        match &mut self.stage {
            Stage::Knocking { transaction, echo, heard } => {
                self.interval = (self.interval * 3 / 2).min(limits::PUNCH_INTERVAL_MAX);
                let mut punch = Punch {
                    destination: *heard,
                    source: self.hid,
                    offered: self.offered,
                    flags: PunchFlags::DIALLING,
                    transaction: *transaction,
                    echo: *echo,
                    cookie,
                    tag: [0; 16],
                };
                if let Some(tags) = &self.tags {
                    punch.tag = tags.of(&punch);
                }
                Step::Send(vec![punch.encode().to_vec()])
            }
            Stage::Asking(asking) => {
                asking.sends += 1;
                let is_patient = (2..=limits::HANDSHAKE_PATIENCE).contains(&asking.sends);
                if !is_patient {
                    self.interval *= 2;
                }
                asking.sent_at = now;
                Step::Send(asking.envelope.datagrams(&asking.message, asking.padded))
            }
        }
    }

    /// The handshake that waits for a SHARED_KEY, and the parameters to answer with. There is none before it has begun.
    pub(super) fn finishing(
        &mut self,
        local_cid: impl FnOnce() -> ConnectionId,
        reset_token: impl FnOnce(ConnectionId) -> Option<[u8; 16]>,
    ) -> Option<(Arc<Initiator>, ConnectionId, Parameters)> {
        let Stage::Asking(asking) = &mut self.stage else {
            return None;
        };
        let cid = *asking.local_cid.get_or_insert_with(local_cid);
        let reset_token = reset_token(cid);
        let p3 = Parameters { initial_cid: Some(cid), reset_token, ..self.config.parameters() };
        Some((Arc::clone(&asking.initiator), cid, p3))
    }

    /// The round trip, if an answer has come now: only one to a message that was sent once measures it (Karn's rule).
    pub(super) fn round_trip(&self, now: Instant) -> Option<Duration> {
        match &self.stage {
            Stage::Asking(asking) if asking.sends == 1 => Some(now - asking.sent_at),
            Stage::Asking(_) | Stage::Knocking { .. } => None,
        }
    }

    /// The ESTABLISH packet that answers a SHARED_KEY from `responder`.
    pub(super) fn establish(&self, message: &[u8], responder: HandshakeId) -> Option<Vec<u8>> {
        let Stage::Asking(asking) = &self.stage else {
            return None;
        };
        let envelope =
            Envelope { kind: HandshakeKind::Establish, destination: responder, ..asking.envelope };
        envelope.datagrams(message, false).into_iter().next()
    }

    /// Whether a PUNCH from this attempt still has to be answered with an echo of its transaction.
    pub(super) fn transaction(&self) -> [u8; 8] {
        match &self.stage {
            Stage::Knocking { transaction, .. } => *transaction,
            Stage::Asking(_) => [0; 8],
        }
    }

    pub(super) fn remote(&self) -> SocketAddr {
        self.remote
    }

    pub(super) fn peer(&self) -> Option<PeerId> {
        self.peer
    }

    pub(super) fn hid(&self) -> HandshakeId {
        self.hid
    }

    pub(super) fn config(&self) -> &TransportConfig {
        &self.config
    }

    pub(super) fn began(&self) -> Instant {
        self.began
    }

    pub(super) fn due(&self) -> Instant {
        self.due
    }
}

/// Makes and checks the tags of PUNCH packets (SPEC §4.2).
struct Tags {
    key: Zeroizing<[u8; 16]>,
    own: PeerId,
    peer: PeerId,
}

impl Tags {
    fn new(dial: &Dial, own: PeerId) -> Option<Self> {
        Some(Self { key: Zeroizing::new(dial.punch_key?), own, peer: dial.peer? })
    }

    fn of(&self, punch: &Punch) -> [u8; 16] {
        punch_tag(&self.key, &self.own, &self.peer, &punch.tagged())
    }

    fn fits(&self, punch: &Punch) -> bool {
        verify_punch_tag(&self.key, &self.peer, &self.own, &punch.tagged(), &punch.tag)
    }
}

impl fmt::Debug for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tags")
    }
}

/// The interval, a fifth more or less (SPEC §5.5).
fn jitter(interval: Duration, entropy: &mut dyn Entropy) -> Duration {
    let thousandth = u32::try_from(entropy.number() % 401).unwrap_or(0);
    interval * (800 + thousandth) / 1000
}

#[cfg(test)]
mod tests {
    use super::super::{Endpoint, EndpointConfig};
    use super::*;
    use crate::base::SeededEntropy;

    fn prepared(endpoint: &mut Endpoint) -> Prepared {
        let peer = Identity::from_secret_bytes([2; 32]).peer_id();
        let dial = Dial::new(peer, ([192, 0, 2, 1], 4000).into());
        let mut prepared = endpoint.prepare(Instant::ZERO, &dial).unwrap();
        let mut entropy = SeededEntropy::new(7);
        let identity = Identity::from_secret_bytes([1; 32]);
        prepared.make_keys(Instant::ZERO, &identity, &mut entropy).unwrap();
        prepared
    }

    fn endpoint() -> Endpoint {
        let config = EndpointConfig::default().max_connections(1);
        let identity = Identity::from_secret_bytes([1; 32]);
        Endpoint::new(config, identity, Box::new(SeededEntropy::new(1)))
    }

    #[test]
    fn of_dials_that_are_prepared_at_the_same_time_no_more_begin_than_there_is_room_for() {
        let mut endpoint = endpoint();
        let (first, second) = (prepared(&mut endpoint), prepared(&mut endpoint));
        endpoint.begin(first).unwrap();
        assert_eq!(endpoint.begin(second), Err(ConnectError::TooManyConnections));
    }

    #[test]
    fn what_was_prepared_does_not_begin_when_the_endpoint_has_closed_meanwhile() {
        let mut endpoint = endpoint();
        let prepared = prepared(&mut endpoint);
        endpoint.close(Instant::ZERO, crate::wire::ApplicationCode::ZERO, b"");
        assert_eq!(endpoint.begin(prepared), Err(ConnectError::EndpointClosed));
    }
}
