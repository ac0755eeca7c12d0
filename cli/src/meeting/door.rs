//! Where a listener gets its connections from: peers that dial it, and peers that it meets.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use srudp::{Connection, ConnectionError, Endpoint, EndpointClosed, Ticket};

use super::servers::Servers;
use super::tickets::{self, Source};
use super::{meet, print_ticket};
use crate::clock;
use crate::exit::Failure;

/// How often it is looked whether the ticket has expired.
const RENEWAL: Duration = Duration::from_secs(5);

/// How peers behind NATs are let in.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Through NATs")]
pub(crate) struct Invitation {
    /// Print a ticket for a peer that cannot dial this side, and ask for the peer's on the terminal; --stun and --meet do so too
    #[arg(long)]
    ticket: bool,

    /// Read the tickets of peers from this file or FIFO, a line each, as they come [default: the terminal]
    #[arg(long, value_name = "FILE")]
    meet: Option<PathBuf>,

    #[command(flatten)]
    servers: Servers,
}

impl Invitation {
    /// Whether there is one.
    pub(crate) fn is_wanted(&self) -> bool {
        self.ticket || self.meet.is_some() || !self.servers.is_empty()
    }

    pub(crate) fn servers(&self) -> &Servers {
        &self.servers
    }
}

/// What is done when the connection to a peer that was met breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterBreak {
    /// The peer begins anew, if it wants.
    Nothing,
    /// It is looked for again as long as its ticket is good: it does the same, to go on where it was.
    #[cfg(unix)]
    MeetAgain,
}

/// Connections, wherever they come from.
#[derive(Debug)]
pub(crate) struct Door {
    endpoint: Endpoint,
    /// Beside those that the endpoint accepts; `None` at the end.
    arrivals: Option<Receiver<Option<Connection>>>,
}

impl Door {
    /// Opens it; prints the ticket and asks for others, if that is wanted.
    pub(crate) fn open(
        endpoint: &Endpoint,
        invitation: &Invitation,
        after_break: AfterBreak,
        verbose: bool,
    ) -> Result<Self, Failure> {
        let endpoint = endpoint.clone();
        if !invitation.is_wanted() {
            return Ok(Self { endpoint, arrivals: None });
        }
        let ticket = print_ticket(&endpoint)?;
        renew(endpoint.clone(), ticket);
        let (sender, arrivals) = bounded(0);
        let accepting = (endpoint.clone(), sender.clone());
        let host = Host { endpoint: endpoint.clone(), arrivals: sender, after_break, verbose };
        // Where the terminal is also what is sent, it is asked first.
        let shares_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
        match &invitation.meet {
            None if shares_terminal => {
                tickets::ask_once().into_iter().for_each(|ticket| host.meet(ticket));
            }
            file => {
                if let Some(source) = Source::open(file.as_deref()) {
                    thread::spawn(move || source.each(|ticket| host.invite(ticket)));
                }
            }
        }
        thread::spawn(move || accept(&accepting.0, &accepting.1));
        Ok(Self { endpoint, arrivals: Some(arrivals) })
    }

    /// The next connection.
    pub(crate) fn accept(&self) -> Result<Connection, EndpointClosed> {
        match &self.arrivals {
            Some(arrivals) => arrivals.recv().ok().flatten().ok_or(EndpointClosed),
            None => self.endpoint.accept(),
        }
    }
}

/// Prints a new ticket whenever the last one has expired, as long as tickets can be made.
fn renew(endpoint: Endpoint, mut ticket: Ticket) {
    thread::spawn(move || {
        loop {
            thread::sleep(RENEWAL);
            if ticket.has_expired(clock::unix().as_secs()) {
                match print_ticket(&endpoint) {
                    Ok(new) => ticket = new,
                    Err(failure) => return failure.print(),
                }
            }
        }
    });
}

fn accept(endpoint: &Endpoint, arrivals: &Sender<Option<Connection>>) {
    loop {
        let arrived = endpoint.accept().ok();
        let is_end = arrived.is_none();
        if arrivals.send(arrived).is_err() || is_end {
            return;
        }
    }
}

/// Meets those whose tickets come.
#[derive(Clone)]
struct Host {
    endpoint: Endpoint,
    arrivals: Sender<Option<Connection>>,
    after_break: AfterBreak,
    verbose: bool,
}

impl Host {
    /// Returns whether others may come.
    fn invite(&self, ticket: Ticket) -> bool {
        self.meet(ticket);
        true
    }

    fn meet(&self, ticket: Ticket) {
        let host = self.clone();
        thread::spawn(move || {
            if let Err(failure) = host.meet_all(&ticket) {
                failure.print();
            }
        });
    }

    /// Meets the peer, and again after a break if that is wanted.
    fn meet_all(&self, ticket: &Ticket) -> Result<(), Failure> {
        loop {
            eprintln!("srudp: looking for {}", ticket.peer_id());
            let connection = meet(&self.endpoint, ticket, self.verbose)?;
            let watched = connection.clone();
            // Nobody waits any more if the program is about to end.
            let is_wanted = self.arrivals.send(Some(connection)).is_ok();
            if !is_wanted || self.after_break == AfterBreak::Nothing {
                return Ok(());
            }
            if !is_break(&watched.closed()) || ticket.has_expired(clock::unix().as_secs()) {
                return Ok(());
            }
        }
    }
}

/// Whether neither side has wanted the end.
fn is_break(why: &ConnectionError) -> bool {
    use ConnectionError::{LocalClosed, PeerClosed, Refused};
    !matches!(why, LocalClosed | PeerClosed { .. } | Refused { .. })
}
