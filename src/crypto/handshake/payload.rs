//! The payloads of messages 2 and 3 (SPEC §5.3). Message 1 carries its parameters alone.

use zeroize::Zeroizing;

use super::{HandshakeError, Reason};
use crate::crypto::PeerId;

/// Says in message 3 that the connection is to be established.
const ESTABLISH: u8 = 0x01;

/// The payload of message 2, taken apart.
pub(super) struct Second<'a> {
    pub(super) shared_key: Zeroizing<[u8; 32]>,
    /// The responder's peer id, with XX only.
    pub(super) responder: Option<[u8; 32]>,
    pub(super) parameters: &'a [u8],
}

impl<'a> Second<'a> {
    pub(super) fn parse(payload: &'a [u8], with_id: bool) -> Result<Self, HandshakeError> {
        let (shared_key, rest) = split(payload)?;
        let (responder, parameters) = if with_id {
            let (id, rest) = split(rest)?;
            (Some(*id), rest)
        } else {
            (None, rest)
        };
        Ok(Self { shared_key: Zeroizing::new(*shared_key), responder, parameters })
    }
}

/// Builds the payload of message 2.
pub(super) fn second(
    shared_key: &[u8; 32],
    responder: Option<&PeerId>,
    parameters: &[u8],
) -> Zeroizing<Vec<u8>> {
    // At its full size from the start: growing would leave copies of the key behind.
    let mut out = Zeroizing::new(Vec::with_capacity(64 + parameters.len()));
    out.extend_from_slice(shared_key);
    if let Some(id) = responder {
        out.extend_from_slice(id.as_bytes());
    }
    out.extend_from_slice(parameters);
    out
}

/// The initiator's peer id and parameters from the payload of message 3.
pub(super) fn parse_third(payload: &[u8]) -> Result<(&[u8; 32], &[u8]), HandshakeError> {
    match payload.split_first() {
        Some((&ESTABLISH, rest)) => split(rest),
        _ => Err(HandshakeError(Reason::Payload)),
    }
}

/// Builds the payload of message 3.
pub(super) fn third(initiator: &PeerId, parameters: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(33 + parameters.len());
    out.push(ESTABLISH);
    out.extend_from_slice(initiator.as_bytes());
    out.extend_from_slice(parameters);
    out
}

fn split(bytes: &[u8]) -> Result<(&[u8; 32], &[u8]), HandshakeError> {
    bytes.split_first_chunk().ok_or(HandshakeError(Reason::Payload))
}
