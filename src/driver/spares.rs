//! The spare sockets: by number, opened and closed as the node says, and read by the worker alone.
//!
//! A search for a path may open hundreds, so each costs one descriptor, and none a thread. One that cannot be opened is as good as one
//! whose datagrams are lost: the node has others.
//!
//! Lock order: seat, then transmitter, then these, then core.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use mio::{Interest, Registry, Token};
use parking_lot::RwLock;

use super::receive::ReceiveBuffers;
use super::socket::{Sent, Socket};
use crate::base::limits::SPARE_SOCKETS;
use crate::endpoint::Received;
use crate::nat::SocketId;
use crate::node::NodeTransmit;

/// Tokens below are those of the main socket and of the waker.
const FIRST_TOKEN: usize = 2;

/// All spare sockets of an endpoint.
pub(super) struct Spares {
    sockets: RwLock<BTreeMap<SocketId, Socket>>,
    /// That of the worker's poll.
    registry: Registry,
    kernel_buffer: usize,
}

impl Spares {
    pub(super) fn new(registry: Registry, kernel_buffer: usize) -> Self {
        Self { sockets: RwLock::default(), registry, kernel_buffer }
    }

    /// Opens a socket at the address of the main one and any port. Returns its address.
    pub(super) fn open(&self, number: SocketId, main: SocketAddr) -> io::Result<SocketAddr> {
        let mut sockets = self.sockets.write();
        if sockets.len() >= SPARE_SOCKETS || sockets.contains_key(&number) {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let mut address = main;
        address.set_port(0);
        let mut socket = Socket::bind(address, self.kernel_buffer)?;
        self.registry.register(socket.source(), token(number), Interest::READABLE)?;
        let local = socket.local_addr();
        sockets.insert(number, socket);
        Ok(local)
    }

    pub(super) fn close(&self, number: SocketId) {
        self.sockets.write().remove(&number);
    }

    pub(super) fn close_all(&self) {
        self.sockets.write().clear();
    }

    /// Sends a batch from one of them.
    pub(super) fn send(&self, sending: &NodeTransmit, data: &[u8]) -> Sent {
        match self.sockets.read().get(&sending.socket) {
            Some(socket) => socket.send_as(sending, data),
            None => Sent::All,
        }
    }

    /// Reads one of them once, and gives what came to `take`. Returns whether there may be more.
    pub(super) fn receive(
        &self,
        number: SocketId,
        buffers: &mut ReceiveBuffers,
        take: impl FnMut(Received<'_>),
    ) -> bool {
        let sockets = self.sockets.read();
        let Some(socket) = sockets.get(&number) else { return false };
        match socket.try_io(|| buffers.receive(socket, take)) {
            Ok(_) => !buffers.was_all(),
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }

    /// Asks the worker's poll for an event when the socket has room, or no longer.
    pub(super) fn watch_for_room(&self, number: SocketId, watch_it: bool) {
        let mut sockets = self.sockets.write();
        let Some(socket) = sockets.get_mut(&number) else { return };
        let interest =
            if watch_it { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        // Fails only without memory; then what does not fit is sent with the next input.
        let _ = self.registry.reregister(socket.source(), token(number), interest);
    }

    /// The addresses of those that are open, by number.
    pub(super) fn addresses(&self) -> BTreeMap<SocketId, SocketAddr> {
        let sockets = self.sockets.read();
        sockets.iter().map(|(number, socket)| (*number, socket.local_addr())).collect()
    }
}

impl fmt::Debug for Spares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spares").field("addresses", &self.addresses()).finish_non_exhaustive()
    }
}

/// The name of a spare socket in the worker's poll.
fn token(number: SocketId) -> Token {
    Token(FIRST_TOKEN + usize::from(number.number()))
}

/// The spare socket that an event is about.
pub(super) fn number(token: Token) -> Option<SocketId> {
    u16::try_from(token.0.checked_sub(FIRST_TOKEN)?).ok().map(SocketId::new)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mio::{Events, Poll};

    use super::*;
    use crate::connection::Transmit;

    fn spares() -> (Poll, Spares, SocketAddr) {
        let poll = Poll::new().unwrap();
        let spares = Spares::new(poll.registry().try_clone().unwrap(), 1 << 16);
        (poll, spares, "127.0.0.1:9".parse().unwrap())
    }

    #[test]
    fn a_datagram_goes_from_one_spare_socket_to_another() {
        let (mut poll, spares, main) = spares();
        let [from, to] = [7, 65_535].map(SocketId::new);
        let [_, heard_at] = [from, to].map(|number| spares.open(number, main).unwrap());
        assert_eq!(heard_at.ip(), main.ip());
        let transmit =
            Transmit { destination: heard_at, source: None, ecn: None, size: 5, segment_size: 5 };
        for ttl in [Some(3), None] {
            let sending = NodeTransmit { socket: from, ttl, transmit };
            assert_eq!(spares.send(&sending, b"hello"), Sent::All);
            let mut events = Events::with_capacity(4);
            poll.poll(&mut events, Some(Duration::from_secs(9))).unwrap();
            assert_eq!(events.iter().map(|event| number(event.token())).last(), Some(Some(to)));
            let (mut buffers, mut heard) = (ReceiveBuffers::new(), Vec::new());
            spares.receive(to, &mut buffers, |received| {
                heard.push((received.remote, received.data.to_vec()));
            });
            assert_eq!(heard, [(spares.addresses()[&from], b"hello".to_vec())]);
        }
    }

    #[test]
    fn they_are_bounded_and_closed() {
        let (_poll, spares, main) = spares();
        let limit = u16::try_from(SPARE_SOCKETS).unwrap();
        let opened = (1..=limit + 9).filter(|n| spares.open(SocketId::new(*n), main).is_ok());
        let opened = opened.count();
        assert!(opened <= SPARE_SOCKETS && opened > 100);
        assert!(spares.open(SocketId::new(1), main).is_err(), "it is open already");
        spares.close(SocketId::new(1));
        assert_eq!(spares.addresses().len(), opened - 1);
        spares.close_all();
        assert!(spares.addresses().is_empty());
    }

    #[test]
    fn tokens_of_others_are_no_spare_sockets() {
        for other in [0, 1, usize::MAX] {
            assert_eq!(number(Token(other)), None);
        }
    }
}
