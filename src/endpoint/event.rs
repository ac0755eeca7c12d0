//! What an endpoint tells its owner, and how connections are named.

use std::fmt;
use std::net::SocketAddr;

use crate::close::ConnectionError;
use crate::connection::TransportConfig;
use crate::crypto::PeerId;
use crate::stream::StreamEvent;

/// Names one connection, or one dial, of an endpoint. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionHandle {
    pub(super) index: u32,
    pub(super) generation: u32,
}

#[cfg(test)]
impl ConnectionHandle {
    /// For tests of what only stores handles.
    pub(crate) fn of(index: u32) -> Self {
        Self { index, generation: 0 }
    }
}

/// Whom to dial, where and how.
#[derive(Clone)]
pub struct Dial {
    pub(super) remote: SocketAddr,
    pub(super) peer: Option<PeerId>,
    pub(super) transport: Option<TransportConfig>,
    pub(super) punch: bool,
    pub(super) punch_key: Option<[u8; 16]>,
}

impl Dial {
    /// Dials a known peer.
    pub fn new(peer: PeerId, remote: SocketAddr) -> Self {
        Self { remote, peer: Some(peer), transport: None, punch: false, punch_key: None }
    }

    /// Dials whoever answers at this address, and trusts it: nothing proves that it is the right peer.
    pub fn trusting_on_first_use(remote: SocketAddr) -> Self {
        Self { remote, peer: None, transport: None, punch: false, punch_key: None }
    }

    /// Whether it begins with knocks.
    pub(crate) fn knocks(&self) -> bool {
        self.punch
    }

    /// The same at another address.
    #[must_use]
    pub fn at(mut self, remote: SocketAddr) -> Self {
        self.remote = remote;
        self
    }

    /// A configuration of its own for this connection.
    ///
    /// If the peer dials us at the same time and its handshake is the one that stays (SPEC §5.6), it was told that of the endpoint: the idle
    /// timeout, windows, numbers of streams and the like are then those.
    #[must_use]
    pub fn transport(mut self, transport: TransportConfig) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Knocks with PUNCH packets until the peer is heard, and only then starts the handshake: for peers behind NATs that dial
    /// each other.
    #[must_use]
    pub fn punch(mut self) -> Self {
        self.punch = true;
        self
    }

    /// As [`Self::punch`], with a key that a rendezvous gave to both peers: a knock that carries its tag is known to be the peer's
    /// (SPEC §4.2). Heeded when the peer is known.
    #[must_use]
    pub fn punch_with_key(mut self, key: [u8; 16]) -> Self {
        self.punch_key = Some(key);
        self.punch()
    }
}

impl fmt::Debug for Dial {
    /// Leaves the punch key out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Dial");
        out.field("remote", &self.remote).field("peer", &self.peer).field("punch", &self.punch);
        out.finish_non_exhaustive()
    }
}

/// Something that the owner of an endpoint wants to know.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A dial succeeded: the connection can be used.
    Connected(ConnectionHandle),
    /// A peer has dialled us and was let in: the connection can be used.
    Accepted(ConnectionHandle),
    /// Something happened on a stream.
    Stream(ConnectionHandle, StreamEvent),
    /// A packet of the peer has opened; from now on the peer's address is proved.
    Confirmed(ConnectionHandle),
    /// An unreliable datagram can be received.
    DatagramReceived(ConnectionHandle),
    /// There is room again for unreliable datagrams.
    DatagramRoom(ConnectionHandle),
    /// The connection uses another address of the peer.
    PathChanged(ConnectionHandle, SocketAddr),
    /// The peer told us the address at which it sees us.
    ObservedAddress(ConnectionHandle, SocketAddr),
    /// The peer told us where else it may be reached. A [`Node`](crate::node::Node) searches for a path there by itself, and tells nobody.
    Candidates(ConnectionHandle),
    /// The connection or the dial is over; the last event of this handle. Data that has arrived can be read until the handle is removed.
    Closed(ConnectionHandle, ConnectionError),
}

/// Why a dial could not even start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectError {
    /// Port 0, or an unspecified or multicast address.
    InvalidAddress(SocketAddr),
    /// The peer id is our own.
    OwnId,
    /// As many connections as the configuration allows exist already.
    TooManyConnections,
    /// The endpoint was closed.
    EndpointClosed,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidAddress(address) => {
                write!(f, "cannot dial {address}: give a host address and a port other than 0")
            }
            Self::OwnId => {
                f.write_str("cannot dial the own peer id: give the id that the other side prints")
            }
            Self::TooManyConnections => {
                f.write_str("too many connections: close some or raise max_connections")
            }
            Self::EndpointClosed => f.write_str("the endpoint is closed: bind a new one"),
        }
    }
}

impl std::error::Error for ConnectError {}
