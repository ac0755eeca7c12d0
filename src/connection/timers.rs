//! When something is to be done, and doing it. A fold over the components; there is no table of timers.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Connection, ConnectionEvent};
use crate::base::Instant;
use crate::base::time::earliest;
use crate::close::ConnectionError;
use crate::idle::IdleVerdict;
use crate::recovery::Verdict;
use crate::stream::Pool;

impl Connection {
    /// When `handle_timeout` wants to be called.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        if !self.lifetime.is_open() {
            return self.lifetime.deadline();
        }
        let rtt = self.paths.active().rtt();
        [
            self.lifetime.deadline(),
            self.idle.deadline(self.pto()),
            self.acks.deadline(),
            self.recovery.deadline(&rtt, self.peer_max_ack_delay),
            self.paths.deadline(),
            self.keys.deadline(),
            self.establish.as_ref().map(|establish| establish.due()),
            self.paced_until,
            self.confirm_by,
        ]
        .into_iter()
        .fold(None, earliest)
    }

    /// Time has passed.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.lifetime.on_deadline(now);
        if !self.lifetime.is_open() {
            return;
        }
        if self.confirm_by.is_some_and(|at| at <= now) {
            return self.end(ConnectionError::HandshakeTimedOut);
        }
        self.keys.on_deadline(now);
        self.acks.on_deadline(now);
        if self.paced_until.is_some_and(|until| until <= now) {
            self.paced_until = None;
        }
        match self.idle.on_deadline(now, self.pto()) {
            IdleVerdict::Nothing => {}
            IdleVerdict::KeepAlive => self.controls.ask_ping(),
            IdleVerdict::Rest if self.wants_to_send() => self.idle.stay_awake(now),
            IdleVerdict::Rest => self.rest(),
            IdleVerdict::Expired if self.confirmed => return self.end(ConnectionError::TimedOut),
            // Nothing was heard at all: for the application it is the dial that has failed.
            IdleVerdict::Expired => return self.end(ConnectionError::HandshakeTimedOut),
        }
        let change = self.paths.on_deadline(now);
        self.on_path_change(now, change);
        self.handle_recovery_deadline(now);
    }

    fn handle_recovery_deadline(&mut self, now: Instant) {
        let rtt = self.paths.active().rtt();
        if self.recovery.deadline(&rtt, self.peer_max_ack_delay).is_none_or(|at| at > now) {
            return;
        }
        let mut outcome = self.outcome.take().unwrap_or_default();
        outcome.clear();
        match self.recovery.on_deadline(now, &rtt, self.peer_max_ack_delay, &mut outcome) {
            Verdict::Nothing => {}
            Verdict::Lost => self.apply(now, &outcome),
            Verdict::Probe => {
                self.counters.probe_timeouts += 1;
                self.apply(now, &outcome);
            }
        }
        self.outcome = Some(outcome);
    }

    /// Nothing is to be sent: a connection that was woken for a sign of life rests again.
    pub(super) fn doze_off(&mut self) {
        let is_done = self.recovery.in_flight() == 0 && !self.acks.has_news();
        if is_done && self.idle.is_at_rest() && !self.keys.are_at_rest() {
            self.rest();
        }
    }

    /// Gives back memory that only a busy connection needs.
    fn rest(&mut self) {
        self.outcome = None;
        self.events.shrink_to_fit();
        self.retired_cids.shrink_to_fit();
        self.keys.rest();
        self.acks.rest();
        self.recovery.rest();
        self.controls.rest();
        self.streams.rest();
    }

    /// It has given its memory back, and has not been heard since.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.idle.is_at_rest()
    }

    /// Borrows the endpoint's memory for what comes next, until [`Self::give_back_pages`].
    pub(crate) fn borrow_pages(&mut self, pool: &mut Pool) {
        self.streams.borrow_pages(pool);
    }

    pub(crate) fn give_back_pages(&mut self, pool: &mut Pool) {
        self.streams.give_back_pages(pool);
    }

    /// As [`Self::give_back_pages`], when it has come to rest.
    pub(crate) fn rest_pages(&mut self, pool: &mut Pool) {
        self.streams.rest_pages(pool);
    }

    /// As [`Self::give_back_pages`], before it is forgotten.
    pub(crate) fn leave_pages(&mut self, pool: &mut Pool) {
        self.streams.leave_pages(pool);
    }

    /// The probe timeout of the active path, without backoff.
    pub(super) fn pto(&self) -> Duration {
        self.recovery.pto(&self.paths.active().rtt(), self.peer_max_ack_delay)
    }

    /// Tries whether the peer answers at another address too, and moves there when it does. Returns whether that begins now.
    pub(crate) fn probe(&mut self, now: Instant, remote: SocketAddr, data: [u8; 8]) -> bool {
        let may = self.lifetime.is_open() && self.confirmed;
        may && self.paths.probe(now, remote, data)
    }

    /// Our own address has changed.
    pub(crate) fn on_local_change(&mut self, now: Instant, data: [u8; 8]) {
        if !self.lifetime.is_open() {
            return;
        }
        let old = self.paths.active().id();
        self.peer_cids.rotate();
        self.paths.on_local_change(now, data);
        self.abandon(now, old);
        let remote = self.paths.active().remote();
        self.tell(ConnectionEvent::PathChanged(remote));
    }
}
