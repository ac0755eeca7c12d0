//! The three messages of a connection, with their prologue, payloads and checks (SPEC §5.1 to §5.4).
//!
//! ```text
//! Initiator                                Responder
//!   start ──────── message 1 (P1) ──────────▶ read
//!   finish ◀────── message 2 (key, P2) ────── answer
//!     └─────────── message 3 (id, P3) ──────▶ finish
//! ```
//!
//! A message that fails leaves either side as it was: the caller drops it and waits for a better one.

mod initiator;
mod payload;
mod responder;
mod suite;

#[cfg(test)]
mod tests;

use std::fmt;

use super::PeerId;
use super::noise::{NoiseError, Split};
use super::schedule::Secrets;
use crate::base::limits::HANDSHAKE_MESSAGE_MAX;
use crate::wire::{HandshakeId, SetMap, Suite, VERSION};

pub(crate) use initiator::{Finished, Initiator};
pub(crate) use responder::{Accepted, Responder};

/// What the headers of PUBLIC_KEY say: both sides bind it into the handshake (SPEC §5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) suite: Suite,
    pub(crate) offered_initiator: SetMap,
    /// Nothing in direct mode.
    pub(crate) offered_responder: SetMap,
    pub(crate) hid_initiator: HandshakeId,
    /// Zero in direct mode.
    pub(crate) hid_responder: HandshakeId,
}

impl Context {
    /// `responder` is the peer id that an initiator names, zeros where it does not.
    fn prologue(&self, responder: Option<&PeerId>) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        out.extend_from_slice(b"SRUDP/1");
        out.extend_from_slice(&VERSION.to_be_bytes());
        out.push(self.suite as u8);
        out.extend_from_slice(&self.offered_initiator.as_u16().to_be_bytes());
        out.extend_from_slice(&self.offered_responder.as_u16().to_be_bytes());
        out.extend_from_slice(self.hid_initiator.as_bytes());
        out.extend_from_slice(self.hid_responder.as_bytes());
        let named = responder.map_or([0; 32], |id| *id.as_bytes());
        out.extend_from_slice(&named);
        out
    }
}

/// A message was refused, or asked for at the wrong time.
///
/// It tells a peer nothing: every failure looks the same from outside (silence). [`reason`](Self::reason) is for
/// counters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct HandshakeError(Reason);

/// What was wrong, for this side's counters only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The suite does not fit what the initiator knows, or is not part of this build.
    Suite,
    /// The message would be longer than the wire carries.
    TooLong,
    /// Called out of turn.
    OutOfTurn,
    /// Forged, damaged, or made for somebody else.
    Forged,
    /// The payload is too short or its flag is wrong.
    Payload,
    /// The peer id is invalid or does not belong to the static key.
    PeerId,
    /// The peer has our own key.
    Reflected,
}

impl HandshakeError {
    #[cfg_attr(not(test), expect(dead_code, reason = "outside, every failure looks the same"))]
    pub(crate) fn reason(self) -> Reason {
        self.0
    }
}

impl From<NoiseError> for HandshakeError {
    fn from(error: NoiseError) -> Self {
        Self(match error {
            NoiseError::OutOfTurn | NoiseError::MissingKey => Reason::OutOfTurn,
            NoiseError::Unsupported => Reason::Suite,
            NoiseError::OwnKey => Reason::Reflected,
            NoiseError::Short
            | NoiseError::PublicKey
            | NoiseError::NonContributory
            | NoiseError::Decrypt
            | NoiseError::EncapsulationKey => Reason::Forged,
        })
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("handshake message refused")
    }
}

impl fmt::Debug for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandshakeError")
    }
}

impl std::error::Error for HandshakeError {}

/// A message that fits the wire.
fn bounded(message: Vec<u8>) -> Result<Vec<u8>, HandshakeError> {
    if message.len() > HANDSHAKE_MESSAGE_MAX {
        return Err(HandshakeError(Reason::TooLong));
    }
    Ok(message)
}

/// The peer id must be the one whose static key the pattern proved (SPEC §5.4).
fn proved(id: &[u8; 32], static_key: Option<&[u8; 32]>) -> Result<PeerId, HandshakeError> {
    match PeerId::from_bytes(id) {
        Ok(id) if static_key == Some(id.static_public()) => Ok(id),
        _ => Err(HandshakeError(Reason::PeerId)),
    }
}

fn secrets(split: &Split) -> Secrets {
    Secrets::new(&split.k1, &split.k2, split.hash)
}
