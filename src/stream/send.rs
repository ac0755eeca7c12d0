//! The sending half of a stream (RFC 9000 §3.1).
//!
//! ```text
//!       o
//!       | open
//!       v   reset, or STOP_SENDING received
//!   +---------+ -----------------------+
//!   |  Send   |                        |
//!   +---------+                        v
//!       | STREAM with FIN written  +-----------+
//!       v                          | ResetSent |
//!   +----------+ ----------------> +-----------+
//!   | DataSent |  likewise             |
//!   +----------+                       | RESET_STREAM acknowledged
//!       | all acknowledged             v
//!       v                          +-------------+
//!   +-------------+                | ResetRecvd  |
//!   | DataRecvd   |                +-------------+
//!   +-------------+
//! ```
//!
//! The RFC's Ready is part of Send: they differ in what the peer knows, not in what may happen. A stream that the peer
//! stops is reset with the peer's code at once; the application hears of it from its next call.

use std::ops::Range;

use bytes::Bytes;

use super::buffering::Backlog;
use super::error::WriteError;
use super::flow::Credit;
use super::outgoing::Outgoing;
use super::pages::Pages;
use super::pending::Pending;
use crate::base::limits::STREAM_FRAGMENT_MIN;
use crate::vocab::{Fate, PacketBuilder, Record};
use crate::wire::{ApplicationCode, Frame, StreamHeader, StreamId, varint_len};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Send,
    DataSent,
    ResetSent,
    DataRecvd,
    ResetRecvd,
}

/// What a STREAM frame carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) offset: u64,
    pub(super) length: u32,
    pub(super) fin: bool,
}

/// The sending half.
#[derive(Debug)]
pub(super) struct SendHalf {
    state: State,
    data: Outgoing,
    credit: Credit,
    fin: Pending<()>,
    reset: Pending<ApplicationCode>,
    stopped: Option<ApplicationCode>,
    /// The application knows that it cannot write any more.
    released: bool,
}

impl SendHalf {
    /// A half that may send up to this offset.
    pub(super) fn new(limit: u64) -> Self {
        Self {
            state: State::Send,
            data: Outgoing::default(),
            credit: Credit::new(limit),
            fin: Pending::Unset,
            reset: Pending::Unset,
            stopped: None,
            released: false,
        }
    }

    /// Buffers a prefix of `data` that fits into `room`.
    pub(super) fn write(
        &mut self,
        data: &[u8],
        room: u64,
        pages: &mut Pages,
    ) -> Result<usize, WriteError> {
        let accepted = self.accept(data.len(), room)?;
        self.data.append(data.split_at(accepted).0, pages);
        self.note_demand();
        Ok(accepted)
    }

    /// Like [`Self::write`], without a copy.
    pub(super) fn write_bytes(
        &mut self,
        mut data: Bytes,
        room: u64,
        pages: &mut Pages,
    ) -> Result<usize, WriteError> {
        let accepted = self.accept(data.len(), room)?;
        data.truncate(accepted);
        self.data.append_shared(data, pages);
        self.note_demand();
        Ok(accepted)
    }

    fn accept(&mut self, length: usize, room: u64) -> Result<usize, WriteError> {
        self.check_open()?;
        let accepted = length.min(usize::try_from(room).unwrap_or(usize::MAX));
        if accepted == 0 && length > 0 { Err(WriteError::Blocked) } else { Ok(accepted) }
    }

    fn check_open(&mut self) -> Result<(), WriteError> {
        if let Some(code) = self.stopped {
            self.released = true;
            return Err(WriteError::Stopped(code));
        }
        if self.reset.value().is_some() {
            return Err(WriteError::Reset);
        }
        if self.fin.value().is_some() {
            return Err(WriteError::Finished);
        }
        Ok(())
    }

    /// No more data follows.
    pub(super) fn finish(&mut self) -> Result<(), WriteError> {
        self.check_open()?;
        self.fin.set(());
        self.released = true;
        Ok(())
    }

    /// The application abandons what is not delivered yet.
    pub(super) fn reset(&mut self, code: ApplicationCode, pages: &mut Pages) {
        self.released = true;
        self.abandon(code, pages);
    }

    /// STOP_SENDING arrived. Returns whether that is news (RFC 9000 §3.5).
    pub(super) fn on_stop(&mut self, code: ApplicationCode, pages: &mut Pages) -> bool {
        let news = matches!(self.state, State::Send | State::DataSent);
        if news {
            self.stopped = Some(code);
            self.abandon(code, pages);
        }
        news
    }

    fn abandon(&mut self, code: ApplicationCode, pages: &mut Pages) {
        if matches!(self.state, State::Send | State::DataSent) {
            self.state = State::ResetSent;
            self.reset.set(code);
            self.credit.blocked().withdraw();
            self.data.clear(pages);
        }
    }

    /// MAX_STREAM_DATA arrived.
    pub(super) fn on_limit(&mut self, limit: u64) {
        self.credit.raise(limit);
    }

    fn note_demand(&mut self) {
        if !self.data.unsent().is_empty() {
            self.credit.note_demand();
        }
    }

    /// Something can be sent that the connection's flow control has counted before, or does not count.
    pub(super) fn wants_repair(&self) -> bool {
        self.is_delivering()
            && (self.data.has_lost() || (self.fin.due().is_some() && self.data.unsent().is_empty()))
    }

    /// New data can be sent, as far as this stream's flow control is concerned.
    pub(super) fn wants_fresh(&self) -> bool {
        self.fresh() > 0
    }

    fn is_delivering(&self) -> bool {
        matches!(self.state, State::Send | State::DataSent)
    }

    /// Writes lost data or a lone FIN. `None` if the packet is full.
    pub(super) fn fill_repair(
        &mut self,
        id: StreamId,
        packet: &mut PacketBuilder<'_>,
    ) -> Option<u64> {
        let end = self.data.end();
        let range = self.data.first_lost().unwrap_or(end..end);
        self.fill(id, range, packet)
    }

    /// Writes new data, at most `credit` bytes. Returns how many, or `None` if the packet is full.
    pub(super) fn fill_fresh(
        &mut self,
        id: StreamId,
        credit: u64,
        packet: &mut PacketBuilder<'_>,
    ) -> Option<u64> {
        let mut range = self.data.unsent();
        let allowed = credit.min(self.credit.available());
        range.end = range.end.min(range.start.saturating_add(allowed));
        let written = self.fill(id, range, packet)?;
        self.spend(written);
        Some(written)
    }

    /// As [`Self::fill_fresh`], for one of several packets, each of which leaves data and credit. [`Self::spend`] has to follow.
    pub(super) fn fill_full(
        &mut self,
        id: StreamId,
        packet: &mut PacketBuilder<'_>,
    ) -> Option<u64> {
        let (offset, room) = (self.data.unsent().start, packet.room());
        let space = space(id, offset, room).filter(|space| *space >= STREAM_FRAGMENT_MIN)?;
        // Of a few sizes no packet is full: the length of what remains beside the header takes fewer bytes than were left for it.
        let is_full = varint_len(space as u64) == varint_len(room as u64);
        if is_full { self.put(id, offset, space, packet) } else { None }
    }

    /// So many bytes of new data were written into packets.
    pub(super) fn spend(&mut self, written: u64) {
        self.credit.spend(written);
        self.note_demand();
    }

    /// Bytes of new data that can be sent, as far as this stream's flow control is concerned.
    pub(super) fn fresh(&self) -> u64 {
        if self.is_delivering() {
            let unsent = self.data.unsent();
            (unsent.end - unsent.start).min(self.credit.available())
        } else {
            0
        }
    }

    fn fill(
        &mut self,
        id: StreamId,
        range: Range<u64>,
        packet: &mut PacketBuilder<'_>,
    ) -> Option<u64> {
        let (offset, wanted) = (range.start, range.end - range.start);
        let space = space(id, offset, packet.room())?;
        let length = usize::try_from(wanted).unwrap_or(usize::MAX).min(space);
        if (length as u64) < wanted && length < STREAM_FRAGMENT_MIN {
            return None;
        }
        self.put(id, offset, length, packet)
    }

    /// Writes so many bytes from this offset on.
    fn put(
        &mut self,
        id: StreamId,
        offset: u64,
        length: usize,
        packet: &mut PacketBuilder<'_>,
    ) -> Option<u64> {
        let end = offset + length as u64;
        let fin = self.fin.value().is_some() && end == self.data.end();
        let header = StreamHeader { id, offset, length: Some(length), fin };
        let record = Record::Stream { id, offset, length: u32::try_from(length).ok()?, fin };
        let out = packet.push_stream(&header, length, record)?;
        self.data.copy(offset, out);
        self.data.written(offset..end);
        if fin {
            self.fin.written();
            self.state = State::DataSent;
        }
        Some(length as u64)
    }

    /// A STREAM frame's packet met its fate.
    pub(super) fn on_fate(&mut self, carried: Carried, fate: Fate, pages: &mut Pages) {
        if !self.is_delivering() {
            return;
        }
        let range = carried.offset..carried.offset + u64::from(carried.length);
        match fate {
            Fate::Acked => self.data.acknowledged(range, pages),
            Fate::Lost => self.data.lost(&range),
        }
        if carried.fin {
            self.fin.settle((), fate);
        }
        if self.fin.is_acknowledged() && self.data.buffered() == 0 {
            self.state = State::DataRecvd;
        }
    }

    /// A RESET_STREAM frame's packet met its fate.
    pub(super) fn on_reset_fate(&mut self, fate: Fate) {
        if let Some(code) = self.reset.value() {
            self.reset.settle(code, fate);
        }
        if self.reset.is_acknowledged() {
            self.state = State::ResetRecvd;
        }
    }

    /// A STREAM_DATA_BLOCKED frame's packet met its fate.
    pub(super) fn on_blocked_fate(&mut self, limit: u64, fate: Fate) {
        self.credit.blocked().settle(limit, fate);
    }

    /// Some control frame is due.
    pub(super) fn wants_control(&self) -> bool {
        self.reset.due().is_some() || self.credit.blocked_due().is_some()
    }

    /// Writes the control frames that are due. Returns whether they fitted.
    pub(super) fn fill_control(&mut self, id: StreamId, packet: &mut PacketBuilder<'_>) -> bool {
        if let Some(code) = self.reset.due() {
            let frame = Frame::ResetStream { id, code, final_size: self.data.next() };
            if !packet.push_recorded(&frame, Record::ResetStream(id)) {
                return false;
            }
            self.reset.written();
        }
        if let Some(limit) = self.credit.blocked_due() {
            let frame = Frame::StreamDataBlocked { id, limit };
            if !packet.push_recorded(&frame, Record::StreamDataBlocked { id, limit }) {
                return false;
            }
            self.credit.blocked().written();
        }
        true
    }

    /// Gives back memory that holds nothing.
    pub(super) fn rest(&mut self) {
        self.data.rest();
    }

    /// What it holds for its writer's account.
    pub(super) fn backlog(&self) -> Backlog {
        // What was abandoned is not sent any more.
        let unsent = if self.is_delivering() { self.data.unsent() } else { 0..0 };
        Backlog { buffered: self.data.buffered(), unsent: unsent.end - unsent.start }
    }

    /// Where it stands.
    pub(super) fn state(&self) -> State {
        self.state
    }

    /// The peer has everything.
    pub(super) fn is_delivered(&self) -> bool {
        self.state == State::DataRecvd
    }

    /// Its end was asked for, and the peer has not acknowledged it.
    pub(super) fn is_ending(&self) -> bool {
        self.state == State::ResetSent || (self.is_delivering() && self.fin.value().is_some())
    }

    /// Nothing can happen any more, and the application knows.
    pub(super) fn is_closed(&self) -> bool {
        self.released && matches!(self.state, State::DataRecvd | State::ResetRecvd)
    }
}

/// Bytes of data that a frame in so much room may have.
fn space(id: StreamId, offset: u64, room: usize) -> Option<usize> {
    let header = StreamHeader { id, offset, length: Some(room), fin: false };
    room.checked_sub(header.encoded_len())
}

#[cfg(test)]
mod tests;
