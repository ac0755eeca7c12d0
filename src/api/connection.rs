//! A connection to one peer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;

use super::attempt;
use super::error::elapsed;
use super::link::Link;
use super::recv::RecvStream;
use super::send::SendStream;
use super::stream::Stream;
use crate::base::Instant;
use crate::close::ConnectionError;
use crate::connection::ConnectionStats;
use crate::crypto::PeerId;
use crate::datagram::DatagramError;
use crate::driver::{Core, Notice, Topic};
use crate::nat::Scope;
use crate::node::Route;
use crate::wire::{ApplicationCode, Direction, StreamId};

/// How long [`Connection::close`] goes on to deliver what was written.
const CLOSE_LINGER: Duration = Duration::from_secs(30);

/// A connection. Clones are the same connection, and any thread may use them.
///
/// When the last handle goes, streams included, the connection closes in the background: what was written is delivered
/// first, within the endpoint's linger time. A process that ends does not wait for that: [`close`](Self::close) does.
#[derive(Clone, Debug)]
pub struct Connection {
    link: Arc<Link>,
}

impl Connection {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { link }
    }

    /// The proved identity of the peer.
    pub fn peer_id(&self) -> PeerId {
        self.link.peer()
    }

    /// Where packets to the peer go now. It changes when the peer moves.
    ///
    /// # Errors
    /// When the connection is over and its endpoint gone.
    pub fn remote_addr(&self) -> Result<SocketAddr, ConnectionError> {
        self.route().map(|route| route.remote)
    }

    /// The way that packets to the peer take now, and whether a relay stands between. It changes when a better one is found, as for
    /// peers that were [met](super::Endpoint::meet), and when the peer moves.
    ///
    /// # Errors
    /// When the connection is over and its endpoint gone.
    pub fn route(&self) -> Result<Route, ConnectionError> {
        let handle = self.link.handle();
        self.link.shared().look(|core| {
            let route = core.route(handle);
            route.ok_or_else(|| core.reason(handle).unwrap_or(ConnectionError::LocalClosed))
        })
    }

    /// Waits until packets to the peer take another way than this one, which [`route`](Self::route) told, or an earlier call. No change is
    /// missed between two calls, except for ways that were left again meanwhile.
    ///
    /// ```no_run
    /// # fn f(connection: srudp::Connection) -> Result<(), srudp::ConnectionError> {
    /// let mut route = connection.route()?;
    /// loop {
    ///     route = connection.other_route(route)?;
    ///     println!("now at {}{}", route.remote, if route.relayed { ", by a relay" } else { "" });
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the connection is over.
    pub fn other_route(&self, known: Route) -> Result<Route, ConnectionError> {
        let handle = self.link.handle();
        self.wait(Topic::Route, |core, _| attempt::other_route(core, handle, known))
    }

    /// Our own address as the peer sees it, once it has said so.
    pub fn observed_addr(&self) -> Option<SocketAddr> {
        let observed = self.look(|connection| connection.observed_address()).ok().flatten();
        // Behind its own relay the peer sees us under a name that means something to it alone.
        observed.filter(|address| Scope::of(address.ip()) != Scope::Unusable)
    }

    /// The figures at this moment.
    pub fn stats(&self) -> ConnectionStats {
        self.look(|connection| connection.stats()).unwrap_or_default()
    }

    /// Fills `out` with key material that only the two peers can derive, for binding another protocol to this connection.
    /// Different labels and contexts give independent keys.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if the label is longer than 248 bytes or `out` longer than 8160; and when the connection is over and
    /// its endpoint gone.
    pub fn export(&self, label: &[u8], context: &[u8], out: &mut [u8]) -> io::Result<()> {
        let too_long =
            "the label may have 248 bytes and the output 8160: derive a key and expand it";
        match self.look(|connection| connection.export(label, context, out))? {
            true => Ok(()),
            false => Err(io::Error::new(io::ErrorKind::InvalidInput, too_long)),
        }
    }

    fn look<T>(
        &self,
        look: impl FnOnce(&mut crate::connection::Connection) -> T,
    ) -> Result<T, ConnectionError> {
        let handle = self.link.handle();
        self.link.shared().look(|core| match core.connection(handle) {
            Some(connection) => Ok(look(connection)),
            None => Err(core.reason(handle).unwrap_or(ConnectionError::LocalClosed)),
        })
    }

    /// Opens a bidirectional stream. Waits while the peer allows no more streams.
    ///
    /// # Errors
    /// When the connection is over or closes.
    pub fn open_stream(&self) -> Result<Stream, ConnectionError> {
        self.open(Direction::Bidirectional).map(|id| self.stream(id))
    }

    /// Opens a stream that only this side writes to. Waits while the peer allows no more streams.
    ///
    /// # Errors
    /// When the connection is over or closes.
    pub fn open_uni(&self) -> Result<SendStream, ConnectionError> {
        self.open(Direction::Unidirectional).map(|id| self.send_stream(id))
    }

    fn open(&self, direction: Direction) -> Result<StreamId, ConnectionError> {
        let handle = self.link.handle();
        self.wait(Topic::Available(direction), |core, _| attempt::open(core, handle, direction))
    }

    /// Waits for the next bidirectional stream that the peer has opened.
    ///
    /// # Errors
    /// When the connection is over.
    pub fn accept_stream(&self) -> Result<Stream, ConnectionError> {
        self.accept(Direction::Bidirectional).map(|id| self.stream(id))
    }

    /// As [`accept_stream`](Self::accept_stream), for a limited time.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`], or [`io::ErrorKind::WouldBlock`] if the time is zero; and when the connection is over.
    pub fn accept_stream_timeout(&self, timeout: Duration) -> io::Result<Stream> {
        self.accept_for(Direction::Bidirectional, timeout).map(|id| self.stream(id))
    }

    /// Waits for the next stream that the peer has opened and that only the peer writes to.
    ///
    /// # Errors
    /// When the connection is over.
    pub fn accept_uni(&self) -> Result<RecvStream, ConnectionError> {
        self.accept(Direction::Unidirectional).map(|id| self.recv_stream(id))
    }

    /// As [`accept_uni`](Self::accept_uni), for a limited time.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`], or [`io::ErrorKind::WouldBlock`] if the time is zero; and when the connection is over.
    pub fn accept_uni_timeout(&self, timeout: Duration) -> io::Result<RecvStream> {
        self.accept_for(Direction::Unidirectional, timeout).map(|id| self.recv_stream(id))
    }

    fn accept(&self, direction: Direction) -> Result<StreamId, ConnectionError> {
        let handle = self.link.handle();
        self.wait(Topic::Opened(direction), |core, _| {
            attempt::accept_stream(core, handle, direction)
        })
    }

    fn accept_for(&self, direction: Direction, timeout: Duration) -> io::Result<StreamId> {
        let handle = self.link.handle();
        self.wait_for(Topic::Opened(direction), timeout, |core, _| {
            attempt::accept_stream(core, handle, direction)
        })
    }

    /// The bidirectional streams that the peer opens, until the connection is over.
    ///
    /// ```no_run
    /// # fn f(connection: srudp::Connection) {
    /// for mut stream in connection.streams() {
    ///     std::thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
    /// }
    /// # }
    /// ```
    pub fn streams(&self) -> impl Iterator<Item = Stream> + '_ {
        std::iter::from_fn(|| self.accept_stream().ok())
    }

    /// The streams that the peer opens and that only it writes to, until the connection is over.
    pub fn uni_streams(&self) -> impl Iterator<Item = RecvStream> + '_ {
        std::iter::from_fn(|| self.accept_uni().ok())
    }

    /// Sends an unreliable datagram: it arrives whole and once, or not at all, and in any order. Waits while too many are queued.
    ///
    /// # Errors
    /// When it does not fit into a packet, when the peer takes no datagrams, or when the connection is over.
    pub fn send_datagram(&self, data: impl Into<Bytes>) -> Result<(), DatagramError> {
        let (handle, data) = (self.link.handle(), data.into());
        self.wait(Topic::DatagramRoom, |core, _| attempt::send_datagram(core, handle, &data))
    }

    /// As [`send_datagram`](Self::send_datagram), but does not wait.
    ///
    /// # Errors
    /// [`DatagramError::Full`] while too many are queued; otherwise the same.
    pub fn try_send_datagram(&self, data: impl Into<Bytes>) -> Result<(), DatagramError> {
        let (handle, data) = (self.link.handle(), data.into());
        match self.link.shared().with(|core, _| attempt::send_datagram(core, handle, &data)) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(DatagramError::Full),
        }
    }

    /// Waits for the next unreliable datagram of the peer.
    ///
    /// # Errors
    /// When the connection is over.
    pub fn recv_datagram(&self) -> Result<Bytes, ConnectionError> {
        let handle = self.link.handle();
        self.wait(Topic::DatagramReceived, |core, _| attempt::receive_datagram(core, handle))
    }

    /// As [`recv_datagram`](Self::recv_datagram), for a limited time.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`], or [`io::ErrorKind::WouldBlock`] if the time is zero; and when the connection is over.
    pub fn recv_datagram_timeout(&self, timeout: Duration) -> io::Result<Bytes> {
        let handle = self.link.handle();
        self.wait_for(Topic::DatagramReceived, timeout, |core, _| {
            attempt::receive_datagram(core, handle)
        })
    }

    /// The largest datagram that can be sent now, in bytes; `None` if the peer takes none.
    pub fn max_datagram_size(&self) -> Option<usize> {
        self.look(|connection| connection.max_datagram_size()).ok().flatten()
    }

    /// Closes the connection when the peer has everything that was written, and waits for that, for at most 30 seconds. Streams that
    /// were not ended are delivered as far as they were written. No streams can be opened meanwhile.
    ///
    /// Where the peer was first, that is no error if it closed with code 0 and has acknowledged everything.
    ///
    /// # Errors
    /// When not everything was delivered, or the connection was over already: why.
    pub fn close(&self, code: ApplicationCode, reason: &[u8]) -> Result<(), ConnectionError> {
        self.close_within(code, reason, CLOSE_LINGER)
    }

    /// As [`close`](Self::close), but waits for at most `linger` for the peer to have everything.
    ///
    /// # Errors
    /// As [`close`](Self::close).
    pub fn close_within(
        &self,
        code: ApplicationCode,
        reason: &[u8],
        linger: Duration,
    ) -> Result<(), ConnectionError> {
        self.begin_close(code, reason, linger);
        let handle = self.link.handle();
        self.wait(Topic::Closed, |core, _| attempt::close(core, handle))
    }

    /// Closes the connection at once and does not wait: what the peer does not have yet is lost.
    pub fn close_now(&self, code: ApplicationCode, reason: &[u8]) {
        self.begin_close(code, reason, Duration::ZERO);
    }

    pub(crate) fn begin_close(&self, code: ApplicationCode, reason: &[u8], linger: Duration) {
        let notice = Notice { code, reason };
        self.link.shared().with(|core, now| core.close(now, self.link.handle(), notice, linger));
    }

    /// Waits until the connection is over, and says why.
    pub fn closed(&self) -> ConnectionError {
        let handle = self.link.handle();
        self.wait(Topic::Closed, |core, _| attempt::closed(core, handle))
    }

    /// Why the connection is over; `None` while it is not.
    pub fn close_reason(&self) -> Option<ConnectionError> {
        self.link.shared().look(|core| core.reason(self.link.handle()))
    }

    fn wait<T>(&self, topic: Topic, attempt: impl FnMut(&mut Core, Instant) -> Poll<T>) -> T {
        self.link.shared().wait(self.link.key(topic), attempt)
    }

    fn wait_for<T>(
        &self,
        topic: Topic,
        timeout: Duration,
        attempt: impl FnMut(&mut Core, Instant) -> Poll<Result<T, ConnectionError>>,
    ) -> io::Result<T> {
        let result = self.link.shared().wait_for(self.link.key(topic), timeout, attempt);
        Ok(result.ok_or_else(|| elapsed(timeout))??)
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    pub(crate) fn stream(&self, id: StreamId) -> Stream {
        Stream::new(Arc::clone(&self.link), id)
    }

    pub(crate) fn send_stream(&self, id: StreamId) -> SendStream {
        SendStream::new(Arc::clone(&self.link), id)
    }

    pub(crate) fn recv_stream(&self, id: StreamId) -> RecvStream {
        RecvStream::new(Arc::clone(&self.link), id)
    }
}
