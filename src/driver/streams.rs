//! TCP connections to relays: by number, made and ended as the node says, and read by the worker alone.
//!
//! ```text
//!  connect ─▶ under way ─ writable ─▶ connected ─ the relay closes, or an error ─▶ gone, and the node is told
//! ```
//!
//! Nothing here waits. What a connection does not take at once waits in a [`FrameQueue`], which drops datagrams when it is full: the main
//! socket never waits for a slow relay.
//!
//! Lock order: seat, then transmitter, then these, then core.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{self, SocketAddr};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use parking_lot::Mutex;
use socket2::{Domain, Protocol, Socket, Type};

use crate::nat::SocketId;
use crate::nat::turn::FrameQueue;

/// Tokens below are those of UDP sockets and of the waker.
const FIRST_TOKEN: usize = 1 << 17;

/// All TCP connections of an endpoint.
#[derive(Debug)]
pub(super) struct Streams {
    all: Mutex<BTreeMap<SocketId, Stream>>,
    /// That of the worker's poll.
    registry: Registry,
}

#[derive(Debug)]
struct Stream {
    io: TcpStream,
    queue: FrameQueue,
    is_connected: bool,
}

/// What a look at a connection has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It has just been made.
    Connected,
    /// So many bytes came in, and there may be more.
    Read(usize),
    Nothing,
    /// It is gone.
    Ended,
}

impl Streams {
    pub(super) fn new(registry: Registry) -> Self {
        Self { all: Mutex::default(), registry }
    }

    /// Begins to connect, from the address of the main socket if that is a certain one.
    pub(super) fn connect(
        &self,
        number: SocketId,
        (main, server): (SocketAddr, SocketAddr),
    ) -> io::Result<()> {
        // The worker may hear of it before it is in the table, and has to wait for that.
        let mut all = self.all.lock();
        let mut io = connect(main, server)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        self.registry.register(&mut io, token(number), both)?;
        all.insert(number, Stream { io, queue: FrameQueue::default(), is_connected: false });
        Ok(())
    }

    pub(super) fn close(&self, number: SocketId) {
        self.all.lock().remove(&number);
    }

    pub(super) fn close_all(&self) {
        self.all.lock().clear();
    }

    /// Writes a message behind those before. What does not fit waits, or is lost.
    pub(super) fn send(&self, number: SocketId, message: &[u8]) {
        if let Some(stream) = self.all.lock().get_mut(&number) {
            stream.queue.push(message);
            // The end of a connection shows when it is read.
            let _ = stream.write();
        }
    }

    /// Goes on with what the poll has told of, as long as that shows something. The bytes that came in are in `buffer`.
    pub(super) fn look(&self, number: SocketId, buffer: &mut [u8]) -> Seen {
        let mut all = self.all.lock();
        let Some(stream) = all.get_mut(&number) else { return Seen::Nothing };
        let seen = stream.look(buffer).unwrap_or(Seen::Ended);
        if seen == Seen::Ended {
            all.remove(&number);
        }
        seen
    }
}

impl Stream {
    fn look(&mut self, buffer: &mut [u8]) -> io::Result<Seen> {
        if !self.is_connected {
            if let Some(error) = self.io.take_error()? {
                return Err(error);
            }
            self.is_connected = self.io.peer_addr().is_ok();
            return Ok(if self.is_connected { Seen::Connected } else { Seen::Nothing });
        }
        self.write()?;
        loop {
            match self.io.read(buffer) {
                Ok(0) => return Ok(Seen::Ended),
                Ok(read) => return Ok(Seen::Read(read)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Seen::Nothing);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn write(&mut self) -> io::Result<()> {
        while self.is_connected && !self.queue.front().is_empty() {
            match self.io.write(self.queue.front()) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => self.queue.advance(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The name of a connection in the worker's poll.
fn token(number: SocketId) -> Token {
    Token(FIRST_TOKEN + usize::from(number.number()))
}

/// The connection that an event is about.
pub(super) fn number(token: Token) -> Option<SocketId> {
    u16::try_from(token.0.checked_sub(FIRST_TOKEN)?).ok().map(SocketId::new)
}

/// A connection that is under way.
fn connect(main: SocketAddr, server: SocketAddr) -> io::Result<TcpStream> {
    let raw = Socket::new(Domain::for_address(server), Type::STREAM, Some(Protocol::TCP))?;
    raw.set_nonblocking(true)?;
    // A datagram is not to wait for the next one.
    raw.set_tcp_nodelay(true)?;
    if !main.ip().is_unspecified() && main.is_ipv4() == server.is_ipv4() {
        raw.bind(&SocketAddr::new(main.ip(), 0).into())?;
    }
    match raw.connect(&server.into()) {
        Err(error) if !is_under_way(&error) => Err(error),
        _ => Ok(TcpStream::from_std(net::TcpStream::from(raw))),
    }
}

/// What the system calls EINPROGRESS; the standard library has no name for it.
fn is_under_way(error: &io::Error) -> bool {
    #[cfg(unix)]
    let is = error.raw_os_error() == Some(libc::EINPROGRESS);
    #[cfg(not(unix))]
    let is = error.kind() == io::ErrorKind::WouldBlock;
    is
}

#[cfg(test)]
mod tests;
