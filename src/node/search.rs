//! The searches that run, and those that have ended and answer their peers for some time.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use crate::base::Instant;
use crate::base::limits::{NODE_SEARCHES, NODE_SOCKETS_FROM, PUNCH_SOCKETS};
use crate::connection::TransportConfig;
use crate::nat::{
    Punch, PunchConfig, PunchEvent, PunchReport, PunchTransmit, SocketId, SocketRequest, Strategy,
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

#[derive(Debug)]
struct Search {
    punch: Punch,
    transport: Option<TransportConfig>,
}

/// How a search ended, and what is needed to dial.
pub(super) struct Ended {
    pub(super) handle: SearchHandle,
    pub(super) event: PunchEvent,
    pub(super) report: PunchReport,
    pub(super) dial: (PunchConfig, Option<TransportConfig>),
}

/// All searches.
#[derive(Debug, Default)]
pub(super) struct Searches {
    running: BTreeMap<SearchHandle, (u16, Search)>,
    started: u64,
}

fn is_wide(punch: &Punch) -> bool {
    matches!(punch.report().strategy, Strategy::Guess | Strategy::Many)
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
        punch: Punch,
        transport: Option<TransportConfig>,
    ) -> Result<SearchHandle, SearchError> {
        if self.running.len() >= NODE_SEARCHES {
            return Err(SearchError::TooMany);
        }
        let busy = |(_, search): &(u16, Search)| {
            is_wide(&search.punch) && search.punch.report().elapsed.is_none()
        };
        if is_wide(&punch) && self.running.values().any(busy) {
            return Err(SearchError::Busy);
        }
        let handle = SearchHandle(self.started);
        self.started += 1;
        let extra = punch.config().first_extra();
        self.running.insert(handle, (extra, Search { punch, transport }));
        Ok(handle)
    }

    /// Whether a search sends from a socket that it did not open itself.
    pub(super) fn use_socket(&self, socket: SocketId) -> bool {
        self.running.values().any(|(_, search)| search.punch.config().uses(socket))
    }

    /// Takes a search out.
    pub(super) fn remove(&mut self, handle: SearchHandle) -> Option<Punch> {
        self.running.remove(&handle).map(|(_, search)| search.punch)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Punch> {
        self.running.values_mut().map(|(_, search)| &mut search.punch)
    }

    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        from: SocketAddr,
        datagram: &[u8],
    ) {
        self.all().any(|punch| punch.handle_datagram(now, socket, from, datagram));
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.all().for_each(|punch| punch.handle_timeout(now));
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.running.values().filter_map(|(_, search)| search.punch.poll_timeout()).min()
    }

    pub(super) fn poll_transmit(&mut self) -> Option<PunchTransmit> {
        self.all().find_map(Punch::poll_transmit)
    }

    pub(super) fn requests(&mut self) -> Vec<SocketRequest> {
        self.all().flat_map(|punch| std::iter::from_fn(|| punch.poll_request())).collect()
    }

    /// Those that have ended since the last call. Forgets those that have nothing more to say.
    pub(super) fn ended(&mut self) -> Vec<Ended> {
        let mut ended = Vec::new();
        for (handle, (_, search)) in &mut self.running {
            if let Some(event) = search.punch.poll_event() {
                let dial = (search.punch.config().clone(), search.transport.take());
                let report = *search.punch.report();
                ended.push(Ended { handle: *handle, event, report, dial });
            }
        }
        self.running.retain(|_, (_, search)| !search.punch.is_finished());
        ended
    }
}
