//! One mapping: an internal endpoint's external port, and the peers that it has sent to.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::config::Dependence;

/// What identifies a mapping: the internal endpoint, and as much of the peer's as the mapping depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) internal: SocketAddr,
    peer: (Option<IpAddr>, Option<u16>),
}

impl Key {
    pub(super) fn new(mapping: Dependence, internal: SocketAddr, peer: SocketAddr) -> Self {
        let peer = match mapping {
            Dependence::EndpointIndependent => (None, None),
            Dependence::AddressDependent => (Some(peer.ip()), None),
            Dependence::AddressAndPortDependent => (Some(peer.ip()), Some(peer.port())),
        };
        Self { internal, peer }
    }
}

#[derive(Debug)]
pub(super) struct Mapping {
    pub(super) port: u16,
    refreshed: Duration,
    /// When each peer was last sent to, or heard of where that counts.
    sessions: BTreeMap<SocketAddr, Duration>,
}

impl Mapping {
    pub(super) fn new(port: u16) -> Self {
        Self { port, refreshed: Duration::ZERO, sessions: BTreeMap::new() }
    }

    pub(super) fn sessions(&self) -> usize {
        self.sessions.len()
    }

    pub(super) fn has_session(&self, peer: SocketAddr) -> bool {
        self.sessions.contains_key(&peer)
    }

    /// The time of the refresh that runs out first.
    pub(super) fn oldest(&self) -> Duration {
        self.sessions.values().copied().min().unwrap_or(self.refreshed).min(self.refreshed)
    }

    pub(super) fn is_alive(&self, now: Duration, timeout: Duration) -> bool {
        is_fresh(self.refreshed, now, timeout)
    }

    /// A packet left for `peer`.
    pub(super) fn sent(&mut self, now: Duration, peer: SocketAddr) {
        self.refreshed = now;
        self.sessions.insert(peer, now);
    }

    /// A packet came in from `peer`, and inbound packets count.
    pub(super) fn received(&mut self, now: Duration, peer: SocketAddr) {
        self.refreshed = now;
        if let Some(last) = self.sessions.get_mut(&peer) {
            *last = now;
        }
    }

    /// Whether the filter lets `peer` in.
    pub(super) fn admits(
        &self,
        now: Duration,
        timeout: Duration,
        filtering: Dependence,
        peer: SocketAddr,
    ) -> bool {
        let mut live = self.sessions.iter().filter(|(_, last)| is_fresh(**last, now, timeout));
        match filtering {
            Dependence::EndpointIndependent => true,
            Dependence::AddressDependent => live.any(|(known, _)| known.ip() == peer.ip()),
            Dependence::AddressAndPortDependent => {
                self.sessions.get(&peer).is_some_and(|last| is_fresh(*last, now, timeout))
            }
        }
    }

    /// Forgets the peers whose permission has ended.
    pub(super) fn expire_sessions(&mut self, now: Duration, timeout: Duration) {
        self.sessions.retain(|_, last| is_fresh(*last, now, timeout));
    }
}

fn is_fresh(last: Duration, now: Duration, timeout: Duration) -> bool {
    now.saturating_sub(last) < timeout
}
