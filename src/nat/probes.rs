//! Questions to servers from several sockets, started one after the other at a bounded rate (RFC 5780 §4.2).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use crate::base::time::earliest;
use crate::base::{Entropy, Instant};
use crate::nat::socket::{SocketId, Transmit};
use crate::nat::stun::{Answer, Query, QueryError, Question};

/// A question that will be asked.
#[derive(Clone, Debug)]
pub(super) struct Plan<P> {
    pub(super) purpose: P,
    /// The socket to ask from.
    pub(super) socket: SocketId,
    /// Another one at which the answer may arrive.
    pub(super) elsewhere: Option<SocketId>,
    pub(super) question: Question,
}

/// What came of a question.
#[derive(Clone, Debug)]
pub(super) struct Done<P> {
    pub(super) purpose: P,
    /// The socket at which the answer arrived; the one that asked if none did.
    pub(super) arrived: SocketId,
    pub(super) outcome: Result<Answer, QueryError>,
}

#[derive(Debug)]
struct Running<P> {
    plan: Plan<P>,
    query: Query,
    arrived: SocketId,
}

/// Questions that wait, run and are answered.
#[derive(Debug)]
pub(super) struct Probes<P> {
    waiting: VecDeque<Plan<P>>,
    running: Vec<Running<P>>,
    next_start: Instant,
    /// From the start of one to that of the next.
    interval: Duration,
}

impl<P: Copy> Probes<P> {
    pub(super) fn new(now: Instant, interval: Duration) -> Self {
        Self { waiting: VecDeque::new(), running: Vec::new(), next_start: now, interval }
    }

    /// Asks as soon as those before it have been asked.
    pub(super) fn ask(&mut self, purpose: P, socket: SocketId, question: Question) {
        self.plan(Plan { purpose, socket, elsewhere: None, question });
    }

    pub(super) fn plan(&mut self, plan: Plan<P>) {
        self.waiting.push_back(plan);
    }

    /// Forgets what waits and what runs.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.running.clear();
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    /// Starts what is due, and lets time pass for what runs.
    pub(super) fn handle_timeout(&mut self, now: Instant, entropy: &mut dyn Entropy) {
        for running in &mut self.running {
            running.query.handle_timeout(now);
        }
        if now < self.next_start {
            return;
        }
        if let Some(plan) = self.waiting.pop_front() {
            let query = Query::new(now, plan.question.clone(), entropy);
            self.running.push(Running { arrived: plan.socket, plan, query });
            self.next_start = now + self.interval;
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let start = (!self.waiting.is_empty()).then_some(self.next_start);
        let timeouts = self.running.iter().map(|running| running.query.poll_timeout());
        timeouts.fold(start, earliest)
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.running.iter_mut().find_map(|running| {
            let (destination, payload) = running.query.poll_transmit()?;
            let socket = running.plan.socket;
            Some(Transmit { socket, destination, payload: payload.to_vec() })
        })
    }

    /// Returns whether the datagram answers a question.
    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        (from, datagram): (SocketAddr, &[u8]),
        entropy: &mut dyn Entropy,
    ) -> bool {
        self.running.iter_mut().any(|running| {
            let plan = &running.plan;
            let expected = plan.socket == socket || plan.elsewhere == Some(socket);
            let taken = expected && running.query.handle_datagram(now, from, datagram, entropy);
            if taken {
                running.arrived = socket;
            }
            taken
        })
    }

    /// A question that is over, in no particular order.
    pub(super) fn poll_done(&mut self) -> Option<Done<P>> {
        let at = self.running.iter().position(|running| running.query.outcome().is_some())?;
        let Running { plan, query, arrived } = self.running.remove(at);
        let outcome = query.outcome()?.clone();
        Some(Done { purpose: plan.purpose, arrived, outcome })
    }
}
