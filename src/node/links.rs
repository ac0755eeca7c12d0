//! The ways to a peer that were found, and by which of them its connection should go (SPEC §19.3).
//!
//! ```text
//!                    the direct way is found, or comes back: tried at once, then after 1 s, 2 s … 15 s
//!              ┌────────────────────────────────────────────────────────────────┐
//!              │                                                                ▼
//!  ──▶ by relay                                                              direct ◀──
//!              ▲                                                                │
//!              └────────────────────────────────────────────────────────────────┘
//!                    two probe timeouts in a row, and the peer answers by relay
//! ```
//!
//! A way is tried before the connection moves there: see [`Endpoint::probe`](crate::endpoint::Endpoint::probe).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::detour;
use crate::base::Instant;
use crate::base::limits::{KEEP_ALIVE_UNKNOWN, NODE_DEAD_TIMEOUTS, NODE_DIRECT_RETRY};
use crate::base::time::earliest;
use crate::endpoint::ConnectionHandle;
use crate::nat::SocketId;

/// A way to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// The socket, or the relay of ours.
    pub(super) socket: SocketId,
    /// What the endpoint calls the peer there.
    pub(super) remote: SocketAddr,
}

/// How a connection does at the moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) remote: SocketAddr,
    /// Where it is tried whether the peer answers.
    pub(super) probed: Option<SocketAddr>,
    pub(super) timeouts: u32,
}

/// What to do about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    /// Try whether the peer answers there, and move.
    Probe(SocketAddr),
    /// The path has come back to life.
    Stay,
}

/// The ways of one connection.
#[derive(Debug, Default)]
pub(super) struct Link {
    pub(super) direct: Option<Way>,
    pub(super) relay: Option<Way>,
    /// The peer was heard on it.
    confirmed: bool,
    /// When the direct way is tried again, while the connection goes by relay.
    retry: Option<Instant>,
    wait: Duration,
    /// When the peer's relay has to hear of us, or our NAT forgets the way there.
    beat: Option<Instant>,
}

impl Link {
    fn new(way: Way, relayed: bool) -> Self {
        let mut link = Self { wait: NODE_DIRECT_RETRY, ..Self::default() };
        *(if relayed { &mut link.relay } else { &mut link.direct }) = Some(way);
        link
    }

    pub(super) fn is_relayed(&self, remote: SocketAddr) -> bool {
        detour::meaning(remote).is_some() || self.relay.is_some_and(|way| way.remote == remote)
    }

    pub(super) fn uses(&self, socket: SocketId) -> bool {
        [self.direct, self.relay].iter().flatten().any(|way| way.socket == socket)
    }

    pub(super) fn advise(&mut self, now: Instant, seen: &Seen) -> Option<Advice> {
        let (direct, relay) = (self.direct?, self.relay?);
        if !self.confirmed {
            return None;
        }
        if !self.is_relayed(seen.remote) {
            (self.retry, self.wait) = (None, NODE_DIRECT_RETRY);
            let there = seen.probed == Some(relay.remote);
            return match seen.timeouts {
                0 if there => Some(Advice::Stay),
                NODE_DEAD_TIMEOUTS.. if !there => Some(Advice::Probe(relay.remote)),
                _ => None,
            };
        }
        if now < *self.retry.get_or_insert(now + self.wait) {
            return None;
        }
        self.retry = Some(now + self.wait);
        self.wait = (self.wait * 2).min(KEEP_ALIVE_UNKNOWN);
        Some(Advice::Probe(direct.remote))
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let both = self.direct.is_some() && self.relay.is_some() && self.confirmed;
        earliest(self.retry.filter(|_| both), self.beat)
    }
}

/// Those of all connections to peers that were searched.
#[derive(Debug, Default)]
pub(super) struct Links(BTreeMap<ConnectionHandle, Link>);

impl Links {
    /// A connection begins on a way that was found.
    pub(super) fn add(&mut self, now: Instant, handle: ConnectionHandle, way: Way, relayed: bool) {
        self.0.insert(handle, Link::new(way, relayed));
        self.begin_to_beat(now, handle);
    }

    /// A peer that is searched has dialled us, on whichever way.
    pub(super) fn adopt(&mut self, handle: ConnectionHandle, confirmed: bool) {
        let link = Link { wait: NODE_DIRECT_RETRY, confirmed, ..Link::default() };
        self.0.insert(handle, link);
    }

    /// Another way was found.
    pub(super) fn find(&mut self, now: Instant, handle: ConnectionHandle, way: Way, relayed: bool) {
        let Some(link) = self.0.get_mut(&handle) else { return };
        if relayed {
            link.relay = Some(way);
        } else {
            link.direct = Some(way);
            link.retry = Some(now);
        }
        self.begin_to_beat(now, handle);
    }

    /// A relay of ours holds its own mapping; that of the peer does not know ours.
    fn begin_to_beat(&mut self, now: Instant, handle: ConnectionHandle) {
        let Some(link) = self.0.get_mut(&handle) else { return };
        let foreign = link.relay.is_some_and(|way| detour::meaning(way.remote).is_none());
        link.beat = foreign.then(|| now + KEEP_ALIVE_UNKNOWN);
    }

    pub(super) fn on_confirmed(&mut self, handle: ConnectionHandle) {
        if let Some(link) = self.0.get_mut(&handle) {
            link.confirmed = true;
        }
    }

    /// A relay of ours is gone, and all ways by it.
    pub(super) fn on_lost(&mut self, relay: SocketId) {
        for link in self.0.values_mut() {
            link.relay = link.relay.filter(|way| way.socket != relay);
        }
    }

    pub(super) fn get(&self, handle: ConnectionHandle) -> Option<&Link> {
        self.0.get(&handle)
    }

    pub(super) fn get_mut(&mut self, handle: ConnectionHandle) -> Option<&mut Link> {
        self.0.get_mut(&handle)
    }

    /// Takes those out that are over.
    pub(super) fn take_over(&mut self, is_over: impl Fn(ConnectionHandle) -> bool) -> Vec<Link> {
        self.0.extract_if(.., |handle, _| is_over(*handle)).map(|(_, link)| link).collect()
    }

    pub(super) fn use_socket(&self, socket: SocketId) -> bool {
        self.0.values().any(|link| link.uses(socket))
    }

    /// What the endpoint calls the peers behind some of our relays.
    pub(super) fn by_relay(&self, chosen: impl Fn(SocketId) -> bool) -> Vec<SocketAddr> {
        let ways = self.0.values().filter_map(|link| link.relay);
        ways.filter(|way| chosen(way.socket)).map(|way| way.remote).collect()
    }

    /// The connections that have a choice.
    pub(super) fn with_choice(&self) -> Vec<ConnectionHandle> {
        let choice = self
            .0
            .iter()
            .filter(|(_, link)| link.direct.is_some() && link.relay.is_some() && link.confirmed);
        choice.map(|(handle, _)| *handle).collect()
    }

    /// The peers behind our relays.
    pub(super) fn behind_relays(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        let ways = self.0.values().filter_map(|link| link.relay);
        ways.filter_map(|way| detour::meaning(way.remote)).map(|(_, peer)| peer)
    }

    /// A relay of a peer's that has to hear of us now.
    pub(super) fn poll_beat(&mut self, now: Instant, interval: Duration) -> Option<Way> {
        let due = |link: &&mut Link| link.beat.is_some_and(|at| at <= now);
        let link = self.0.values_mut().find(due)?;
        link.beat = Some(now + interval);
        link.relay
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.0.values().map(Link::poll_timeout).fold(None, earliest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECT: Way = Way {
        socket: SocketId::MAIN,
        remote: SocketAddr::new(
            std::net::IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 7)),
            4000,
        ),
    };
    const RELAY: Way = Way {
        socket: SocketId::MAIN,
        remote: SocketAddr::new(
            std::net::IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1)),
            50_000,
        ),
    };

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    fn link() -> Link {
        let mut link = Link::new(RELAY, true);
        link.direct = Some(DIRECT);
        link.confirmed = true;
        link
    }

    fn seen(way: Way, timeouts: u32) -> Seen {
        Seen { remote: way.remote, probed: None, timeouts }
    }

    #[test]
    fn a_direct_path_is_left_after_two_timeouts_and_not_after_one() {
        let mut link = link();
        assert_eq!(link.advise(at(0), &seen(DIRECT, 1)), None);
        let probe = Some(Advice::Probe(RELAY.remote));
        assert_eq!(link.advise(at(1), &seen(DIRECT, 2)), probe);
        let probing = Seen { probed: Some(RELAY.remote), ..seen(DIRECT, 3) };
        assert_eq!(link.advise(at(2), &probing), None, "it is being tried");
        let alive = Seen { timeouts: 0, ..probing };
        assert_eq!(link.advise(at(3), &alive), Some(Advice::Stay));
    }

    #[test]
    fn a_direct_path_that_was_left_is_tried_ever_more_rarely() {
        let (mut link, mut tries) = (link(), Vec::new());
        assert_eq!(link.advise(at(0), &seen(RELAY, 0)), None);
        while tries.len() < 7 {
            let now = link.poll_timeout().expect("it goes on");
            if link.advise(now, &seen(RELAY, 0)) == Some(Advice::Probe(DIRECT.remote)) {
                tries.push(now.as_nanos() / 1_000_000_000);
            }
        }
        assert_eq!(tries, [1, 2, 4, 8, 16, 31, 46]);
    }

    #[test]
    fn with_one_way_only_there_is_nothing_to_choose() {
        let mut link = Link::new(DIRECT, false);
        link.confirmed = true;
        assert_eq!(link.advise(at(0), &seen(DIRECT, 9)), None);
        assert_eq!(link.poll_timeout(), None);
    }
}
