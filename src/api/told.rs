//! What was told of an endpoint last.

use crate::base::Instant;
use crate::crypto::Identity;
use crate::driver::MeetError;
use crate::nat::{Gathered, PunchConfig, Ticket};

/// A ticket, and what it was made of.
#[derive(Debug)]
pub(crate) struct Told {
    ticket: Ticket,
    gathered: Gathered,
}

impl Told {
    pub(crate) fn new(ticket: Ticket, gathered: Gathered) -> Self {
        Self { ticket, gathered }
    }

    /// The ticket that was made of this.
    pub(crate) fn ticket_of(&self, gathered: &Gathered) -> Option<Ticket> {
        (self.gathered == *gathered).then(|| self.ticket.clone())
    }

    /// How to search for a peer that has our ticket. `unix`: the time in seconds.
    pub(crate) fn search(
        &self,
        now: Instant,
        unix: u64,
        identity: &Identity,
        theirs: &Ticket,
    ) -> Result<PunchConfig, MeetError> {
        if self.ticket.has_expired(unix) {
            return Err(MeetError::NoTicket);
        }
        let config = PunchConfig::from_tickets(identity, &self.ticket, theirs, now);
        Ok(self.gathered.prepare(config.ok_or(MeetError::OwnTicket)?))
    }
}
