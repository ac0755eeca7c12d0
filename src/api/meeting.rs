//! Peers that find each other with tickets, through NATs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::connection::Connection;
use super::endpoint::Endpoint;
use super::error::{DialError, GatherError};
use super::link::{Link, Meeting};
use super::told::Told;
use crate::base::Instant;
use crate::base::limits::{CANDIDATE_DIAL, MEET_TIME, TICKET_LIFE};
use crate::driver::{Core, Found, Key, MeetError, Plan, SystemEntropy, networks, unix_time};
use crate::nat::{Destinations, GatherConfig, Gathered, PunchReport, Ticket, Winner};

/// A connection to a peer that was met, and how it was found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Met {
    /// The connection. Both sides have the same one.
    pub connection: Connection,
    /// The path that won, and what was tried for it. `None` if the peer knew of it a moment earlier, and its dial came in.
    pub path: Option<(Winner, PunchReport)>,
}

impl Endpoint {
    /// A text to give to a peer, by mail or by phone, so that both can [`meet`](Self::meet): where this endpoint can be reached, signed
    /// by it. Everybody may read it.
    ///
    /// It asks the [STUN servers](super::EndpointBuilder::stun) what the NATs make of this endpoint, which takes some tenths of a second,
    /// and three seconds if they are silent. Addresses of this host itself are told where the endpoint is bound to one, or, with the crate
    /// feature `interfaces`, to all. A ticket is good for ten minutes; the same one is returned for five. Peers that have an older one
    /// cannot be met.
    ///
    /// # Errors
    /// When there is nothing to tell, or the servers are silent, and when the endpoint is closed.
    pub fn ticket(&self) -> Result<Ticket, GatherError> {
        let config = self.gather_config();
        let gathered = self.shared().wait(Key::Gathered, |core, now| gather(core, now, &config));
        self.tell(gathered?)
    }

    /// Meets a peer that has this endpoint's [`ticket`](Self::ticket), and calls this with its own at the other side. Both search for a
    /// path through the NATs between them, dial each other there, and get the same connection. It waits for a minute.
    ///
    /// Both sides begin when the clock shows a multiple of ten seconds, so it takes some seconds where there is a path, and clocks that
    /// are wrong by more than two seconds make it hard to find one. A peer that only this side has the ticket of is not searched for in
    /// that way: see [`connect_ticket`](Self::connect_ticket).
    ///
    /// ```no_run
    /// let endpoint = srudp::Endpoint::builder().stun(["203.0.113.1:3478".parse()?]).bind("[::]:0")?;
    /// println!("Tell the other side: {}", endpoint.ticket()?);
    /// let mut line = String::new();
    /// std::io::stdin().read_line(&mut line)?;
    /// let met = endpoint.meet(&line.trim().parse()?)?;
    /// let stream = met.connection.open_stream()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Why there is no connection, and what was tried.
    pub fn meet(&self, theirs: &Ticket) -> Result<Met, MeetError> {
        self.meet_timeout(theirs, MEET_TIME)
    }

    /// As [`meet`](Self::meet), but waits for at most `timeout`. One search takes up to twenty seconds, with the time until it begins.
    ///
    /// ```
    /// use std::thread;
    /// use std::time::Duration;
    /// use srudp::Endpoint;
    ///
    /// let [ours, theirs] = [(); 2].map(|()| Endpoint::builder().bind("127.0.0.1:0").unwrap());
    /// // Each is given to the other side.
    /// let [our_ticket, their_ticket] = [ours.ticket()?, theirs.ticket()?];
    /// let patience = Duration::from_secs(30);
    /// let there = thread::spawn(move || theirs.meet_timeout(&our_ticket, patience));
    /// let met = ours.meet_timeout(&their_ticket, patience)?;
    /// assert_eq!(met.connection.peer_id(), their_ticket.peer_id());
    /// assert!(there.join().unwrap().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`meet`](Self::meet).
    pub fn meet_timeout(&self, theirs: &Ticket, timeout: Duration) -> Result<Met, MeetError> {
        let meeting = self.begin_meeting(theirs, timeout)?;
        let handle = meeting.handle();
        let key = Key::Meeting(handle);
        let found = self.shared().wait(key, |core, _| pending(core.met(handle)));
        met(&meeting, found?)
    }

    /// Dials the addresses in a peer's ticket, one after the other: enough where one of them lets everybody in, as a public server's does,
    /// or is in the same network. The peer has to accept, and needs no ticket of ours.
    ///
    /// # Errors
    /// When none of them answers, or none may be dialled.
    pub fn connect_ticket(&self, theirs: &Ticket) -> Result<Connection, DialError> {
        let mut last = DialError::NoAddress;
        for address in theirs.description().dialable(&self.destinations()) {
            match self.connect_timeout(theirs.peer_id(), address, CANDIDATE_DIAL) {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    pub(crate) fn begin_meeting(
        &self,
        theirs: &Ticket,
        timeout: Duration,
    ) -> Result<Meeting, MeetError> {
        let unix = unix_time();
        if theirs.has_expired(unix.as_secs()) {
            return Err(MeetError::Expired);
        }
        let now = self.shared().now();
        let config = match &*self.told().lock() {
            Some(told) => told.search(now, unix.as_secs(), self.identity(), theirs)?,
            None => return Err(MeetError::NoTicket),
        };
        let (start, turn) = (now + Ticket::wait(unix), Ticket::turn(unix));
        let plan = Plan { config, start, turn, deadline: now + timeout };
        let handle = self.shared().with(|core, _| core.meet(plan))?;
        Ok(Meeting::new(Arc::clone(self.shared()), handle))
    }

    pub(crate) fn gather_config(&self) -> GatherConfig {
        let local = self.local_addr();
        let config = self.servers().tell(GatherConfig::new(local)).keep(TICKET_LIFE);
        let config = if local.ip().is_loopback() { config.loopback() } else { config };
        config.networks(&networks())
    }

    fn destinations(&self) -> Destinations {
        let local: SocketAddr = self.local_addr();
        let destinations = Destinations::new(&networks()).own(&[local]);
        if local.ip().is_loopback() { destinations.loopback() } else { destinations }
    }

    /// Makes a ticket, or gives out the one that was made of the same.
    pub(crate) fn tell(&self, gathered: Gathered) -> Result<Ticket, GatherError> {
        let useless = if self.servers().are_silent(&gathered) {
            Some(GatherError::Silent)
        } else {
            let is_empty = gathered.description.candidates().is_empty();
            is_empty.then_some(GatherError::NoAddress)
        };
        if let Some(error) = useless {
            // It may be better next time.
            self.shared().look(Core::forget_gathered);
            return Err(error);
        }
        let mut told = self.told().lock();
        if let Some(ticket) = told.as_ref().and_then(|told| told.ticket_of(&gathered)) {
            return Ok(ticket);
        }
        let mut entropy =
            SystemEntropy::hedged_by(self.identity()).map_err(GatherError::Entropy)?;
        let expiry = unix_time() + TICKET_LIFE;
        let description = gathered.description.clone();
        let ticket = Ticket::new(self.identity(), expiry.as_secs(), description, &mut entropy);
        *told = Some(Told::new(ticket.clone(), gathered));
        Ok(ticket)
    }
}

/// What is known to tell peers, or is going to be.
pub(crate) fn gather(
    core: &mut Core,
    now: Instant,
    config: &GatherConfig,
) -> Poll<Result<Gathered, GatherError>> {
    if core.is_closed() {
        return Poll::Ready(Err(GatherError::EndpointClosed));
    }
    core.gather(now, config).map_or(Poll::Pending, |gathered| Poll::Ready(Ok(gathered)))
}

pub(crate) fn pending<T>(result: Option<T>) -> Poll<T> {
    result.map_or(Poll::Pending, Poll::Ready)
}

pub(crate) fn met(meeting: &Meeting, found: Found) -> Result<Met, MeetError> {
    let link = Link::new(Arc::clone(meeting.shared()), found.connection);
    let connection = Connection::new(link.ok_or(MeetError::EndpointClosed)?);
    Ok(Met { connection, path: found.path })
}
