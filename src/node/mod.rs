//! Floor 9: the transport and the search for paths, composed without I/O (SPEC §18).
//!
//! ```text
//!  datagram at a socket ─┬─ check ──────▶ searches ──a path──▶ route: this address by this socket ─▶ the endpoint dials it
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
//! // `node.search(…)` after offers were exchanged; then the loop of `srudp::proto`, with sockets by number.
//! assert!(node.poll_request().is_none() && node.poll_event().is_none());
//! ```

mod routes;
mod search;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use crate::base::time::earliest;
use crate::base::{Entropy, Instant, SeededEntropy};
use crate::connection::{Transmit, TransportConfig};
use crate::endpoint::{ConnectError, ConnectionHandle, Dial, Endpoint, Event, Received};
use crate::nat::{
    Failure, Punch, PunchConfig, PunchEvent, PunchReport, SocketId, SocketRequest, Winner,
};
use crate::wire::{Class, classify};
use routes::Routes;
use search::Searches;

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
    /// Connections on paths that were found.
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
            found: BTreeMap::new(),
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

    /// Datagrams came in at a socket.
    pub fn handle_datagram(&mut self, now: Instant, socket: SocketId, received: Received<'_>) {
        self.routes.learn(socket, received.remote);
        let Received { remote, local, ecn, segment_size, data } = received;
        if self.searches.is_empty() {
            let received = Received { remote, local, ecn, segment_size, data };
            return self.endpoint.handle_datagram(now, received);
        }
        for datagram in data.chunks_mut(segment_size.max(1)) {
            if datagram.first().map(|first| classify(*first)) == Some(Class::Check) {
                self.searches.handle_datagram(now, socket, remote, datagram);
            } else {
                let segment_size = datagram.len();
                let received = Received { remote, local, ecn, segment_size, data: datagram };
                self.endpoint.handle_datagram(now, received);
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
        self.settle(now);
    }

    /// When to call [`Self::handle_timeout`].
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        earliest(self.endpoint.poll_timeout(), self.searches.poll_timeout())
    }

    /// The next datagrams to send, at most so many at a time. Sockets are opened before: see [`Self::poll_request`].
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        segments: usize,
    ) -> Option<NodeTransmit> {
        if let Some(check) = self.searches.poll_transmit() {
            let size = check.payload.len();
            buffer.get_mut(..size)?.copy_from_slice(&check.payload);
            let destination = check.destination;
            let transmit =
                Transmit { destination, source: None, ecn: None, size, segment_size: size };
            return Some(NodeTransmit { socket: check.socket, ttl: check.ttl, transmit });
        }
        let transmit = self.endpoint.poll_transmit(now, buffer, segments)?;
        let socket = self.routes.socket_for(transmit.destination);
        Some(NodeTransmit { socket, ttl: None, transmit })
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
                self.found.insert(connection, winner.socket);
                NodeEvent::Found(handle, winner, connection, report)
            }
            Err(error) => {
                self.release(winner.socket);
                NodeEvent::NotDialled(handle, error)
            }
        };
        self.events.push_back(event);
    }

    /// A path that was found lives as long as its connection, wherever the peer goes.
    fn follow(&mut self, event: &Event) {
        match event {
            Event::PathChanged(handle, remote) => {
                if let Some(socket) = self.found.get(handle) {
                    self.routes.add(*remote, *socket);
                }
            }
            Event::Closed(handle, _) => {
                if let Some(socket) = self.found.remove(handle) {
                    self.release(socket);
                }
            }
            _ => {}
        }
    }

    /// A connection does not use this socket any more.
    fn release(&mut self, socket: SocketId) {
        if socket == SocketId::MAIN || self.found.values().any(|used| *used == socket) {
            return;
        }
        self.routes.remove(socket);
        self.requests.push_back(SocketRequest::Close(socket));
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Node");
        out.field("endpoint", &self.endpoint).field("routes", &self.routes).finish_non_exhaustive()
    }
}
