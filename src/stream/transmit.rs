//! What goes into packets, in which order, and what becomes of it.
//!
//! Control frames go first, for they are short and somebody waits for them: a peer for credit, or a reader for the end.
//! Then lost data, then new data.

use super::agenda::Lane;
use super::send::{Carried, State};
use super::{StreamEvent, Streams};
use crate::vocab::{Fate, PacketBuilder, Record};
use crate::wire::{Direction, Frame, StreamId};

const DIRECTIONS: [Direction; 2] = [Direction::Bidirectional, Direction::Unidirectional];

impl Streams {
    /// Would [`Self::fill`] write something into an empty packet?
    pub(crate) fn wants_to_send(&self) -> bool {
        self.wants_control()
            || self.agenda.wants_without_credit()
            || (!self.is_held && self.agenda.wants_credit() && self.credit.available() > 0)
    }

    /// From now on new data stays where it is, or does not. What is to be repeated leaves all the same.
    pub(crate) fn hold(&mut self, holds: bool) {
        self.is_held = holds;
    }

    /// Bytes that were written and never sent, whether or not the peer has given credit for them.
    pub(crate) fn unsent(&self) -> u64 {
        self.agenda.unsent()
    }

    pub(super) fn wants_control(&self) -> bool {
        self.window.due().is_some()
            || self.credit.blocked_due().is_some()
            || DIRECTIONS.into_iter().any(|direction| {
                self.remote.get(direction).due().is_some()
                    || self.local.get(direction).blocked_due().is_some()
            })
    }

    /// Writes what there is to send until the packet is full.
    pub(crate) fn fill(&mut self, packet: &mut PacketBuilder<'_>) {
        let room = self.fill_connection_control(packet)
            && self.fill_stream_control(packet)
            && self.fill_data(Lane::Repair, packet)
            && (self.is_held || self.fill_data(Lane::Fresh, packet));
        if room {
            self.note_demand();
        }
    }

    fn fill_connection_control(&mut self, packet: &mut PacketBuilder<'_>) -> bool {
        if let Some(limit) = self.window.due() {
            if !packet.push_recorded(&Frame::MaxData { limit }, Record::MaxData { limit }) {
                return false;
            }
            self.window.announcement().written();
        }
        if let Some(limit) = self.credit.blocked_due() {
            if !packet.push_recorded(&Frame::DataBlocked { limit }, Record::DataBlocked { limit }) {
                return false;
            }
            self.credit.blocked().written();
        }
        DIRECTIONS.into_iter().all(|direction| self.fill_counts(direction, packet))
    }

    fn fill_counts(&mut self, direction: Direction, packet: &mut PacketBuilder<'_>) -> bool {
        if let Some(limit) = self.remote.get(direction).due() {
            let frame = Frame::MaxStreams { direction, limit };
            if !packet.push_recorded(&frame, Record::MaxStreams { direction, limit }) {
                return false;
            }
            self.remote.get_mut(direction).announcement().written();
        }
        if let Some(limit) = self.local.get(direction).blocked_due() {
            let frame = Frame::StreamsBlocked { direction, limit };
            if !packet.push_recorded(&frame, Record::StreamsBlocked { direction, limit }) {
                return false;
            }
            self.local.get_mut(direction).blocked().written();
        }
        true
    }

    fn fill_stream_control(&mut self, packet: &mut PacketBuilder<'_>) -> bool {
        while let Some(id) = self.agenda.first_control() {
            let Some(stream) = self.table.get(id) else { return false };
            let sent = stream.send.as_mut().is_none_or(|send| send.fill_control(id, packet));
            let all = sent
                && stream.receive.as_mut().is_none_or(|receive| receive.fill_control(id, packet));
            self.agenda.update(stream);
            if !all {
                return false;
            }
        }
        true
    }

    fn fill_data(&mut self, lane: Lane, packet: &mut PacketBuilder<'_>) -> bool {
        while let Some(id) = self.agenda.first(lane) {
            let credit = self.credit.available();
            if lane == Lane::Fresh && credit == 0 {
                break;
            }
            let Some(stream) = self.table.get(id) else { return false };
            let Some(send) = &mut stream.send else { return false };
            let written = match lane {
                Lane::Repair => send.fill_repair(id, packet),
                Lane::Fresh => send.fill_fresh(id, credit, packet),
            };
            let Some(written) = written else { return false };
            let backlog = send.backlog();
            self.agenda.served(lane, stream, written);
            if lane == Lane::Fresh {
                self.credit.spend(written);
                self.wake(id, backlog);
            }
        }
        true
    }

    /// A record of ours comes back with its packet's fate; others are ignored.
    pub(crate) fn on_fate(&mut self, record: &Record, fate: Fate) {
        match *record {
            Record::Stream { id, offset, length, fin } => {
                self.on_data_fate(id, Carried { offset, length, fin }, fate);
            }
            Record::MaxData { limit } => self.window.announcement().settle(limit, fate),
            Record::DataBlocked { limit } => self.credit.blocked().settle(limit, fate),
            Record::MaxStreams { direction, limit } => {
                self.remote.get_mut(direction).announcement().settle(limit, fate);
            }
            Record::StreamsBlocked { direction, limit } => {
                self.local.get_mut(direction).blocked().settle(limit, fate);
            }
            Record::ResetStream(id)
            | Record::StopSending(id)
            | Record::MaxStreamData { id, .. }
            | Record::StreamDataBlocked { id, .. } => self.on_control_fate(id, record, fate),
            _ => {}
        }
    }

    fn on_data_fate(&mut self, id: StreamId, carried: Carried, fate: Fate) {
        let Some(stream) = self.table.get(id) else { return };
        let Some(send) = &mut stream.send else { return };
        let before = send.state();
        send.on_fate(carried, fate, &mut self.pages);
        let (state, backlog) = (send.state(), send.backlog());
        self.agenda.update(stream);
        if stream.is_closed() {
            self.close(id);
        }
        if state != before && state == State::DataRecvd {
            self.events.push_back(StreamEvent::Finished(id));
        }
        if fate == Fate::Acked {
            self.wake(id, backlog);
        }
    }

    fn on_control_fate(&mut self, id: StreamId, record: &Record, fate: Fate) {
        let Some(stream) = self.table.get(id) else { return };
        match (*record, &mut stream.send, &mut stream.receive) {
            (Record::ResetStream(_), Some(send), _) => send.on_reset_fate(fate),
            (Record::StreamDataBlocked { limit, .. }, Some(send), _) => {
                send.on_blocked_fate(limit, fate);
            }
            (Record::StopSending(_), _, Some(receive)) => receive.on_stop_fate(fate),
            (Record::MaxStreamData { limit, .. }, _, Some(receive)) => {
                receive.on_limit_fate(limit, fate);
            }
            _ => {}
        }
        self.settle(id);
    }
}
