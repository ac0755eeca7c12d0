//! Meeting a peer with tickets: one search after the other, at times that both sides know, until a path is found (SPEC §18.3).
//!
//! ```text
//!              its time has come            a path            the handshake
//!    Waiting ────────────────────▶ Searching ─────▶ Dialling ───────────────▶ Over: a connection
//!       ▲                              │ none           │ failed
//!       └──────────────────────────────┴────────────────┘     no hope, or no time left: Over: why
//! ```
//!
//! A connection that the peer dials and that is accepted while we wait or search is what was wanted, too: the peer may have found the
//! path a moment earlier.

use std::collections::BTreeMap;

use super::{Core, Key, MeetingHandle, Stage, Topic};
use crate::base::Instant;
use crate::base::limits::TICKET_PERIOD;
use crate::base::time::earliest;
use crate::close::ConnectionError;
use crate::driver::MeetError;
use crate::endpoint::ConnectionHandle;
use crate::nat::{Failure, PunchConfig, PunchReport, Winner};
use crate::node::{NodeEvent, SearchHandle};

/// Whom to meet, and when.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) config: PunchConfig,
    /// When both sides begin.
    pub(crate) start: Instant,
    /// The number of that time.
    pub(crate) turn: u64,
    pub(crate) deadline: Instant,
}

/// How a peer was met.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) connection: ConnectionHandle,
    /// Unless the peer's dial came in first.
    pub(crate) path: Option<(Winner, PunchReport)>,
}

#[derive(Debug)]
struct Meeting {
    plan: Plan,
    state: State,
    /// Why the last try failed.
    last: Option<MeetError>,
}

#[derive(Debug)]
enum State {
    Waiting,
    Searching(SearchHandle),
    Dialling(Found),
    Over(Result<Found, MeetError>),
}

/// All meetings.
#[derive(Debug, Default)]
pub(super) struct Meetings {
    all: BTreeMap<MeetingHandle, Meeting>,
    begun: u64,
}

impl Meeting {
    fn due(&self) -> Option<Instant> {
        match self.state {
            State::Waiting => Some(self.plan.start.min(self.plan.deadline)),
            State::Searching(_) | State::Dialling(_) => Some(self.plan.deadline),
            State::Over(_) => None,
        }
    }

    /// Tries again at the next time that both sides know.
    fn wait(&mut self, now: Instant, why: MeetError) {
        self.last = Some(why);
        self.state = State::Waiting;
        while self.plan.start <= now {
            self.plan.start += TICKET_PERIOD;
            self.plan.turn = self.plan.turn.wrapping_add(1);
        }
    }

    fn searches(&self, handle: SearchHandle) -> bool {
        matches!(self.state, State::Searching(other) if other == handle)
    }

    fn dials(&self, handle: ConnectionHandle) -> bool {
        matches!(self.state, State::Dialling(found) if found.connection == handle)
    }
}

impl Meetings {
    pub(super) fn next(&self) -> Option<Instant> {
        self.all.values().filter_map(Meeting::due).min()
    }

    fn find(&mut self, wanted: impl Fn(&Meeting) -> bool) -> Option<(MeetingHandle, &mut Meeting)> {
        let mut all = self.all.iter_mut();
        all.find(|(_, meeting)| wanted(meeting)).map(|(handle, meeting)| (*handle, meeting))
    }
}

impl Core {
    /// Begins to look for a peer.
    pub(crate) fn meet(&mut self, plan: Plan) -> Result<MeetingHandle, MeetError> {
        if self.is_closed {
            return Err(MeetError::EndpointClosed);
        }
        let handle = MeetingHandle(self.meetings.begun);
        self.meetings.begun += 1;
        self.meetings.all.insert(handle, Meeting { plan, state: State::Waiting, last: None });
        Ok(handle)
    }

    /// How it went, once; `None` while it goes on.
    pub(crate) fn met(&mut self, handle: MeetingHandle) -> Option<Result<Found, MeetError>> {
        let meeting = self.meetings.all.get(&handle);
        let Some(meeting) = meeting else { return Some(Err(MeetError::EndpointClosed)) };
        if !matches!(meeting.state, State::Over(_)) {
            return None;
        }
        match self.meetings.all.remove(&handle)?.state {
            State::Over(result) => Some(result),
            _ => None,
        }
    }

    /// Nobody waits for it any more.
    pub(crate) fn abandon_meeting(&mut self, now: Instant, handle: MeetingHandle) {
        let Some(meeting) = self.meetings.all.remove(&handle) else { return };
        match meeting.state {
            State::Searching(search) => drop(self.node.abandon(now, search)),
            State::Dialling(found) | State::Over(Ok(found)) => self.release(now, found.connection),
            State::Waiting | State::Over(Err(_)) => {}
        }
    }

    /// No peer can be met any more.
    pub(super) fn end_meetings(&mut self, now: Instant) {
        let handles: Vec<_> = self.meetings.all.keys().copied().collect();
        for handle in handles {
            self.abandon_meeting(now, handle);
            self.waits.wake(Key::Meeting(handle));
        }
    }

    pub(super) fn run_meetings(&mut self, now: Instant) {
        while let Some((handle, meeting)) =
            self.meetings.find(|meeting| meeting.due().is_some_and(|due| due <= now))
        {
            if meeting.plan.deadline <= now {
                self.miss(now, handle);
                continue;
            }
            let config = meeting.plan.config.clone().at(meeting.plan.start, meeting.plan.turn);
            match self.node.search(config, None) {
                Ok(search) => meeting.state = State::Searching(search),
                Err(error) => meeting.wait(now, MeetError::Busy(error)),
            }
        }
    }

    /// The time is over.
    fn miss(&mut self, now: Instant, handle: MeetingHandle) {
        let Some(meeting) = self.meetings.all.get_mut(&handle) else { return };
        let last = meeting.last.take();
        let why = match meeting.state {
            State::Searching(search) => {
                let report = self.node.abandon(now, search);
                last.or(
                    report.map(|report| MeetError::NotFound { failure: Failure::Silence, report })
                )
            }
            State::Dialling(found) => {
                self.forget(now, found.connection);
                Some(ConnectionError::HandshakeTimedOut.into())
            }
            State::Waiting | State::Over(_) => last,
        };
        self.end_meeting(handle, Err(why.unwrap_or(MeetError::TimedOut)));
    }

    fn end_meeting(&mut self, handle: MeetingHandle, result: Result<Found, MeetError>) {
        if let Some(meeting) = self.meetings.all.get_mut(&handle) {
            meeting.state = State::Over(result);
            self.waits.wake(Key::Meeting(handle));
        }
    }

    pub(super) fn on_node_event(&mut self, now: Instant, event: NodeEvent) {
        match event {
            NodeEvent::Transport(event) => self.on_event(now, event),
            NodeEvent::Found(search, winner, connection, report) => {
                let found = Found { connection, path: Some((winner, report)) };
                match self.meetings.find(|meeting| meeting.searches(search)) {
                    Some((_, meeting)) => {
                        meeting.state = State::Dialling(found);
                        self.entries.insert(connection, Stage::Dialling);
                    }
                    None => self.node.remove(now, connection),
                }
            }
            NodeEvent::Gathered(gathered) => self.on_gathered(now, gathered),
            NodeEvent::Outdated => self.on_outdated(now),
            NodeEvent::NotFound(search, failure, report) => {
                let why = MeetError::NotFound { failure, report };
                self.on_search_failed(now, search, why);
            }
            NodeEvent::NotDialled(search, error) => {
                self.on_search_failed(now, search, error.into());
            }
            NodeEvent::Moved(connection, _) => {
                self.waits.wake(Key::Connection(connection, Topic::Route));
            }
            // Which ways a connection could go is the node's affair.
            NodeEvent::NoDirect(..) | NodeEvent::Silent(_) | NodeEvent::RelayLost(..) => {}
        }
    }

    fn on_search_failed(&mut self, now: Instant, search: SearchHandle, why: MeetError) {
        let Some((handle, meeting)) = self.meetings.find(|meeting| meeting.searches(search)) else {
            return;
        };
        if why.is_final() {
            self.end_meeting(handle, Err(why));
        } else {
            meeting.wait(now, why);
        }
    }

    pub(super) fn on_met(&mut self, handle: ConnectionHandle) {
        if let Some((meeting, Meeting { state: State::Dialling(found), .. })) =
            self.meetings.find(|meeting| meeting.dials(handle))
        {
            let found = *found;
            self.end_meeting(meeting, Ok(found));
        }
    }

    /// The peer was found, but the handshake failed. Returns whether this was about a meeting.
    pub(super) fn on_missed(
        &mut self,
        now: Instant,
        handle: ConnectionHandle,
        why: &ConnectionError,
    ) -> bool {
        let Some((at, meeting)) = self.meetings.find(|meeting| meeting.dials(handle)) else {
            return false;
        };
        let why = MeetError::from(why.clone());
        if why.is_final() {
            self.end_meeting(at, Err(why));
        } else {
            meeting.wait(now, why);
        }
        self.forget(now, handle);
        true
    }

    /// A peer has dialled us. Returns whether it is one that we are to meet.
    pub(super) fn is_met_by(&mut self, now: Instant, connection: ConnectionHandle) -> bool {
        if self.meetings.all.is_empty() {
            return false;
        }
        let peer = self.node.endpoint().connection(connection).map(|dialled| dialled.peer_id());
        let waits = |meeting: &Meeting| {
            matches!(meeting.state, State::Waiting | State::Searching(_))
                && Some(meeting.plan.config.peer()) == peer
        };
        let Some((handle, meeting)) = self.meetings.find(waits) else { return false };
        if let State::Searching(search) = meeting.state {
            self.node.abandon(now, search);
        }
        self.end_meeting(handle, Ok(Found { connection, path: None }));
        true
    }

    pub(super) fn has_no_meetings(&self) -> bool {
        self.meetings.all.is_empty()
    }

    /// When something is due.
    pub(super) fn poll_timeout(&mut self) -> Option<Instant> {
        earliest(self.node.poll_timeout(), self.meetings.next())
    }
}
