//! Whose turn it is: slots that were touched, that may send, and that wait for a time.

use std::collections::{BTreeSet, VecDeque};

use super::dial::Step;
use super::slot::{Slot, State};
use super::turns::Load;
use super::{ConnectionHandle, Endpoint, Event};
use crate::base::Instant;
use crate::base::limits::SHORT_DATAGRAM;
use crate::base::time::earliest;
use crate::close::ConnectionError;
use crate::connection::{ConnectionEvent, Transmit};

/// Queues of slot indices. A slot stands in each at most once.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    /// Something was done to them; events, ids and deadlines are to be looked at.
    dirty: Vec<u32>,
    /// They may have something to send; they take turns.
    ready: VecDeque<u32>,
    timers: BTreeSet<(Instant, u32)>,
}

impl Endpoint {
    /// Notes that something was done to a slot.
    pub(super) fn touch(&mut self, index: u32) {
        let Some(slot) = self.slots.get_mut(index as usize) else {
            return;
        };
        if !std::mem::replace(&mut slot.is_dirty, true) {
            self.schedule.dirty.push(index);
        }
        self.make_ready(index);
    }

    fn make_ready(&mut self, index: u32) {
        let Some(slot) = self.slots.get_mut(index as usize) else {
            return;
        };
        if !std::mem::replace(&mut slot.is_ready, true) {
            self.schedule.ready.push_back(index);
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.settle(now);
        self.half_opens.expire(now);
        while let Some((at, index)) = self.schedule.timers.first().copied() {
            if at > now {
                break;
            }
            self.schedule.timers.pop_first();
            self.on_slot_due(now, index);
        }
        self.settle(now);
    }

    /// What a dial has to say does not wait until somebody looks at the timers: the first message of a new one above all.
    fn speak_if_due(&mut self, now: Instant, index: u32) {
        let Some(slot) = self.slots.get_mut(index as usize) else {
            return;
        };
        if matches!(&slot.state, State::Dialling(attempt) if attempt.due() <= now) {
            if let Some(at) = slot.deadline {
                self.schedule.timers.remove(&(at, index));
            }
            self.on_slot_due(now, index);
        }
        self.settle_one(now, index);
    }

    fn on_slot_due(&mut self, now: Instant, index: u32) {
        let Some(slot) = self.slots.get_mut(index as usize) else {
            return;
        };
        slot.deadline = None;
        match &mut slot.state {
            State::Live(connection) => {
                connection.handle_timeout(now);
                if connection.is_at_rest() {
                    self.rest_pages(index);
                }
            }
            State::Dialling(attempt) => {
                let cookie = self.cookies.mint(now, attempt.remote());
                let (remote, step) =
                    (attempt.remote(), attempt.on_due(now, cookie, &mut *self.entropy));
                match step {
                    Step::Send(datagrams) => {
                        for datagram in datagrams {
                            self.outbox.push(remote, None, datagram);
                        }
                    }
                    Step::TimedOut(error) => self.fail_dial(index, error),
                }
            }
            State::Failed => {}
        }
        self.touch(index);
    }

    /// Looks at everything that was touched.
    pub(super) fn settle(&mut self, now: Instant) {
        while let Some(index) = self.schedule.dirty.pop() {
            self.settle_one(now, index);
        }
    }

    fn settle_one(&mut self, now: Instant, index: u32) {
        let Some(slot) = self.slots.get_mut(index as usize) else {
            return;
        };
        slot.is_dirty = false;
        self.settle_cids(index);
        self.settle_reset(index);
        self.settle_turn(index);
        self.settle_events(index);
        self.settle_deadline(now, index);
        self.free_if_over(index);
    }

    fn settle_cids(&mut self, index: u32) {
        let Some(connection) = self.slots.get_mut(index as usize).and_then(Slot::connection) else {
            return;
        };
        while let Some(cid) = connection.poll_retired_cid() {
            self.by_cid.remove(&cid);
        }
        for _ in 0..connection.cids_wanted() {
            let cid = super::ids::fresh_cid(self.shard, &self.by_cid, &mut *self.entropy);
            let token =
                self.reset_key.as_ref().map_or_else(|| self.entropy.array(), |key| key.token(cid));
            self.by_cid.insert(cid, index);
            connection.issue_cid(cid, token);
        }
    }

    fn settle_reset(&mut self, index: u32) {
        let Some(slot) = self.slots.get_mut(index as usize) else {
            return;
        };
        let token = slot.connection().and_then(|connection| connection.reset_token());
        let known = std::mem::replace(&mut slot.reset_token, token);
        if known != token {
            self.resets.change(index, known, token);
        }
    }

    fn settle_events(&mut self, index: u32) {
        let handle = self.handle(index);
        while let Some(event) = self.next_event(index) {
            let event = match event {
                ConnectionEvent::Confirmed => {
                    self.on_confirmed(index);
                    Event::Confirmed(handle)
                }
                ConnectionEvent::Stream(event) => Event::Stream(handle, event),
                ConnectionEvent::DatagramReceived => Event::DatagramReceived(handle),
                ConnectionEvent::DatagramRoom => Event::DatagramRoom(handle),
                ConnectionEvent::PathChanged(remote) => Event::PathChanged(handle, remote),
                ConnectionEvent::ObservedAddress(address) => {
                    Event::ObservedAddress(handle, address)
                }
                ConnectionEvent::Candidates => Event::Candidates(handle),
                ConnectionEvent::Closed(reason) => {
                    self.on_connection_closed(index);
                    Event::Closed(handle, reason)
                }
            };
            // Of a connection that is withheld (SPEC §5.6) nothing is told but its end.
            let is_end = matches!(event, Event::Closed(..));
            let slot = self.slots.get(index as usize);
            if slot.is_some_and(|slot| !slot.released && (slot.reported || is_end)) {
                self.events.push_back(event);
            }
        }
    }

    fn next_event(&mut self, index: u32) -> Option<ConnectionEvent> {
        self.slots.get_mut(index as usize)?.connection()?.poll_event()
    }

    /// The peer was heard: the attempt is over, and a connection that was withheld may be used.
    fn on_confirmed(&mut self, index: u32) {
        self.close_attempt(index);
        self.report(index);
    }

    /// Tells the owner that its dial has succeeded, once.
    pub(super) fn report(&mut self, index: u32) {
        let handle = self.handle(index);
        let Some(slot) = self.slots.get_mut(index as usize) else {
            return;
        };
        if !std::mem::replace(&mut slot.reported, true) && !slot.released {
            self.events.push_back(Event::Connected(handle));
        }
    }

    fn on_connection_closed(&mut self, index: u32) {
        self.close_attempt(index);
    }

    /// The slot is not an open attempt any more.
    pub(super) fn close_attempt(&mut self, index: u32) {
        let open = self.slots.get_mut(index as usize).and_then(|slot| slot.open.take());
        if let Some(open) = open {
            self.open.remove(index, &open);
        }
    }

    /// A dial has failed.
    pub(super) fn fail_dial(&mut self, index: u32, error: ConnectionError) {
        self.close_attempt(index);
        let handle = self.handle(index);
        if let Some(slot) = self.slots.get_mut(index as usize) {
            slot.state = State::Failed;
            if !slot.released {
                self.events.push_back(Event::Closed(handle, error));
            }
        }
    }

    /// Counts what the connection has in flight, and calls whom that leaves room for.
    fn settle_turn(&mut self, index: u32) {
        let Some(slot) = self.slots.get_mut(index as usize) else {
            return;
        };
        let before = slot.part.crowd();
        match &slot.state {
            State::Live(connection) => {
                let load = Load {
                    remote: connection.remote_address(),
                    in_flight: connection.in_flight(),
                    window: connection.window(),
                    is_near: connection.is_near(),
                };
                self.turns.update(&mut slot.part, load);
            }
            State::Dialling(_) | State::Failed => self.turns.leave(&mut slot.part),
        }
        let takes_turns = self.turns.takes_turns(&slot.part);
        let is_far = self.turns.is_far(&slot.part);
        if let Some(connection) = slot.connection() {
            connection.take_turns(takes_turns);
            connection.hold_writers(is_far);
        }
        let after = slot.part.crowd();
        self.call_next(before);
        if after != before {
            self.call_next(after);
        }
    }

    /// Whether the connection takes turns with others to the same address (SPEC §8.3).
    pub(crate) fn takes_turns(&self, handle: ConnectionHandle) -> bool {
        let slot = self.slots.get(handle.index as usize);
        slot.is_some_and(|slot| {
            slot.generation == handle.generation && self.turns.takes_turns(&slot.part)
        })
    }

    /// The first that still waits in this crowd sends next, if there is room.
    fn call_next(&mut self, crowd: Option<usize>) {
        let Some(crowd) = crowd else { return };
        while let Some(next) = self.turns.next(crowd) {
            self.call_up(self.turns.newly_ahead(crowd));
            let slot = self.slots.get_mut(next as usize);
            if slot.is_some_and(|slot| self.turns.call(&mut slot.part)) {
                return self.make_ready(next);
            }
        }
    }

    /// The writers of a connection that has its turn soon are woken.
    fn call_up(&mut self, index: Option<u32>) {
        let Some(index) = index else { return };
        if let Some(slot) = self.slots.get_mut(index as usize) {
            slot.part.call_up();
            self.touch(index);
        }
    }

    fn settle_deadline(&mut self, now: Instant, index: u32) {
        let Some(slot) = self.slots.get_mut(index as usize) else {
            return;
        };
        let deadline = match &slot.state {
            State::Dialling(attempt) => Some(attempt.due()),
            State::Live(connection) => connection.deadline(),
            State::Failed => None,
        };
        // What has come already is looked at when the slot is polled, which follows if it is ready. A timer would wake its keeper again and
        // again until then: whoever polls may be another thread, in the middle of a datagram. But one that is left from a poll stays:
        // what it is for has not been done.
        let has_come = |at: &Instant| *at <= now;
        let is_kept = slot.deadline.as_ref().is_some_and(has_come);
        let is_left_to_poll = slot.is_ready && !is_kept;
        let deadline =
            deadline.filter(|at| !(is_left_to_poll && has_come(at))).map(|at| at.max(now));
        if slot.deadline == deadline {
            return;
        }
        if let Some(old) = slot.deadline {
            self.schedule.timers.remove(&(old, index));
        }
        slot.deadline = deadline;
        if let Some(at) = deadline {
            self.schedule.timers.insert((at, index));
        }
    }

    /// Frees what the owner has let go and the protocol does not need any more.
    fn free_if_over(&mut self, index: u32) {
        let Some(slot) = self.slots.get_mut(index as usize) else {
            return;
        };
        if !slot.is_over() {
            return;
        }
        let (released, deadline) = (slot.released, slot.deadline.take());
        if let Some(connection) = slot.connection() {
            for cid in connection.local_cids() {
                self.by_cid.remove(&cid);
            }
        }
        if let Some(at) = deadline {
            self.schedule.timers.remove(&(at, index));
        }
        self.close_attempt(index);
        if released {
            self.leave_pages(index);
            let mut part = self.slots.remove(index as usize).part;
            let crowd = part.crowd();
            self.turns.leave(&mut part);
            self.call_next(crowd);
        }
    }

    /// The next datagrams to send: at most `segments` of equal size, at the start of `buffer`, which should hold 64 KiB. Call it until
    /// it returns `None` after every input.
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        segments: usize,
    ) -> Option<Transmit> {
        self.settle(now);
        if let Some(transmit) = self.outbox.poll(buffer, segments) {
            return Some(transmit);
        }
        while let Some(index) = self.schedule.ready.pop_front() {
            let Some(slot) = self.slots.get_mut(index as usize) else {
                continue;
            };
            let share = self.turns.share(&mut slot.part);
            let Slot { state: State::Live(connection), part, is_ready, .. } = slot else {
                slot.is_ready = false;
                self.speak_if_due(now, index);
                if let Some(transmit) = self.outbox.poll(buffer, segments) {
                    return Some(transmit);
                }
                continue;
            };
            connection.set_turn(self.turns.left(part));
            let transmit = connection.poll_transmit(now, buffer, segments.max(1), share);
            let sent = transmit.map_or(0, |transmit| transmit.size);
            let goes_on = self.turns.on_sent(part, sent, connection.awaits_writer());
            if transmit.is_some() {
                if goes_on {
                    self.schedule.ready.push_front(index);
                } else {
                    self.schedule.ready.push_back(index);
                }
                self.settle_turn(index);
                return transmit.map(|transmit| self.gather(now, buffer, segments, transmit));
            }
            *is_ready = false;
            if connection.waits_for_turn() || connection.holds_writer() {
                self.turns.wait(index, part);
            }
            self.settle_one(now, index);
        }
        None
    }

    /// Adds short datagrams of the connections that come next to one that leaves for the same address. Those connections stay ready.
    fn gather(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        segments: usize,
        mut batch: Transmit,
    ) -> Transmit {
        let segment = batch.segment_size;
        if batch.size > segment.min(SHORT_DATAGRAM) {
            return batch;
        }
        for _ in 1..segments {
            let Some(space) = buffer.get_mut(batch.size..batch.size + segment) else { break };
            let Some(index) = self.schedule.ready.front().copied() else { break };
            let Some(slot) = self.slots.get_mut(index as usize) else { break };
            let Some(connection) = slot.connection() else { break };
            let Some(length) = connection.transmit_beside(now, space, &batch) else { break };
            batch.size += length;
            self.schedule.ready.rotate_left(1);
            self.settle_turn(index);
            if length < segment {
                break;
            }
        }
        batch
    }

    /// Nothing was done of which [`Self::poll_transmit`] has not told what follows.
    pub(crate) fn is_quiet(&self) -> bool {
        self.outbox.is_empty() && self.schedule.dirty.is_empty() && self.schedule.ready.is_empty()
    }

    /// When to call [`Self::handle_timeout`]. Valid after [`Self::poll_transmit`] has returned `None`.
    pub fn poll_timeout(&mut self) -> Option<Instant> {
        let timer = self.schedule.timers.first().map(|(at, _)| *at);
        earliest(timer, self.half_opens.deadline())
    }

    /// The next thing to tell the owner.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }
}
