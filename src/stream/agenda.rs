//! Which streams have something to send. Whoever changes a stream lets the agenda look at it afterwards.

use std::collections::BTreeSet;

use super::buffering::Backlog;
use super::entry::Stream;
use super::schedule::{Schedule, Ticket};
use crate::wire::StreamId;

/// What kind of stream data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Lost data and lone FINs: spend no credit of the connection, and go first, for they hold up the peer's reader.
    Repair,
    /// Data never sent: spends credit of the connection.
    Fresh,
}

/// The lists, and sums over all streams.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    control: BTreeSet<StreamId>,
    repair: Schedule,
    fresh: Schedule,
    ending: usize,
    backlog: Backlog,
}

impl Agenda {
    /// Brings the lists up to date with one stream.
    pub(super) fn update(&mut self, stream: &mut Stream) {
        let control = stream.wants_control();
        if control != stream.listed.control {
            stream.listed.control = control;
            if control {
                self.control.insert(stream.id);
            } else {
                self.control.remove(&stream.id);
            }
        }
        let Some(send) = &stream.send else { return };
        let (id, priority, listed) = (stream.id, stream.priority, &mut stream.listed);
        Self::enlist(&mut self.repair, &mut listed.repair, send.wants_repair(), (id, priority));
        Self::enlist(&mut self.fresh, &mut listed.fresh, send.wants_fresh(), (id, priority));
        let (before, after) = (listed.backlog, send.backlog());
        self.backlog.buffered = self.backlog.buffered - before.buffered + after.buffered;
        self.backlog.unsent = self.backlog.unsent - before.unsent + after.unsent;
        listed.backlog = after;
        self.ending = self.ending - usize::from(listed.ending) + usize::from(send.is_ending());
        listed.ending = send.is_ending();
    }

    /// Gives back memory that holds nothing: an empty set keeps a node.
    pub(super) fn rest(&mut self) {
        if self.control.is_empty() {
            self.control = BTreeSet::new();
        }
        self.repair.rest();
        self.fresh.rest();
    }

    fn enlist(
        schedule: &mut Schedule,
        ticket: &mut Option<Ticket>,
        wanted: bool,
        (id, priority): (StreamId, i32),
    ) {
        match (*ticket, wanted) {
            (None, true) => *ticket = Some(schedule.enter(id, priority)),
            (Some(held), false) => {
                schedule.leave(held);
                *ticket = None;
            }
            _ => {}
        }
    }

    /// A stream with a new priority queues up anew.
    pub(super) fn requeue(&mut self, stream: &mut Stream) {
        if let Some(ticket) = stream.listed.repair.take() {
            self.repair.leave(ticket);
        }
        if let Some(ticket) = stream.listed.fresh.take() {
            self.fresh.leave(ticket);
        }
        self.update(stream);
    }

    /// A stream sent so many bytes.
    pub(super) fn served(&mut self, lane: Lane, stream: &mut Stream, bytes: u64) {
        let ticket = match lane {
            Lane::Repair => &mut stream.listed.repair,
            Lane::Fresh => &mut stream.listed.fresh,
        };
        if let Some(held) = *ticket {
            let schedule = match lane {
                Lane::Repair => &mut self.repair,
                Lane::Fresh => &mut self.fresh,
            };
            *ticket = Some(schedule.served(held, bytes));
        }
        self.update(stream);
    }

    /// The next stream of a lane.
    pub(super) fn first(&self, lane: Lane) -> Option<StreamId> {
        match lane {
            Lane::Repair => self.repair.first(),
            Lane::Fresh => self.fresh.first(),
        }
    }

    /// Bytes of new data that the next stream may send before another one has its turn.
    pub(super) fn turn(&self, ticket: Ticket) -> u64 {
        self.fresh.turn(ticket)
    }

    /// The next stream with a control frame that is due.
    pub(super) fn first_control(&self) -> Option<StreamId> {
        self.control.first().copied()
    }

    /// Some stream has something that needs no credit of the connection.
    pub(super) fn wants_without_credit(&self) -> bool {
        !self.control.is_empty() || !self.repair.is_empty()
    }

    /// Some stream has new data.
    pub(super) fn wants_credit(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Bytes that are written and not acknowledged.
    pub(super) fn buffered(&self) -> u64 {
        self.backlog.buffered
    }

    /// Of these, never sent.
    pub(super) fn unsent(&self) -> u64 {
        self.backlog.unsent
    }

    /// All that was written, and every end that was asked for, is acknowledged.
    pub(super) fn is_drained(&self) -> bool {
        self.backlog.buffered == 0 && self.ending == 0
    }
}
