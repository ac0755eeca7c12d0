//! Handshake messages: which part of a handshake each is for, and where a completed handshake belongs (SPEC §5).

mod initiator;
mod responder;

use super::Endpoint;
use super::slot::State;
use crate::base::Instant;
use crate::connection::{Arrival, Connection};
use crate::crypto::PeerId;
use crate::wire::{Fragment, HandshakeId, HandshakeKind};

impl Endpoint {
    /// A fragment of a handshake message. Returns the slot for which a short packet may stand behind it.
    pub(super) fn on_fragment(
        &mut self,
        now: Instant,
        arrival: Arrival,
        fragment: &Fragment<'_>,
    ) -> Option<u32> {
        match fragment.header.kind {
            HandshakeKind::PublicKey => {
                self.on_public_key(now, arrival, fragment);
                None
            }
            HandshakeKind::SharedKey => {
                self.on_shared_key(now, arrival, fragment);
                None
            }
            HandshakeKind::Establish => self.on_establish(now, arrival, fragment),
        }
    }

    /// The connection follows its last handshake message, if that came from elsewhere.
    fn locate(&mut self, now: Instant, arrival: Arrival, connection: &mut Connection) {
        if arrival.remote != connection.remote_address() {
            connection.begin_elsewhere(now, arrival, self.entropy.array());
        }
    }
}

/// What becomes of a handshake that a peer has completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    /// It is what this slot dialled for.
    Satisfies(u32),
    /// A new connection for the application to accept.
    New,
    /// The peer is not wanted: it is told so.
    Refuse,
    /// The own handshake with the same peer, that of this slot, stands above it (SPEC §5.6).
    Forget(u32),
}

impl Endpoint {
    /// Decides where a completed handshake with this proved peer belongs (SPEC §5.6).
    fn place(&self, arrival: Arrival, source: HandshakeId, peer: PeerId) -> Placement {
        let belonging = self.open.belonging(arrival.remote, source);
        let mut satisfied = None;
        for index in self.open.wanting(peer).chain(belonging) {
            let Some(slot) = self.slots.get(index as usize) else {
                continue;
            };
            let Some(open) = slot.open else {
                continue;
            };
            match &slot.state {
                // Ties come first: the peer, who sees the same two handshakes, breaks the tie the same way.
                State::Live(own) if open.met && !slot.reported && own.peer_id() == peer => {
                    let keep_own = self.id > peer;
                    return if keep_own {
                        Placement::Forget(index)
                    } else {
                        Placement::Satisfies(index)
                    };
                }
                State::Dialling(_) if open.peer.is_none_or(|wanted| wanted == peer) => {
                    satisfied.get_or_insert(index);
                }
                _ => {}
            }
        }
        match satisfied {
            Some(index) => Placement::Satisfies(index),
            None if self.wants(&peer) => Placement::New,
            None => Placement::Refuse,
        }
    }

    /// The peer may have a connection that nobody here has dialled.
    fn wants(&self, peer: &PeerId) -> bool {
        self.config.accept && self.config.admits(peer) && !self.closed
    }

    /// Whether a PUBLIC_KEY with this ephemeral is answered, given the own open attempts that it belongs to (SPEC §5.6).
    fn yields_to(
        &mut self,
        now: Instant,
        arrival: Arrival,
        destination: HandshakeId,
        theirs: [u8; 32],
    ) -> bool {
        let belonging = self.open.belonging(arrival.remote, destination);
        let mut stands = false;
        for index in &belonging {
            stands |= match self.slots.get_mut(*index as usize).map(|slot| &mut slot.state) {
                Some(State::Dialling(attempt)) => attempt.stands_against(now, theirs),
                Some(State::Live(_)) => true,
                Some(State::Failed) | None => false,
            };
            self.touch(*index);
        }
        if stands {
            return false;
        }
        for index in belonging {
            if let Some(open) =
                self.slots.get_mut(index as usize).and_then(|slot| slot.open.as_mut())
            {
                open.met = true;
            }
        }
        true
    }

    fn replace(&mut self, index: u32, state: State) {
        self.leave_pages(index);
        let Some(slot) = self.slots.get_mut(index as usize) else {
            return;
        };
        let mut old = std::mem::replace(&mut slot.state, state);
        if let State::Live(connection) = &mut old {
            for cid in connection.local_cids() {
                self.by_cid.remove(&cid);
            }
        }
    }

    fn config_of(&self, index: u32) -> crate::connection::TransportConfig {
        match self.slots.get(index as usize).map(|slot| &slot.state) {
            Some(State::Dialling(attempt)) => attempt.config().clone(),
            _ => self.config.transport.clone(),
        }
    }
}
