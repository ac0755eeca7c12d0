//! Work with public keys that a handshake message asks for. It takes as long as a hundred packets, and needs nothing of the endpoint
//! but its identity: a driver does it without the endpoint's lock, and several pieces at once.
//!
//! ```text
//!   PUBLIC_KEY ─▶ Reading ── tie-break, refusal ─▶ Answering ─▶ SHARED_KEY leaves, a half-open handshake waits
//!   SHARED_KEY ─▶ Finishing ─▶ a connection, to be confirmed
//! ```
//!
//! While it is done other messages of the same handshake may come, and may be at work themselves. Of two that are good the first to be finished
//! counts, and the other changes nothing. ESTABLISH is read at once: packets of the new connection come behind it.
//!
//! An endpoint that nobody has told otherwise does the work itself, at the end of the input that brought it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::{Arrival, Endpoint};
use crate::base::{Entropy, Instant, limits};
use crate::crypto::{Context, Finished, Identity, Initiator, Responder};
use crate::wire::{ConnectionId, FragmentHeader, HandshakeId};

/// What is to be done.
pub(crate) enum Work {
    Reading(Reading),
    Answering(Answering),
    Finishing(Finishing),
}

/// Message 1 is read.
pub(crate) struct Reading {
    pub(super) arrival: Arrival,
    pub(super) header: FragmentHeader,
    pub(super) context: Context,
    pub(super) message: Vec<u8>,
    /// The outcome, with the initiator's parameters, if the message was good.
    pub(super) read: Option<(Responder, Vec<u8>)>,
}

/// Message 2 is made.
pub(crate) struct Answering {
    pub(super) arrival: Arrival,
    pub(super) header: FragmentHeader,
    pub(super) responder: Responder,
    pub(super) local_cid: ConnectionId,
    pub(super) parameters: Vec<u8>,
    /// Message 2 says that there will be no connection.
    pub(super) refuses: bool,
    /// The outcome.
    pub(super) message: Option<Vec<u8>>,
}

/// Message 2 is read, and message 3 made.
pub(crate) struct Finishing {
    pub(super) arrival: Arrival,
    /// Measured when the message came.
    pub(super) rtt: Option<Duration>,
    /// The dial.
    pub(super) index: u32,
    pub(super) generation: u32,
    pub(super) responder: HandshakeId,
    pub(super) local_cid: ConnectionId,
    pub(super) initiator: Arc<Initiator>,
    pub(super) message: Vec<u8>,
    pub(super) parameters: Vec<u8>,
    /// The outcome, if the message was good.
    pub(super) finished: Option<Finished>,
}

impl Work {
    /// A dial is answered with it.
    pub(crate) fn is_answer(&self) -> bool {
        matches!(self, Self::Answering(_))
    }

    /// Does it. `identity` is that of the endpoint.
    pub(crate) fn run(&mut self, identity: &Identity, entropy: &mut dyn Entropy) {
        match self {
            Self::Reading(Reading { context, message, read, .. }) => {
                *read = Responder::read(identity, context, message).ok();
            }
            Self::Answering(Answering { responder, parameters, message, .. }) => {
                *message = responder.answer(parameters, entropy).ok();
            }
            Self::Finishing(Finishing { initiator, message, parameters, finished, .. }) => {
                *finished = initiator.finish(message, parameters, entropy).ok();
            }
        }
    }
}

/// Work that nobody has taken yet.
#[derive(Default)]
pub(super) struct Works {
    waiting: VecDeque<Work>,
    /// Somebody else does it.
    are_left: bool,
}

impl Works {
    /// Whether another piece may wait.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < limits::HANDSHAKE_WORK
    }

    pub(super) fn push(&mut self, work: Work) {
        self.waiting.push_back(work);
    }
}

impl Endpoint {
    /// From now on whoever gives it datagrams has the work done, too.
    pub(crate) fn leave_work(&mut self) {
        self.works.are_left = true;
    }

    /// There is work that nobody has taken.
    pub(crate) fn has_work(&self) -> bool {
        !self.works.waiting.is_empty()
    }

    /// The oldest piece of work that nobody has taken, to be given to [`Self::finish_work`] when it was done.
    pub(crate) fn poll_work(&mut self) -> Option<Work> {
        self.works.waiting.pop_front()
    }

    /// Goes on with what the work has come to. Returns what is to be done next for the same handshake.
    pub(crate) fn finish_work(&mut self, now: Instant, work: Work) -> Option<Work> {
        let next = self.put_back(now, work);
        self.settle(now);
        next
    }

    /// Does itself what work there is, unless it is left to others.
    pub(super) fn work_off(&mut self, now: Instant) {
        if self.works.are_left {
            return;
        }
        while let Some(first) = self.works.waiting.pop_front() {
            let mut next = Some(first);
            while let Some(mut work) = next {
                work.run(&self.identity, &mut *self.entropy);
                next = self.put_back(now, work);
            }
        }
    }

    fn put_back(&mut self, now: Instant, work: Work) -> Option<Work> {
        match work {
            Work::Reading(reading) => self.on_read(now, reading).map(Work::Answering),
            Work::Answering(answering) => {
                self.on_answered(now, answering);
                None
            }
            Work::Finishing(finishing) => {
                self.on_finished(now, finishing);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
