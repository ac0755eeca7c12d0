//! Which addresses the connection uses: the active path and, while that is unproved, the last one that was proved.
//!
//! ```text
//!            packet from a new address                 PATH_RESPONSE
//!  proved ───────────────────────────▶ on trial ─────────────────────▶ proved (new)
//!     ▲                                   │
//!     └───────────────────────────────────┘ no answer in time: back to the last proved path
//! ```
//!
//! There is at most one path on trial; a newer one replaces it (SPEC §7.2).

use std::net::{IpAddr, SocketAddr};

use crate::base::Instant;
use crate::path::{Path, PathConfig, PathVerdict};
use crate::vocab::{Outcome, PathId};

/// The paths of one connection.
#[derive(Debug)]
pub(crate) struct Paths {
    active: Path,
    /// The last proved path, kept while `active` is on trial.
    proved: Option<Box<Path>>,
    next: u32,
}

/// A PATH_CHALLENGE that is due.
#[derive(Debug)]
pub(crate) struct Challenge {
    pub(crate) path: PathId,
    pub(crate) remote: SocketAddr,
    pub(crate) local: Option<IpAddr>,
    pub(crate) data: [u8; 8],
    /// Bytes that may be sent to that address.
    pub(crate) room: u64,
}

/// What a deadline or an answer did to the paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathChange {
    None,
    /// The trial succeeded; what is outstanding on the named path will not be acknowledged there.
    Proved {
        abandoned: Option<PathId>,
    },
    /// The trial failed and the last proved path is active again.
    Reverted {
        abandoned: PathId,
    },
}

impl Paths {
    pub(crate) fn new(
        now: Instant,
        remote: SocketAddr,
        local: Option<IpAddr>,
        config: &PathConfig,
    ) -> Self {
        Self { active: Path::new(now, PathId(0), remote, local, config), proved: None, next: 1 }
    }

    /// The peer's newest packet came from the last proved address: whatever is on trial, the peer is not there. So who copies
    /// packets and sends them on from elsewhere does not keep the connection (RFC 9000 §9.3.3). Returns the path that was given up.
    pub(crate) fn on_return(&mut self, remote: SocketAddr) -> Option<PathId> {
        let proved = self.proved.take_if(|path| path.remote() == remote)?;
        Some(std::mem::replace(&mut self.active, *proved).id())
    }

    /// The peer's packets come from a new address: send there, and try whether it answers. Returns the path on trial that this
    /// one replaces.
    pub(crate) fn on_rebinding(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        local: Option<IpAddr>,
        data: [u8; 8],
    ) -> Option<PathId> {
        let same_host = remote.ip() == self.active.remote().ip();
        let id = PathId(self.next);
        self.next += 1;
        let mut trial = self.active.migrated(now, id, remote, local, same_host);
        trial.start_validation(now, data);
        let old = std::mem::replace(&mut self.active, trial);
        if old.is_validated() {
            self.proved = Some(Box::new(old));
            return None;
        }
        Some(old.id())
    }

    /// Our own address changed: whether the active path works has to be tried again. What the peer's address has proved, and what may be
    /// sent to it, stays: an address on trial stays on trial, with the last proved one behind it, for the peer may have moved just
    /// before us and not be anywhere else any more.
    pub(crate) fn on_local_change(&mut self, now: Instant, data: [u8; 8]) {
        let id = PathId(self.next);
        self.next += 1;
        let mut moved = self.active.migrated(now, id, self.active.remote(), None, true);
        moved.inherit_proof(&self.active);
        moved.start_validation(now, data);
        self.active = moved;
        match &mut self.proved {
            Some(proved) if !self.active.is_validated() => proved.forget_local(),
            _ => self.proved = None,
        }
    }

    /// A PATH_RESPONSE came, over whichever path.
    pub(crate) fn on_response(&mut self, data: &[u8; 8]) -> PathChange {
        if !self.active.on_response(data) {
            return PathChange::None;
        }
        PathChange::Proved { abandoned: self.proved.take().map(|path| path.id()) }
    }

    pub(crate) fn on_outcome(&mut self, now: Instant, outcome: &Outcome) {
        self.active.on_outcome(now, outcome);
        if let Some(path) = &mut self.proved {
            path.on_outcome(now, outcome);
        }
    }

    pub(crate) fn on_datagram_received(&mut self, remote: SocketAddr, bytes: usize) {
        if let Some(path) = self.with_remote(remote) {
            path.on_datagram_received(bytes);
        }
    }

    /// The next challenge to send, to the path on trial.
    pub(crate) fn poll_challenge(&mut self, now: Instant) -> Option<Challenge> {
        let path = &mut self.active;
        let room = path.challenge_room()?;
        let data = path.poll_challenge(now)?;
        let (remote, local) = (path.remote(), path.local());
        Some(Challenge { path: path.id(), remote, local, data, room })
    }

    /// When to call [`Self::on_deadline`]. The proved path waits for nothing until it is active again: were its own challenge, which a
    /// change of our address began, waited for here, nobody would answer it.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.active.deadline()
    }

    pub(crate) fn on_deadline(&mut self, now: Instant) -> PathChange {
        match self.active.on_deadline(now) {
            PathVerdict::Nothing | PathVerdict::Challenge => PathChange::None,
            PathVerdict::Failed => self.revert(),
        }
    }

    fn revert(&mut self) -> PathChange {
        // With nowhere to go back to, the path stays: only the idle timeout tells a dead peer from a slow network.
        let Some(proved) = self.proved.take() else {
            return PathChange::None;
        };
        let failed = std::mem::replace(&mut self.active, *proved);
        PathChange::Reverted { abandoned: failed.id() }
    }

    fn with_remote(&mut self, remote: SocketAddr) -> Option<&mut Path> {
        if self.active.remote() == remote {
            return Some(&mut self.active);
        }
        self.proved.as_deref_mut().filter(|path| path.remote() == remote)
    }

    pub(crate) fn active(&self) -> &Path {
        &self.active
    }

    pub(crate) fn active_mut(&mut self) -> &mut Path {
        &mut self.active
    }
}

#[cfg(test)]
mod tests;
