//! TCP connections to relays and to the gateway, as whoever makes them tells of them.

use super::{Node, ports};
use crate::base::Instant;
use crate::nat::SocketId;

impl Node {
    /// The connection that was asked for by this number is made: what is to be written can be.
    pub fn handle_connected(&mut self, now: Instant, stream: SocketId) {
        match stream {
            ports::STREAM => self.ports.handle_connected(),
            relay => self.relays.handle_connected(relay),
        }
        self.settle(now);
    }

    /// Bytes came in on it.
    pub fn handle_stream(&mut self, now: Instant, stream: SocketId, bytes: &[u8]) {
        if stream == ports::STREAM {
            self.ports.handle_bytes(now, bytes);
        }
        let mut input = bytes;
        while let Some((peer, mut datagram)) = self.relays.read(now, stream, &mut input) {
            self.handle_relayed(now, stream, peer, &mut datagram);
        }
        self.settle(now);
    }

    /// It has ended, or could not be made. The number stands for nothing any more.
    pub fn handle_disconnected(&mut self, now: Instant, stream: SocketId) {
        match stream {
            ports::STREAM => self.ports.handle_disconnected(now),
            relay => self.relays.handle_disconnected(relay),
        }
        self.settle(now);
    }
}
