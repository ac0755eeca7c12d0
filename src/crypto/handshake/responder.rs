//! The side that sends message 2.

use std::fmt;

use zeroize::Zeroizing;

use super::payload;
use super::suite::pattern_of;
use super::{Context, HandshakeError, Reason, bounded, proved, secrets};
use crate::base::Entropy;
use crate::crypto::noise::{HandshakeState, Keys};
use crate::crypto::schedule::Secrets;
use crate::crypto::{Identity, PeerId};

/// A handshake that answers message 1 and waits for message 3. Its keys are erased when it is finished or dropped.
pub(crate) struct Responder {
    /// `None` once message 3 was good.
    noise: Option<Box<HandshakeState>>,
    own: PeerId,
    /// Message 2 tells the responder's peer id (XX).
    tells_id: bool,
    initiator_ephemeral: [u8; 32],
}

/// What a good message 3 brings.
pub(crate) struct Accepted {
    /// The initiator.
    pub(crate) peer: PeerId,
    /// The initiator's parameters, P3.
    pub(crate) parameters: Vec<u8>,
    pub(crate) secrets: Secrets,
}

impl Responder {
    /// Reads message 1 and returns its parameters, P1. The sender has proved nothing yet.
    pub(crate) fn read(
        identity: &Identity,
        context: &Context,
        message: &[u8],
    ) -> Result<(Self, Vec<u8>), HandshakeError> {
        let own = identity.peer_id();
        let named = context.suite.names_responder();
        let keys = Keys { local: Some(identity.static_keys().clone()), remote: None };
        let prologue = context.prologue(named.then_some(&own));
        let pattern = pattern_of(context.suite);
        let mut noise = HandshakeState::initialize(pattern, false, &prologue, keys)?;
        let p1 = noise.read_message(message)?.to_vec();
        let initiator_ephemeral =
            *noise.remote_ephemeral().ok_or(HandshakeError(Reason::OutOfTurn))?;
        let noise = Some(Box::new(noise));
        Ok((Self { noise, own, tells_id: !named, initiator_ephemeral }, p1))
    }

    /// The initiator's ephemeral public key, by which a simultaneous open is decided (SPEC §5.6).
    pub(crate) fn initiator_ephemeral(&self) -> [u8; 32] {
        self.initiator_ephemeral
    }

    /// Makes message 2, with the parameters P2. Once only: the caller repeats these bytes, never new ones.
    ///
    /// Draws 32 bytes for the shared key, 32 for the ephemeral key, then with a hybrid suite 32 for ML-KEM.
    pub(crate) fn answer(
        &mut self,
        p2: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, HandshakeError> {
        let noise = self.noise.as_mut().ok_or(HandshakeError(Reason::OutOfTurn))?;
        let mut shared_key = Zeroizing::new([0; 32]);
        entropy.fill(&mut *shared_key);
        let own = self.tells_id.then_some(&self.own);
        let payload = payload::second(&shared_key, own, p2);
        let message = bounded(noise.write_message(&payload, entropy)?)?;
        noise.set_psk(shared_key);
        Ok(message)
    }

    /// Reads message 3. After an error the handshake still waits for a good one.
    pub(crate) fn finish(&mut self, message: &[u8]) -> Result<Accepted, HandshakeError> {
        let waiting = self.noise.as_ref().ok_or(HandshakeError(Reason::OutOfTurn))?;
        let mut noise = waiting.clone();
        let payload = noise.read_message(message)?;
        let (id, parameters) = payload::parse_third(&payload)?;
        let peer = proved(id, noise.remote_static())?;
        let secrets = secrets(&noise.split()?);
        self.noise = None;
        Ok(Accepted { peer, parameters: parameters.to_vec(), secrets })
    }
}

#[cfg(test)]
impl Responder {
    /// Lies about the own peer id from now on.
    pub(super) fn claim(&mut self, id: PeerId) {
        self.own = id;
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Responder")
    }
}

impl fmt::Debug for Accepted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accepted").field("peer", &self.peer).finish_non_exhaustive()
    }
}
