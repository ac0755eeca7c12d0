//! The searches that run, and those that have ended and answer their peers for some time.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use super::memory::Networks;
use super::reach::Reach;
use super::relays::Relays;
use crate::base::Instant;
use crate::base::limits::{NODE_SEARCHES, NODE_SOCKETS_FROM, PUNCH_SOCKETS};
use crate::connection::TransportConfig;
use crate::crypto::PeerId;
use crate::endpoint::{ConnectionHandle, Dial};
use crate::nat::{
    Description, Failure, Lesson, Punch, PunchEvent, PunchReport, PunchTransmit, SocketId,
    SocketRequest,
};

/// Names one search of a node. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SearchHandle(u64);

/// Why a search does not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SearchError {
    /// As many as may run do.
    TooMany,
    /// One that tries many ports, or opens many sockets, runs already: a second one would fill the tables of the NAT.
    Busy,
}

impl fmt::Display for SearchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooMany => "too many searches at a time: try again in some seconds",
            Self::Busy => "another search tries many ports: try again in some seconds",
        })
    }
}

impl std::error::Error for SearchError {}

/// A search for a direct path, and one by relays beside it if there are any.
#[derive(Debug)]
struct Search {
    direct: Punch,
    relayed: Option<Punch>,
    /// Where the peer may be met by relays, for all that it tells.
    reach: Reach,
    transport: Option<TransportConfig>,
    /// Our relays do not know yet whom to let in.
    fresh: bool,
    /// What was dialled on the first path.
    connection: Option<ConnectionHandle>,
    /// A path by relay was found.
    by_relay: bool,
    /// It is made because of what connected peers have told each other.
    is_again: bool,
    /// Why there is no direct path, as long as there may be one by relay.
    failed: Option<(Failure, PunchReport)>,
}

impl Search {
    fn punches(&mut self) -> impl Iterator<Item = &mut Punch> {
        [Some(&mut self.direct), self.relayed.as_mut()].into_iter().flatten()
    }

    /// The one that what comes in there is for.
    fn punch_for(&mut self, socket: SocketId, from: SocketAddr) -> &mut Punch {
        match &mut self.relayed {
            Some(punch)
                if Relays::is_relay(socket)
                    || punch.config().theirs().relayed().any(|relay| relay == from) =>
            {
                punch
            }
            _ => &mut self.direct,
        }
    }

    fn is_finished(&self) -> bool {
        self.direct.is_finished() && self.relayed.as_ref().is_none_or(Punch::is_finished)
    }
}

/// How one half of a search ended.
pub(super) struct Ended {
    pub(super) handle: SearchHandle,
    pub(super) relayed: bool,
    pub(super) event: PunchEvent,
    pub(super) report: PunchReport,
}

/// All searches.
#[derive(Debug, Default)]
pub(super) struct Searches {
    running: BTreeMap<SearchHandle, (u16, Search)>,
    started: u64,
}

impl Searches {
    /// The first of a row of socket numbers that nobody uses.
    pub(super) fn free_range(&self, in_use: impl Fn(&SocketId) -> bool) -> u16 {
        let starts = (NODE_SOCKETS_FROM..=u16::MAX - PUNCH_SOCKETS).step_by(PUNCH_SOCKETS.into());
        let is_free = |start: &u16| {
            self.running.values().all(|(taken, _)| taken != start)
                && !(*start..*start + PUNCH_SOCKETS).any(|number| in_use(&SocketId::new(number)))
        };
        starts.into_iter().find(is_free).unwrap_or(NODE_SOCKETS_FROM)
    }

    pub(super) fn start(
        &mut self,
        direct: Punch,
        relayed: Option<Punch>,
        transport: Option<TransportConfig>,
    ) -> Result<SearchHandle, SearchError> {
        let reach = Reach::of(relayed.as_ref().unwrap_or(&direct).config());
        let fresh = relayed.is_some();
        let (connection, by_relay, is_again, failed) = (None, false, false, None);
        self.begin(Search {
            direct,
            relayed,
            reach,
            transport,
            fresh,
            connection,
            by_relay,
            is_again,
            failed,
        })
    }

    /// Searches a direct path for a connection that goes by relay.
    pub(super) fn start_for(
        &mut self,
        direct: Punch,
        connection: ConnectionHandle,
    ) -> Result<SearchHandle, SearchError> {
        self.begin(Search {
            direct,
            relayed: None,
            reach: Reach::default(),
            transport: None,
            fresh: false,
            connection: Some(connection),
            by_relay: true,
            is_again: true,
            failed: None,
        })
    }

    fn begin(&mut self, search: Search) -> Result<SearchHandle, SearchError> {
        if self.running.len() >= NODE_SEARCHES {
            return Err(SearchError::TooMany);
        }
        let busy = |(_, search): &(u16, Search)| {
            search.direct.is_wide() && search.direct.report().elapsed.is_none()
        };
        if search.direct.is_wide() && self.running.values().any(busy) {
            return Err(SearchError::Busy);
        }
        let handle = SearchHandle(self.started);
        self.started += 1;
        let extra = search.direct.config().first_extra();
        self.running.insert(handle, (extra, search));
        Ok(handle)
    }

    /// Whether one more may run.
    pub(super) fn have_room(&self) -> bool {
        self.running.len() < NODE_SEARCHES
    }

    /// Whether it is one for a connection that goes by relay.
    pub(super) fn is_again(&self, handle: SearchHandle) -> bool {
        self.running.get(&handle).is_some_and(|(_, search)| search.is_again)
    }

    /// Ends what is searched for a connection that goes by relay. Returns what the sockets need.
    pub(super) fn give_up_for(
        &mut self,
        now: Instant,
        connection: ConnectionHandle,
    ) -> Vec<SocketRequest> {
        let is_for = |search: &Search| search.is_again && search.connection == Some(connection);
        let ended = self.running.extract_if(.., |_, (_, search)| is_for(search));
        let requests = ended.flat_map(|(_, (_, Search { mut direct, .. }))| {
            direct.abandon(now);
            std::iter::from_fn(move || direct.poll_request())
        });
        requests.collect()
    }

    /// Whether a search sends from a socket that it did not open itself.
    pub(super) fn use_socket(&self, socket: SocketId) -> bool {
        let halves = |search: &Search| {
            let relayed = search.relayed.as_ref().is_some_and(|punch| punch.config().uses(socket));
            relayed || search.direct.config().uses(socket)
        };
        self.running.values().any(|(_, search)| halves(search))
    }

    /// What those who are searched say about themselves.
    pub(super) fn peers(&self) -> impl Iterator<Item = &Description> {
        let relayed = self.running.values().filter_map(|(_, search)| search.relayed.as_ref());
        relayed.map(|punch| punch.config().theirs())
    }

    /// Ends a search, unless there is a connection already. Returns what it has tried, and what its sockets need.
    pub(super) fn abandon(
        &mut self,
        now: Instant,
        handle: SearchHandle,
    ) -> Option<(PunchReport, Vec<SocketRequest>)> {
        let (_, search) = self.running.get_mut(&handle)?;
        let report = *search.direct.report();
        if search.connection.is_some() {
            return Some((report, Vec::new()));
        }
        search.punches().for_each(|punch| punch.abandon(now));
        let requests =
            search.punches().flat_map(|punch| std::iter::from_fn(|| punch.poll_request()));
        let requests = requests.collect();
        self.running.remove(&handle);
        Some((report, requests))
    }

    /// A peer has dialled us. If it is searched, this is the connection that was wanted, or a second one beside that which was dialled at the
    /// same time. Returns where else the peer may be met.
    pub(super) fn adopt(&mut self, peer: PeerId, connection: ConnectionHandle) -> Option<Reach> {
        let wanted =
            |search: &&mut Search| !search.is_again && search.direct.config().peer() == peer;
        let mut searches = self.running.values_mut().map(|(_, search)| search);
        let search = searches.find(wanted)?;
        search.connection.get_or_insert(connection);
        Some(search.reach.clone())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Punch> {
        self.running.values_mut().flat_map(|(_, search)| search.punches())
    }

    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        from: SocketAddr,
        datagram: &[u8],
    ) {
        let mut searches = self.running.values_mut().map(|(_, search)| search);
        searches.any(|search| {
            search.punch_for(socket, from).handle_datagram(now, socket, from, datagram)
        });
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.all().for_each(|punch| punch.handle_timeout(now));
    }

    pub(super) fn poll_timeout(&mut self) -> Option<Instant> {
        if self.running.values().any(|(_, search)| search.fresh) {
            return Some(Instant::ZERO);
        }
        self.all().filter_map(|punch| punch.poll_timeout()).min()
    }

    /// A peer whom our relays have to let in from now on.
    pub(super) fn poll_fresh(&mut self) -> Option<&Description> {
        let (_, search) = self.running.values_mut().find(|(_, search)| search.fresh)?;
        search.fresh = false;
        search.relayed.as_ref().map(|punch| punch.config().theirs())
    }

    pub(super) fn poll_transmit(&mut self) -> Option<PunchTransmit> {
        self.all().find_map(Punch::poll_transmit)
    }

    pub(super) fn requests(&mut self) -> Vec<SocketRequest> {
        self.all().flat_map(|punch| std::iter::from_fn(|| punch.poll_request())).collect()
    }

    /// Those that have ended since the last call.
    pub(super) fn ended(&mut self) -> Vec<Ended> {
        let mut ended = Vec::new();
        for (handle, (_, search)) in &mut self.running {
            for (relayed, punch) in
                [(false, Some(&mut search.direct)), (true, search.relayed.as_mut())]
            {
                let Some(punch) = punch else { continue };
                if let Some(event) = punch.poll_event() {
                    let (handle, report) = (*handle, *punch.report());
                    ended.push(Ended { handle, relayed, event, report });
                }
            }
        }
        ended
    }

    /// What the end of a search for a direct path has shown, and between which networks: nothing if it failed. That a path by relay was
    /// found spares a search that began so the guesses.
    pub(super) fn learn(
        &mut self,
        now: Instant,
        ended: &Ended,
    ) -> Option<(Networks, PeerId, Option<Lesson>)> {
        let (_, search) = self.running.get_mut(&ended.handle)?;
        let direct = &mut search.direct;
        let (networks, peer) = (Networks::of(direct.config())?, direct.config().peer());
        let lesson = match ended.event {
            PunchEvent::Won(_) if ended.relayed => {
                search.by_relay = true;
                direct.spare_guesses(now);
                return None;
            }
            PunchEvent::Won(winner) => {
                networks.have(winner.remote.ip()).then(|| direct.lesson(&winner))?
            }
            PunchEvent::Failed(_) if ended.relayed => return None,
            // It was not tried whether anything else helps: that it does not stays as old as it is.
            PunchEvent::Failed(_) if search.by_relay && direct.follows(Lesson::Relayed) => {
                return None;
            }
            PunchEvent::Failed(_) => {
                (search.by_relay && direct.is_wide()).then_some(Lesson::Relayed)
            }
        };
        Some((networks, peer, lesson))
    }

    /// Forgets those that have nothing more to say. Returns whether there were any.
    pub(super) fn forget_finished(&mut self) -> bool {
        let before = self.running.len();
        self.running.retain(|_, (_, search)| !search.is_finished());
        self.running.len() < before
    }

    /// How to dial what was searched, once, and where else the peer may be met.
    pub(super) fn dial(
        &mut self,
        handle: SearchHandle,
    ) -> Option<(Dial, Option<TransportConfig>, Reach)> {
        let (_, search) = self.running.get_mut(&handle)?;
        let config = search.direct.config();
        // The address is that of the path that was found.
        let nowhere = SocketAddr::from(([0; 4], 0));
        let dial = Dial::new(config.peer(), nowhere).punch_with_key(config.punch_key());
        Some((dial, search.transport.take(), search.reach.clone()))
    }

    /// The connection that was dialled on the first path.
    pub(super) fn connection(&self, handle: SearchHandle) -> Option<ConnectionHandle> {
        self.running.get(&handle)?.1.connection
    }

    pub(super) fn dialled(&mut self, handle: SearchHandle, connection: ConnectionHandle) {
        if let Some((_, search)) = self.running.get_mut(&handle) {
            search.connection = Some(connection);
        }
    }

    /// One half has failed. Returns why there is no direct path, if it is known now and has to be told.
    pub(super) fn on_failed(
        &mut self,
        handle: SearchHandle,
        relayed: bool,
        (failure, report): (Failure, PunchReport),
    ) -> Option<(Failure, PunchReport)> {
        let (_, search) = self.running.get_mut(&handle)?;
        if relayed {
            search.relayed = None;
            return search.failed.take();
        }
        let pending = search.relayed.as_ref().is_some_and(|punch| punch.report().elapsed.is_none());
        if pending && search.connection.is_none() {
            search.failed = Some((failure, report));
            return None;
        }
        Some((failure, report))
    }

    /// Why there is no direct path to a peer that was dialled, or has dialled, since that was known.
    pub(super) fn poll_failed(
        &mut self,
    ) -> Option<(SearchHandle, ConnectionHandle, (Failure, PunchReport))> {
        self.running.iter_mut().find_map(|(handle, (_, search))| {
            let connection = search.connection?;
            Some((*handle, connection, search.failed.take()?))
        })
    }
}
