//! What acknowledgements and losses mean, brought back to where the packet's contents came from.

use super::{Connection, ConnectionEvent};
use crate::base::{Instant, limits};
use crate::vocab::{Fate, Outcome, PathId, Record};

impl Connection {
    /// Tells paths and sources what became of their packets.
    pub(super) fn apply(&mut self, now: Instant, outcome: &Outcome) {
        self.paths.on_outcome(now, outcome);
        self.counters.settle(outcome);
        if let Some(newest) = outcome.acked.last() {
            self.keys.on_acked(newest.number);
            self.streams.on_send_window(self.paths.active().window(), self.unsent_max());
            self.recovery.expect_losses(self.acks.misses_often());
            self.retune_acks();
        }
        for (record, fate) in &outcome.fates {
            self.settle(*record, *fate);
        }
        self.finish_linger(now);
    }

    fn settle(&mut self, record: Record, fate: Fate) {
        match record {
            Record::Ack { largest } => self.acks.on_fate(largest, fate),
            Record::Stream { .. }
            | Record::ResetStream(_)
            | Record::StopSending(_)
            | Record::MaxData { .. }
            | Record::MaxStreamData { .. }
            | Record::MaxStreams { .. }
            | Record::DataBlocked { .. }
            | Record::StreamDataBlocked { .. }
            | Record::StreamsBlocked { .. } => self.streams.on_fate(&record, fate),
            Record::NewCid { sequence } => self.local_cids.on_fate(sequence, fate),
            Record::RetireCid { sequence } => self.peer_cids.on_fate(sequence, fate),
            Record::Established | Record::AckFrequency { .. } | Record::ObservedAddress { .. } => {
                self.controls.on_fate(record, fate);
            }
            Record::Candidates { generation } => self.lists.on_fate(generation, fate),
            Record::Datagram => {}
        }
    }

    /// Nothing on this path will be acknowledged any more: its contents are sent again, without a verdict on congestion.
    pub(super) fn abandon(&mut self, now: Instant, path: PathId) {
        let mut outcome = self.outcome.take().unwrap_or_default();
        outcome.clear();
        self.recovery.forget_path(path, &mut outcome);
        self.apply(now, &outcome);
        self.outcome = Some(outcome);
    }

    /// Asks the peer for a few acknowledgements per round trip.
    fn retune_acks(&mut self) {
        let Some(least) = self.peer_min_ack_delay else {
            return;
        };
        let path = self.paths.active();
        let round_trip = if self.acks.misses_often() {
            limits::ACKS_OVER_LOSSY_PATH
        } else if self.is_near() {
            limits::ACKS_OVER_NEAR_PATH
        } else {
            limits::ACKS_PER_ROUND_TRIP
        };
        if let Some(frequency) = super::controls::Frequency::for_path(
            round_trip,
            path.window(),
            path.datagram_size() as u64,
            &path.rtt(),
            least..=self.peer_max_ack_delay,
        ) {
            self.controls.ask_frequency(frequency);
        }
    }

    /// All that was written has arrived: a lingering close can go on.
    pub(super) fn finish_linger(&mut self, now: Instant) {
        if self.lifetime.is_lingering() && self.is_delivered() {
            self.lifetime.on_drained_streams(now);
        }
    }

    pub(super) fn report_room(&mut self) {
        if self.datagrams.poll_room() {
            self.tell(ConnectionEvent::DatagramRoom);
        }
    }
}
