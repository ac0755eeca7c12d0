//! Floor 9: the transport and the search for paths, composed without I/O (SPEC §18, §19.3).
//!
//! ```text
//!  datagram at a socket ─┬─ check ──────▶ searches ──a path──▶ route: this address by this socket ─▶ the endpoint dials it
//!         ▲              ├─ STUN ───────▶ gathering: what to tell peers
//!         │              ├─ of a relay ─▶ relays
//!         │              └─ else ───────▶ endpoint  │
//!         └─────────── unwrapped ───────────────────┘
//!
//!  the endpoint's datagrams ─▶ routes ─┬─▶ the socket of their destination, the main one if there is none
//!                                      └─▶ wrapped, to a relay
//!  memory: what led to a path between two networks is tried first the next time
//!  links: a connection for which there are two ways goes by the better one that works
//! ```
//!
//! The endpoint knows addresses, and nothing of sockets and relays. Whoever has the sockets opens and closes them as
//! [`Node::poll_request`] says.
//!
//! ```
//! use srudp::node::{Node, NodeEvent};
//! use srudp::proto::{Endpoint, EndpointConfig, SeededEntropy};
//! use srudp::Identity;
//!
//! let endpoint = Endpoint::new(EndpointConfig::default(), Identity::generate(), Box::new(SeededEntropy::new(1)));
//! let mut node = Node::new(endpoint, Box::new(SeededEntropy::new(2)));
//! // `node.gather(…)` for what to tell a peer, `node.search(…)` after offers were exchanged, and all the time the loop of
//! // `srudp::proto`, with sockets by number.
//! assert!(node.poll_request().is_none() && node.poll_event().is_none());
//! ```

mod carry;
mod detour;
mod event;
mod gathering;
mod keeping;
mod links;
mod meeting;
mod memory;
mod ports;
mod reach;
mod relay;
mod relays;
mod renewal;
mod renewing;
mod routes;
mod search;
mod spares;
mod streams;
mod switching;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;

use crate::base::time::earliest;
use crate::base::{Entropy, Instant, SeededEntropy};
use crate::connection::TransportConfig;
use crate::endpoint::{ConnectionHandle, Endpoint};
use crate::nat::{
    KeepAlive, Punch, PunchConfig, PunchReport, PunchTransmit, SocketId, SocketRequest,
};
use gathering::Gatherings;
use keeping::Keeping;
use links::Links;
use memory::{Memory, Networks};
use ports::Ports;
use relays::Relays;
use routes::Routes;
use search::Searches;

pub use carry::NodeTransmit;
pub use event::{NodeEvent, Route};
pub use search::{SearchError, SearchHandle};

/// An endpoint with several sockets and relays, which finds peers behind NATs.
pub struct Node {
    endpoint: Endpoint,
    entropy: Box<dyn Entropy>,
    searches: Searches,
    routes: Routes,
    gatherings: Gatherings,
    relays: Relays,
    ports: Ports,
    /// Connections on paths that were found.
    links: Links,
    /// How often connections that were searched, and ways by peers' relays, are used at least.
    keeping: Keeping,
    /// What led to paths.
    memory: Memory,
    /// Datagrams that are neither the endpoint's nor a search's.
    outbox: VecDeque<PunchTransmit>,
    requests: VecDeque<SocketRequest>,
    events: VecDeque<NodeEvent>,
}

impl Node {
    /// A node without searches, whose endpoint uses the main socket.
    pub fn new(endpoint: Endpoint, entropy: Box<dyn Entropy>) -> Self {
        Self {
            endpoint,
            entropy,
            searches: Searches::default(),
            routes: Routes::default(),
            gatherings: Gatherings::default(),
            relays: Relays::default(),
            ports: Ports::default(),
            links: Links::default(),
            keeping: Keeping::default(),
            memory: Memory::default(),
            outbox: VecDeque::new(),
            requests: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// The endpoint, for all that has to do with connections. Its datagrams and events are polled here.
    pub fn endpoint(&mut self) -> &mut Endpoint {
        &mut self.endpoint
    }

    /// Searches a path to a peer, and dials it there. [`NodeEvent::Found`] or [`NodeEvent::NotFound`] tells how it went.
    ///
    /// Where one side or the other has a relay, its path is searched at the same time; the first one that is found is dialled, and the
    /// connection moves to the direct one if that is found later. What led to a path is remembered for an hour, and tried first when
    /// another search is between the same networks. Prepare the configuration with [`Gathered::prepare`](crate::nat::Gathered::prepare).
    ///
    /// # Errors
    /// When too much is searched for already.
    pub fn search(
        &mut self,
        config: PunchConfig,
        transport: Option<TransportConfig>,
    ) -> Result<SearchHandle, SearchError> {
        let (direct, relayed) = self.taught(config).split(&self.relays.sockets());
        let (direct, relayed) = (self.punch(direct), relayed.map(|config| self.punch(config)));
        self.searches.start(direct, relayed, transport)
    }

    /// The same with sockets that nobody uses, and what an earlier search has shown.
    fn taught(&self, config: PunchConfig) -> PunchConfig {
        let in_use = |number: &SocketId| self.routes.uses(*number);
        let extra = self.searches.free_range(in_use);
        let lesson = Networks::of(&config)
            .and_then(|networks| self.memory.recall(config.start(), &networks, config.peer()));
        config.extra(extra).lesson(lesson)
    }

    fn punch(&mut self, config: PunchConfig) -> Punch {
        Punch::new(config, Box::new(SeededEntropy::fork(&mut *self.entropy)))
    }

    /// Ends a search of which no event has told yet. Returns what it has tried. If the peer has dialled us meanwhile, the search goes on
    /// for the sake of that connection.
    pub fn abandon(&mut self, now: Instant, search: SearchHandle) -> Option<PunchReport> {
        let (report, requests) = self.searches.abandon(now, search)?;
        self.requests.extend(requests);
        self.retire(now);
        Some(report)
    }

    /// Forgets a connection or a dial, as [`Endpoint::remove`] does, and what it needed.
    pub fn remove(&mut self, now: Instant, connection: ConnectionHandle) {
        self.endpoint.remove(now, connection);
        self.release_links(now);
    }

    /// Gives the gateway's port back, if there is one. Returns whether nothing is left to do for that: it takes half a second at most.
    pub fn give_back(&mut self, now: Instant) -> bool {
        self.ports.close(now);
        self.settle(now);
        self.ports.is_idle()
    }

    /// How often what goes through the NAT has to be used so that it does not forget: as was measured by
    /// [`LifetimeProbe`](crate::nat::LifetimeProbe), say; every 15 s if never called, or as often as
    /// [is measured here](crate::nat::GatherConfig::measure_lifetime). All connections that were searched follow, unless their
    /// configuration names an interval.
    pub fn set_keep_alive(&mut self, keep_alive: KeepAlive) {
        self.keeping.set(keep_alive);
        self.pass_on_keep_alive();
    }

    /// The same as it is now: more often after paths have died, as often as was measured.
    pub fn keep_alive(&self) -> KeepAlive {
        self.keeping.keep_alive()
    }

    /// Where the packets of a connection go.
    pub fn route(&mut self, handle: ConnectionHandle) -> Option<Route> {
        let remote = self.endpoint.connection(handle)?.remote_address();
        Some(self.route_to(handle, remote))
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.endpoint.poll_timeout().is_some_and(|at| at <= now) {
            self.endpoint.handle_timeout(now);
        }
        self.searches.handle_timeout(now);
        self.gatherings.handle_timeout(now);
        self.relays.handle_timeout(now, &mut *self.entropy);
        self.ports.handle_timeout(now);
        self.measure(now);
        self.settle(now);
        self.choose_ways(now);
        self.renew(now);
        self.release_links(now);
    }

    /// When to call [`Self::handle_timeout`].
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        let parts = [
            self.endpoint.poll_timeout(),
            self.searches.poll_timeout(),
            self.gatherings.poll_timeout(),
            self.ports_awaited(),
            self.ports.poll_timeout(),
            self.relays.poll_timeout(),
            self.links.poll_timeout(),
            self.keeping.poll_timeout().filter(|_| !self.links.is_empty()),
        ];
        parts.into_iter().fold(None, earliest)
    }

    /// There is nothing to send and nothing to request, and nothing was done that could have moved [`Self::poll_timeout`] since that
    /// was said last. What is searched for, gathered or relayed is never quiet.
    pub(crate) fn is_quiet(&self) -> bool {
        self.endpoint.is_quiet()
            && self.outbox.is_empty()
            && self.requests.is_empty()
            && self.searches.is_empty()
            && self.gatherings.are_over()
            && self.relays.is_empty()
            && self.ports.are_over()
            && self.links.is_empty()
    }

    /// Whether a path to some peer is searched.
    pub(crate) fn is_searching(&self) -> bool {
        !self.searches.is_empty()
    }

    /// Whether there are connections on paths that were searched.
    pub(crate) fn has_links(&self) -> bool {
        !self.links.is_empty()
    }

    /// The next socket to open or to close.
    pub fn poll_request(&mut self) -> Option<SocketRequest> {
        self.requests.pop_front()
    }

    /// The socket said that a datagram of this size is too large for this destination.
    pub fn on_too_large(&mut self, destination: SocketAddr, size: usize) {
        if self.relays.serves(destination) {
            // What is wrapped is not much smaller, and its path is found anew from the smallest size up.
            for remote in
                self.links.by_relay(|relay| self.relays.server(relay) == Some(destination))
            {
                self.endpoint.on_too_large(remote, size.saturating_sub(relays::WRAPPING));
            }
        }
        self.endpoint.on_too_large(destination, size);
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Node");
        out.field("endpoint", &self.endpoint).field("routes", &self.routes);
        out.field("relays", &self.relays).field("links", &self.links).finish_non_exhaustive()
    }
}
