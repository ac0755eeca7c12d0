//! Paths on which the peer was heard: one of our sockets and an address of the peer's.
//!
//! ```text
//!  heard ──its check echoes our token──▶ confirmed: both directions work
//! ```
//!
//! Who has copied a check, or the peer itself, can forge where it comes from. So until a path is confirmed, little is sent for each
//! check that came on it.

use std::net::SocketAddr;

use super::check::Token;
use crate::base::Instant;
use crate::base::limits::{PUNCH_AMPLIFICATION, PUNCH_PAIRS, PUNCH_RETRIES, PUNCH_RETRY};
use crate::nat::socket::SocketId;

/// A path on which the peer was heard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) socket: SocketId,
    pub(super) remote: SocketAddr,
    /// The peer's token of this path.
    pub(super) heard: Token,
    pub(super) confirmed: bool,
    /// The first that was heard was an answer: what opened our NATs has reached the peer.
    pub(super) was_answered: bool,
    pub(super) priority: u32,
    retry_at: Instant,
    retries: u8,
    /// Checks that may be sent before it is confirmed.
    credit: u32,
}

impl Pair {
    /// Whether a check may be sent that the plan does not have, and counts it.
    pub(super) fn spend(&mut self) -> bool {
        let may = self.confirmed || self.credit > 0;
        self.credit = self.credit.saturating_sub(1);
        may
    }

    fn is_waiting(&self) -> bool {
        !self.confirmed && self.retries < PUNCH_RETRIES && self.credit > 0
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Pairs(Vec<Pair>);

impl Pairs {
    /// The peer was heard. Returns the pair, unless there are too many.
    pub(super) fn hear(
        &mut self,
        now: Instant,
        (socket, remote): (SocketId, SocketAddr),
        token: Token,
        priority: u32,
    ) -> Option<&mut Pair> {
        let known = self.0.iter().position(|pair| pair.socket == socket && pair.remote == remote);
        let index = known.unwrap_or(self.0.len());
        if known.is_none() {
            if self.0.len() >= PUNCH_PAIRS {
                return None;
            }
            let retry_at = now + PUNCH_RETRY;
            let (confirmed, retries) = (false, 0);
            self.0.push(Pair {
                socket,
                remote,
                heard: token,
                confirmed,
                was_answered: false,
                priority,
                retry_at,
                retries,
                credit: 0,
            });
        }
        let pair = self.0.get_mut(index)?;
        pair.heard = token;
        pair.credit = pair.credit.saturating_add(PUNCH_AMPLIFICATION);
        Some(pair)
    }

    pub(super) fn get(&self, socket: SocketId, remote: SocketAddr) -> Option<&Pair> {
        self.0.iter().find(|pair| pair.socket == socket && pair.remote == remote)
    }

    /// The best path that works both ways; of equal ones the first that did.
    pub(super) fn best(&self) -> Option<&Pair> {
        let confirmed = self.0.iter().rev().filter(|pair| pair.confirmed);
        confirmed.max_by_key(|pair| pair.priority)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// When a path on which we only hear has to be tried again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.waiting().map(|pair| pair.retry_at).min()
    }

    fn waiting(&self) -> impl Iterator<Item = &Pair> {
        self.0.iter().filter(|pair| pair.is_waiting())
    }

    /// The paths to try again now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(SocketId, SocketAddr)> {
        let due = self.0.iter_mut().filter(|pair| pair.is_waiting() && pair.retry_at <= now);
        let again = due.map(|pair| {
            pair.retries += 1;
            pair.retry_at = now + PUNCH_RETRY;
            pair.spend();
            (pair.socket, pair.remote)
        });
        again.collect()
    }
}
