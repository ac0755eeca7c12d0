//! How much written data is kept: enough to fill the path, and not more.
//!
//! A stream may hold four times the congestion window: a window is in flight, the next is written, and while a packet is
//! lost, sent again and perhaps lost again, everything behind it is kept, for what is kept is one piece. What waits to be
//! sent has a bound of its own: it should not leave the cache before it does. All streams together are bounded by the
//! configuration. Whoever was refused is woken when a good part is free again: a writer that is woken for every packet
//! does nothing but wake up.

use std::collections::BTreeSet;

use crate::base::limits::{STREAM_SEND_MIN, STREAM_UNSENT_MAX};
use crate::wire::StreamId;

/// Bytes that were written to a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backlog {
    /// Not known to have arrived in order.
    pub(super) buffered: u64,
    /// Of these, never sent.
    pub(super) unsent: u64,
}

/// Bounds on send buffers, and the writers that hit them.
#[derive(Debug)]
pub(super) struct Buffering {
    stream_max: u64,
    unsent_max: u64,
    connection_max: u64,
    waiting: BTreeSet<StreamId>,
    /// A writer was refused for lack of room on the connection.
    full: bool,
    /// Writers that wait are not woken.
    is_held: bool,
    /// One was told to go on, and none has written since.
    is_awaited: bool,
}

impl Buffering {
    pub(super) fn new(connection_max: u64) -> Self {
        Self {
            stream_max: STREAM_SEND_MIN,
            unsent_max: STREAM_UNSENT_MAX,
            connection_max,
            waiting: BTreeSet::new(),
            full: false,
            is_held: false,
            is_awaited: false,
        }
    }

    /// Bytes that a stream may add to those it holds, and to those buffered on all streams.
    pub(super) fn room(&self, stream: Backlog, connection: u64) -> u64 {
        let room = self.stream_max.saturating_sub(stream.buffered);
        let room = room.min(self.unsent_max().saturating_sub(stream.unsent));
        room.min(self.connection_max.saturating_sub(connection))
    }

    fn unsent_max(&self) -> u64 {
        self.stream_max.min(self.unsent_max)
    }

    /// There is so much room on a stream that its writer should go on.
    fn invites(&self, stream: Backlog) -> bool {
        stream.buffered <= three_quarters(self.stream_max) && stream.unsent <= self.unsent_max() / 2
    }

    /// From now on writers that wait go on waiting however much room there is, or do not. Returns whether they have to be asked again.
    pub(super) fn hold(&mut self, holds: bool) -> bool {
        std::mem::replace(&mut self.is_held, holds) && !holds && !self.waiting.is_empty()
    }

    /// A writer waits that would be woken if none were held.
    pub(super) fn holds(&self, connection: u64, backlog: impl Fn(StreamId) -> Backlog) -> bool {
        self.is_held
            && connection <= three_quarters(self.connection_max)
            && self.waiting.iter().any(|id| self.invites(backlog(*id)))
    }

    /// Somebody writes.
    pub(super) fn on_write(&mut self) {
        self.is_awaited = false;
    }

    /// A writer was told to go on, and none has written since.
    pub(super) fn awaits(&self) -> bool {
        self.is_awaited
    }

    /// A writer was refused.
    pub(super) fn wait(&mut self, id: StreamId, connection: u64) {
        self.full |= connection >= self.connection_max;
        self.waiting.insert(id);
    }

    /// May this writer, if it waits, go on? If so it waits no longer.
    pub(super) fn wakes(&mut self, id: StreamId, stream: Backlog, connection: u64) -> bool {
        let wakes = !self.waiting.is_empty()
            && !self.is_held
            && self.invites(stream)
            && connection <= three_quarters(self.connection_max)
            && self.waiting.remove(&id);
        self.is_awaited |= wakes;
        wakes
    }

    /// Have all writers to be asked again, since the connection has room again?
    pub(super) fn reopens(&mut self, connection: u64) -> bool {
        let reopens = self.full && connection <= three_quarters(self.connection_max);
        self.full &= !reopens;
        reopens
    }

    /// The congestion window may have changed, and how much may wait to be sent for the first time. Returns whether the bounds grew so
    /// much that writers should be asked again.
    pub(super) fn on_send_window(&mut self, bytes: u64, unsent: u64) -> bool {
        let before = std::mem::replace(&mut self.unsent_max, unsent);
        let grew = self.follow_window(bytes) || unsent > before;
        grew && !self.waiting.is_empty()
    }

    /// Returns whether the bound grew.
    fn follow_window(&mut self, bytes: u64) -> bool {
        let stream_max = bytes.saturating_mul(4).max(STREAM_SEND_MIN);
        let change = stream_max.abs_diff(self.stream_max);
        if change < self.stream_max / 8 {
            return false;
        }
        let grew = stream_max > self.stream_max;
        self.stream_max = stream_max;
        grew
    }

    /// Tells all writers that may go on, by what their streams hold and what is buffered on the connection. They wait no longer.
    pub(super) fn wake_all(
        &mut self,
        connection: u64,
        backlog: impl Fn(StreamId) -> Backlog,
        mut tell: impl FnMut(StreamId),
    ) {
        if self.is_held || connection > three_quarters(self.connection_max) {
            return;
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        let before = waiting.len();
        waiting.extract_if(.., |id| self.invites(backlog(*id))).for_each(&mut tell);
        self.is_awaited |= waiting.len() < before;
        self.waiting = waiting;
    }

    /// Nobody writes to this stream any more.
    pub(super) fn forget(&mut self, id: StreamId) {
        self.waiting.remove(&id);
    }
}

/// Three quarters, rounded down.
fn three_quarters(bytes: u64) -> u64 {
    bytes - bytes.div_ceil(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::limits::STREAM_UNSENT_NEAR;
    use crate::wire::{Direction, Role};

    fn id(index: u64) -> StreamId {
        StreamId::new(Role::Initiator, Direction::Bidirectional, index)
    }

    fn sent(buffered: u64) -> Backlog {
        Backlog { buffered, unsent: 0 }
    }

    #[test]
    fn a_stream_may_hold_four_times_the_congestion_window() {
        let mut buffering = Buffering::new(u64::MAX);
        assert_eq!(buffering.room(sent(0), 0), STREAM_SEND_MIN);
        buffering.on_send_window(STREAM_SEND_MIN, STREAM_UNSENT_MAX);
        assert_eq!(buffering.room(sent(3 * STREAM_SEND_MIN), 1), STREAM_SEND_MIN);
    }

    #[test]
    fn little_waits_to_be_sent_however_wide_the_window() {
        let mut buffering = Buffering::new(u64::MAX);
        buffering.on_send_window(100 * STREAM_UNSENT_MAX, STREAM_UNSENT_MAX);
        let unsent = |unsent| Backlog { buffered: 10 * STREAM_UNSENT_MAX, unsent };
        assert_eq!(buffering.room(unsent(0), 0), STREAM_UNSENT_MAX);
        assert_eq!(buffering.room(unsent(STREAM_UNSENT_MAX), 0), 0);
        buffering.wait(id(0), 0);
        assert!(!buffering.wakes(id(0), unsent(STREAM_UNSENT_MAX / 2 + 1), 0));
        assert!(buffering.wakes(id(0), unsent(STREAM_UNSENT_MAX / 2), 0));
    }

    #[test]
    fn a_refused_writer_is_woken_once_and_not_for_every_byte() {
        let mut buffering = Buffering::new(u64::MAX);
        buffering.wait(id(0), 0);
        let three_quarters = STREAM_SEND_MIN / 4 * 3;
        assert!(!buffering.wakes(id(0), sent(three_quarters + 1), 0));
        assert!(buffering.wakes(id(0), sent(three_quarters), 0));
        assert!(!buffering.wakes(id(0), sent(0), 0));
    }

    #[test]
    fn a_writer_that_is_held_is_woken_when_it_is_let_go_and_there_is_room() {
        let mut buffering = Buffering::new(u64::MAX);
        let asked = |buffering: &mut Buffering, stream| {
            let mut told = 0;
            buffering.wake_all(0, |_| stream, |_| told += 1);
            told
        };
        assert!(!buffering.hold(true));
        buffering.wait(id(0), 0);
        assert!(!buffering.holds(0, |_| sent(STREAM_SEND_MIN)), "there is no room for it");
        assert!(buffering.holds(0, |_| sent(0)));
        assert!(!buffering.wakes(id(0), sent(0), 0));
        assert_eq!(asked(&mut buffering, sent(0)), 0);
        assert!(buffering.hold(false));
        assert!(!buffering.holds(0, |_| sent(0)));
        assert_eq!(asked(&mut buffering, sent(0)), 1);
        assert!(!buffering.hold(true) && !buffering.hold(false), "nobody waits");
    }

    #[test]
    fn a_writer_that_was_woken_is_awaited_until_it_comes() {
        let mut buffering = Buffering::new(u64::MAX);
        for held in [false, true] {
            buffering.hold(held);
            buffering.wait(id(0), 0);
            assert!(!buffering.awaits());
            match held {
                false => assert!(buffering.wakes(id(0), sent(0), 0)),
                true => {
                    assert!(buffering.hold(false));
                    buffering.wake_all(0, |_| sent(0), |_| ());
                }
            }
            assert!(buffering.awaits());
            buffering.on_write();
            assert!(!buffering.awaits());
        }
    }

    #[test]
    fn all_are_asked_when_the_connection_has_room_again() {
        let mut buffering = Buffering::new(400);
        buffering.wait(id(0), 400);
        assert_eq!(buffering.room(sent(0), 400), 0);
        assert!(!buffering.reopens(301));
        assert!(buffering.reopens(300));
        assert!(!buffering.reopens(300), "once");
    }

    #[test]
    fn writers_are_asked_when_more_may_wait_to_be_sent() {
        let mut buffering = Buffering::new(u64::MAX);
        buffering.on_send_window(STREAM_UNSENT_MAX, STREAM_UNSENT_NEAR);
        assert_eq!(buffering.room(sent(0), 0), STREAM_UNSENT_NEAR);
        assert!(!buffering.on_send_window(STREAM_UNSENT_MAX, STREAM_UNSENT_MAX), "nobody waits");
        assert_eq!(buffering.room(sent(0), 0), STREAM_UNSENT_MAX);
        buffering.wait(id(0), 0);
        assert!(!buffering.on_send_window(STREAM_UNSENT_MAX, STREAM_UNSENT_NEAR));
        assert!(buffering.on_send_window(STREAM_UNSENT_MAX, STREAM_UNSENT_MAX));
    }

    #[test]
    fn small_changes_of_the_congestion_window_change_nothing() {
        let mut buffering = Buffering::new(u64::MAX);
        buffering.wait(id(0), 0);
        assert!(!buffering.on_send_window(STREAM_SEND_MIN / 4 + 50, STREAM_UNSENT_MAX));
        assert!(buffering.on_send_window(STREAM_SEND_MIN / 2, STREAM_UNSENT_MAX));
        assert!(!buffering.on_send_window(0, STREAM_UNSENT_MAX), "a smaller window wakes nobody");
    }
}
