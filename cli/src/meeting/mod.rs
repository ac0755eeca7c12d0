//! Peers behind NATs find each other with tickets, which people carry from one to the other.
//!
//! ```text
//!   listen --stun S                                    connect TICKET --stun S
//!     prints its ticket  ───── a person ─────▶  dials its addresses: done, if one of them lets everybody in
//!     reads the other    ◀──── a person ──────  else prints its own ticket
//!     meets it  ◀═══════════════════════════▶  meets it
//! ```

mod door;
mod servers;
mod tickets;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use srudp::nat::Failure as SearchFailure;
use srudp::{Connection, ConnectionError, DialError, Endpoint, EndpointBuilder, MeetError, Ticket};

pub(crate) use door::{AfterBreak, Door, Invitation};
pub(crate) use servers::Servers;

use crate::exit::{Code, Failure};
use crate::options;

/// How a peer is reached that a ticket leads to.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "With a ticket")]
pub(crate) struct Approach {
    #[command(flatten)]
    servers: Servers,

    /// Do not dial the addresses in the ticket: print a ticket of this side at once, for the other side to meet it
    #[arg(long)]
    no_dial: bool,
}

impl Approach {
    pub(crate) fn servers(&self) -> &Servers {
        &self.servers
    }
}

/// How long the other side is waited for: a person has to carry the ticket there.
const PATIENCE: Duration = Duration::from_mins(5);

/// Every address of this host, in both families where it has both.
pub(crate) fn bind(builder: &EndpointBuilder) -> Result<Endpoint, Failure> {
    let both = builder.clone().bind((Ipv6Addr::UNSPECIFIED, 0));
    both.or_else(|_| options::bind(builder.clone(), (Ipv4Addr::UNSPECIFIED, 0).into()))
}

/// Binds what a ticket can be dialled from. Tickets that lead to this host alone are for trying things out.
pub(crate) fn bind_for(
    builder: &EndpointBuilder,
    bind_to: Option<SocketAddr>,
    theirs: &Ticket,
) -> Result<Endpoint, Failure> {
    let mut candidates = theirs.description().candidates().iter();
    let here = candidates.all(|candidate| candidate.address().ip().is_loopback());
    match bind_to {
        Some(address) => options::bind(builder.clone(), address),
        None if here => options::bind(builder.clone(), (Ipv4Addr::LOCALHOST, 0).into()),
        None => bind(builder),
    }
}

/// The own ticket, on stderr.
fn print_ticket(endpoint: &Endpoint) -> Result<Ticket, Failure> {
    let ticket = endpoint.ticket().map_err(|error| Failure::of("cannot make a ticket", error))?;
    eprintln!("ticket {ticket}");
    Ok(ticket)
}

/// Reaches the peer of a ticket: dials its addresses, and if that does not help meets it.
pub(crate) fn reach(
    endpoint: &Endpoint,
    theirs: &Ticket,
    approach: &Approach,
    verbose: bool,
) -> Result<Connection, Failure> {
    if !approach.no_dial
        && let Some(connection) = dial(endpoint, theirs)?
    {
        return Ok(connection);
    }
    eprintln!(
        "srudp: nothing answers at the addresses in the ticket; give the other side this one:"
    );
    print_ticket(endpoint)?;
    meet(endpoint, theirs, verbose)
}

/// Dials the addresses. `None` if nobody answers there.
fn dial(endpoint: &Endpoint, theirs: &Ticket) -> Result<Option<Connection>, Failure> {
    match endpoint.connect_ticket(theirs) {
        Ok(connection) => Ok(Some(connection)),
        Err(DialError::NoAddress | DialError::Failed(ConnectionError::HandshakeTimedOut)) => {
            Ok(None)
        }
        Err(error) => Err(Failure::of(format!("cannot connect to {}", theirs.peer_id()), error)),
    }
}

/// Meets the peer, which has our ticket or is about to get it.
fn meet(endpoint: &Endpoint, theirs: &Ticket, verbose: bool) -> Result<Connection, Failure> {
    let peer = theirs.peer_id();
    let met = endpoint.meet_timeout(theirs, PATIENCE).map_err(|error| {
        let code = match &error {
            MeetError::Failed(_) => return Failure::of(format!("cannot meet {peer}"), error),
            MeetError::NotFound { .. } | MeetError::TimedOut | MeetError::Busy(_) => {
                Code::Unreached
            }
            _ => Code::Here,
        };
        let way_out = match error.failure() {
            Some(SearchFailure::BothSymmetric) => "; name one with --turn",
            _ => "",
        };
        Failure::new(code, format!("cannot meet {peer}: {error}{way_out}"))
    })?;
    if let (true, Some((winner, report))) = (verbose, met.path) {
        eprintln!(
            "srudp: met at the {} address {}; {} checks sent, {} heard, {} sockets opened",
            winner.kind, winner.remote, report.sent, report.received, report.sockets
        );
    }
    Ok(met.connection)
}
