//! From what searches find to connections, and what is let go of when they are over.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::links::{Link, Way};
use super::relay::RelayEvent;
use super::relays::{self, Relays};
use super::search::Ended;
use super::{Node, NodeEvent, SearchHandle, detour};
use crate::base::Instant;
use crate::endpoint::ConnectionHandle;
use crate::nat::{Failure, PunchEvent, PunchReport, SocketId, SocketRequest, Winner};

impl Node {
    /// Carries out what the parts want of each other.
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some(peer) = self.searches.poll_fresh() {
            self.relays.permit(now, &relays::peers(peer));
        }
        self.settle_relays(now);
        self.settle_gathering(now);
        self.requests.extend(self.searches.requests());
        self.requests.extend(self.relays.requests());
        self.requests.extend(self.keeping.requests());
        for ended in self.searches.ended() {
            self.on_ended(now, &ended);
        }
        while let Some((handle, connection, failed)) = self.searches.poll_failed() {
            self.on_met_by_relay(now, handle, connection, failed);
        }
        if self.searches.forget_finished() {
            self.retire(now);
        }
        self.pass_on_keep_alive();
    }

    fn settle_relays(&mut self, now: Instant) {
        while let Some(event) = self.relays.poll_event(now) {
            match event {
                RelayEvent::Up { late } => {
                    self.relays.permit(now, &self.welcome());
                    if late {
                        self.events.push_back(NodeEvent::Outdated);
                    }
                }
                RelayEvent::Permitted => self.links.hurry(now),
                RelayEvent::Lost(socket, server, error) => {
                    self.links.on_lost(socket);
                    self.events.push_back(NodeEvent::RelayLost(server, error));
                }
            }
        }
    }

    /// Whom our relays have to let in: who is searched, and who is connected and may fall back to them.
    fn welcome(&self) -> BTreeSet<IpAddr> {
        self.searches.peers().flat_map(relays::peers).chain(self.links.ips()).collect()
    }

    fn on_ended(&mut self, now: Instant, ended: &Ended) {
        let Ended { handle, relayed, event, report } = *ended;
        if let Some((networks, peer, lesson)) = self.searches.learn(now, ended) {
            match lesson {
                Some(lesson) => self.memory.learn(now, networks, peer, lesson),
                None => self.memory.forget(&networks),
            }
        }
        match event {
            PunchEvent::Won(winner) => match self.searches.connection(handle) {
                Some(connection) if self.searches.is_again(handle) => {
                    self.change_way(now, connection, &winner);
                }
                Some(connection) => self.add_way(now, connection, &winner, relayed),
                None => self.dial(now, handle, winner, report, relayed),
            },
            PunchEvent::Failed(failure) => {
                let told = self.searches.on_failed(handle, relayed, (failure, report));
                if let Some((failure, report)) = told {
                    match self.searches.connection(handle) {
                        Some(connection) if self.searches.is_again(handle) => {
                            self.on_no_direct(now, connection, (failure, report, false));
                        }
                        Some(connection) => {
                            self.on_met_by_relay(now, handle, connection, (failure, report));
                        }
                        None => {
                            let event = NodeEvent::NotFound(handle, failure, report);
                            self.events.push_back(event);
                        }
                    }
                }
            }
        }
    }

    /// There is a connection, and no direct path to it yet.
    fn on_met_by_relay(
        &mut self,
        now: Instant,
        handle: SearchHandle,
        connection: ConnectionHandle,
        (failure, report): (Failure, PunchReport),
    ) {
        self.on_no_direct(now, connection, (failure, report, true));
        self.events.push_back(NodeEvent::NoDirect(handle, failure, report));
    }

    /// Prepares the way on which both sides have met.
    fn way(&mut self, now: Instant, winner: &Winner) -> Option<Way> {
        let Winner { socket, remote, .. } = *winner;
        if Relays::is_relay(socket) {
            self.relays.open(now, socket, remote);
            return Some(Way { socket, remote: detour::name(socket, remote)? });
        }
        self.routes.add(remote, socket);
        Some(Way { socket, remote })
    }

    fn add_way(
        &mut self,
        now: Instant,
        connection: ConnectionHandle,
        winner: &Winner,
        relayed: bool,
    ) {
        if let Some(way) = self.way(now, winner) {
            self.links.find(now, connection, way, relayed);
        }
    }

    /// There is a direct way again.
    fn change_way(&mut self, now: Instant, connection: ConnectionHandle, winner: &Winner) {
        let is_by_relay = self.is_by_relay(connection);
        let remote = self.endpoint.connection(connection).map(|it| it.remote_address());
        let Some(link) = self.links.get_mut(connection) else {
            return self.release_socket(winner.socket);
        };
        link.renewal.on_found();
        let old = link.direct;
        // The former one has come back first, unless the peer has come by the new one already.
        if !is_by_relay && remote != Some(winner.remote) {
            return self.release_socket(winner.socket);
        }
        self.add_way(now, connection, winner, false);
        if let Some(old) = old {
            self.release_socket(old.socket);
        }
    }

    fn dial(
        &mut self,
        now: Instant,
        handle: SearchHandle,
        winner: Winner,
        report: PunchReport,
        relayed: bool,
    ) {
        let Some(way) = self.way(now, &winner) else { return };
        let Some((dial, transport, reach)) = self.searches.dial(handle) else { return };
        let transport = transport.unwrap_or_else(|| self.endpoint.transport().clone());
        let interval = self.keeping.keep_alive().interval();
        let kept = transport.is_kept_alive_by_others();
        let dial = dial.at(way.remote).transport(transport.kept_alive(interval));
        match self.endpoint.connect(now, &dial) {
            Ok(connection) => {
                self.links.add(now, connection, (way, relayed), reach);
                if kept {
                    self.links.keep(connection);
                }
                self.searches.dialled(handle, connection);
                self.events.push_back(NodeEvent::Found(handle, winner, connection, report));
            }
            Err(error) => {
                self.release_socket(winner.socket);
                self.events.push_back(NodeEvent::NotDialled(handle, error));
            }
        }
    }

    /// Lets go of what connections needed that have nothing more to say: after a farewell that may have to be repeated.
    pub(super) fn release_links(&mut self, now: Instant) {
        let over = self.links.take_over(|handle| self.endpoint.is_over(handle));
        for Link { direct, relay, .. } in &over {
            for way in [direct, relay].into_iter().flatten() {
                self.release_socket(way.socket);
            }
        }
        if !over.is_empty() {
            self.retire(now);
        }
        if self.links.is_empty() {
            self.keeping.pause(now);
            self.requests.extend(self.keeping.requests());
        }
    }

    /// A connection does not use this socket any more.
    fn release_socket(&mut self, socket: SocketId) {
        if socket == SocketId::MAIN || Relays::is_relay(socket) || self.links.use_socket(socket) {
            return;
        }
        self.routes.remove(socket);
        if self.gatherings.spares.contains(socket) {
            self.retire_sockets();
        } else {
            self.requests.push_back(SocketRequest::Close(socket));
        }
    }

    /// Gives back what nobody has a use for.
    pub(super) fn retire(&mut self, now: Instant) {
        self.retire_sockets();
        let ips = self.welcome();
        let Self { relays, links, searches, .. } = self;
        relays.retire(now, |relay| links.use_socket(relay) || searches.use_socket(relay), &ips);
    }

    fn retire_sockets(&mut self) {
        let Self { gatherings, searches, links, .. } = self;
        let mut spares = std::mem::take(&mut gatherings.spares);
        let closed = spares.retire(|socket| {
            gatherings.tell_of(socket) || searches.use_socket(socket) || links.use_socket(socket)
        });
        self.gatherings.spares = spares;
        for socket in closed {
            self.routes.remove(socket);
            self.requests.push_back(SocketRequest::Close(socket));
        }
    }
}
