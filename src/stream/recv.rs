//! The receiving half of a stream (RFC 9000 §3.2).
//!
//! ```text
//!       o
//!       | first frame of the stream
//!       v
//!   +-----------+  RESET_STREAM
//!   |   Recv    | ----------------------+
//!   +-----------+                       |
//!       | STREAM with FIN               v
//!       v                          +------------+
//!   +-----------+  RESET_STREAM    | ResetRecvd |
//!   | SizeKnown | ---------------> +------------+
//!   +-----------+                       |
//!       | all data arrived              | application told
//!       v                               v
//!   +-----------+                  +------------+
//!   | DataRecvd |                  | ResetRead  |
//!   +-----------+                  +------------+
//!       | end read
//!       v
//!   +-----------+
//!   | DataRead  |
//!   +-----------+
//! ```
//!
//! A half that the application stopped discards what arrives, and is in its last state as soon as the final size is
//! known. In DataRecvd a reset changes nothing: the data is complete and remains readable.

use super::assembler::Assembler;
use super::error::ReadError;
use super::flow::{Pace, Window};
use super::pages::Pages;
use super::pending::Pending;
use crate::base::Instant;
use crate::base::limits::OFFSET_MAX;
use crate::vocab::{Fate, PacketBuilder, Record};
use crate::wire::{ApplicationCode, Frame, StreamId, TransportError};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Recv,
    SizeKnown,
    DataRecvd,
    DataRead,
    ResetRecvd(ApplicationCode),
    ResetRead(ApplicationCode),
}

/// The receiving half.
#[derive(Debug)]
pub(super) struct ReceiveHalf {
    state: State,
    data: Assembler,
    window: Window,
    stop: Pending<ApplicationCode>,
    /// The application wants no more data.
    stopped: bool,
    /// The application was told that something can be read and has not looked since.
    announced: bool,
}

/// What a call did for the connection's flow control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Effect {
    /// Bytes that will not be read and whose credit goes back to the peer.
    pub(super) discarded: u64,
    /// The application should be told that something can be read.
    pub(super) readable: bool,
    /// The window grew to this size.
    pub(super) window: Option<u64>,
    /// Nothing changed but what can be read: the lists need not look at the stream.
    pub(super) is_quiet: bool,
}

impl ReceiveHalf {
    /// A half with this window.
    pub(super) fn new(window: Window) -> Self {
        Self {
            state: State::Recv,
            data: Assembler::default(),
            window,
            stop: Pending::Unset,
            stopped: false,
            announced: false,
        }
    }

    /// By how much a frame that ends at `end` raises the highest offset. Checks final size and flow control
    /// (RFC 9000 §4.5) and changes nothing.
    pub(super) fn check(&self, offset: u64, length: u64, fin: bool) -> Result<u64, TransportError> {
        let end = offset.checked_add(length).filter(|end| *end <= OFFSET_MAX);
        let end = end.ok_or(TransportError::FLOW_CONTROL)?;
        let highest = self.window.received();
        let size_known = self.state != State::Recv;
        if (fin && end < highest) || (size_known && end > highest) {
            return Err(TransportError::FINAL_SIZE);
        }
        let growth = end.saturating_sub(highest);
        self.window.check(growth)?;
        Ok(growth)
    }

    /// Takes the data of a STREAM frame that [`Self::check`] found to be in order.
    // Inline, for a result that is read from memory in other pieces than it was written in waits for the data to be written.
    #[inline]
    pub(super) fn on_data(
        &mut self,
        now: Instant,
        data: Data<'_>,
        pages: &mut Pages,
    ) -> Result<Effect, TransportError> {
        if !self.is_receiving() {
            return Ok(Effect::default());
        }
        let end = data.offset.saturating_add(data.bytes.len() as u64);
        self.window.admit(now, end.saturating_sub(self.window.received()));
        if data.fin {
            self.state = State::SizeKnown;
            self.window.announcement().withdraw();
        }
        if self.stopped {
            return Ok(self.discard(pages));
        }
        let before = self.data.edge();
        self.data.insert(data.offset, data.bytes, pages)?;
        if self.state == State::SizeKnown && self.data.edge() == self.window.received() {
            self.state = State::DataRecvd;
        }
        let effect = self.announce(self.data.edge() > before || self.state == State::DataRecvd);
        let window = self.grow_beyond_gap();
        let is_quiet = self.state == State::Recv && window.is_none();
        Ok(Effect { window, is_quiet, ..effect })
    }

    /// While something is missing, the reader says nothing about the pace at which the rest arrives.
    fn grow_beyond_gap(&mut self) -> Option<u64> {
        let waits = self.state == State::Recv && self.data.readable() == 0;
        (waits && self.window.on_held()).then(|| self.window.size())
    }

    /// Takes a RESET_STREAM frame; [`Self::check`] was asked with the final size.
    pub(super) fn on_reset(
        &mut self,
        now: Instant,
        code: ApplicationCode,
        final_size: u64,
        pages: &mut Pages,
    ) -> Effect {
        if !self.is_receiving() {
            return Effect::default();
        }
        self.window.admit(now, final_size.saturating_sub(self.window.received()));
        self.window.announcement().withdraw();
        self.state = State::ResetRecvd(code);
        let mut effect = self.discard(pages);
        effect.readable = self.announce(!self.stopped).readable;
        effect
    }

    /// The application wants no more data. Returns the effect on credit.
    pub(super) fn stop(&mut self, code: ApplicationCode, pages: &mut Pages) -> Effect {
        if self.stopped || self.is_closed() {
            return Effect::default();
        }
        self.stopped = true;
        self.stop.set(code);
        self.window.announcement().withdraw();
        self.discard(pages)
    }

    /// Drops all data. What follows is its end, if the size is known and the application wants no more.
    fn discard(&mut self, pages: &mut Pages) -> Effect {
        self.data.clear(pages);
        let discarded = self.window.discard();
        if self.stopped && self.state != State::Recv {
            self.stop.withdraw();
            self.state = match self.state {
                State::ResetRecvd(code) | State::ResetRead(code) => State::ResetRead(code),
                _ => State::DataRead,
            };
        }
        Effect { discarded, ..Effect::default() }
    }

    fn announce(&mut self, news: bool) -> Effect {
        let readable = news && !self.announced;
        self.announced |= readable;
        Effect { readable, ..Effect::default() }
    }

    /// What can be read without a copy; empty at the end of the stream.
    pub(super) fn peek(&self) -> Result<&[u8], ReadError> {
        match self.state {
            _ if self.stopped => Err(ReadError::Stopped),
            State::ResetRecvd(code) | State::ResetRead(code) => Err(ReadError::Reset(code)),
            State::Recv | State::SizeKnown if self.data.readable() == 0 => Err(ReadError::Blocked),
            _ => Ok(self.data.peek()),
        }
    }

    /// The application looks at the stream: if there is nothing but the end, or a reset, it knows from now on.
    fn look(&mut self) {
        self.announced = false;
        self.state = match self.state {
            State::ResetRecvd(code) => State::ResetRead(code),
            State::DataRecvd if self.data.readable() == 0 => State::DataRead,
            state => state,
        };
    }

    /// Copies what can be read into `out`; 0 is the end of the stream, unless `out` is empty.
    pub(super) fn read(
        &mut self,
        pace: Pace,
        out: &mut [u8],
        pages: &mut Pages,
    ) -> Result<usize, ReadError> {
        self.look();
        self.peek()?;
        let length = self.data.read(out, pages);
        self.credit(length as u64, pace);
        Ok(length)
    }

    /// The application has used the next `bytes` that it peeked at. Returns how many there were.
    pub(super) fn consume(&mut self, pace: Pace, bytes: u64, pages: &mut Pages) -> u64 {
        self.look();
        let consumed = self.data.consume(bytes, pages);
        self.credit(consumed, pace);
        consumed
    }

    fn credit(&mut self, bytes: u64, pace: Pace) {
        self.window.consume(bytes, Some(pace));
        if self.state != State::Recv {
            self.window.announcement().withdraw();
        }
    }

    /// Some control frame is due.
    pub(super) fn wants_control(&self) -> bool {
        self.stop.due().is_some() || self.window.due().is_some()
    }

    /// Writes the control frames that are due. Returns whether they fitted.
    pub(super) fn fill_control(&mut self, id: StreamId, packet: &mut PacketBuilder<'_>) -> bool {
        if let Some(code) = self.stop.due() {
            let frame = Frame::StopSending { id, code };
            if !packet.push_recorded(&frame, Record::StopSending(id)) {
                return false;
            }
            self.stop.written();
        }
        if let Some(limit) = self.window.due() {
            let frame = Frame::MaxStreamData { id, limit };
            if !packet.push_recorded(&frame, Record::MaxStreamData { id, limit }) {
                return false;
            }
            self.window.announcement().written();
        }
        true
    }

    /// A STOP_SENDING frame's packet met its fate.
    pub(super) fn on_stop_fate(&mut self, fate: Fate) {
        if let Some(code) = self.stop.value() {
            self.stop.settle(code, fate);
        }
    }

    /// A MAX_STREAM_DATA frame's packet met its fate.
    pub(super) fn on_limit_fate(&mut self, limit: u64, fate: Fate) {
        self.window.announcement().settle(limit, fate);
    }

    /// Frames of the peer still change something.
    fn is_receiving(&self) -> bool {
        matches!(self.state, State::Recv | State::SizeKnown)
    }

    /// Gives back memory that holds nothing.
    pub(super) fn rest(&mut self) {
        self.data.rest();
    }

    /// Present size of the window.
    pub(super) fn window_size(&self) -> u64 {
        self.window.size()
    }

    /// Nothing can happen any more, and the application knows.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, State::DataRead | State::ResetRead(_))
    }
}

/// The part of a STREAM frame that concerns the receiving half.
#[derive(Clone, Copy, Debug)]
pub(super) struct Data<'a> {
    pub(super) offset: u64,
    pub(super) bytes: &'a [u8],
    pub(super) fin: bool,
}

#[cfg(test)]
mod tests;
