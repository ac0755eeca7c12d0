//! What a punch needs to know.

use std::net::SocketAddr;

use crate::base::Instant;
use crate::base::limits::PUNCH_LAYERS_MAX;
use crate::crypto::{Identity, PeerId, PunchSecrets};
use crate::nat::candidate::Destinations;
use crate::nat::offer::{Description, Offer, Ticket};
use crate::nat::socket::SocketId;

use super::lesson::Lesson;

/// The number of the first socket that is opened, if nobody says another.
const EXTRA: u16 = 64;

/// Whom to find, with what, and when.
#[derive(Clone, Debug)]
pub struct PunchConfig {
    pub(super) peer: PeerId,
    pub(super) secrets: PunchSecrets,
    pub(super) ours: Description,
    pub(super) theirs: Description,
    pub(super) start: Instant,
    pub(super) turn: u64,
    pub(super) destinations: Destinations,
    pub(super) sockets: Vec<SocketId>,
    pub(super) extra: u16,
    pub(super) layers: u8,
    pub(super) layers_max: u8,
    /// What an earlier search between the same networks has shown.
    pub(super) lesson: Option<Lesson>,
    /// Our own relays, of a search by relays alone.
    pub(super) relays: Option<Vec<SocketId>>,
}

impl PunchConfig {
    /// After an offer and its answer: what we said, what the peer said, and when both begin. `None` if the peer is ourselves.
    pub fn from_offers(
        identity: &Identity,
        peer: PeerId,
        ours: &Offer,
        theirs: &Offer,
        start: Instant,
    ) -> Option<Self> {
        let secrets = theirs.secrets(ours, identity, &peer)?;
        let descriptions = (ours.description().clone(), theirs.description().clone());
        Some(Self::new(peer, secrets, descriptions, start))
    }

    /// With tickets that were carried by hand. Both begin when [`Ticket::wait`] says so.
    pub fn from_tickets(
        identity: &Identity,
        ours: &Ticket,
        theirs: &Ticket,
        start: Instant,
    ) -> Option<Self> {
        let secrets = theirs.secrets(ours, identity)?;
        let descriptions = (ours.description().clone(), theirs.description().clone());
        Some(Self::new(theirs.peer_id(), secrets, descriptions, start))
    }

    /// For peers with a connection, over which both have told where they may be reached now.
    pub(crate) fn from_connection(
        own: &PeerId,
        peer: PeerId,
        secret: &[u8; 32],
        descriptions: (Description, Description),
        start: Instant,
    ) -> Option<Self> {
        let secrets = PunchSecrets::agreed(own, &peer, secret)?;
        Some(Self::new(peer, secrets, descriptions, start))
    }

    fn new(
        peer: PeerId,
        secrets: PunchSecrets,
        (ours, theirs): (Description, Description),
        start: Instant,
    ) -> Self {
        Self {
            peer,
            secrets,
            ours,
            theirs,
            start,
            turn: 0,
            destinations: Destinations::default(),
            sockets: vec![SocketId::MAIN],
            extra: EXTRA,
            layers: 1,
            layers_max: 2,
            lesson: None,
            relays: None,
        }
    }

    /// The same at another time: peers with tickets try again. [`Ticket::turn`] numbers these times alike at both sides.
    #[must_use]
    pub fn at(self, start: Instant, turn: u64) -> Self {
        Self { start, turn, ..self }
    }

    /// Where datagrams may go: only to the Internet if never called.
    #[must_use]
    pub fn destinations(mut self, destinations: Destinations) -> Self {
        self.destinations = destinations;
        self
    }

    /// The main socket, and the spare ones whose addresses the peer was told, in the order of their numbers there. Only the main one if
    /// never called.
    #[must_use]
    pub fn sockets(mut self, sockets: &[SocketId]) -> Self {
        self.sockets = sockets.to_vec();
        self
    }

    /// Sockets that are opened are numbered from here on.
    #[must_use]
    pub fn extra(mut self, first: u16) -> Self {
        self.extra = first;
        self
    }

    /// One search for a direct path, and one by relays if there are any: ours are sockets with these numbers.
    pub(crate) fn split(self, relays: &[SocketId]) -> (Self, Option<Self>) {
        let any = !relays.is_empty() || self.theirs.relayed().next().is_some();
        let relayed = any.then(|| Self { relays: Some(relays.to_vec()), ..self.clone() });
        let (ours, theirs) = (self.ours.without_relays(), self.theirs.without_relays());
        (Self { ours, theirs, ..self }, relayed)
    }

    /// What an earlier search between the same networks has shown.
    pub(crate) fn lesson(self, lesson: Option<Lesson>) -> Self {
        Self { lesson, ..self }
    }

    /// What we say about ourselves.
    pub(crate) fn ours(&self) -> &Description {
        &self.ours
    }

    /// What the peer says about itself.
    pub(crate) fn theirs(&self) -> &Description {
        &self.theirs
    }

    /// Whether something may be sent to an address because the peer told it.
    pub(crate) fn may_send_to(&self, address: SocketAddr) -> bool {
        self.destinations.check(address, true).is_ok()
    }

    /// Whether it sends from this socket, which was there before.
    pub(crate) fn uses(&self, socket: SocketId) -> bool {
        self.sockets.contains(&socket)
            || self.relays.as_ref().is_some_and(|relays| relays.contains(&socket))
    }

    pub(crate) fn first_extra(&self) -> u16 {
        self.extra
    }

    /// How many NATs we are behind; one, or perhaps two, if never called. What opens them must pass all and reach no further.
    #[must_use]
    pub fn layers(mut self, layers: u8) -> Self {
        self.layers = layers.min(PUNCH_LAYERS_MAX);
        self.layers_max = self.layers;
        self
    }

    /// That there may be more of them, for all that is known: a carrier's behind our own, say.
    #[must_use]
    pub fn layers_up_to(mut self, most: u8) -> Self {
        self.layers_max = most.clamp(self.layers, PUNCH_LAYERS_MAX);
        self
    }

    /// When both sides begin.
    pub(crate) fn start(&self) -> Instant {
        self.start
    }

    /// The peer.
    pub fn peer(&self) -> PeerId {
        self.peer
    }

    /// The key with which both dial when they have found each other (SPEC §4.2).
    pub fn punch_key(&self) -> [u8; 16] {
        self.secrets.punch_key()
    }
}
