//! The ids that the peer issued: which one leaves in packets, which wait, which are to be given back.
//!
//! ```text
//!  NEW_CID          rotate            rotate              RETIRE_CID acknowledged
//!  ───────▶ spare ─────────▶ active ─────────▶ retiring ─────────────────────────▶ forgotten
//!             └──────── retire prior to ──────────▲
//! ```
//!
//! "Retire prior to" takes back the active id too, but not before there is another to take its place: without an id
//! nothing can be sent at all.

use subtle::ConstantTimeEq;

use super::ResetToken;
use crate::base::limits::{ACTIVE_CIDS, MISSING_CIDS, RETIRE_QUEUE};
use crate::vocab::{Fate, PacketBuilder, Record};
use crate::wire::{ConnectionId, ErrorCode, Frame, TransportError};

#[derive(Clone, Copy)]
struct Held {
    sequence: u64,
    id: ConnectionId,
    /// The initial id has one only if the peer sent the RESET_TOKEN parameter.
    token: Option<ResetToken>,
}

#[derive(Clone, Copy, Debug)]
struct Retiring {
    sequence: u64,
    in_flight: bool,
}

/// The ids of the peer's side.
pub(crate) struct PeerCids {
    active: Held,
    /// By rising sequence number.
    spare: Vec<Held>,
    retiring: Vec<Retiring>,
    /// The largest "retire prior to" seen.
    floor: u64,
    /// One more than the largest sequence number seen.
    next: u64,
    /// Sequence numbers from `floor` to `next` that have not come yet. All others below `next` that are not held were
    /// retired, and a late copy of their frame must not bring them back.
    missing: Vec<u64>,
}

impl PeerCids {
    /// `initial` and `token` are the peer's INITIAL_CID and RESET_TOKEN parameters.
    pub(crate) fn new(initial: ConnectionId, token: Option<ResetToken>) -> Self {
        Self {
            active: Held { sequence: 0, id: initial, token },
            spare: Vec::new(),
            retiring: Vec::new(),
            floor: 0,
            next: 1,
            missing: Vec::new(),
        }
    }

    /// The id for packets that leave.
    pub(crate) fn active(&self) -> ConnectionId {
        self.active.id
    }

    /// The id that will be the active one after [`Self::rotate`].
    pub(crate) fn next(&self) -> ConnectionId {
        self.spare.first().unwrap_or(&self.active).id
    }

    /// Changes the active id, because one of the peers has moved: nobody shall link the two paths (RFC 9000 §9.5).
    /// Returns whether there was a spare one.
    pub(crate) fn rotate(&mut self) -> bool {
        if self.spare.is_empty() {
            return false;
        }
        let former = std::mem::replace(&mut self.active, self.spare.remove(0));
        self.retire(former.sequence);
        true
    }

    /// Takes a NEW_CID frame (RFC 9000 §19.15).
    pub(crate) fn on_new(
        &mut self,
        sequence: u64,
        retire_prior_to: u64,
        id: ConnectionId,
        token: ResetToken,
    ) -> Result<(), TransportError> {
        if retire_prior_to > sequence {
            return Err(TransportError::new(
                ErrorCode::FRAME_ENCODING,
                "NEW_CID that retires itself",
            ));
        }
        let new = Held { sequence, id, token: Some(token) };
        if self.held().any(|held| held.contradicts(&new)) {
            return Err(TransportError::new(
                ErrorCode::PROTOCOL_VIOLATION,
                "NEW_CID that contradicts an earlier one",
            ));
        }
        self.raise_floor(retire_prior_to);
        self.take(new)?;
        self.settle();
        let valid = self.held().filter(|held| held.sequence >= self.floor).count();
        if valid as u64 > ACTIVE_CIDS {
            return Err(limit("more connection ids than ACTIVE_CID_LIMIT"));
        }
        if self.retiring.len() > RETIRE_QUEUE {
            return Err(limit("ids are retired faster than RETIRE_CID is acknowledged"));
        }
        Ok(())
    }

    /// A RETIRE_CID frame is due.
    pub(crate) fn wants_to_send(&self) -> bool {
        self.retiring.iter().any(|retiring| !retiring.in_flight)
    }

    /// Writes the RETIRE_CID frames that are due.
    pub(crate) fn fill(&mut self, packet: &mut PacketBuilder<'_>) {
        for retiring in self.retiring.iter_mut().filter(|retiring| !retiring.in_flight) {
            let sequence = retiring.sequence;
            let frame = Frame::RetireCid { sequence };
            if !packet.push_recorded(&frame, Record::RetireCid { sequence }) {
                return;
            }
            retiring.in_flight = true;
        }
    }

    /// A RETIRE_CID frame arrived or was lost.
    pub(crate) fn on_fate(&mut self, sequence: u64, fate: Fate) {
        match fate {
            Fate::Acked => self.retiring.retain(|retiring| retiring.sequence != sequence),
            Fate::Lost => {
                for retiring in self.retiring.iter_mut().filter(|r| r.sequence == sequence) {
                    retiring.in_flight = false;
                }
            }
        }
    }

    /// The token of the id in use, if the peer gave one.
    pub(crate) fn reset_token(&self) -> Option<ResetToken> {
        self.active.token
    }

    /// Whether these are the last 16 bytes of a stateless reset of this connection. Only the token of the id in use
    /// counts (RFC 9000 §10.3.1), and each answer takes the same time.
    pub(crate) fn is_reset_token(&self, candidate: &ResetToken) -> bool {
        self.active.token.is_some_and(|token| token.ct_eq(candidate).into())
    }

    fn held(&self) -> impl Iterator<Item = &Held> {
        std::iter::once(&self.active).chain(&self.spare)
    }

    fn retire(&mut self, sequence: u64) {
        if self.retiring.iter().all(|retiring| retiring.sequence != sequence) {
            self.retiring.push(Retiring { sequence, in_flight: false });
        }
    }

    fn raise_floor(&mut self, retire_prior_to: u64) {
        if retire_prior_to > self.floor {
            self.floor = retire_prior_to;
            self.next = self.next.max(retire_prior_to);
            self.missing.retain(|sequence| *sequence >= retire_prior_to);
        }
    }

    /// Stores a new id, gives one back that came too late, ignores one that was known before.
    fn take(&mut self, new: Held) -> Result<(), TransportError> {
        let sequence = new.sequence;
        if sequence < self.floor {
            // The active id may be a leftover from below the floor: it is retired when it is replaced.
            if sequence != self.active.sequence {
                self.retire(sequence);
            }
            return Ok(());
        }
        if sequence >= self.next {
            let gap = sequence - self.next;
            if gap.saturating_add(self.missing.len() as u64) > MISSING_CIDS {
                return Err(limit("connection id sequence numbers skipped"));
            }
            self.missing.extend(self.next..sequence);
            self.next = sequence.saturating_add(1);
        } else if let Some(at) = self.missing.iter().position(|missing| *missing == sequence) {
            self.missing.remove(at);
        } else {
            return Ok(());
        }
        let at = self.spare.partition_point(|held| held.sequence < sequence);
        self.spare.insert(at, new);
        Ok(())
    }

    /// Gives back what lies below the floor, as far as there is a replacement for it.
    fn settle(&mut self) {
        let floor = self.floor;
        let below = self.spare.partition_point(|held| held.sequence < floor);
        let stale: Vec<Held> = self.spare.drain(..below).collect();
        for held in stale {
            self.retire(held.sequence);
        }
        if self.active.sequence < floor {
            self.rotate();
        }
    }
}

/// Ids and tokens stay out of logs: who reads them can reset the connection or link its paths.
impl std::fmt::Debug for PeerCids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeerCids")
            .field("active", &self.active.sequence)
            .field("spare", &self.spare.len())
            .field("retiring", &self.retiring)
            .field("floor", &self.floor)
            .finish_non_exhaustive()
    }
}

impl Held {
    /// One sequence number names one id and one token.
    fn contradicts(&self, new: &Self) -> bool {
        let same = self.sequence == new.sequence;
        same != (self.id == new.id) || (same && self.token.is_some() && self.token != new.token)
    }
}

fn limit(reason: &'static str) -> TransportError {
    TransportError::new(ErrorCode::CONNECTION_ID_LIMIT, reason)
}

#[cfg(test)]
mod tests;
