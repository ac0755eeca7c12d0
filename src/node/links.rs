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
//!
//!  either of them ── silent, and so is the other one for 1 s ──▶ all ways by all relays are tried, after 3, 6 … 15 s again
//! ```
//!
//! A way is tried before the connection moves there: see [`Endpoint::probe`](crate::endpoint::Endpoint::probe).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::detour;
use super::reach::Reach;
use super::renewal::Renewal;
use crate::base::Instant;
use crate::base::limits::{
    KEEP_ALIVE_UNKNOWN, NODE_DEAD_TIMEOUTS, NODE_DETOUR_RETRY, NODE_DETOUR_WAIT, NODE_DETOUR_YIELD,
    NODE_DIRECT_RETRY,
};
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
    /// It is being tried whether the peer answers elsewhere.
    pub(super) is_probing: bool,
    pub(super) timeouts: u32,
    /// It goes by a relay that is gone.
    pub(super) is_lost: bool,
    /// The peer was dialled, and has not dialled.
    pub(super) is_dialler: bool,
}

impl Seen {
    fn is_silent(&self) -> bool {
        self.timeouts >= NODE_DEAD_TIMEOUTS || self.is_lost
    }
}

/// What to do about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    /// Try whether the peer answers there, and move.
    Probe(SocketAddr),
    /// The same, wherever the peer may be.
    ProbeAll,
    /// The path has come back to life.
    Stay,
}

/// The ways of one connection.
#[derive(Debug, Default)]
pub(super) struct Link {
    pub(super) direct: Option<Way>,
    pub(super) relay: Option<Way>,
    /// Where else the peer may be met.
    pub(super) reach: Reach,
    /// What both have told since.
    pub(super) renewal: Renewal,
    /// Times that all ways were tried.
    pub(super) laps: usize,
    /// The way in use is silent: when all others are tried again, and how long it takes until then.
    silence: Option<(Instant, Duration)>,
    /// The peer was heard on it.
    confirmed: bool,
    /// When the direct way is tried again, while the connection goes by relay.
    retry: Option<Instant>,
    wait: Duration,
    /// When the peer's relay has to hear of us, or our NAT forgets the way there.
    beat: Option<Instant>,
    /// It is kept alive for the sake of our NAT, as nobody has said how often it should be.
    kept: bool,
}

impl Link {
    fn new(way: Way, relayed: bool) -> Self {
        let mut link = Self { wait: NODE_DIRECT_RETRY, ..Self::default() };
        *(if relayed { &mut link.relay } else { &mut link.direct }) = Some(way);
        link
    }

    pub(super) fn is_relayed(&self, remote: SocketAddr) -> bool {
        if self.direct.is_some_and(|way| way.remote == remote) {
            return false;
        }
        detour::meaning(remote).is_some()
            || self.relay.is_some_and(|way| way.remote == remote)
            || self.reach.is_relay(remote)
    }

    pub(super) fn uses(&self, socket: SocketId) -> bool {
        [self.direct, self.relay].iter().flatten().any(|way| way.socket == socket)
    }

    pub(super) fn is_silent(&self) -> bool {
        self.silence.is_some()
    }

    pub(super) fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    pub(super) fn advise(&mut self, now: Instant, seen: &Seen) -> Option<Advice> {
        if !self.confirmed {
            return None;
        }
        let relayed = self.is_relayed(seen.remote);
        if !relayed {
            (self.retry, self.wait) = (None, NODE_DIRECT_RETRY);
        }
        if seen.is_silent() {
            return self.advise_on_silence(now, seen, relayed);
        }
        if seen.timeouts == 0 && self.silence.take().is_some() && seen.is_probing {
            return Some(Advice::Stay);
        }
        // Something was acknowledged, and then a probe was not: it shows soon which of the two counts.
        if let Some((next, _)) = self.silence.as_mut().filter(|(next, _)| *next <= now) {
            *next = now + NODE_DETOUR_WAIT;
        }
        let direct = self.direct.filter(|_| relayed)?;
        if now < *self.retry.get_or_insert(now + self.wait) {
            return None;
        }
        self.retry = Some(now + self.wait);
        self.wait = (self.wait * 2).min(KEEP_ALIVE_UNKNOWN);
        Some(Advice::Probe(direct.remote))
    }

    /// First the way that both sides know to be the next one, and then all that there may be.
    fn advise_on_silence(&mut self, now: Instant, seen: &Seen, relayed: bool) -> Option<Advice> {
        let Some((next, wait)) = &mut self.silence else {
            let other = if relayed { self.direct } else { self.relay };
            let alone = if relayed { Duration::ZERO } else { NODE_DETOUR_WAIT };
            let later = if seen.is_dialler { Duration::ZERO } else { NODE_DETOUR_YIELD };
            let wait = other.map_or(later, |_| alone + later);
            self.silence = Some((now + wait, NODE_DETOUR_RETRY));
            return other.map(|way| Advice::Probe(way.remote));
        };
        if now < *next {
            return None;
        }
        *next = now + *wait;
        *wait = (*wait * 2).min(KEEP_ALIVE_UNKNOWN);
        Some(Advice::ProbeAll)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let way = match self.silence {
            Some((next, _)) => Some(next),
            None => self.retry.filter(|_| self.direct.is_some() && self.confirmed),
        };
        // Before, nothing is told.
        let renewal = self.renewal.poll_timeout().filter(|_| self.confirmed);
        earliest(earliest(way, self.beat), renewal)
    }

    /// Whether there is more than one way to go, `relays` being whether we have any.
    fn has_choice(&self, relays: bool) -> bool {
        let both = self.direct.is_some() && self.relay.is_some();
        self.confirmed && (both || relays || self.reach.relayed().next().is_some())
    }
}

/// Those of all connections to peers that were searched.
#[derive(Debug, Default)]
pub(super) struct Links(BTreeMap<ConnectionHandle, Link>);

impl Links {
    /// A connection begins on a way that was found.
    pub(super) fn add(
        &mut self,
        now: Instant,
        handle: ConnectionHandle,
        (way, relayed): (Way, bool),
        reach: Reach,
    ) {
        self.0.insert(handle, Link { reach, ..Link::new(way, relayed) });
        self.begin_to_beat(now, handle);
    }

    /// A peer that is searched has dialled us, on whichever way.
    pub(super) fn adopt(&mut self, handle: ConnectionHandle, confirmed: bool, reach: Reach) {
        let link = Link { wait: NODE_DIRECT_RETRY, confirmed, reach, ..Link::default() };
        self.0.insert(handle, link);
    }

    /// The connection goes by relay now, on this way.
    pub(super) fn follow(&mut self, now: Instant, handle: ConnectionHandle, way: Way) {
        let Some(link) = self.0.get_mut(&handle) else { return };
        link.relay = Some(way);
        link.reach.on_met(detour::meaning(way.remote).map_or(way.remote, |(_, peer)| peer));
        self.begin_to_beat(now, handle);
    }

    /// There may be new ways: those that are silent try them at once.
    pub(super) fn hurry(&mut self, now: Instant) {
        for (next, _) in self.0.values_mut().filter_map(|link| link.silence.as_mut()) {
            *next = (*next).min(now);
        }
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

    /// It is kept alive as often as our NAT wants it.
    pub(super) fn keep(&mut self, handle: ConnectionHandle) {
        if let Some(link) = self.0.get_mut(&handle) {
            link.kept = true;
        }
    }

    /// Those that are.
    pub(super) fn kept(&self) -> impl Iterator<Item = ConnectionHandle> {
        self.0.iter().filter(|(_, link)| link.kept).map(|(handle, _)| *handle)
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

    /// The connections that have a choice, `relays` being whether we have any.
    pub(super) fn with_choice(&mut self, relays: bool) -> Vec<ConnectionHandle> {
        let mut choice = Vec::new();
        for (handle, link) in &mut self.0 {
            if link.has_choice(relays) {
                choice.push(*handle);
            } else {
                (link.silence, link.retry) = (None, None);
            }
        }
        choice
    }

    /// Whom our relays have to let in.
    pub(super) fn ips(&self) -> impl Iterator<Item = IpAddr> + '_ {
        let ways = self.0.values().filter_map(|link| link.relay);
        let behind = ways.filter_map(|way| detour::meaning(way.remote)).map(|(_, peer)| peer.ip());
        behind.chain(self.0.values().flat_map(|link| link.reach.ips().iter().copied()))
    }

    /// A relay of a peer's that has to hear of us now.
    pub(super) fn poll_beat(&mut self, now: Instant, interval: Duration) -> Option<Way> {
        let due = |link: &&mut Link| link.beat.is_some_and(|at| at <= now);
        let link = self.0.values_mut().find(due)?;
        link.beat = Some(now + interval);
        link.relay
    }

    /// The connections for which there is something to tell or to search now.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<ConnectionHandle> {
        let mut due = Vec::new();
        for (handle, link) in &mut self.0 {
            if link.confirmed && link.renewal.take_due(now) {
                due.push(*handle);
            }
        }
        due
    }

    /// Something was gathered.
    pub(super) fn on_gathered(&mut self) {
        self.0.values_mut().for_each(|link| link.renewal.on_gathered());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.0.values().map(Link::poll_timeout).fold(None, earliest)
    }
}

#[cfg(test)]
mod tests;
