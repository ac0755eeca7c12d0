//! What the application asks of a connection. Everything takes effect when the endpoint is polled next.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use zeroize::Zeroizing;

use super::{Connection, PeerList};
use crate::base::Instant;
use crate::close::ConnectionError;
use crate::crypto::PeerId;
use crate::datagram::DatagramError;
use crate::stream::{ReadError, WriteError};
use crate::wire::{ApplicationCode, Direction, Role, StreamId};

impl Connection {
    /// The proved identity of the peer.
    pub fn peer_id(&self) -> PeerId {
        self.peer
    }

    /// Which side of the handshake we were.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Where packets to the peer go.
    pub fn remote_address(&self) -> SocketAddr {
        self.paths.active().remote()
    }

    /// The address at which it is tried whether the peer answers: see [`Endpoint::probe`](crate::proto::Endpoint::probe).
    pub fn probed_address(&self) -> Option<SocketAddr> {
        self.paths.probed()
    }

    /// From now on keep-alives are sent as often as this.
    pub(crate) fn keep_alive_every(&mut self, interval: Duration) {
        self.idle.keep_alive_every(interval);
    }

    /// Stays where it is, whether the peer answers elsewhere or not.
    pub fn stop_probing(&mut self) {
        self.paths.stop_probing();
    }

    /// How often the peer was asked for a sign of life since it acknowledged something for the last time. Each wait is longer than the
    /// one before, the first about a round trip.
    pub fn probe_timeouts(&self) -> u32 {
        self.recovery.probe_timeouts()
    }

    /// Our own address as the peer sees it, once it has said so.
    pub fn observed_address(&self) -> Option<SocketAddr> {
        self.observed.map(|(_, address)| address)
    }

    /// Why the connection is closing or closed; `None` while it is open.
    pub fn close_reason(&self) -> Option<&ConnectionError> {
        self.lifetime.reason()
    }

    /// Everything that was written, and every end of a stream, is acknowledged. Of an ended connection: was acknowledged before.
    pub fn is_delivered(&self) -> bool {
        self.streams.is_drained() && !self.datagrams.wants_to_send()
    }

    /// Opens a stream. `None` when the peer allows no more at the moment: wait for `StreamEvent::Available`.
    pub fn open_stream(&mut self, direction: Direction) -> Option<StreamId> {
        if self.lifetime.accepts_work() { self.streams.open(direction) } else { None }
    }

    /// The next stream that the peer has opened. `None`: wait for `StreamEvent::Opened`.
    pub fn accept_stream(&mut self, direction: Direction) -> Option<StreamId> {
        self.streams.accept(direction)
    }

    /// Queues data on a stream and returns how many bytes were taken.
    ///
    /// # Errors
    /// [`WriteError::Blocked`] when nothing can be taken now: wait for `StreamEvent::Writable`. The others are final.
    pub fn write(&mut self, id: StreamId, data: &[u8]) -> Result<usize, WriteError> {
        self.check_writable()?;
        self.streams.write(id, data)
    }

    /// As [`Self::write`], but keeps the buffer instead of copying it.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_bytes(&mut self, id: StreamId, data: Bytes) -> Result<usize, WriteError> {
        self.check_writable()?;
        self.streams.write_bytes(id, data)
    }

    /// Ends a stream after the data written so far. `StreamEvent::Finished` follows when all is acknowledged.
    ///
    /// # Errors
    /// When the stream has ended already.
    pub fn finish(&mut self, id: StreamId) -> Result<(), WriteError> {
        self.check_writable()?;
        self.expect_no_more();
        self.streams.finish(id)
    }

    fn check_writable(&self) -> Result<(), WriteError> {
        if self.lifetime.reason().is_some() { Err(WriteError::ConnectionClosed) } else { Ok(()) }
    }

    /// Abandons the sending side of a stream: what was not delivered is dropped, and the peer learns the code.
    pub fn reset(&mut self, id: StreamId, code: ApplicationCode) {
        self.streams.reset(id, code);
    }

    /// Abandons the receiving side of a stream and asks the peer to stop sending.
    pub fn stop(&mut self, id: StreamId, code: ApplicationCode) {
        self.streams.stop(id, code);
    }

    /// Streams of higher priority send first; those of the same take turns. Default 0.
    pub fn set_priority(&mut self, id: StreamId, priority: i32) {
        self.streams.set_priority(id, priority);
    }

    /// All that was written on the stream, and its end, has been acknowledged.
    pub fn is_finished(&self, id: StreamId) -> bool {
        self.streams.is_finished(id)
    }

    /// Reads what has arrived, in order. `Ok(0)` is the end of the stream. Data that arrived before the connection closed
    /// can still be read.
    ///
    /// # Errors
    /// [`ReadError::Blocked`] when nothing is there yet: wait for `StreamEvent::Readable`. The others are final.
    pub fn read(&mut self, now: Instant, id: StreamId, out: &mut [u8]) -> Result<usize, ReadError> {
        let rtt = self.pace();
        let result = self.streams.read(now, rtt, id, out);
        self.or_closed(result)
    }

    /// The next bytes of a stream, without taking them. An empty slice is the end of the stream.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn peek(&self, id: StreamId) -> Result<&[u8], ReadError> {
        let result = self.streams.peek(id);
        self.or_closed(result)
    }

    /// Takes bytes that [`Self::peek`] showed.
    pub fn consume(&mut self, now: Instant, id: StreamId, bytes: usize) {
        let rtt = self.pace();
        self.streams.consume(now, rtt, id, bytes);
    }

    /// The round trip that windows are measured by. Datagrams that queue make a round trip longer, and a window that follows
    /// makes the queue longer: on a host's own loopback until the receive buffer overflows. So the window
    /// allows for a queue as long as the path, and no more.
    fn pace(&self) -> Duration {
        let rtt = self.paths.active().rtt();
        rtt.smoothed.min(rtt.minimum * 2)
    }

    /// What will never come is an error, not a wait.
    fn or_closed<T>(&self, result: Result<T, ReadError>) -> Result<T, ReadError> {
        match result {
            Err(ReadError::Blocked) if self.lifetime.reason().is_some() => {
                Err(ReadError::ConnectionClosed)
            }
            result => result,
        }
    }

    /// Tells the peer where we may be reached now, instead of all that it was told before. An answer names the peer's list and when both
    /// begin to search. Returns the list's number.
    pub(crate) fn tell_candidates(
        &mut self,
        answer: Option<(u64, Instant)>,
        description: Vec<u8>,
    ) -> u64 {
        self.lists.tell(answer, description)
    }

    /// The newest list of where the peer may be reached, once.
    pub(crate) fn take_candidates(&mut self) -> Option<PeerList> {
        self.lists.take()
    }

    /// What both sides have in common who search because of these lists, and nobody else (SPEC §8.4).
    pub(crate) fn search_secret(&self, ours: u64, theirs: u64) -> Zeroizing<[u8; 32]> {
        let (initiator, responder) =
            if self.role == Role::Initiator { (ours, theirs) } else { (theirs, ours) };
        let context = [initiator.to_be_bytes(), responder.to_be_bytes()].concat();
        let mut secret = Zeroizing::new([0; 32]);
        let written = self.keys.export(b"srudp1 candidates", &context, &mut *secret);
        debug_assert!(written, "the label and the output are short");
        secret
    }

    /// How long the peer takes to answer, if that was measured on the present path.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        let rtt = self.paths.active().rtt();
        rtt.measured.then_some(rtt.smoothed)
    }

    /// Queues an unreliable datagram.
    ///
    /// # Errors
    /// [`DatagramError::Full`] when too many wait (then `ConnectionEvent::DatagramRoom` follows), or why it can never be sent.
    pub fn send_datagram(&mut self, data: Bytes) -> Result<(), DatagramError> {
        if self.lifetime.reason().is_some() {
            return Err(DatagramError::ConnectionClosed);
        }
        let room = self.max_datagram_size().ok_or(DatagramError::Unsupported)?;
        self.datagrams.send(data, room)
    }

    /// The oldest unreliable datagram that has arrived.
    pub fn recv_datagram(&mut self) -> Option<Bytes> {
        self.datagrams.recv()
    }

    /// The largest datagram that can be sent now, in bytes; `None` if the peer takes none.
    pub fn max_datagram_size(&self) -> Option<usize> {
        let path = self.paths.active().datagram_size().saturating_sub(super::send::OVERHEAD);
        self.datagrams.max_size(path)
    }

    /// Stops new streams, delivers what was written for at most `linger`, then closes with the code and reason. With
    /// [`Duration::ZERO`] it closes at once.
    pub fn close(&mut self, now: Instant, code: ApplicationCode, reason: &[u8], linger: Duration) {
        let linger = (!linger.is_zero()).then_some(linger);
        self.lifetime.close(now, code, reason, linger);
        self.finish_linger(now);
    }

    /// Derives key material that only the two peers know (SPEC §5.7): for binding other protocols to this connection. Returns false,
    /// and writes nothing, if the label is longer than 248 bytes or the output longer than 8160.
    #[must_use]
    pub fn export(&self, label: &[u8], context: &[u8], out: &mut [u8]) -> bool {
        self.keys.export(label, context, out)
    }

    /// The final hash of the handshake, the same on both sides and different for every connection: for signing what is said over this
    /// connection and no other (Noise §11.2).
    pub fn handshake_hash(&self) -> [u8; 32] {
        self.keys.handshake_hash()
    }

    /// Starts a key update (SPEC §6.2). Happens by itself in time. Returns whether one could start.
    pub fn update_keys(&mut self) -> bool {
        self.keys.update()
    }
}
