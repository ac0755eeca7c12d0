//! What to tell peers: asked of servers, relays and the gateway at the same time, and told when all are done.

use std::net::SocketAddr;

use super::keeping::Witness;
use super::spares::Spares;
use super::{Node, NodeEvent, ports};
use crate::base::limits::{GATHER_TIME, KEEP_ALIVE_UNKNOWN, NODE_RENEWAL_PAUSE};
use crate::base::time::earliest;
use crate::base::{Instant, SeededEntropy};
use crate::nat::{
    Destinations, GatherConfig, GatherEvent, Gathered, Gathering, SocketId, SocketRequest, Transmit,
};

/// The last gathering, and the spare sockets of all.
#[derive(Debug, Default)]
pub(super) struct Gatherings {
    current: Option<Gathering>,
    /// What is known already, until when relays are waited for.
    pending: Option<(Box<Gathered>, Instant)>,
    begun: Instant,
    /// What was found out last, and when.
    known: Option<(Instant, Box<Gathered>)>,
    /// It may not be true any more since then.
    suspected: Option<Instant>,
    pub(super) spares: Spares,
}

impl Gatherings {
    /// Whether no answer is awaited.
    pub(super) fn are_idle(&self) -> bool {
        self.current.as_ref().is_none_or(Gathering::is_idle)
    }

    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        from: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        let current = self.current.as_mut();
        current.is_some_and(|current| current.handle_datagram(now, socket, from, datagram))
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if let Some(current) = &mut self.current {
            current.handle_timeout(now);
        }
    }

    /// What was found out last.
    pub(super) fn known(&self) -> Option<&Gathered> {
        self.known.as_ref().map(|(_, gathered)| &**gathered)
    }

    /// Where may be sent to because peers say so.
    pub(super) fn destinations(&self) -> Destinations {
        self.known().map(|gathered| gathered.destinations.clone()).unwrap_or_default()
    }

    fn is_under_way(&self) -> bool {
        self.pending.is_some() || self.current.as_ref().is_some_and(Gathering::is_asking)
    }

    /// Until when something newer than what is known is to be waited for. Of no use for that is what is kept true, or was found out as
    /// lately as it would be asked for again if it were.
    pub(super) fn fresh_by(&self, now: Instant) -> Option<Instant> {
        if self.is_under_way() {
            return Some(self.begun + GATHER_TIME + NODE_RENEWAL_PAUSE);
        }
        let kept = self.current.as_ref().is_some_and(Gathering::is_keeping);
        let is_new = |(at, _): &(Instant, _)| now.saturating_since(*at) < KEEP_ALIVE_UNKNOWN;
        if self.suspected.is_none() && self.known.as_ref().is_some_and(|it| kept || is_new(it)) {
            return None;
        }
        Some(self.suspected.unwrap_or(now) + GATHER_TIME)
    }

    /// What is known may not be true any more. Returns whether all has to be gathered anew for that.
    pub(super) fn suspect(&mut self, now: Instant) -> bool {
        let is_old = |at: Instant| now.saturating_since(at) >= GATHER_TIME;
        let known = self.known.as_ref().is_some_and(|(at, _)| is_old(*at));
        let again = known && !self.is_under_way() && self.suspected.is_none_or(is_old);
        if again {
            self.suspected = Some(now);
        }
        again
    }

    /// None is under way or kept up to date.
    pub(super) fn are_over(&self) -> bool {
        self.current.is_none() && self.pending.is_none()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let current = self.current.as_ref().and_then(Gathering::poll_timeout);
        earliest(current, self.pending.as_ref().map(|(_, until)| *until))
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.current.as_mut()?.poll_transmit()
    }

    /// Whether peers may have been told of a spare socket.
    pub(super) fn tell_of(&self, socket: SocketId) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|current| current.spares().any(|spare| spare == socket))
    }
}

impl Node {
    /// Finds out what to tell peers, in at most three seconds; [`NodeEvent::Gathered`] follows. What was gathered before counts no more.
    ///
    /// Spare sockets are asked for by [`Self::poll_request`]: report each with [`Self::handle_opened`].
    pub fn gather(&mut self, now: Instant, config: GatherConfig) {
        let wanted = (config.wanted_relays(), self.gatherings.suspected.is_some());
        self.relays.want(now, wanted, &mut *self.entropy);
        self.ports.want(now, config.wanted_port().as_ref(), &mut *self.entropy);
        self.keeping.want(config.wants_lifetime());
        let first = self.gatherings.spares.reserve(Gathering::SPARE_SOCKETS);
        let entropy = Box::new(SeededEntropy::fork(&mut *self.entropy));
        self.gatherings.current = Some(Gathering::new(now, config, first, entropy));
        (self.gatherings.pending, self.gatherings.begun) = (None, now);
        self.settle(now);
        self.retire(now);
    }

    /// A socket that [`Self::poll_request`] named was opened and has this local address, or could not be opened.
    pub fn handle_opened(&mut self, now: Instant, socket: SocketId, local: Option<SocketAddr>) {
        if socket == ports::SOCKET {
            self.ports.on_opened(local);
        } else if self.keeping.owns(socket) {
            if local.is_none() {
                self.keeping.on_not_opened(socket);
            }
        } else if let Some(current) = &mut self.gatherings.current {
            current.handle_opened(now, socket, local);
        }
        if local.is_none() {
            self.gatherings.spares.remove(socket);
        }
        self.settle(now);
    }

    pub(super) fn settle_gathering(&mut self, now: Instant) {
        let Gatherings { current, pending, begun, spares, .. } = &mut self.gatherings;
        if let Some(current) = current {
            while let Some(request) = current.poll_request() {
                if let SocketRequest::Open(socket) = request {
                    spares.add(socket);
                }
                self.requests.push_back(request);
            }
            while let Some(event) = current.poll_event() {
                match event {
                    GatherEvent::Gathered(gathered) => {
                        let witness = current.witness().map(|(server, external)| Witness {
                            server,
                            external,
                            allocation: gathered.behaviour.allocation,
                        });
                        self.keeping.on_gathered(now, witness);
                        *pending = Some((gathered, *begun + GATHER_TIME));
                    }
                    GatherEvent::Outdated => {
                        self.keeping.on_moved(now);
                        self.events.push_back(NodeEvent::Outdated);
                    }
                }
            }
        }
        if self.ports.settle(now) {
            self.events.push_back(NodeEvent::Outdated);
        }
        self.requests.extend(self.ports.requests());
        let known = self.relays.are_settled() && self.ports.is_settled(now);
        let done = |(_, until): &mut (_, Instant)| known || *until <= now;
        if let Some((mut gathered, _)) = pending.take_if(done) {
            let mut more = self.relays.candidates();
            more.extend(self.ports.tell());
            gathered.description = gathered.description.with(&more);
            self.gatherings.known = Some((now, gathered.clone()));
            self.gatherings.suspected = None;
            self.links.on_gathered();
            self.events.push_back(NodeEvent::Gathered(gathered));
        }
    }

    /// Until when gathering waits for the gateway, if for nothing else.
    pub(super) fn ports_awaited(&self) -> Option<Instant> {
        let alone = self.gatherings.pending.is_some() && self.relays.are_settled();
        self.ports.settled_by().filter(|_| alone)
    }
}
