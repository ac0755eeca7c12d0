//! Several UDP sockets in one loop, for machines that want datagrams and wake-ups.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};

use crate::clock;

/// The token of [`Sockets::waker`]; sockets have their numbers.
const WAKE: Token = Token(usize::MAX);

/// The largest datagram that is read whole. No STUN message that matters is longer.
const DATAGRAM: usize = 2048;

/// Sockets and a clock that starts with them.
pub(crate) struct Sockets {
    poll: Poll,
    sockets: Vec<UdpSocket>,
    started: Instant,
}

/// A datagram that arrived at the socket with this number.
pub(crate) struct Datagram<'a> {
    pub(crate) socket: usize,
    pub(crate) from: SocketAddr,
    pub(crate) payload: &'a [u8],
}

impl Sockets {
    /// Binds one socket to each address.
    pub(crate) fn bind(addresses: impl IntoIterator<Item = SocketAddr>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut sockets = Vec::new();
        for (number, address) in addresses.into_iter().enumerate() {
            let mut socket = UdpSocket::bind(address).map_err(|error| {
                io::Error::new(error.kind(), format!("cannot bind {address}: {error}"))
            })?;
            poll.registry().register(&mut socket, Token(number), Interest::READABLE)?;
            sockets.push(socket);
        }
        Ok(Self { poll, sockets, started: clock::now() })
    }

    /// Ends a wait from another thread.
    pub(crate) fn waker(&self) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), WAKE)
    }

    /// The addresses that the sockets have got.
    pub(crate) fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        self.sockets.iter().map(UdpSocket::local_addr).collect()
    }

    /// Time since the sockets were bound.
    pub(crate) fn now(&self) -> Duration {
        clock::now() - self.started
    }

    /// What cannot be sent is lost, as on the network: the machines send again.
    pub(crate) fn send(&self, socket: usize, to: SocketAddr, payload: &[u8]) {
        if let Some(socket) = self.sockets.get(socket) {
            let _ = socket.send_to(payload, to);
        }
    }

    /// Waits until then, or until something arrives, and hands that over. Returns whether it was woken.
    pub(crate) fn wait(
        &mut self,
        until: Option<Duration>,
        mut take: impl FnMut(&Self, Datagram<'_>),
    ) -> io::Result<bool> {
        let mut events = Events::with_capacity(64);
        let timeout = until.map(|until| until.saturating_sub(self.now()));
        match self.poll.poll(&mut events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(false),
            other => other?,
        }
        let woken = events.iter().any(|event| event.token() == WAKE);
        let ready: Vec<usize> = events.iter().map(|event| event.token().0).collect();
        let mut buffer = [0; DATAGRAM];
        for (number, socket) in self.sockets.iter().enumerate() {
            // An error is that of an earlier send, to somebody who is not there.
            while ready.contains(&number) {
                match socket.recv_from(&mut buffer) {
                    Ok((length, from)) => {
                        take(self, Datagram { socket: number, from, payload: &buffer[..length] });
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(_) => {}
                }
            }
        }
        Ok(woken)
    }
}
