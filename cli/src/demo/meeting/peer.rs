//! A peer: a node that finds out what to tell, searches for the other one, and then works on the connection.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use srudp::nat::{
    Failure, GatherConfig, Gathered, LocalNetwork, PunchConfig, PunchReport, SocketId,
    SocketRequest, Winner,
};
use srudp::node::{Node, NodeEvent, Route};
use srudp::proto::{
    Connection, ConnectionHandle, ConnectionStats, Endpoint, EndpointConfig, Event, Instant,
    Received,
};
use srudp::{ApplicationCode, Identity, SystemEntropy};

use super::relay;
use super::work::{Download, Upload};
use super::world::{Machine, Outgoing, SERVERS, port};

/// Bytes of a batch of datagrams, and how many there may be in it.
const BATCH: (usize, usize) = (1 << 16, 16);

/// How long what was said may take to arrive.
const LINGER: Duration = Duration::from_secs(2);

/// Why there is no connection, or none any more.
#[derive(Debug)]
pub(super) enum Trouble {
    /// No path at all.
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
    address: IpAddr,
    connection: Option<ConnectionHandle>,
    /// What may be told about it.
    pub(super) gathered: Option<Box<Gathered>>,
    /// The path that was found first, and by which socket.
    pub(super) winner: Option<Winner>,
    pub(super) report: Option<PunchReport>,
    /// Where the connection went afterwards, and when.
    pub(super) moved: Option<(Route, Instant)>,
    /// Why it stays with the relay.
    pub(super) no_direct: Option<Failure>,
    pub(super) trouble: Option<Trouble>,
    pub(super) work: Work,
    pub(super) closed: bool,
    buffer: Vec<u8>,
}

impl Peer {
    /// Begins to ask the STUN server and the relay.
    pub(super) fn new(
        now: Instant,
        identity: Identity,
        network: &LocalNetwork,
        protocol: &[u8],
        entropy: [Box<SystemEntropy>; 2],
    ) -> Self {
        let [endpoint, node] = entropy;
        let config = EndpointConfig::default().application_protocol(protocol);
        let mut node = Node::new(Endpoint::new(config, identity, endpoint), node);
        let address = network.address();
        let main = SocketAddr::new(address, port(SocketId::MAIN));
        let config = GatherConfig::new(main).networks(std::slice::from_ref(network));
        node.gather(now, config.servers(&[SERVERS[0].into()]).relays(&[relay::config()]));
        Self {
            node,
            address,
            connection: None,
            gathered: None,
            winner: None,
            report: None,
            moved: None,
            no_direct: None,
            trouble: None,
            work: Work::None,
            closed: false,
            buffer: vec![0; BATCH.0],
        }
    }

    /// Begins to search when the configuration says.
    pub(super) fn search(&mut self, config: PunchConfig) -> Result<(), srudp::node::SearchError> {
        self.node.search(config, None).map(drop)
    }

    /// Whether no other path is going to be found.
    pub(super) fn has_settled(&mut self) -> bool {
        self.trouble.is_some() || self.no_direct.is_some() || self.is_direct()
    }

    fn is_direct(&mut self) -> bool {
        let route = self.connection.and_then(|handle| self.node.route(handle));
        route.is_some_and(|route| !route.relayed)
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
        while let Some(request) = self.node.poll_request() {
            if let SocketRequest::Open(socket) = request {
                let local = SocketAddr::new(self.address, port(socket));
                self.node.handle_opened(now, socket, Some(local));
            }
        }
        while let Some(event) = self.node.poll_event() {
            self.on_event(now, event);
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

    fn on_event(&mut self, now: Instant, event: NodeEvent) {
        match event {
            NodeEvent::Gathered(gathered) => self.gathered = Some(gathered),
            NodeEvent::Moved(_, route) => self.moved = Some((route, now)),
            NodeEvent::NoDirect(_, failure, _) => self.no_direct = Some(failure),
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
