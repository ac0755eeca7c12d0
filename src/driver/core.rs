//! Everything that the threads of an endpoint share under one lock: the protocol, who holds what, and who waits.
//!
//! ```text
//!                    dial                       Connected               Closed event
//!   (handle is new) ─────▶ Dialling ──────────────────────▶ Open ───────────────────▶ Closed(why)
//!                 Accepted event: backlog, then accept ──────▲                             │
//!                                                                                          ▼
//!   released: the last handle was dropped. Lingers until Closed, and then the protocol forgets it.
//! ```

mod gather;
mod meet;
mod port;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::task::{Poll, Waker};
use std::time::Duration;

use rustc_hash::FxHashMap;

use super::wait::{Key, MeetingHandle, Topic, Waits};
use crate::base::Instant;
use crate::close::ConnectionError;
use crate::connection::Connection;
use crate::endpoint::{
    ConnectError, ConnectionHandle, Dial, EndpointStats, Event, Prepared, Received, Work,
};
use crate::nat::{GatherConfig, SocketId, SocketRequest};
use crate::node::{Node, NodeTransmit, Route};
use gather::Knowledge;
use meet::Meetings;

use crate::stream::{StreamEvent, WriteError};
use crate::wire::{ApplicationCode, StreamId};
pub(crate) use gather::networks;
pub(crate) use meet::{Found, Plan};

/// The state behind the lock.
#[derive(Debug)]
pub(crate) struct Core {
    node: Node,
    entries: BTreeMap<ConnectionHandle, Entry>,
    backlog: VecDeque<ConnectionHandle>,
    knowledge: Knowledge,
    /// How it was asked for.
    asked: Option<GatherConfig>,
    meetings: Meetings,
    waits: Waits,
    local: SocketAddr,
    linger: Duration,
    /// Nobody can accept or dial any more.
    is_closed: bool,
    /// The worker has ended: nothing will move again.
    is_stopped: bool,
    /// When the worker wakes by itself at the latest.
    alarm: Instant,
}

/// What is known of one connection or dial.
#[derive(Debug)]
struct Entry {
    stage: Stage,
    /// No handle is left.
    is_released: bool,
    /// The application has asked for the end.
    is_closing: bool,
    /// Streams with a sender in the application's hands, and why the peer stopped them.
    senders: FxHashMap<StreamId, Option<ApplicationCode>>,
}

#[derive(Debug)]
enum Stage {
    Dialling,
    Open,
    Closed(ConnectionError),
}

impl Entry {
    fn new(stage: Stage) -> Self {
        Self { stage, is_released: false, is_closing: false, senders: FxHashMap::default() }
    }
}

impl Core {
    pub(super) fn new(node: Node, local: SocketAddr, linger: Duration) -> Self {
        Self {
            node,
            entries: BTreeMap::new(),
            backlog: VecDeque::new(),
            knowledge: Knowledge::default(),
            asked: None,
            meetings: Meetings::default(),
            waits: Waits::default(),
            local,
            linger,
            is_closed: false,
            is_stopped: false,
            alarm: FAR,
        }
    }

    // What the application asks.

    pub(super) fn prepare(&mut self, now: Instant, dial: &Dial) -> Result<Prepared, ConnectError> {
        self.check_open()?;
        self.node.endpoint().prepare(now, dial)
    }

    pub(super) fn begin(&mut self, prepared: Prepared) -> Result<ConnectionHandle, ConnectError> {
        self.check_open()?;
        let handle = self.node.endpoint().begin(prepared)?;
        self.entries.insert(handle, Entry::new(Stage::Dialling));
        Ok(handle)
    }

    fn check_open(&self) -> Result<(), ConnectError> {
        if self.is_closed { Err(ConnectError::EndpointClosed) } else { Ok(()) }
    }

    /// How the dial ended; `None` while it goes on.
    pub(crate) fn dialled(&self, handle: ConnectionHandle) -> Option<Result<(), ConnectionError>> {
        match self.entries.get(&handle).map(|entry| &entry.stage) {
            Some(Stage::Dialling) => None,
            Some(Stage::Open) => Some(Ok(())),
            Some(Stage::Closed(why)) => Some(Err(why.clone())),
            None => Some(Err(ConnectionError::LocalClosed)),
        }
    }

    /// The oldest connection that nobody has accepted yet.
    pub(crate) fn accept(&mut self) -> Option<ConnectionHandle> {
        self.backlog.pop_front()
    }

    /// Nobody can accept or dial any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed || self.is_stopped
    }

    /// The worker has ended.
    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// The connection, also after its end as long as it is held.
    pub(crate) fn connection(&mut self, handle: ConnectionHandle) -> Option<&mut Connection> {
        self.node.endpoint().connection(handle)
    }

    /// As [`Self::connection`], for something that may come to nothing.
    pub(crate) fn attempt<T>(
        &mut self,
        handle: ConnectionHandle,
        attempt: impl FnOnce(&mut Connection) -> Poll<T>,
    ) -> Option<Poll<T>> {
        self.node.endpoint().attempt(handle, attempt)
    }

    /// Where the packets of a connection go.
    pub(crate) fn route(&mut self, handle: ConnectionHandle) -> Option<Route> {
        self.node.route(handle)
    }

    /// Why the connection is over; `None` while it is not.
    pub(crate) fn reason(&self, handle: ConnectionHandle) -> Option<ConnectionError> {
        match self.entries.get(&handle).map(|entry| &entry.stage) {
            Some(Stage::Dialling | Stage::Open) => None,
            Some(Stage::Closed(why)) => Some(why.clone()),
            None => Some(ConnectionError::LocalClosed),
        }
    }

    /// As [`Self::reason`], but already when the application has asked for the end.
    pub(crate) fn reason_for_new_work(&self, handle: ConnectionHandle) -> Option<ConnectionError> {
        let is_closing = self.entries.get(&handle).is_none_or(|entry| entry.is_closing);
        self.reason(handle).or(is_closing.then_some(ConnectionError::LocalClosed))
    }

    /// Closes after what was written has been delivered, or after `linger`.
    pub(crate) fn close(
        &mut self,
        now: Instant,
        handle: ConnectionHandle,
        notice: Notice<'_>,
        linger: Duration,
    ) {
        let Some(entry) = self.entries.get_mut(&handle) else { return };
        entry.is_closing = true;
        if let Some(connection) = self.node.endpoint().connection(handle) {
            connection.close(now, notice.code, notice.reason, linger);
        }
        self.waits.wake_connection(handle);
    }

    /// The last handle of a connection or dial was dropped.
    pub(crate) fn release(&mut self, now: Instant, handle: ConnectionHandle) {
        let Some(entry) = self.entries.get_mut(&handle) else { return };
        entry.is_released = true;
        if matches!(entry.stage, Stage::Open) {
            let notice = Notice { code: ApplicationCode::ZERO, reason: b"" };
            self.close(now, handle, notice, self.linger);
        } else {
            self.forget(now, handle);
        }
    }

    fn forget(&mut self, now: Instant, handle: ConnectionHandle) {
        self.entries.remove(&handle);
        self.node.remove(now, handle);
        self.wake_if_all_closed();
    }

    /// Begins the end of the endpoint: nothing new, and every connection closes within `linger`.
    pub(crate) fn begin_close(&mut self, now: Instant, notice: Notice<'_>, linger: Duration) {
        self.stop_accepting(now);
        let handles: Vec<_> = self.entries.keys().copied().collect();
        for handle in handles {
            if let Some(Entry { stage: stage @ Stage::Dialling, .. }) =
                self.entries.get_mut(&handle)
            {
                *stage = Stage::Closed(ConnectionError::LocalClosed);
                self.node.remove(now, handle);
            }
            self.close(now, handle, notice, linger);
        }
    }

    /// Ends what is left of the endpoint at once.
    pub(crate) fn finish_close(&mut self, now: Instant, notice: Notice<'_>) {
        self.node.endpoint().close(now, notice.code, notice.reason);
    }

    /// The last endpoint handle was dropped, or the endpoint closes: connections go on, but none is added.
    pub(crate) fn stop_accepting(&mut self, now: Instant) {
        self.is_closed = true;
        while let Some(handle) = self.backlog.pop_front() {
            self.release(now, handle);
        }
        self.waits.wake(Key::Accept);
        self.end_meetings(now);
    }

    /// Every connection is over.
    pub(crate) fn are_all_closed(&self) -> bool {
        self.is_stopped
            || self.entries.values().all(|entry| matches!(entry.stage, Stage::Closed(_)))
    }

    /// Nothing is left to do, now or later. The gateway's port is given back when no connection can be using it any more.
    pub(crate) fn is_drained(&mut self, now: Instant) -> bool {
        let is_idle = self.is_closed && self.node.endpoint().is_idle();
        self.is_stopped || (is_idle && self.node.give_back(now))
    }

    /// The application holds a sender of this stream, and wants to know if the peer stops it.
    pub(crate) fn add_sender(&mut self, handle: ConnectionHandle, id: StreamId) {
        let Some(connection) = self.node.endpoint().connection(handle) else { return };
        // A stream of the peer may have been stopped before it was accepted; an empty write tells.
        let stopped = match connection.write(id, &[]) {
            Err(WriteError::Stopped(code)) => Some(code),
            _ => None,
        };
        if let Some(entry) = self.entries.get_mut(&handle) {
            entry.senders.insert(id, stopped);
        }
    }

    pub(crate) fn remove_sender(&mut self, handle: ConnectionHandle, id: StreamId) {
        if let Some(entry) = self.entries.get_mut(&handle) {
            entry.senders.remove(&id);
        }
    }

    /// The code with which the peer stopped a stream of [`Self::add_sender`].
    pub(crate) fn stopped(
        &self,
        handle: ConnectionHandle,
        id: StreamId,
    ) -> Option<ApplicationCode> {
        self.entries.get(&handle)?.senders.get(&id).copied().flatten()
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local
    }

    pub(crate) fn stats(&mut self) -> EndpointStats {
        self.node.endpoint().stats()
    }

    /// Streams that are remembered, and keys that are waited for.
    #[cfg(test)]
    pub(crate) fn remembered(&self) -> (usize, usize) {
        (self.entries.values().map(|entry| entry.senders.len()).sum(), self.waits.len())
    }

    // Waiting.

    pub(crate) fn register(&mut self, key: Key, waker: &Waker) {
        // Who waits does not write.
        if let Key::Connection(handle, _) = key {
            self.push(handle);
        }
        self.waits.register(key, waker);
    }

    /// Nothing of what was written on a connection waits for more any longer.
    pub(crate) fn push(&mut self, handle: ConnectionHandle) {
        self.attempt(handle, |connection| {
            if connection.expect_no_more() { Poll::Ready(()) } else { Poll::Pending }
        });
    }

    pub(crate) fn unregister(&mut self, key: Key, waker: &Waker) {
        self.waits.forget(key, waker);
    }

    /// As [`Self::unregister`], for one that goes without another attempt: it may have been woken for what others wait for as well.
    pub(crate) fn give_up(&mut self, key: Key, waker: &Waker) {
        self.unregister(key, waker);
        if key == Key::Accept && !self.backlog.is_empty() {
            self.waits.wake_one(key);
        }
    }

    /// This waker is that of the thread that reads the socket.
    pub(super) fn set_reader(&mut self, waker: Waker) {
        self.waits.set_reader(waker);
    }

    pub(crate) fn wake(&mut self, key: Key) {
        self.waits.wake(key);
    }

    /// Tells the protocol's events to who waits for them. The wakers are put into `ready`, to be called without the lock.
    pub(super) fn settle(&mut self, now: Instant, ready: &mut Vec<Waker>) {
        while let Some(event) = self.node.poll_event() {
            self.on_node_event(now, event);
        }
        self.waits.take_ready(ready);
    }

    fn on_event(&mut self, now: Instant, event: Event) {
        match event {
            Event::Connected(handle) => {
                if let Some(entry) = self.entries.get_mut(&handle) {
                    entry.stage = Stage::Open;
                }
                self.waits.wake(Key::Connection(handle, Topic::Established));
                self.on_met(handle);
            }
            Event::Accepted(handle) => self.on_accepted(now, handle),
            Event::Stream(handle, event) => self.on_stream_event(handle, event),
            Event::DatagramReceived(handle) => {
                self.waits.wake(Key::Connection(handle, Topic::DatagramReceived));
            }
            Event::DatagramRoom(handle) => {
                self.waits.wake(Key::Connection(handle, Topic::DatagramRoom));
            }
            Event::ObservedAddress(handle, _) => {
                self.waits.wake(Key::Connection(handle, Topic::ObservedAddress));
            }
            Event::PathChanged(handle, _) => {
                self.waits.wake(Key::Connection(handle, Topic::Route));
            }
            Event::Confirmed(_) | Event::Candidates(_) => {}
            Event::Closed(handle, why) => self.on_closed(now, handle, why),
        }
    }

    fn on_accepted(&mut self, now: Instant, handle: ConnectionHandle) {
        self.entries.insert(handle, Entry::new(Stage::Open));
        if self.is_closed {
            self.release(now, handle);
        } else if !self.is_met_by(now, handle) {
            self.backlog.push_back(handle);
            self.waits.wake_one(Key::Accept);
        }
    }

    fn on_stream_event(&mut self, handle: ConnectionHandle, event: StreamEvent) {
        let topic = match event {
            StreamEvent::Opened(direction) => Topic::Opened(direction),
            StreamEvent::Available(direction) => Topic::Available(direction),
            StreamEvent::Readable(id) => Topic::Readable(id),
            StreamEvent::Writable(id) => Topic::Writable(id),
            StreamEvent::Finished(id) => Topic::Finished(id),
            StreamEvent::Stopped { id, code } => {
                let entry = self.entries.get_mut(&handle);
                if let Some(stopped) = entry.and_then(|entry| entry.senders.get_mut(&id)) {
                    *stopped = Some(code);
                }
                self.waits.wake(Key::Connection(handle, Topic::Writable(id)));
                Topic::Finished(id)
            }
        };
        self.waits.wake(Key::Connection(handle, topic));
    }

    fn on_closed(&mut self, now: Instant, handle: ConnectionHandle, why: ConnectionError) {
        if self.on_missed(now, handle, &why) {
            return;
        }
        let Some(entry) = self.entries.get_mut(&handle) else {
            return self.node.remove(now, handle);
        };
        entry.stage = Stage::Closed(why);
        let is_released = entry.is_released;
        self.waits.wake_connection(handle);
        // One that nobody has accepted yet stays: what the peer sent was acknowledged and has to be read.
        if is_released {
            self.forget(now, handle);
        } else {
            self.wake_if_all_closed();
        }
    }

    fn wake_if_all_closed(&mut self) {
        if self.is_closed && self.are_all_closed() {
            self.waits.wake(Key::AllClosed);
        }
    }

    // What the worker and the transmitter do.

    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        received: Received<'_>,
    ) {
        self.node.handle_datagram(now, socket, received);
    }

    /// Work with public keys waits for somebody.
    pub(super) fn has_work(&self) -> bool {
        self.node.has_work()
    }

    /// Gives back what was done, and takes what is to be done next.
    pub(super) fn next_work(&mut self, now: Instant, done: Option<Work>) -> Option<Work> {
        let next = done.and_then(|done| self.node.finish_work(now, done));
        next.or_else(|| self.node.poll_work())
    }

    /// The next socket to open or to close, before anything is sent.
    pub(super) fn poll_request(&mut self) -> Option<SocketRequest> {
        self.node.poll_request()
    }

    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        max_segments: usize,
    ) -> Option<NodeTransmit> {
        self.node.poll_transmit(now, buffer, max_segments)
    }

    pub(super) fn on_too_large(&mut self, destination: SocketAddr, size: usize) {
        self.node.on_too_large(destination, size);
    }

    /// The socket was replaced.
    pub(super) fn rebound(&mut self, now: Instant, local: SocketAddr) {
        self.local = local;
        self.forget_gathered();
        self.node.endpoint().rebound(now);
    }

    /// The worker is awake: does what is due.
    pub(super) fn run_timers(&mut self, now: Instant) {
        if self.node.poll_timeout().is_some_and(|due| due <= now) {
            self.node.handle_timeout(now);
        }
        self.run_meetings(now);
    }

    /// Nothing has to be sent, and no deadline has moved: see [`Node::is_quiet`].
    pub(super) fn is_quiet(&self) -> bool {
        self.node.is_quiet() && self.has_no_meetings()
    }

    /// The worker goes to sleep; returns until when.
    ///
    /// An alarm that was set already stays if it comes first: when a deadline moves back and forth, as it does with
    /// every packet that is sent and acknowledged, the worker is then woken once too often, and not with every packet.
    pub(super) fn set_alarm(&mut self, now: Instant) -> Option<Instant> {
        let pending = if self.alarm > now { self.alarm } else { FAR };
        self.alarm = self.poll_timeout().map_or(pending, |due| due.min(pending));
        (self.alarm != FAR).then_some(self.alarm)
    }

    /// Another thread has sent something. Returns whether the worker sleeps too long now and has to be woken.
    pub(super) fn move_alarm(&mut self) -> bool {
        match self.poll_timeout() {
            Some(due) if due < self.alarm => {
                self.alarm = due;
                true
            }
            _ => false,
        }
    }

    /// The worker has nothing more to do: tells those that wait for it. Returns whether it may end.
    pub(super) fn check_drained(&mut self, now: Instant) -> bool {
        let is_drained = self.is_drained(now);
        if is_drained {
            self.waits.wake(Key::Drained);
        }
        is_drained
    }

    /// The worker ends: no event will come any more, so every wait ends now.
    pub(super) fn stop(&mut self) {
        self.is_closed = true;
        self.is_stopped = true;
        for entry in self.entries.values_mut() {
            if !matches!(entry.stage, Stage::Closed(_)) {
                entry.stage = Stage::Closed(ConnectionError::LocalClosed);
            }
        }
        self.waits.wake_all();
    }
}

/// What the peer is told at the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notice<'a> {
    pub(crate) code: ApplicationCode,
    pub(crate) reason: &'a [u8],
}

/// The alarm of a worker that waits for input alone.
const FAR: Instant = Instant::from_nanos(u64::MAX);
