//! Everything that may wait, as futures. They may be dropped at any time; nothing is lost by that.

use std::io;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;

use super::accepting::Accepting;
use super::waiting::Waiting;
use crate::api::{Connection, DialError, Endpoint, EndpointClosed, RecvStream, SendStream, Stream};
use crate::api::{GatherError, Met, accepted, attempt, connected, gather, met, pending};
use crate::base::Instant;
use crate::close::ConnectionError;
use crate::crypto::PeerId;
use crate::datagram::DatagramError;
use crate::driver::{Core, Key, MeetError, Topic};
use crate::endpoint::Dial;
use crate::nat::Ticket;
use crate::node::Route;
use crate::wire::{ApplicationCode, Direction, StreamId};

impl Endpoint {
    /// As [`connect`](Self::connect). Dropping the future abandons the dial.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_async(
        &self,
        peer: PeerId,
        addr: SocketAddr,
    ) -> Result<Connection, DialError> {
        self.dial_async(&Dial::new(peer, addr)).await
    }

    /// As [`dial`](Self::dial). Dropping the future abandons the dial.
    ///
    /// # Errors
    /// As [`dial`](Self::dial).
    pub async fn dial_async(&self, dial: &Dial) -> Result<Connection, DialError> {
        let dialling = self.start(dial)?;
        let handle = dialling.handle();
        let key = Key::Connection(handle, Topic::Established);
        let established = move |core: &mut Core, _| attempt::established(core, handle);
        Waiting::new(dialling.shared(), key, established).await?;
        connected(dialling)
    }

    /// As [`ticket`](Self::ticket).
    ///
    /// # Errors
    /// As [`ticket`](Self::ticket).
    pub async fn ticket_async(&self) -> Result<Ticket, GatherError> {
        let config = self.gather_config();
        let attempt = move |core: &mut Core, now| gather(core, now, &config);
        let gathered = Waiting::new(self.shared(), Key::Gathered, attempt).await?;
        self.tell(gathered)
    }

    /// As [`meet_timeout`](Self::meet_timeout). Dropping the future abandons the search.
    ///
    /// # Errors
    /// As [`meet`](Self::meet).
    pub async fn meet_async(&self, theirs: &Ticket, timeout: Duration) -> Result<Met, MeetError> {
        let meeting = self.begin_meeting(theirs, timeout)?;
        let handle = meeting.handle();
        let attempt = move |core: &mut Core, _| pending(core.met(handle));
        let found = Waiting::new(self.shared(), Key::Meeting(handle), attempt).await?;
        met(&meeting, found)
    }

    /// As [`accept`](Self::accept).
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub async fn accept_async(&self) -> Result<Connection, EndpointClosed> {
        accepted(Accepting::new(self.shards()).await)
    }
}

impl Connection {
    /// As [`open_stream`](Self::open_stream).
    ///
    /// # Errors
    /// As [`open_stream`](Self::open_stream).
    pub async fn open_stream_async(&self) -> Result<Stream, ConnectionError> {
        self.open_async(Direction::Bidirectional).await.map(|id| self.stream(id))
    }

    /// As [`open_uni`](Self::open_uni).
    ///
    /// # Errors
    /// As [`open_uni`](Self::open_uni).
    pub async fn open_uni_async(&self) -> Result<SendStream, ConnectionError> {
        self.open_async(Direction::Unidirectional).await.map(|id| self.send_stream(id))
    }

    async fn open_async(&self, direction: Direction) -> Result<StreamId, ConnectionError> {
        let handle = self.link().handle();
        let open = move |core: &mut Core, _| attempt::open(core, handle, direction);
        self.wait_async(Topic::Available(direction), open).await
    }

    /// As [`accept_stream`](Self::accept_stream).
    ///
    /// # Errors
    /// As [`accept_stream`](Self::accept_stream).
    pub async fn accept_stream_async(&self) -> Result<Stream, ConnectionError> {
        self.accept_from_peer(Direction::Bidirectional).await.map(|id| self.stream(id))
    }

    /// As [`accept_uni`](Self::accept_uni).
    ///
    /// # Errors
    /// As [`accept_uni`](Self::accept_uni).
    pub async fn accept_uni_async(&self) -> Result<RecvStream, ConnectionError> {
        self.accept_from_peer(Direction::Unidirectional).await.map(|id| self.recv_stream(id))
    }

    async fn accept_from_peer(&self, direction: Direction) -> Result<StreamId, ConnectionError> {
        let handle = self.link().handle();
        let accept = move |core: &mut Core, _| attempt::accept_stream(core, handle, direction);
        self.wait_async(Topic::Opened(direction), accept).await
    }

    /// As [`send_datagram`](Self::send_datagram).
    ///
    /// # Errors
    /// As [`send_datagram`](Self::send_datagram).
    pub async fn send_datagram_async(&self, data: impl Into<Bytes>) -> Result<(), DatagramError> {
        let (handle, data) = (self.link().handle(), data.into());
        let send = move |core: &mut Core, _| attempt::send_datagram(core, handle, &data);
        self.wait_async(Topic::DatagramRoom, send).await
    }

    /// As [`recv_datagram`](Self::recv_datagram).
    ///
    /// # Errors
    /// As [`recv_datagram`](Self::recv_datagram).
    pub async fn recv_datagram_async(&self) -> Result<Bytes, ConnectionError> {
        let handle = self.link().handle();
        let receive = move |core: &mut Core, _| attempt::receive_datagram(core, handle);
        self.wait_async(Topic::DatagramReceived, receive).await
    }

    /// As [`other_route`](Self::other_route).
    ///
    /// # Errors
    /// As [`other_route`](Self::other_route).
    pub async fn other_route_async(&self, known: Route) -> Result<Route, ConnectionError> {
        let handle = self.link().handle();
        let other = move |core: &mut Core, _| attempt::other_route(core, handle, known);
        self.wait_async(Topic::Route, other).await
    }

    /// As [`closed`](Self::closed).
    pub async fn closed_async(&self) -> ConnectionError {
        let handle = self.link().handle();
        let closed = move |core: &mut Core, _| attempt::closed(core, handle);
        self.wait_async(Topic::Closed, closed).await
    }

    /// As [`close_within`](Self::close_within). The closing begins with the first poll, and goes on if the future is dropped then.
    ///
    /// # Errors
    /// As [`close_within`](Self::close_within).
    pub async fn close_async(
        &self,
        code: ApplicationCode,
        reason: &[u8],
        linger: Duration,
    ) -> Result<(), ConnectionError> {
        self.begin_close(code, reason, linger);
        let handle = self.link().handle();
        self.wait_async(Topic::Closed, move |core: &mut Core, _| attempt::close(core, handle)).await
    }

    fn wait_async<T, F>(&self, topic: Topic, attempt: F) -> Waiting<F>
    where
        F: FnMut(&mut Core, Instant) -> Poll<T> + Unpin,
    {
        Waiting::new(self.link().shared(), self.link().key(topic), attempt)
    }
}

impl SendStream {
    /// As [`finish`](Self::finish), without a timeout.
    ///
    /// # Errors
    /// As [`finish`](Self::finish).
    pub async fn finish_async(&self) -> io::Result<()> {
        self.end()?;
        let attempt = |core: &mut Core, _| self.try_finish(core);
        Ok(Waiting::new(self.link().shared(), self.key(Topic::Finished), attempt).await?)
    }
}
