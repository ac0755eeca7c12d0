//! Which stream sends next: the highest priority first, streams of one priority in turns of [`STREAM_TURN`] bytes.
//!
//! Whoever waits has a ticket; the lowest ticket of the highest priority is served until its turn is used up, and then
//! gets a new ticket. So every waiting stream of a priority is served before any is served twice.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::base::limits::STREAM_TURN;
use crate::wire::StreamId;

/// A place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket {
    priority: Reverse<i32>,
    number: u64,
}

/// Streams that have something to send.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    waiting: BTreeMap<Ticket, StreamId>,
    issued: u64,
    /// Who is being served, and how many bytes it has sent in this turn.
    turn: Option<(Ticket, u64)>,
}

impl Schedule {
    /// Puts a stream behind those of its priority.
    pub(super) fn enter(&mut self, id: StreamId, priority: i32) -> Ticket {
        let ticket = Ticket { priority: Reverse(priority), number: self.issued };
        self.issued += 1;
        self.waiting.insert(ticket, id);
        ticket
    }

    /// A stream has nothing to send any more.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        self.waiting.remove(&ticket);
    }

    /// Gives back memory that holds nothing: an empty map keeps a node.
    pub(super) fn rest(&mut self) {
        if self.waiting.is_empty() {
            self.waiting = BTreeMap::new();
        }
    }

    /// Who is served next.
    pub(super) fn first(&self) -> Option<StreamId> {
        self.waiting.first_key_value().map(|(_, &id)| id)
    }

    /// The holder of a ticket sent `bytes`. Returns its ticket from now on.
    pub(super) fn served(&mut self, ticket: Ticket, bytes: u64) -> Ticket {
        let sent = self.sent(ticket) + bytes;
        if sent < STREAM_TURN {
            self.turn = Some((ticket, sent));
            return ticket;
        }
        self.turn = None;
        match self.waiting.remove(&ticket) {
            Some(id) => self.enter(id, ticket.priority.0),
            None => ticket,
        }
    }

    /// Bytes until the turn of this holder is used up.
    pub(super) fn turn(&self, ticket: Ticket) -> u64 {
        STREAM_TURN.saturating_sub(self.sent(ticket))
    }

    /// Bytes that the holder has sent in this turn.
    fn sent(&self, ticket: Ticket) -> u64 {
        match self.turn {
            Some((holder, sent)) if holder == ticket => sent,
            _ => 0,
        }
    }

    /// Nobody waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Direction, Role};

    fn id(index: u64) -> StreamId {
        StreamId::new(Role::Initiator, Direction::Bidirectional, index)
    }

    #[test]
    fn a_higher_priority_goes_first_and_equals_go_in_order() {
        let mut schedule = Schedule::default();
        schedule.enter(id(0), 0);
        schedule.enter(id(1), 0);
        let urgent = schedule.enter(id(2), 5);
        schedule.enter(id(3), -5);
        assert_eq!(schedule.first(), Some(id(2)));
        schedule.leave(urgent);
        assert_eq!(schedule.first(), Some(id(0)));
    }

    #[test]
    fn streams_of_one_priority_share_in_turns_of_bytes() {
        let mut schedule = Schedule::default();
        let mut tickets: Vec<_> = (0..3).map(|index| schedule.enter(id(index), 0)).collect();
        let mut sent = [0_u64; 3];
        for _ in 0..3000 {
            let index = usize::try_from(schedule.first().unwrap().index()).unwrap();
            sent[index] += 1000;
            tickets[index] = schedule.served(tickets[index], 1000);
            let spread = sent.iter().max().unwrap() - sent.iter().min().unwrap();
            assert!(spread <= STREAM_TURN + 1000, "{sent:?}");
        }
    }

    #[test]
    fn a_stream_keeps_its_turn_until_the_bytes_are_used_up() {
        let mut schedule = Schedule::default();
        let ticket = schedule.enter(id(0), 0);
        schedule.enter(id(1), 0);
        assert_eq!(schedule.served(ticket, STREAM_TURN - 1), ticket);
        assert_eq!(schedule.first(), Some(id(0)));
        assert_ne!(schedule.served(ticket, 1), ticket);
        assert_eq!(schedule.first(), Some(id(1)));
    }

    #[test]
    fn who_left_is_not_served() {
        let mut schedule = Schedule::default();
        let ticket = schedule.enter(id(0), 0);
        schedule.leave(ticket);
        assert_eq!(schedule.served(ticket, STREAM_TURN), ticket);
        assert!(schedule.is_empty());
    }
}
