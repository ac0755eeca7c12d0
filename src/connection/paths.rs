//! Which addresses the connection uses: the active path and, while that is unproved, the last one that was proved.
//!
//! ```text
//!            packet from a new address                 PATH_RESPONSE
//!  proved ───────────────────────────▶ on trial ─────────────────────▶ proved (new)
//!     ▲                                   │
//!     └───────────────────────────────────┘ no answer in time: back to the last proved path
//! ```
//!
//! There is at most one path on trial; a newer one replaces it (SPEC §7.2). Beside them some may be scouted, on which nothing moves before
//! one has answered:
//!
//! ```text
//!              probe              PATH_RESPONSE
//!  (nowhere) ────────▶ scout ───────────────────▶ active; what is under way on the former path has time to be acknowledged
//!                        └── no answer, another scout was first, or the peer has moved: forgotten
//! ```

use std::net::{IpAddr, SocketAddr};

use crate::base::Instant;
use crate::base::limits::{BASE_DATAGRAM, HANDSHAKE_RETRY, MAX_ACK_DELAY, PATH_SCOUTS};
use crate::base::time::earliest;
use crate::path::{Path, PathConfig, PathVerdict};
use crate::vocab::{Outcome, PathId};

/// The paths of one connection.
#[derive(Debug)]
pub(crate) struct Paths {
    active: Path,
    /// The last proved path, kept while `active` is on trial.
    proved: Option<Box<Path>>,
    scouts: Vec<Scout>,
    left: Vec<Left>,
    next: u32,
}

/// A path that was left on purpose. Until some time packets on it are under way.
#[derive(Debug)]
struct Left {
    id: PathId,
    remote: SocketAddr,
    until: Instant,
}

/// A path that is tried before anything moves there.
#[derive(Debug)]
struct Scout {
    path: Path,
    begun: Instant,
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
    /// A scouted path answered and is active now. The former one may still work.
    Moved {
        left: PathId,
    },
    /// What is outstanding on a path that was left will not be acknowledged any more.
    Abandoned {
        path: PathId,
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
        let active = Path::new(now, PathId(0), remote, local, config);
        Self { active, proved: None, scouts: Vec::new(), left: Vec::new(), next: 1 }
    }

    fn next_id(&mut self) -> PathId {
        let id = PathId(self.next);
        self.next += 1;
        id
    }

    /// Tries whether the peer answers at another address. Returns whether anything has to be sent for that.
    pub(crate) fn probe(&mut self, now: Instant, remote: SocketAddr, data: [u8; 8]) -> bool {
        let is_there = self.active.remote() == remote || self.is_probed(remote);
        if is_there || self.scouts.len() >= PATH_SCOUTS {
            return false;
        }
        let id = self.next_id();
        let mut path = self.active.migrated(now, id, remote, None, false);
        path.start_validation(now, data);
        self.scouts.push(Scout { path, begun: now });
        true
    }

    /// Whether it is being tried if the peer answers there.
    pub(crate) fn is_probed(&self, remote: SocketAddr) -> bool {
        self.scouts.iter().any(|scout| scout.path.remote() == remote)
    }

    /// Where it is tried whether the peer answers.
    pub(crate) fn probed(&self) -> Option<SocketAddr> {
        self.scouts.first().map(|scout| scout.path.remote())
    }

    /// Stops trying.
    pub(crate) fn stop_probing(&mut self) {
        self.scouts = Vec::new();
    }

    /// Moved on purpose a moment ago: packets may be under way that were sent before the peer knew.
    pub(crate) fn is_settling(&self) -> bool {
        !self.left.is_empty()
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
        // What was asked of a scout is the question of this trial too. The peer has chosen: the others need not answer.
        let mut scouts = std::mem::take(&mut self.scouts).into_iter();
        let scout = scouts.find(|scout| scout.path.remote() == remote);
        let trial = scout.map(|scout| scout.path).unwrap_or_else(|| {
            let same_host = remote.ip() == self.active.remote().ip();
            let id = self.next_id();
            let mut trial = self.active.migrated(now, id, remote, local, same_host);
            trial.start_validation(now, data);
            trial
        });
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
        self.stop_probing();
        let id = self.next_id();
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
    pub(crate) fn on_response(&mut self, now: Instant, data: &[u8; 8]) -> PathChange {
        if let Some(at) = self.scouts.iter_mut().position(|scout| scout.path.on_response(data)) {
            let scout = self.scouts.swap_remove(at);
            self.stop_probing();
            return self.arrive(now, scout);
        }
        if !self.active.on_response(data) {
            return PathChange::None;
        }
        PathChange::Proved { abandoned: self.proved.take().map(|path| path.id()) }
    }

    /// The peer is where it was scouted.
    fn arrive(&mut self, now: Instant, scout: Scout) -> PathChange {
        let Scout { mut path, begun } = scout;
        let way = now.saturating_since(begun);
        // Later it may be the answer to a repetition.
        if way < HANDSHAKE_RETRY {
            path.on_round_trip(way);
        }
        let old = std::mem::replace(&mut self.active, path);
        self.proved = None;
        let rtt = old.rtt();
        let patience = rtt.smoothed + rtt.variation * 4 + MAX_ACK_DELAY;
        let (id, remote) = (old.id(), old.remote());
        self.left.push(Left { id, remote, until: now + patience });
        PathChange::Moved { left: id }
    }

    /// What comes from there now may have been sent before the peer knew that we left.
    pub(crate) fn has_just_left(&self, remote: SocketAddr) -> bool {
        self.left.iter().any(|left| left.remote == remote)
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

    /// The next challenge to send, to the path on trial or to the scouted one.
    pub(crate) fn poll_challenge(&mut self, now: Instant) -> Option<Challenge> {
        let trial = self.active.challenge_room().and_then(|room| {
            let data = self.active.poll_challenge(now)?;
            Some((&self.active, data, room))
        });
        let (path, data, room) = trial.or_else(|| {
            self.scouts.iter_mut().find_map(|Scout { path, .. }| {
                let data = path.poll_challenge(now)?;
                // Nobody but ourselves made us send there.
                Some((&*path, data, BASE_DATAGRAM as u64))
            })
        })?;
        let (remote, local) = (path.remote(), path.local());
        Some(Challenge { path: path.id(), remote, local, data, room })
    }

    /// When to call [`Self::on_deadline`]. The proved path waits for nothing until it is active again: were its own challenge, which a
    /// change of our address began, waited for here, nobody would answer it.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let scout = self.scouts.iter().map(|scout| scout.path.deadline()).fold(None, earliest);
        let left = self.left.iter().map(|left| left.until).min();
        earliest(earliest(self.active.deadline(), scout), left)
    }

    pub(crate) fn on_deadline(&mut self, now: Instant) -> PathChange {
        self.scouts.retain_mut(|scout| scout.path.on_deadline(now) != PathVerdict::Failed);
        if self.scouts.is_empty() {
            self.stop_probing();
        }
        if let Some(at) = self.left.iter().position(|left| left.until <= now) {
            return PathChange::Abandoned { path: self.left.remove(at).id };
        }
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
        if let Some(scout) = self.scouts.iter_mut().find(|scout| scout.path.remote() == remote) {
            return Some(&mut scout.path);
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
