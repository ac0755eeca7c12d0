//! One side of one connection: writes, reads, resets and closes at random, and acts only when an event told it to.

mod traffic;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use srudp::proto::{Connection, ConnectionStats, Instant, StreamEvent};
use srudp::{ApplicationCode, ConnectionError, Direction, Role, StreamId};
use srudp_links::Generator;

use super::figures::{self, Bounds};
use super::truth::{Half, Tag, Truth};

/// Streams that one side opens on one connection.
const STREAMS: usize = 24;

#[derive(Debug, Default)]
struct Receiving {
    offset: u64,
    over: bool,
}

#[derive(Debug, Default)]
struct Sending {
    offset: u64,
    wanted: u64,
    over: bool,
}

/// What one side knows of its connection.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) tag: Tag,
    role: Role,
    receiving: BTreeMap<StreamId, Receiving>,
    sending: BTreeMap<StreamId, Sending>,
    readable: BTreeSet<StreamId>,
    writable: BTreeSet<StreamId>,
    may_open: [bool; 2],
    opened: usize,
    datagrams: u64,
    /// When it closes, and how long it lingers.
    close_at: Option<(Instant, Duration)>,
    /// It has closed, and lingers so long.
    closing: Option<Duration>,
    /// Resets and stops leave bytes that are neither delivered nor waiting.
    torn: bool,
    bounds: Bounds,
    stats: ConnectionStats,
}

const DIRECTIONS: [Direction; 2] = [Direction::Bidirectional, Direction::Unidirectional];

impl Application {
    pub(crate) fn new(
        now: Instant,
        connection: &Connection,
        bounds: Bounds,
        dice: &mut Generator,
    ) -> Self {
        let at = now + dice.span(Duration::from_secs(10));
        let linger = dice.span(Duration::from_secs(5));
        let linger = if dice.chance(0.5) { linger } else { Duration::ZERO };
        let close_at = dice.chance(0.3).then_some((at, linger));
        let mut tag = [0; 8];
        assert!(connection.export(b"swarm", b"", &mut tag));
        Self {
            tag: u64::from_be_bytes(tag),
            role: connection.role(),
            receiving: BTreeMap::new(),
            sending: BTreeMap::new(),
            readable: BTreeSet::new(),
            writable: BTreeSet::new(),
            may_open: [true; 2],
            opened: 0,
            datagrams: 0,
            close_at,
            closing: None,
            torn: false,
            bounds,
            stats: ConnectionStats::default(),
        }
    }

    pub(crate) fn is_initiator(&self) -> bool {
        self.role == Role::Initiator
    }

    fn peer(&self) -> Role {
        if self.role == Role::Initiator { Role::Responder } else { Role::Initiator }
    }

    fn sent(&self, id: StreamId) -> Half {
        (self.tag, id, self.role)
    }

    fn received(&self, id: StreamId) -> Half {
        (self.tag, id, self.peer())
    }

    pub(crate) fn on_event(
        &mut self,
        connection: &mut Connection,
        event: StreamEvent,
        truth: &mut Truth,
        dice: &mut Generator,
    ) {
        match event {
            StreamEvent::Opened(direction) => {
                while let Some(id) = connection.accept_stream(direction) {
                    self.begin(id, direction == Direction::Bidirectional, true, dice);
                }
            }
            StreamEvent::Available(direction) => {
                let kind = DIRECTIONS.iter().position(|one| *one == direction).unwrap();
                self.may_open[kind] = true;
            }
            StreamEvent::Readable(id) => {
                self.readable.insert(id);
            }
            StreamEvent::Writable(id) => {
                self.writable.insert(id);
            }
            StreamEvent::Stopped { id, .. } => {
                truth.written.entry(self.sent(id)).or_default().reset = true;
                self.torn = true;
                self.end_sending(id);
            }
            StreamEvent::Finished(id) => {
                assert!(connection.is_finished(id), "{id} was told finished");
                assert!(truth.written[&self.sent(id)].finished);
            }
            _ => {}
        }
    }

    fn begin(&mut self, id: StreamId, send: bool, receive: bool, dice: &mut Generator) {
        let wanted = dice.below(1 << (1 + dice.clone().below(18)));
        self.begin_with(id, send.then_some(wanted), receive);
    }

    fn begin_with(&mut self, id: StreamId, wanted: Option<u64>, receive: bool) {
        if let Some(wanted) = wanted {
            self.sending.insert(id, Sending { wanted, ..Sending::default() });
            self.writable.insert(id);
        }
        if receive {
            self.receiving.insert(id, Receiving::default());
            self.readable.insert(id);
        }
    }

    fn end_sending(&mut self, id: StreamId) {
        self.writable.remove(&id);
        if let Some(sending) = self.sending.get_mut(&id) {
            sending.over = true;
        }
    }

    fn end_receiving(&mut self, id: StreamId) {
        self.readable.remove(&id);
        if let Some(receiving) = self.receiving.get_mut(&id) {
            receiving.over = true;
        }
    }

    /// A few random things.
    pub(crate) fn act(
        &mut self,
        now: Instant,
        connection: &mut Connection,
        truth: &mut Truth,
        dice: &mut Generator,
    ) {
        if dice.chance(0.03) {
            self.open(connection, dice);
        }
        for id in self.readable.clone() {
            if dice.chance(0.7) {
                let most = 1 + dice.below(1 << (1 + dice.clone().below(16)));
                self.read(now, connection, id, most as usize, truth);
            }
        }
        for id in self.writable.clone() {
            if dice.chance(0.5) {
                let most = 1 + dice.below(1 << (1 + dice.clone().below(16)));
                self.write(connection, id, most, truth);
            }
        }
        if dice.chance(0.1) {
            self.send_datagram(connection, truth);
        }
        if let Some((_, linger)) = self.close_at.take_if(|(at, _)| *at <= now) {
            connection.close(now, self.code(), b"enough", linger);
            self.closing = Some(linger);
        }
        self.do_something_rare(connection, truth, dice);
        self.check(connection);
    }

    /// Both sides close with codes of their own.
    fn code(&self) -> ApplicationCode {
        ApplicationCode::new(if self.role == Role::Initiator { 7 } else { 8 })
    }

    /// The code with which it has closed.
    pub(crate) fn closed_with(&self) -> Option<ApplicationCode> {
        self.closing.map(|_| self.code())
    }

    /// Figures and limits.
    fn check(&mut self, connection: &Connection) {
        let stats = connection.stats();
        figures::check(&self.bounds, &self.stats, &stats);
        self.stats = stats;
        for (direction, most) in DIRECTIONS.iter().zip(self.bounds.streams) {
            let open = |id: &&StreamId| {
                id.initiator() != self.role
                    && id.direction() == *direction
                    && (self.receiving.get(id).is_some_and(|one| !one.over)
                        || self.sending.get(id).is_some_and(|one| !one.over))
            };
            let open = self.receiving.keys().filter(open).count() as u64;
            assert!(open <= most, "{open} streams are open, {most} are allowed");
        }
    }

    fn do_something_rare(
        &mut self,
        connection: &mut Connection,
        truth: &mut Truth,
        dice: &mut Generator,
    ) {
        let code = ApplicationCode::new(dice.below(1000));
        let any = |ids: Vec<StreamId>, dice: &mut Generator| {
            ids.get(dice.below(ids.len() as u64) as usize).copied()
        };
        match dice.below(4000) {
            0..20 => {
                let live = self.sending.iter().filter(|(_, one)| !one.over).map(|(id, _)| *id);
                if let Some(id) = any(live.collect(), dice) {
                    truth.written.entry(self.sent(id)).or_default().reset = true;
                    self.torn = true;
                    connection.reset(id, code);
                    self.end_sending(id);
                }
            }
            20..40 => {
                let live = self.receiving.iter().filter(|(_, one)| !one.over).map(|(id, _)| *id);
                if let Some(id) = any(live.collect(), dice) {
                    connection.stop(id, code);
                    self.torn = true;
                    truth.note_stopped(self.received(id));
                    self.end_receiving(id);
                }
            }
            40..80 => {
                if let Some(id) = any(self.sending.keys().copied().collect(), dice) {
                    connection.set_priority(id, dice.below(7) as i32 - 3);
                }
            }
            80..120 => {
                connection.update_keys();
            }
            _ => {}
        }
    }

    fn open(&mut self, connection: &mut Connection, dice: &mut Generator) {
        let kind = dice.below(2) as usize;
        if self.opened >= STREAMS || !self.may_open[kind] || self.closing.is_some() {
            return;
        }
        match connection.open_stream(DIRECTIONS[kind]) {
            Some(id) => {
                self.opened += 1;
                self.begin(id, true, DIRECTIONS[kind] == Direction::Bidirectional, dice);
            }
            None => self.may_open[kind] = false,
        }
    }

    /// No new things: everything that was begun is brought to its end.
    pub(crate) fn finish(&mut self, now: Instant, connection: &mut Connection, truth: &mut Truth) {
        for direction in DIRECTIONS {
            while let Some(id) = connection.accept_stream(direction) {
                self.begin_with(id, (direction == Direction::Bidirectional).then_some(0), true);
            }
        }
        for id in self.readable.clone() {
            self.read(now, connection, id, usize::MAX, truth);
        }
        for id in self.writable.clone() {
            self.write(connection, id, 1 << 20, truth);
        }
    }

    /// All that was begun has ended.
    pub(crate) fn is_done(&self, connection: &Connection, truth: &Truth) -> bool {
        self.receiving.values().all(|one| one.over)
            && self.sending.iter().all(|(id, one)| {
                let written = truth.written.get(&self.sent(*id));
                one.over && (written.is_some_and(|one| one.reset) || connection.is_finished(*id))
            })
    }
    /// Bytes that the peer has for sure; unknown once streams were torn.
    pub(crate) fn acknowledged(&self, connection: &Connection) -> Option<u64> {
        let written: u64 = self.sending.values().map(|one| one.offset).sum();
        (!self.torn).then(|| written - connection.stats().send_buffered)
    }

    /// Bytes read of all streams together; they say nothing once streams were torn.
    pub(crate) fn read_in_all(&self) -> Option<u64> {
        let read = self.receiving.values().map(|one| one.offset).sum();
        (!self.torn).then_some(read)
    }

    /// The end: what was acknowledged is the peer's, and a close that has lingered to its end leaves nothing behind.
    pub(crate) fn settle(
        &self,
        connection: &Connection,
        reason: &ConnectionError,
        truth: &mut Truth,
    ) {
        let lingered = self.closing.is_some_and(|linger| !linger.is_zero());
        let clean = lingered && *reason == ConnectionError::LocalClosed;
        for id in self.sending.keys() {
            if let Some(written) = truth.written.get_mut(&self.sent(*id)) {
                written.ended_well = written.finished && connection.is_finished(*id);
                written.delivered = clean || written.ended_well;
            }
        }
    }
}
