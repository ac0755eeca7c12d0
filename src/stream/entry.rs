//! One stream: its halves, and where the connection has it on its lists.

use super::buffering::Backlog;
use super::recv::ReceiveHalf;
use super::schedule::Ticket;
use super::send::SendHalf;
use crate::wire::StreamId;

/// A stream that is not closed.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: StreamId,
    pub(super) priority: i32,
    /// Absent if only the peer sends.
    pub(super) send: Option<SendHalf>,
    /// Absent if only we send.
    pub(super) receive: Option<ReceiveHalf>,
    /// What the agenda believes about this stream.
    pub(super) listed: Listed,
}

/// The lists that hold a stream. Written by the agenda alone.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) control: bool,
    pub(super) repair: Option<Ticket>,
    pub(super) fresh: Option<Ticket>,
    pub(super) ending: bool,
    pub(super) backlog: Backlog,
}

impl Stream {
    /// A stream with these halves.
    pub(super) fn new(id: StreamId, send: Option<SendHalf>, receive: Option<ReceiveHalf>) -> Self {
        Self { id, priority: 0, send, receive, listed: Listed::default() }
    }

    /// Nothing can happen any more, and the application knows.
    pub(super) fn is_closed(&self) -> bool {
        self.send.as_ref().is_none_or(SendHalf::is_closed)
            && self.receive.as_ref().is_none_or(ReceiveHalf::is_closed)
    }

    /// Gives back memory that holds nothing.
    pub(super) fn rest(&mut self) {
        if let Some(send) = &mut self.send {
            send.rest();
        }
        if let Some(receive) = &mut self.receive {
            receive.rest();
        }
    }

    /// Some control frame is due.
    pub(super) fn wants_control(&self) -> bool {
        self.send.as_ref().is_some_and(SendHalf::wants_control)
            || self.receive.as_ref().is_some_and(ReceiveHalf::wants_control)
    }
}
