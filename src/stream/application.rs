//! What the application asks of its streams.

use std::time::Duration;

use bytes::Bytes;

use super::buffering::Backlog;
use super::flow::Pace;
use super::pages::Pages;
use super::send::SendHalf;
use super::table::Table;
use super::{ReadError, StreamEvent, Streams, WriteError, beside};
use crate::base::Instant;
use crate::wire::{ApplicationCode, Direction, StreamId};

impl Streams {
    /// A new stream; none while the peer allows no more. The `Available` event tells when it does.
    pub(crate) fn open(&mut self, direction: Direction) -> Option<StreamId> {
        let index = self.local.get_mut(direction).open()?;
        let id = StreamId::new(self.role, direction, index);
        self.table.insert(id);
        Some(id)
    }

    /// The next stream that the peer opened, in the order of their ids.
    pub(crate) fn accept(&mut self, direction: Direction) -> Option<StreamId> {
        let index = self.remote.get_mut(direction).accept()?;
        Some(StreamId::new(self.role.peer(), direction, index))
    }

    /// Takes as many bytes as there is room for, at least one unless `data` is empty.
    pub(crate) fn write(&mut self, id: StreamId, data: &[u8]) -> Result<usize, WriteError> {
        self.write_with(id, |send, room, pages| send.write(data, room, pages))
    }

    /// Like [`Self::write`], but long data is sent from where it lies.
    pub(crate) fn write_bytes(&mut self, id: StreamId, data: Bytes) -> Result<usize, WriteError> {
        self.write_with(id, |send, room, pages| send.write_bytes(data, room, pages))
    }

    fn write_with(
        &mut self,
        id: StreamId,
        write: impl FnOnce(&mut SendHalf, u64, &mut Pages) -> Result<usize, WriteError>,
    ) -> Result<usize, WriteError> {
        let stream = self.table.get(id).ok_or(WriteError::Unknown)?;
        let send = stream.send.as_mut().ok_or(WriteError::Unknown)?;
        self.buffering.on_write();
        let room = self.buffering.room(send.backlog(), self.agenda.buffered());
        let result = write(send, room, &mut self.pages);
        if result == Err(WriteError::Blocked) {
            self.buffering.wait(id, self.agenda.buffered());
        }
        self.settle(id);
        self.note_demand();
        result
    }

    /// No more data follows. The `Finished` event tells when the peer has everything.
    pub(crate) fn finish(&mut self, id: StreamId) -> Result<(), WriteError> {
        let stream = self.table.get(id).ok_or(WriteError::Unknown)?;
        let send = stream.send.as_mut().ok_or(WriteError::Unknown)?;
        let result = send.finish();
        self.settle(id);
        result
    }

    /// Abandons what is not delivered yet. Does nothing to a stream whose sending half is over.
    pub(crate) fn reset(&mut self, id: StreamId, code: ApplicationCode) {
        let Some(stream) = self.table.get(id) else { return };
        let Some(send) = &mut stream.send else { return };
        send.reset(code, &mut self.pages);
        self.buffering.forget(id);
        self.settle(id);
        self.wake_all_if_reopened();
    }

    /// Reads no more; what arrives is discarded. Does nothing to a stream whose receiving half is over.
    pub(crate) fn stop(&mut self, id: StreamId, code: ApplicationCode) {
        let Some(stream) = self.table.get(id) else { return };
        let Some(receive) = &mut stream.receive else { return };
        let effect = receive.stop(code, &mut self.pages);
        self.window.consume(effect.discarded, None);
        self.settle(id);
    }

    /// Streams of a higher priority send before those of a lower one. New streams have priority 0.
    pub(crate) fn set_priority(&mut self, id: StreamId, priority: i32) {
        let Some(stream) = self.table.get(id) else { return };
        if stream.priority != priority {
            stream.priority = priority;
            self.agenda.requeue(stream);
        }
    }

    /// Copies what has arrived. 0 is the end of the stream, unless `out` is empty.
    pub(crate) fn read(
        &mut self,
        now: Instant,
        rtt: Duration,
        id: StreamId,
        out: &mut [u8],
    ) -> Result<usize, ReadError> {
        let pace = Pace { now, rtt };
        let stream = self.table.get(id).ok_or(ReadError::Unknown)?;
        let receive = stream.receive.as_mut().ok_or(ReadError::Unknown)?;
        let result = receive.read(pace, out, &mut self.pages);
        let window = receive.window_size();
        self.settle(id);
        self.consumed(result.unwrap_or(0) as u64, window, pace);
        result
    }

    /// What has arrived, or a part of it, without a copy. Empty at the end of the stream.
    pub(crate) fn peek(&self, id: StreamId) -> Result<&[u8], ReadError> {
        match self.table.look(id) {
            Some(stream) => stream.receive.as_ref().ok_or(ReadError::Unknown)?.peek(),
            None if self.table.is_untouched(id) => Err(ReadError::Blocked),
            None => Err(ReadError::Unknown),
        }
    }

    /// The application has used the first `bytes` of what [`Self::peek`] showed. To consume nothing is to have seen the
    /// end, or to ask for more: a `Readable` event tells when more is there.
    pub(crate) fn consume(&mut self, now: Instant, rtt: Duration, id: StreamId, bytes: usize) {
        let pace = Pace { now, rtt };
        let Some(stream) = self.table.get(id) else { return };
        let Some(receive) = &mut stream.receive else { return };
        let consumed = receive.consume(pace, bytes as u64, &mut self.pages);
        let window = receive.window_size();
        self.settle(id);
        self.consumed(consumed, window, pace);
    }

    fn consumed(&mut self, bytes: u64, stream_window: u64, pace: Pace) {
        self.window.grow_to(beside(stream_window));
        self.window.consume(bytes, Some(pace));
    }

    /// The peer has everything, the end included. So it is with a stream that is closed and forgotten, unless a
    /// `Stopped` event or a reset by the application came before.
    pub(crate) fn is_finished(&self, id: StreamId) -> bool {
        match self.table.look(id) {
            Some(stream) => stream.send.as_ref().is_some_and(SendHalf::is_delivered),
            None => !self.table.is_untouched(id) && id.index() < self.opened(id),
        }
    }

    /// How many streams of this kind there ever were.
    fn opened(&self, id: StreamId) -> u64 {
        if id.initiator() == self.role {
            self.local.get(id.direction()).opened()
        } else {
            self.remote.get(id.direction()).opened()
        }
    }

    /// The congestion window is this large, and so many bytes of a stream may wait for it: send buffers follow.
    pub(crate) fn on_send_window(&mut self, bytes: u64, unsent: u64) {
        if self.buffering.on_send_window(bytes, unsent) {
            self.wake_all();
        }
    }

    /// Bytes of a stream were acknowledged or dropped: its writer may go on, or all may.
    pub(super) fn wake(&mut self, id: StreamId, backlog: Backlog) {
        if self.buffering.wakes(id, backlog, self.agenda.buffered()) {
            self.events.push_back(StreamEvent::Writable(id));
        }
        self.wake_all_if_reopened();
    }

    pub(super) fn wake_all_if_reopened(&mut self) {
        if self.buffering.reopens(self.agenda.buffered()) {
            self.wake_all();
        }
    }

    /// Writers that were refused go on waiting, for nothing that they write could leave soon; or do not.
    pub(crate) fn hold_writers(&mut self, holds: bool) {
        if self.buffering.hold(holds) {
            self.wake_all();
        }
    }

    /// A writer was told to go on, and nobody has written since.
    pub(crate) fn awaits_writer(&self) -> bool {
        self.buffering.awaits()
    }

    /// A writer waits only because of [`Self::hold_writers`].
    pub(crate) fn holds_writer(&self) -> bool {
        self.buffering.holds(self.agenda.buffered(), |id| backlog(&self.table, id))
    }

    fn wake_all(&mut self) {
        let Self { buffering, table, events, .. } = self;
        let backlog = |id| backlog(table, id);
        let told = |id| events.push_back(StreamEvent::Writable(id));
        buffering.wake_all(self.agenda.buffered(), backlog, told);
    }

    /// New data waits for credit of the connection: the peer is told once per limit.
    pub(super) fn note_demand(&mut self) {
        if self.agenda.wants_credit() {
            self.credit.note_demand();
        }
    }
}

/// What a stream holds for its writer's account.
fn backlog(table: &Table, id: StreamId) -> Backlog {
    let send = table.look(id).and_then(|stream| stream.send.as_ref());
    send.map(SendHalf::backlog).unwrap_or_default()
}
