//! What a machine here says to whoever has the sockets.

use std::net::SocketAddr;

/// One of the sockets that a machine uses, by number. Number 0 is the main one; the others are spare ones that are opened for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(u16);

impl SocketId {
    /// The socket that is examined.
    pub const MAIN: Self = Self(0);

    /// The socket with this number.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// What a machine wants of whoever has the sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketRequest {
    /// A socket with a port of its own.
    Open(SocketId),
    /// A TCP connection to this address, which has a number among the sockets. Only a [`Node`](crate::node::Node) with relays asks for it.
    Connect(SocketId, SocketAddr),
    /// It is not needed any more.
    Close(SocketId),
}

/// A datagram to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The socket to send it from.
    pub socket: SocketId,
    /// Where to.
    pub destination: SocketAddr,
    /// What.
    pub payload: Vec<u8>,
}
