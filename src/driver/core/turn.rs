//! What the worker, and who reads or sends in its place, does with the protocol.

use std::net::SocketAddr;

use super::{Core, Key, Topic};
use crate::base::Instant;
use crate::close::ConnectionError;
use crate::endpoint::{Received, Work};
use crate::nat::{SocketId, SocketRequest};
use crate::node::NodeTransmit;

/// The alarm of a worker that waits for input alone.
pub(super) const FAR: Instant = Instant::from_nanos(u64::MAX);

impl Core {
    pub(in crate::driver) fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        received: Received<'_>,
    ) {
        self.node.handle_datagram(now, socket, received);
    }

    /// Work with public keys waits for somebody.
    pub(in crate::driver) fn has_work(&self) -> bool {
        self.node.has_work()
    }

    /// Gives back what was done, and takes what is to be done next.
    pub(in crate::driver) fn next_work(
        &mut self,
        now: Instant,
        done: Option<Work>,
    ) -> Option<Work> {
        let next = done.and_then(|done| self.node.finish_work(now, done));
        next.or_else(|| self.node.poll_work())
    }

    /// The next socket to open or to close, before anything is sent.
    pub(in crate::driver) fn poll_request(&mut self) -> Option<SocketRequest> {
        self.node.poll_request()
    }

    pub(in crate::driver) fn poll_transmit(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        max_segments: usize,
    ) -> Option<NodeTransmit> {
        self.node.poll_transmit(now, buffer, max_segments)
    }

    pub(in crate::driver) fn on_too_large(&mut self, destination: SocketAddr, size: usize) {
        self.node.on_too_large(destination, size);
    }

    /// Whether a thread that waits for this leaves the socket to others: a writer is mostly woken for what the connections have heard that
    /// it takes turns with, and would read for them; and in a [crowd](super::super::crowd) everybody would.
    pub(in crate::driver) fn leaves_seat(&mut self, key: Key) -> bool {
        let takes_turns = match key {
            Key::Connection(handle, Topic::Writable(_)) => self.node.endpoint().takes_turns(handle),
            _ => false,
        };
        takes_turns || self.waits.are_crowded()
    }

    /// The socket was replaced.
    pub(in crate::driver) fn rebound(&mut self, now: Instant, local: SocketAddr) {
        self.local = local;
        self.forget_gathered();
        self.node.endpoint().rebound(now);
    }

    /// The worker is awake: does what is due.
    pub(in crate::driver) fn run_timers(&mut self, now: Instant) {
        if self.node.poll_timeout().is_some_and(|due| due <= now) {
            self.node.handle_timeout(now);
        }
        self.run_meetings(now);
    }

    /// Nothing has to be sent, and no deadline has moved: see [`crate::node::Node::is_quiet`].
    pub(in crate::driver) fn is_quiet(&self) -> bool {
        self.node.is_quiet() && self.has_no_meetings()
    }

    /// The worker goes to sleep; returns until when.
    ///
    /// An alarm that was set already stays if it comes first: when a deadline moves back and forth, as it does with
    /// every packet that is sent and acknowledged, the worker is then woken once too often, and not with every packet.
    pub(in crate::driver) fn set_alarm(&mut self, now: Instant) -> Option<Instant> {
        let pending = if self.alarm > now { self.alarm } else { FAR };
        self.alarm = self.poll_timeout().map_or(pending, |due| due.min(pending));
        (self.alarm != FAR).then_some(self.alarm)
    }

    /// Another thread has sent something. Returns whether the worker sleeps too long now and has to be woken.
    pub(in crate::driver) fn move_alarm(&mut self) -> bool {
        match self.poll_timeout() {
            Some(due) if due < self.alarm => {
                self.alarm = due;
                true
            }
            _ => false,
        }
    }

    /// The worker has nothing more to do: tells those that wait for it. Returns whether it may end.
    pub(in crate::driver) fn check_drained(&mut self, now: Instant) -> bool {
        let is_drained = self.is_drained(now);
        if is_drained {
            self.waits.wake(Key::Drained);
        }
        is_drained
    }

    /// The worker ends: no event will come any more, so every wait ends now.
    pub(in crate::driver) fn stop(&mut self) {
        self.is_closed = true;
        self.is_stopped = true;
        self.entries.close_all(&ConnectionError::LocalClosed);
        self.waits.wake_all();
    }
}
