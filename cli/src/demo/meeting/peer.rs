//! A peer: a node that searches for the other one, and then works on the connection.

use std::net::SocketAddr;
use std::time::Duration;

use srudp::nat::{Failure, PunchConfig, PunchReport, SocketId, Winner};
use srudp::node::{Node, NodeEvent};
use srudp::proto::{
    Connection, ConnectionHandle, ConnectionStats, Endpoint, EndpointConfig, Event, Instant,
    Received,
};
use srudp::{ApplicationCode, Identity, SystemEntropy};

use super::work::{Download, Upload};
use super::world::{Machine, Outgoing};

/// Bytes of a batch of datagrams, and how many there may be in it.
const BATCH: (usize, usize) = (1 << 16, 16);

/// How long what was said may take to arrive.
const LINGER: Duration = Duration::from_secs(2);

/// Why there is no connection, or none any more.
#[derive(Debug)]
pub(super) enum Trouble {
    /// No direct path.
    NotFound(Failure),
    /// A path, but no connection.
    Lost(Box<dyn std::error::Error + Send + Sync>),
}

/// What there is to do on the connection.
pub(super) enum Work {
    /// Nothing yet.
    None,
    Upload(Upload),
    Download(Download),
}

pub(super) struct Peer {
    node: Node,
    connection: Option<ConnectionHandle>,
    /// The path that was found, and by which socket.
    pub(super) winner: Option<Winner>,
    pub(super) report: Option<PunchReport>,
    pub(super) trouble: Option<Trouble>,
    pub(super) work: Work,
    pub(super) closed: bool,
    buffer: Vec<u8>,
}

impl Peer {
    /// Begins to search when the configuration says.
    pub(super) fn new(
        identity: Identity,
        protocol: &[u8],
        search: PunchConfig,
        entropy: [Box<SystemEntropy>; 2],
    ) -> Result<Self, srudp::node::SearchError> {
        let [endpoint, node] = entropy;
        let config = EndpointConfig::default().application_protocol(protocol);
        let mut node = Node::new(Endpoint::new(config, identity, endpoint), node);
        node.search(search, None)?;
        Ok(Self {
            node,
            connection: None,
            winner: None,
            report: None,
            trouble: None,
            work: Work::None,
            closed: false,
            buffer: vec![0; BATCH.0],
        })
    }

    /// The connection, once there is one.
    pub(super) fn connection(&mut self) -> Option<&mut Connection> {
        self.node.endpoint().connection(self.connection?)
    }

    pub(super) fn stats(&mut self) -> Option<ConnectionStats> {
        self.connection().map(|connection| connection.stats())
    }

    /// Everything is said.
    pub(super) fn close(&mut self, now: Instant) {
        if let Some(connection) = self.connection() {
            connection.close(now, ApplicationCode::ZERO, b"", LINGER);
        }
    }

    fn settle(&mut self, now: Instant) {
        // The world makes a socket when it is first used.
        while self.node.poll_request().is_some() {}
        while let Some(event) = self.node.poll_event() {
            self.on_event(event);
        }
        let Some(connection) =
            self.connection.and_then(|handle| self.node.endpoint().connection(handle))
        else {
            return;
        };
        match &mut self.work {
            Work::None => {}
            Work::Upload(upload) => upload.pump(now, connection),
            Work::Download(download) => download.pump(now, connection),
        }
    }

    fn on_event(&mut self, event: NodeEvent) {
        match event {
            NodeEvent::Found(_, winner, _, report) => {
                (self.winner, self.report) = (Some(winner), Some(report));
            }
            NodeEvent::NotFound(_, failure, report) => {
                (self.trouble, self.report) = (Some(Trouble::NotFound(failure)), Some(report));
            }
            NodeEvent::NotDialled(_, error) => self.trouble = Some(Trouble::Lost(error.into())),
            NodeEvent::Transport(Event::Connected(handle) | Event::Accepted(handle)) => {
                self.connection = self.connection.or(Some(handle));
            }
            NodeEvent::Transport(Event::Closed(_, error)) => {
                self.closed = true;
                self.trouble.get_or_insert(Trouble::Lost(error.into()));
            }
            _ => {}
        }
    }
}

impl Machine for Peer {
    fn receive(&mut self, now: Instant, socket: SocketId, from: SocketAddr, datagram: &mut [u8]) {
        let segment_size = datagram.len();
        let received =
            Received { remote: from, local: None, ecn: None, segment_size, data: datagram };
        self.node.handle_datagram(now, socket, received);
    }

    fn tick(&mut self, now: Instant) {
        if self.node.poll_timeout().is_some_and(|at| at <= now) {
            self.node.handle_timeout(now);
        }
        self.settle(now);
    }

    fn transmit(&mut self, now: Instant, out: &mut Vec<Outgoing>) {
        while let Some(sending) = self.node.poll_transmit(now, &mut self.buffer, BATCH.1) {
            let transmit = sending.transmit;
            let datagrams = self.buffer.get(..transmit.size).unwrap_or_default();
            for datagram in datagrams.chunks(transmit.segment_size.max(1)) {
                out.push(Outgoing {
                    socket: sending.socket,
                    to: transmit.destination,
                    ttl: sending.ttl,
                    payload: datagram.to_vec(),
                });
            }
        }
    }

    fn timeout(&mut self) -> Option<Instant> {
        self.node.poll_timeout()
    }
}
