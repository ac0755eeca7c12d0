//! The side that sends messages 1 and 3.

use std::fmt;

use super::payload::{self, Second};
use super::suite::pattern_of;
use super::{Context, HandshakeError, Reason, bounded, proved, secrets};
use crate::base::Entropy;
use crate::crypto::noise::{HandshakeState, Keys};
use crate::crypto::schedule::Secrets;
use crate::crypto::{Identity, PeerId};

/// A handshake that waits for message 2. Its keys are erased when it is dropped.
pub(crate) struct Initiator {
    noise: Box<HandshakeState>,
    own: PeerId,
    /// The responder, if the initiator named it (XK).
    named: Option<PeerId>,
    ephemeral: [u8; 32],
}

/// What a good message 2 brings.
pub(crate) struct Finished {
    /// The responder. With XX the caller decides on it *before* it sends `message`.
    pub(crate) peer: PeerId,
    /// The responder's parameters, P2.
    pub(crate) parameters: Vec<u8>,
    /// Message 3.
    pub(crate) message: Vec<u8>,
    pub(crate) secrets: Secrets,
}

impl Initiator {
    /// Makes message 1, with the parameters P1, for the named peer or (XX) for whoever answers.
    ///
    /// Draws 32 bytes for the ephemeral key, then with a hybrid suite 64 for ML-KEM.
    pub(crate) fn start(
        identity: &Identity,
        peer: Option<PeerId>,
        context: &Context,
        p1: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<(Self, Vec<u8>), HandshakeError> {
        if context.suite.names_responder() != peer.is_some() {
            return Err(HandshakeError(Reason::Suite));
        }
        let keys = Keys {
            local: Some(identity.static_keys().clone()),
            remote: peer.map(|peer| *peer.static_public()),
        };
        let prologue = context.prologue(peer.as_ref());
        let pattern = pattern_of(context.suite);
        let mut noise = HandshakeState::initialize(pattern, true, &prologue, keys)?;
        let message = bounded(noise.write_message(p1, entropy)?)?;
        let ephemeral = *noise.local_ephemeral().ok_or(HandshakeError(Reason::OutOfTurn))?;
        let noise = Box::new(noise);
        Ok((Self { noise, own: identity.peer_id(), named: peer, ephemeral }, message))
    }

    /// This side's ephemeral public key, by which a simultaneous open is decided (SPEC §5.6).
    pub(crate) fn ephemeral(&self) -> [u8; 32] {
        self.ephemeral
    }

    /// Reads message 2 and makes message 3, with the parameters P3. Draws nothing.
    ///
    /// The handshake stays as it is, so that a message may be read while another one is. The caller gives the same parameters every time: the
    /// answer to the same message is then the same, and nothing else is ever sealed with its nonce.
    pub(crate) fn finish(
        &self,
        message: &[u8],
        p3: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<Finished, HandshakeError> {
        let mut noise = self.noise.clone();
        let payload = noise.read_message(message)?;
        let second = Second::parse(&payload, self.named.is_none())?;
        let peer = match (self.named, second.responder) {
            (Some(named), _) => named,
            (None, Some(id)) => proved(&id, noise.remote_static())?,
            (None, None) => return Err(HandshakeError(Reason::Payload)),
        };
        noise.set_psk(second.shared_key);
        let message = noise.write_message(&payload::third(&self.own, p3), entropy)?;
        let message = bounded(message)?;
        let secrets = secrets(&noise.split()?);
        Ok(Finished { peer, parameters: second.parameters.to_vec(), message, secrets })
    }
}

#[cfg(test)]
impl Initiator {
    /// Lies about the own peer id from now on.
    pub(super) fn claim(&mut self, id: PeerId) {
        self.own = id;
    }
}

impl fmt::Debug for Initiator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Initiator").field("named", &self.named).finish_non_exhaustive()
    }
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finished").field("peer", &self.peer).finish_non_exhaustive()
    }
}
