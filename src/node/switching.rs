//! From one way of a connection to another, as [`links`](super::links) advise (SPEC §19.3).

use std::net::SocketAddr;

use super::carry::alone;
use super::links::{Advice, Link, Seen, Way};
use super::{Node, NodeEvent, detour, reach};
use crate::base::Instant;
use crate::base::limits::PATH_SCOUTS;
use crate::endpoint::ConnectionHandle;
use crate::nat::Transmit;
use crate::nat::signs::sign_of_life;
use crate::wire::Role;

impl Node {
    /// Moves connections that have a better way, or whose way is dead.
    pub(super) fn choose_ways(&mut self, now: Instant) {
        for handle in self.links.with_choice(!self.relays.sockets().is_empty()) {
            let Some(seen) = self.look_at(handle) else { continue };
            self.follow_by_relay(now, handle, &seen);
            let Some(link) = self.links.get_mut(handle) else { continue };
            let was_silent = link.is_silent();
            let advice = link.advise(now, &seen);
            if !was_silent && link.is_silent() {
                self.on_silence(now, handle, &seen);
            }
            match advice {
                Some(Advice::Probe(remote)) => drop(self.endpoint.probe(now, handle, remote)),
                Some(Advice::ProbeAll) => self.probe_all(now, handle, &seen),
                Some(Advice::Stay) => {
                    if let Some(connection) = self.endpoint.connection(handle) {
                        connection.stop_probing();
                    }
                }
                None => {}
            }
        }
        self.beat(now);
    }

    fn look_at(&mut self, handle: ConnectionHandle) -> Option<Seen> {
        let connection = self.endpoint.connection(handle)?;
        let remote = connection.remote_address();
        let by = detour::meaning(remote);
        Some(Seen {
            remote,
            is_probing: connection.probed_address().is_some(),
            timeouts: connection.probe_timeouts(),
            is_dialler: connection.role() == Role::Initiator,
            is_lost: by.is_some_and(|(relay, _)| !self.relays.is_up(relay)),
        })
    }

    /// The peer may have chosen another way by relays than the one that was known.
    fn follow_by_relay(&mut self, now: Instant, handle: ConnectionHandle, seen: &Seen) {
        let remote = seen.remote;
        let is_new = |link: &Link| {
            link.is_relayed(remote) && link.relay.is_none_or(|way| way.remote != remote)
        };
        if seen.is_lost || !self.links.get(handle).is_some_and(is_new) {
            return;
        }
        let socket = match detour::meaning(remote) {
            Some((relay, peer)) => {
                self.relays.open(now, relay, peer);
                relay
            }
            None => self.routes.socket_for(remote),
        };
        self.links.follow(now, handle, Way { socket, remote });
    }

    /// The way in use says nothing any more: the path has died, or a relay of ours does not know us any more.
    fn on_silence(&mut self, now: Instant, handle: ConnectionHandle, seen: &Seen) {
        self.relays.verify(now);
        if !self.links.get(handle).is_some_and(|link| link.is_relayed(seen.remote)) {
            self.keeping.on_silence(now);
            self.pass_on_keep_alive();
            self.events.push_back(NodeEvent::Silent(handle));
        }
    }

    /// Time has passed for the measurement of how long the NAT keeps mappings.
    pub(super) fn measure(&mut self, now: Instant) {
        if !self.links.is_empty() {
            self.keeping.handle_timeout(now, &mut *self.entropy);
            self.pass_on_keep_alive();
        }
    }

    /// All connections are kept alive as often as the NAT before them wants it now.
    pub(super) fn pass_on_keep_alive(&mut self) {
        let Some(interval) = self.keeping.take_change() else { return };
        for handle in self.links.kept() {
            if let Some(connection) = self.endpoint.connection(handle) {
                connection.keep_alive_every(interval);
            }
        }
    }

    /// This connection follows as well.
    pub(super) fn keep_alive_from_now_on(&mut self, handle: ConnectionHandle) {
        self.links.keep(handle);
        if let Some(connection) = self.endpoint.connection(handle) {
            connection.keep_alive_every(self.keeping.keep_alive().interval());
        }
    }

    /// Tries wherever the peer may be; where there are too many ways, others each time.
    fn probe_all(&mut self, now: Instant, handle: ConnectionHandle, seen: &Seen) {
        self.relays.verify(now);
        let mut ways = self.ways(now, handle);
        ways.retain(|(remote, _)| *remote != seen.remote);
        let Some(link) = self.links.get_mut(handle) else { return };
        let lap = link.laps.wrapping_mul(PATH_SCOUTS);
        link.laps = link.laps.wrapping_add(1);
        let first = lap.checked_rem(ways.len()).unwrap_or(0);
        ways.rotate_left(first);
        for (remote, told) in ways {
            if self.endpoint.probe(now, handle, remote)
                && let Some(link) = self.links.get_mut(handle)
            {
                link.reach.on_tried(told);
            }
        }
    }

    /// All ways that there may be to a peer: what the endpoint calls it there, and where that is.
    fn ways(&self, now: Instant, handle: ConnectionHandle) -> Vec<(SocketAddr, SocketAddr)> {
        let Some(link) = self.links.get(handle) else { return Vec::new() };
        let known = [link.direct, link.relay].into_iter().flatten().map(|way| way.remote);
        let mut ways: Vec<_> = known.map(|remote| (remote, remote)).collect();
        ways.extend(link.reach.relayed().map(|remote| (remote, remote)));
        let direct = link.direct.map(|way| way.remote).filter(|remote| reach::is_beyond(*remote));
        let there: Vec<_> = link.reach.relayed().chain(direct).collect();
        for relay in self.relays.sockets() {
            let open = there.iter().filter(|to| self.relays.lets_in(now, relay, to.ip()));
            ways.extend(open.filter_map(|to| Some((detour::name(relay, *to)?, *to))));
        }
        ways
    }

    /// The peers' relays hear of us, or our NAT forgets the way there.
    fn beat(&mut self, now: Instant) {
        let interval = self.keeping.keep_alive().interval();
        while let Some(Way { socket, remote }) = self.links.poll_beat(now, interval) {
            if let Ok(payload) = sign_of_life(&mut *self.entropy) {
                self.outbox.push_back(alone(Transmit { socket, destination: remote, payload }));
            }
        }
    }
}
