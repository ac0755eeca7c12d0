//! What a connection tells its owner.

use std::net::SocketAddr;

use crate::close::ConnectionError;
use crate::stream::StreamEvent;

/// Something happened on a connection.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ConnectionEvent {
    /// The peer has proved that it holds the keys: a packet of its opened (SPEC §6.3).
    Confirmed,
    /// Something happened on a stream. Each event comes once, until the application acts on it.
    Stream(StreamEvent),
    /// An unreliable datagram can be received.
    DatagramReceived,
    /// There is room again for unreliable datagrams.
    DatagramRoom,
    /// The connection uses another address of the peer.
    PathChanged(SocketAddr),
    /// The peer told us the address at which it sees us.
    ObservedAddress(SocketAddr),
    /// The peer told us where else it may be reached: see [`NodeEvent`](crate::node::NodeEvent) for who looks for paths there.
    Candidates,
    /// The connection is over. Data that arrived before can still be read.
    Closed(ConnectionError),
}
