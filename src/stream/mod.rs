//! Floor 4: streams. Ordered bytes in, ordered bytes out, whatever happens to packets (RFC 9000 §2 to §4, SPEC §9).
//!
//! ```text
//!  application --open, write, finish, reset-->  [ SendHalf: Outgoing, Credit ]   --fill-->  packets
//!              <-accept, read, stop------------ [ ReceiveHalf: Assembler, Window ] <-on_frame-- frames
//!                                                                               <-on_fate--  records
//! ```
//!
//! [`Streams`] holds what the streams of a connection share: the table, the counts, flow control of the connection,
//! free pages, and the agenda of who has something to send. Each call changes a stream and lets the agenda look at it.

mod agenda;
mod application;
mod assembler;
mod buffering;
mod config;
mod counts;
mod entry;
mod error;
mod event;
mod flow;
mod islands;
mod network;
mod outgoing;
mod pages;
mod pending;
mod recv;
mod run;
mod schedule;
mod send;
mod table;
mod transmit;

use std::collections::VecDeque;

pub(crate) use config::StreamConfig;
pub use error::{ReadError, WriteError};
pub use event::StreamEvent;
pub(crate) use event::StreamStats;

use agenda::Agenda;
use buffering::Buffering;
use counts::{Local, PerDirection, Remote};
use flow::{Credit, Window};
use pages::Pages;
pub(crate) use pages::Pool;
use table::Table;

use crate::base::limits::STREAM_PAGE;
use crate::wire::{Role, StreamId};

/// The streams of a connection.
#[derive(Debug)]
pub(crate) struct Streams {
    role: Role,
    table: Table,
    local: PerDirection<Local>,
    remote: PerDirection<Remote>,
    agenda: Agenda,
    credit: Credit,
    window: Window,
    buffering: Buffering,
    pages: Pages,
    /// New data stays where it is.
    is_held: bool,
    events: VecDeque<StreamEvent>,
}

impl Streams {
    /// No streams, and none allowed before the peer's parameters are known. Our own parameters have to promise what
    /// `config` says.
    pub(crate) fn new(role: Role, config: &StreamConfig) -> Self {
        Self {
            role,
            table: Table::new(role, config.stream_window, config.stream_window_max),
            local: PerDirection::default(),
            remote: PerDirection {
                bidirectional: Remote::new(config.max_streams_bidi),
                unidirectional: Remote::new(config.max_streams_uni),
            },
            agenda: Agenda::default(),
            credit: Credit::new(0),
            window: Window::new(config.connection_window, config.connection_window_max),
            buffering: Buffering::new(config.send_buffer),
            pages: Pages::default(),
            is_held: false,
            events: VecDeque::new(),
        }
    }

    /// What happened, oldest first.
    pub(crate) fn poll_event(&mut self) -> Option<StreamEvent> {
        self.events.pop_front()
    }

    /// All that was written, and every end that was asked for, is acknowledged.
    pub(crate) fn is_drained(&self) -> bool {
        self.agenda.is_drained()
    }

    /// Gives back memory that holds nothing at the moment.
    pub(crate) fn rest(&mut self) {
        self.table.rest();
        self.agenda.rest();
        self.events.shrink_to_fit();
    }

    /// Borrows the pool of free pages, until [`Self::give_back_pages`].
    pub(crate) fn borrow_pages(&mut self, pool: &mut Pool) {
        self.pages.borrow_from(pool);
    }

    pub(crate) fn give_back_pages(&mut self, pool: &mut Pool) {
        self.pages.give_back(pool);
    }

    /// As [`Self::give_back_pages`], when the connection has come to rest.
    pub(crate) fn rest_pages(&mut self, pool: &mut Pool) {
        self.pages.rest(pool);
    }

    /// As [`Self::give_back_pages`], before the connection is forgotten.
    pub(crate) fn leave_pages(&mut self, pool: &mut Pool) {
        self.pages.leave(pool);
    }

    /// Numbers for statistics.
    pub(crate) fn stats(&self) -> StreamStats {
        StreamStats {
            open: self.table.len(),
            send_buffered: self.agenda.buffered(),
            receive_window: self.window.size(),
            page_bytes: self.pages.used() * STREAM_PAGE,
            pages_allocated: self.pages.allocated(),
        }
    }

    /// A stream has changed: brings the agenda up to date, and forgets the stream if it is closed.
    fn settle(&mut self, id: StreamId) {
        let Some(stream) = self.table.get(id) else { return };
        self.agenda.update(stream);
        if stream.is_closed() {
            self.close(id);
        }
    }

    /// Forgets a stream to which nothing can happen any more.
    fn close(&mut self, id: StreamId) {
        let stream = self.table.remove(id);
        debug_assert!(
            stream.is_none_or(|stream| stream.listed == entry::Listed::default()),
            "a closed stream has nothing to send"
        );
        self.buffering.forget(id);
        if id.initiator() != self.role {
            self.remote.get_mut(id.direction()).close();
        }
    }
}

/// The window of a connection beside a stream's: one stream that is not read must not stop the others.
fn beside(stream: u64) -> u64 {
    stream.saturating_add(stream / 2)
}

#[cfg(test)]
mod tests;
