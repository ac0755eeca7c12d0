//! What peers tell each other before they punch: sealed while others carry it (SPEC §18.2), signed on a ticket (SPEC §18.3).

mod body;
mod description;
mod seen;
#[cfg(test)]
mod tests;
mod ticket;

use std::fmt;
use std::time::Duration;

pub(super) use description::distinct;
pub use description::{Description, NatSummary};
pub use seen::SeenOffers;
pub use ticket::{Ticket, TicketError};

use crate::base::limits::{OFFER_LIFE, PUNCH_START_DELAY_MAX};
use crate::base::{Entropy, Instant};
use crate::crypto::{Identity, PeerId, PunchSecrets, open_from, seal_for};

/// Names an offer.
pub(crate) type Nonce = [u8; 16];

/// What a peer tells another one that it wants to meet, or answers to that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    nonce: Nonce,
    /// The offer that this one answers.
    reply: Option<Nonce>,
    /// Unix time, in seconds.
    expiry: u64,
    /// Of an answer: how long after it was sent both begin.
    delay: Duration,
    /// Of an answer: how long the offer had waited for it.
    hold: Duration,
    description: Description,
}

/// Why an offer is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OfferError {
    /// It is not for us, was altered, or says nothing that we understand.
    Unreadable,
    /// Its time is over, or lies further ahead than any honest offer's.
    Expired,
    /// It has come before.
    Replayed,
    /// It answers no offer of ours.
    Unasked,
    /// So many offers came that this one is not looked at.
    TooMany,
}

impl fmt::Display for OfferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "an offer that is not for us, or was altered",
            Self::Expired => "an offer whose time is over; compare the clocks of both hosts",
            Self::Replayed => "an offer that came before",
            Self::Unasked => "an answer to nothing that was offered",
            Self::TooMany => "too many offers at once",
        })
    }
}

impl std::error::Error for OfferError {}

impl Offer {
    /// An offer that lives for 60 s. `unix`: the time in seconds.
    pub fn new(unix: u64, description: Description, entropy: &mut dyn Entropy) -> Self {
        Self {
            nonce: entropy.array(),
            reply: None,
            expiry: unix.saturating_add(OFFER_LIFE.as_secs()),
            delay: Duration::ZERO,
            hold: Duration::ZERO,
            description,
        }
    }

    /// The answer to this offer. Both sides begin `delay` after it is sent, at most 10 s: a bit more than the answer needs to arrive.
    /// `hold`: how long ago this offer came in.
    #[must_use]
    pub fn answer(
        &self,
        description: Description,
        delay: Duration,
        hold: Duration,
        entropy: &mut dyn Entropy,
    ) -> Self {
        Self {
            nonce: entropy.array(),
            reply: Some(self.nonce),
            expiry: self.expiry,
            delay: delay.min(PUNCH_START_DELAY_MAX),
            hold: hold.min(OFFER_LIFE),
            description,
        }
    }

    /// What its sender says about itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Whether it is the answer to this one.
    pub fn answers(&self, offer: &Self) -> bool {
        self.reply == Some(offer.nonce)
    }

    /// Whether it is an answer.
    pub fn is_answer(&self) -> bool {
        self.reply.is_some()
    }

    /// When the side that answered begins.
    pub fn start_of_answerer(&self, sent: Instant) -> Instant {
        sent + self.delay
    }

    /// When the side that offered begins: at the same moment as the other, as far as the ways there and back take equally long.
    pub fn start_of_offerer(&self, offered: Instant, answered: Instant) -> Instant {
        let way = answered.saturating_since(offered).saturating_sub(self.hold) / 2;
        answered + self.delay.saturating_sub(way)
    }

    /// The bytes for the peer; whoever carries them can only drop them. `None` if the peer is ourselves.
    pub fn seal(
        &self,
        identity: &Identity,
        to: &PeerId,
        entropy: &mut dyn Entropy,
    ) -> Option<Vec<u8>> {
        seal_for(identity, to, &body::encode(self), entropy)
    }

    /// Opens an offer for us that has not come before, and says from whom it is. `unix`: the time in seconds.
    ///
    /// # Errors
    /// When it must not be heeded, and why.
    pub fn open(
        identity: &Identity,
        unix: u64,
        seen: &mut SeenOffers,
        sealed: &[u8],
    ) -> Result<(PeerId, Self), OfferError> {
        let (from, message) = open_from(identity, sealed).ok_or(OfferError::Unreadable)?;
        let offer = body::decode(&message).map_err(|_| OfferError::Unreadable)?;
        // As much for clocks that differ as for the way.
        let latest = unix.saturating_add(2 * OFFER_LIFE.as_secs());
        if offer.expiry < unix || offer.expiry > latest {
            return Err(OfferError::Expired);
        }
        seen.note(unix, offer.nonce, offer.expiry)?;
        Ok((from, offer))
    }

    /// The secrets of its sender and us, who said `ours`.
    pub(crate) fn secrets(
        &self,
        ours: &Self,
        identity: &Identity,
        peer: &PeerId,
    ) -> Option<PunchSecrets> {
        PunchSecrets::new(identity, peer, &ours.nonce, &self.nonce)
    }
}
