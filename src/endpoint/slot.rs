//! One entry of the endpoint's table: a dial, a connection, or what is left of it.

use std::net::SocketAddr;

use super::dial::Attempt;
use super::turns::Part;
use crate::base::Instant;
use crate::connection::Connection;
use crate::crypto::PeerId;
use crate::wire::HandshakeId;

/// What a handle stands for.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) generation: u32,
    pub(super) state: State,
    /// Set while this is an open attempt (SPEC §5.6): a dial that is not yet confirmed.
    pub(super) open: Option<Open>,
    /// The owner was told of the connection and may use it.
    pub(super) reported: bool,
    /// The owner does not want to hear of it again; freed when it has drained.
    pub(super) released: bool,
    /// The token with which the peer would reset this connection, as the endpoint knows it.
    pub(super) reset_token: Option<[u8; 16]>,
    pub(super) deadline: Option<Instant>,
    pub(super) is_dirty: bool,
    pub(super) is_ready: bool,
    pub(super) part: Part,
}

/// The stages of a handle's life.
#[derive(Debug)]
pub(super) enum State {
    Dialling(Box<Attempt>),
    Live(Box<Connection>),
    /// The dial failed; nothing is left but the handle.
    Failed,
}

/// How an open attempt is found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) remote: SocketAddr,
    pub(super) hid: HandshakeId,
    pub(super) peer: Option<PeerId>,
    /// A PUBLIC_KEY that belongs to it was answered: its own connection waits for the confirmation.
    pub(super) met: bool,
}

impl Slot {
    pub(super) fn new(generation: u32, state: State, open: Option<Open>) -> Self {
        Self {
            generation,
            state,
            open,
            reported: false,
            released: false,
            reset_token: None,
            deadline: None,
            is_dirty: false,
            is_ready: false,
            part: Part::default(),
        }
    }

    /// Nothing has to be sent or received for it any more.
    pub(super) fn is_over(&self) -> bool {
        match &self.state {
            State::Dialling(_) => false,
            State::Live(connection) => connection.is_drained(),
            State::Failed => true,
        }
    }

    pub(super) fn connection(&mut self) -> Option<&mut Connection> {
        match &mut self.state {
            State::Live(connection) => Some(connection),
            State::Dialling(_) | State::Failed => None,
        }
    }
}
