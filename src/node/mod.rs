//! Floor 9: the transport and the search for paths, composed without I/O (SPEC §18).
//!
//! ```text
//!  datagram at a socket ─┬─ check ──────▶ searches ──a path──▶ route: this address by this socket ─▶ the endpoint dials it
//!                        ├─ STUN ───────▶ gathering: what to tell peers
//!                        └─ else ───────▶ endpoint
//!  the endpoint's datagrams ─▶ routes ─▶ the socket of their destination, the main one if there is none
//! ```
//!
//! The endpoint knows addresses, and nothing of sockets. Whoever has the sockets opens and closes them as [`Node::poll_request`] says.
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

mod routes;
mod search;
mod spares;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;

use crate::base::time::earliest;
use crate::base::{Entropy, Instant, SeededEntropy};
use crate::connection::{Transmit, TransportConfig};
use crate::endpoint::{ConnectError, ConnectionHandle, Dial, Endpoint, Event, Received, canonical};
use crate::nat::{
    Failure, GatherConfig, GatherEvent, Gathered, Gathering, Punch, PunchConfig, PunchEvent,
    PunchReport, PunchTransmit, SocketId, SocketRequest, Winner,
};
use crate::wire::{Class, classify};
use routes::Routes;
use search::Searches;
use spares::Spares;

pub use search::{SearchError, SearchHandle};

/// Datagrams to send from one of the sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeTransmit {
    /// The socket to send them from.
    pub socket: SocketId,
    /// How many routers may forward them; as usual if `None`.
    pub ttl: Option<u8>,
    /// Where they go, and how they lie in the buffer.
    pub transmit: Transmit,
}

/// Something that the owner of a node wants to know.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum NodeEvent {
    /// Something about connections.
    Transport(Event),
    /// A path was found, and the peer is dialled on it: [`Event::Connected`] or [`Event::Closed`] follow.
    Found(SearchHandle, Winner, ConnectionHandle, PunchReport),
    /// What peers may be told, after [`Node::gather`].
    Gathered(Box<Gathered>),
    /// What was gathered is true no longer: gather again, and tell peers.
    Outdated,
    /// There is no direct path.
    NotFound(SearchHandle, Failure, PunchReport),
    /// A path was found, but the endpoint does not dial.
    NotDialled(SearchHandle, ConnectError),
}

/// An endpoint with several sockets, which finds peers behind NATs.
pub struct Node {
    endpoint: Endpoint,
    entropy: Box<dyn Entropy>,
    searches: Searches,
    routes: Routes,
    gathering: Option<Gathering>,
    /// Sockets that were opened for this and for former gatherings.
    spares: Spares,
    /// Connections that need a spare socket.
    found: BTreeMap<ConnectionHandle, SocketId>,
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
            gathering: None,
            spares: Spares::default(),
            found: BTreeMap::new(),
            requests: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// The endpoint, for all that has to do with connections. Its datagrams and events are polled here.
    pub fn endpoint(&mut self) -> &mut Endpoint {
        &mut self.endpoint
    }

    /// Finds out what to tell peers, in at most three seconds; [`NodeEvent::Gathered`] follows. What was gathered before counts no more.
    ///
    /// Spare sockets are asked for by [`Self::poll_request`]: report each with [`Self::handle_opened`].
    pub fn gather(&mut self, now: Instant, config: GatherConfig) {
        let first = self.spares.reserve(Gathering::SPARE_SOCKETS);
        let entropy = Box::new(SeededEntropy::fork(&mut *self.entropy));
        self.gathering = Some(Gathering::new(now, config, first, entropy));
        self.settle(now);
    }

    /// A socket that [`Self::poll_request`] named was opened and has this local address, or could not be opened.
    pub fn handle_opened(&mut self, now: Instant, socket: SocketId, local: Option<SocketAddr>) {
        if let Some(gathering) = &mut self.gathering {
            gathering.handle_opened(now, socket, local);
        }
        if local.is_none() {
            self.spares.remove(socket);
        }
        self.settle(now);
    }

    /// Searches a path to a peer, and dials it there. [`NodeEvent::Found`] or [`NodeEvent::NotFound`] tells how it went.
    ///
    /// # Errors
    /// When too much is searched for already.
    pub fn search(
        &mut self,
        config: PunchConfig,
        transport: Option<TransportConfig>,
    ) -> Result<SearchHandle, SearchError> {
        let in_use = |number: &SocketId| self.routes.uses(*number);
        let extra = self.searches.free_range(in_use);
        let entropy = Box::new(SeededEntropy::fork(&mut *self.entropy));
        self.searches.start(Punch::new(config.extra(extra), entropy), transport)
    }

    /// Ends a search of which no event has told yet. Returns what it has tried.
    pub fn abandon(&mut self, now: Instant, search: SearchHandle) -> Option<PunchReport> {
        let mut punch = self.searches.remove(search)?;
        punch.abandon(now);
        self.requests.extend(std::iter::from_fn(|| punch.poll_request()));
        Some(*punch.report())
    }

    /// Forgets a connection or a dial, as [`Endpoint::remove`] does, and what it needed.
    pub fn remove(&mut self, now: Instant, connection: ConnectionHandle) {
        self.endpoint.remove(now, connection);
        self.release_sockets();
    }

    /// Datagrams came in at a socket.
    pub fn handle_datagram(&mut self, now: Instant, socket: SocketId, received: Received<'_>) {
        let Received { remote, local, ecn, segment_size, data } = received;
        let remote = canonical(remote);
        self.routes.learn(socket, remote);
        let asked = self.gathering.as_ref().is_some_and(|gathering| !gathering.is_idle());
        if self.searches.is_empty() && !asked {
            let received = Received { remote, local, ecn, segment_size, data };
            return self.endpoint.handle_datagram(now, received);
        }
        for datagram in data.chunks_mut(segment_size.max(1)) {
            match datagram.first().map(|first| classify(*first)) {
                Some(Class::Check) => {
                    self.searches.handle_datagram(now, socket, remote, datagram);
                }
                Some(Class::Stun) => {
                    if let Some(gathering) = &mut self.gathering {
                        gathering.handle_datagram(now, socket, remote, datagram);
                    }
                }
                _ => {
                    let segment_size = datagram.len();
                    let received = Received { remote, local, ecn, segment_size, data: datagram };
                    self.endpoint.handle_datagram(now, received);
                }
            }
        }
        self.settle(now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.endpoint.poll_timeout().is_some_and(|at| at <= now) {
            self.endpoint.handle_timeout(now);
        }
        self.searches.handle_timeout(now);
        if let Some(gathering) = &mut self.gathering {
            gathering.handle_timeout(now);
        }
        self.settle(now);
        self.release_sockets();
    }

    /// When to call [`Self::handle_timeout`].
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        let gathering = self.gathering.as_ref().and_then(Gathering::poll_timeout);
        earliest(earliest(self.endpoint.poll_timeout(), self.searches.poll_timeout()), gathering)
    }

    /// The next datagrams to send, at most so many at a time. Sockets are opened before: see [`Self::poll_request`].
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        segments: usize,
    ) -> Option<NodeTransmit> {
        if let Some(single) = self.poll_single() {
            let PunchTransmit { socket, destination, ttl, payload } = single;
            let size = payload.len();
            buffer.get_mut(..size)?.copy_from_slice(&payload);
            let transmit =
                Transmit { destination, source: None, ecn: None, size, segment_size: size };
            return Some(NodeTransmit { socket, ttl, transmit });
        }
        let transmit = self.endpoint.poll_transmit(now, buffer, segments)?;
        let socket = self.routes.socket_for(transmit.destination);
        Some(NodeTransmit { socket, ttl: None, transmit })
    }

    /// A datagram that is not the endpoint's.
    fn poll_single(&mut self) -> Option<PunchTransmit> {
        self.searches.poll_transmit().or_else(|| {
            let asked = self.gathering.as_mut()?.poll_transmit()?;
            let (socket, destination, payload) = (asked.socket, asked.destination, asked.payload);
            Some(PunchTransmit { socket, destination, ttl: None, payload })
        })
    }

    /// The next socket to open or to close.
    pub fn poll_request(&mut self) -> Option<SocketRequest> {
        self.requests.pop_front()
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<NodeEvent> {
        if let Some(event) = self.events.pop_front() {
            return Some(event);
        }
        let event = self.endpoint.poll_event()?;
        self.follow(&event);
        Some(NodeEvent::Transport(event))
    }

    /// Carries out what the searches want, and dials where they found something.
    fn settle(&mut self, now: Instant) {
        self.settle_gathering();
        self.requests.extend(self.searches.requests());
        for ended in self.searches.ended() {
            let search::Ended { handle, event, report, dial } = ended;
            match event {
                PunchEvent::Won(winner) => self.dial(now, handle, winner, report, dial),
                PunchEvent::Failed(failure) => {
                    self.events.push_back(NodeEvent::NotFound(handle, failure, report));
                }
            }
        }
    }

    fn settle_gathering(&mut self) {
        let Some(gathering) = &mut self.gathering else { return };
        while let Some(event) = gathering.poll_event() {
            self.events.push_back(match event {
                GatherEvent::Gathered(gathered) => NodeEvent::Gathered(gathered),
                GatherEvent::Outdated => NodeEvent::Outdated,
            });
        }
        self.retire();
        let Some(gathering) = &mut self.gathering else { return };
        while let Some(request) = gathering.poll_request() {
            if let SocketRequest::Open(socket) = request {
                self.spares.add(socket);
            }
            self.requests.push_back(request);
        }
    }

    /// Closes spare sockets that nobody has a use for.
    fn retire(&mut self) {
        let Self { gathering, searches, found, spares, .. } = self;
        let in_use = |socket: SocketId| {
            let told =
                gathering.as_ref().is_some_and(|told| told.spares().any(|spare| spare == socket));
            told || searches.use_socket(socket) || found.values().any(|used| *used == socket)
        };
        for socket in spares.retire(in_use) {
            self.routes.remove(socket);
            self.requests.push_back(SocketRequest::Close(socket));
        }
    }

    fn dial(
        &mut self,
        now: Instant,
        handle: SearchHandle,
        winner: Winner,
        report: PunchReport,
        (config, transport): (PunchConfig, Option<TransportConfig>),
    ) {
        let mut dial = Dial::new(config.peer(), winner.remote).punch_with_key(config.punch_key());
        if let Some(transport) = transport {
            dial = dial.transport(transport);
        }
        self.routes.add(winner.remote, winner.socket);
        let event = match self.endpoint.connect(now, &dial) {
            Ok(connection) => {
                if winner.socket != SocketId::MAIN {
                    self.found.insert(connection, winner.socket);
                }
                NodeEvent::Found(handle, winner, connection, report)
            }
            Err(error) => {
                self.release(winner.socket);
                NodeEvent::NotDialled(handle, error)
            }
        };
        self.events.push_back(event);
    }

    /// A spare socket serves its connection wherever the peer goes.
    fn follow(&mut self, event: &Event) {
        if let Event::PathChanged(handle, remote) = event
            && let Some(socket) = self.found.get(handle)
        {
            self.routes.add(*remote, *socket);
        }
    }

    /// Lets spare sockets go whose connections have nothing more to say: after a farewell that may have to be repeated.
    fn release_sockets(&mut self) {
        let mut released = Vec::new();
        self.found.retain(|connection, socket| {
            let is_over = self.endpoint.is_over(*connection);
            if is_over {
                released.push(*socket);
            }
            !is_over
        });
        released.into_iter().for_each(|socket| self.release(socket));
    }

    /// A connection does not use this socket any more.
    fn release(&mut self, socket: SocketId) {
        if socket == SocketId::MAIN || self.found.values().any(|used| *used == socket) {
            return;
        }
        self.routes.remove(socket);
        if self.spares.contains(socket) {
            self.retire();
        } else {
            self.requests.push_back(SocketRequest::Close(socket));
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Node");
        out.field("endpoint", &self.endpoint).field("routes", &self.routes).finish_non_exhaustive()
    }
}
