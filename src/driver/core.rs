//! Everything that the threads of an endpoint share under one lock: the protocol, who holds what, and who waits.

mod entries;
mod events;
mod gather;
mod meet;
mod port;
mod senders;
mod turn;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::wait::{Key, MeetingHandle, Topic, Waits};
use crate::base::Instant;
use crate::close::ConnectionError;
use crate::connection::Connection;
use crate::endpoint::{ConnectError, ConnectionHandle, Dial, EndpointStats, Prepared};
use crate::nat::GatherConfig;
use crate::node::{Node, Route};
use crate::wire::ApplicationCode;
use entries::{Entries, Stage};
use gather::Knowledge;
use meet::Meetings;
use senders::Senders;

pub(crate) use gather::networks;
pub(crate) use meet::{Found, Plan};

/// The state behind the lock.
#[derive(Debug)]
pub(crate) struct Core {
    node: Node,
    entries: Entries,
    senders: Senders,
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

impl Core {
    pub(super) fn new(node: Node, local: SocketAddr, linger: Duration) -> Self {
        Self {
            node,
            entries: Entries::default(),
            senders: Senders::default(),
            backlog: VecDeque::new(),
            knowledge: Knowledge::default(),
            asked: None,
            meetings: Meetings::default(),
            waits: Waits::default(),
            local,
            linger,
            is_closed: false,
            is_stopped: false,
            alarm: turn::FAR,
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
        self.entries.insert(handle, Stage::Dialling);
        Ok(handle)
    }

    fn check_open(&self) -> Result<(), ConnectError> {
        if self.is_closed { Err(ConnectError::EndpointClosed) } else { Ok(()) }
    }

    /// How the dial ended; `None` while it goes on.
    pub(crate) fn dialled(&self, handle: ConnectionHandle) -> Option<Result<(), ConnectionError>> {
        match self.entries.stage(handle) {
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
        match self.entries.stage(handle) {
            Some(Stage::Dialling | Stage::Open) => None,
            Some(Stage::Closed(why)) => Some(why.clone()),
            None => Some(ConnectionError::LocalClosed),
        }
    }

    /// As [`Self::reason`], but already when the application has asked for the end.
    pub(crate) fn reason_for_new_work(&self, handle: ConnectionHandle) -> Option<ConnectionError> {
        let is_closing = self.entries.is_closing(handle);
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
        if !self.entries.begin_closing(handle) {
            return;
        }
        if let Some(connection) = self.node.endpoint().connection(handle) {
            connection.close(now, notice.code, notice.reason, linger);
        }
        self.waits.wake_connection(handle);
    }

    /// The last handle of a connection or dial was dropped.
    pub(crate) fn release(&mut self, now: Instant, handle: ConnectionHandle) {
        match self.entries.release(handle) {
            Some(Stage::Open) => {
                let notice = Notice { code: ApplicationCode::ZERO, reason: b"" };
                self.close(now, handle, notice, self.linger);
            }
            Some(Stage::Dialling | Stage::Closed(_)) => self.forget(now, handle),
            None => {}
        }
    }

    fn forget(&mut self, now: Instant, handle: ConnectionHandle) {
        self.entries.remove(handle);
        self.node.remove(now, handle);
        self.wake_if_all_closed();
    }

    /// Begins the end of the endpoint: nothing new, and every connection closes within `linger`.
    pub(crate) fn begin_close(&mut self, now: Instant, notice: Notice<'_>, linger: Duration) {
        self.stop_accepting(now);
        for handle in self.entries.handles() {
            if matches!(self.entries.stage(handle), Some(Stage::Dialling)) {
                self.entries.set_stage(handle, Stage::Closed(ConnectionError::LocalClosed));
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
        self.is_stopped || self.entries.are_all_closed()
    }

    /// Nothing is left to do, now or later. The gateway's port is given back when no connection can be using it any more.
    pub(crate) fn is_drained(&mut self, now: Instant) -> bool {
        let is_idle = self.is_closed && self.node.endpoint().is_idle();
        self.is_stopped || (is_idle && self.node.give_back(now))
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
        (self.senders.len(), self.waits.len())
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
}

/// What the peer is told at the end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notice<'a> {
    pub(crate) code: ApplicationCode,
    pub(crate) reason: &'a [u8],
}
