//! One mapping: an internal endpoint's external port, and the peers that it has sent to.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::config::{Dependence, NatConfig};

/// What identifies a mapping: the internal endpoint, and as much of the peer's as the mapping depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) internal: SocketAddr,
    peer: (Option<IpAddr>, Option<u16>),
}

impl Key {
    /// That of a mapping for one peer alone, whatever the box usually does.
    pub(super) fn special(internal: SocketAddr, peer: SocketAddr) -> Self {
        Self::new(Dependence::AddressAndPortDependent, internal, peer)
    }

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
    pub(super) external: SocketAddr,
    created: Duration,
    refreshed: Duration,
    /// When each peer was last sent to, or heard of where that counts.
    sessions: BTreeMap<SocketAddr, Duration>,
}

impl Mapping {
    pub(super) fn new(now: Duration, external: SocketAddr) -> Self {
        Self { external, created: now, refreshed: now, sessions: BTreeMap::new() }
    }

    pub(super) fn sessions(&self) -> usize {
        self.sessions.len()
    }

    pub(super) fn has_session(&self, peer: SocketAddr) -> bool {
        self.sessions.contains_key(&peer)
    }

    /// When the mapping ends, or the permission of a peer, if no more packets come.
    pub(super) fn next_expiry(&self, config: &NatConfig) -> Duration {
        let oldest = self.sessions.values().copied().min().unwrap_or(self.refreshed);
        let idle = oldest.min(self.refreshed).saturating_add(config.idle_timeout);
        let end = config.absolute_timeout.map(|timeout| self.created.saturating_add(timeout));
        end.map_or(idle, |end| end.min(idle))
    }

    pub(super) fn is_alive(&self, now: Duration, config: &NatConfig) -> bool {
        let young = |timeout| is_fresh(self.created, now, timeout);
        is_fresh(self.refreshed, now, config.idle_timeout)
            && config.absolute_timeout.is_none_or(young)
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
    pub(super) fn admits(&self, now: Duration, config: &NatConfig, peer: SocketAddr) -> bool {
        let timeout = config.idle_timeout;
        let mut live = self.sessions.iter().filter(|(_, last)| is_fresh(**last, now, timeout));
        match config.filtering {
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
