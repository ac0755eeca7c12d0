//! The ids that we issued: which are valid, which the peer has yet to hear of.
//!
//! ```text
//!  issue        fill         Acked
//!  ─────▶ Due ───────▶ Sent ───────▶ Known        any ── RETIRE_CID ──▶ gone
//!                      ▲  │ Lost
//!                 fill │  ▼
//!                      Owed
//! ```
//!
//! A fresh id is no reason for a packet of its own. What made us issue it is acknowledged, at the latest after the delay of an ACK, and
//! mostly there is something to say before.
//!
//! We never ask the peer to retire an id, so "retire prior to" is always 0.

use super::ResetToken;
use crate::base::limits::ACTIVE_CIDS;
use crate::vocab::{Fate, PacketBuilder, Record};
use crate::wire::{ConnectionId, ErrorCode, Frame, TransportError};

#[derive(Clone, Copy)]
enum Notice {
    /// A NEW_CID frame is to be sent, with the next packet that leaves.
    Due(ResetToken),
    /// It was lost: a packet is to leave for it.
    Owed(ResetToken),
    /// It is in flight; the token stays for the case that it is lost.
    Sent(ResetToken),
    /// The peer has it.
    Known,
}

#[derive(Clone, Copy)]
struct Issued {
    sequence: u64,
    id: ConnectionId,
    notice: Notice,
}

/// The valid ids of our side.
pub(crate) struct LocalCids {
    /// By rising sequence number; never more than `limit`.
    issued: Vec<Issued>,
    limit: u64,
    next: u64,
    /// Sequence numbers below this one were sent at least once.
    revealed: u64,
    /// The id that the peer was last seen to use.
    used: ConnectionId,
}

impl LocalCids {
    /// `initial` went to the peer in the handshake. `peer_limit` is the peer's ACTIVE_CID_LIMIT.
    pub(crate) fn new(initial: ConnectionId, peer_limit: u64) -> Self {
        Self {
            issued: vec![Issued { sequence: 0, id: initial, notice: Notice::Known }],
            limit: peer_limit.min(ACTIVE_CIDS),
            next: 1,
            revealed: 1,
            used: initial,
        }
    }

    /// How many fresh ids [`Self::issue`] wants.
    pub(crate) fn wanted(&self) -> usize {
        let missing = self.limit.saturating_sub(self.issued.len() as u64);
        usize::try_from(missing).unwrap_or_default()
    }

    /// Takes a fresh id and its token from the endpoint, which already routes it to this connection.
    pub(crate) fn issue(&mut self, id: ConnectionId, token: ResetToken) {
        self.issued.push(Issued { sequence: self.next, id, notice: Notice::Due(token) });
        self.next += 1;
    }

    /// A packet has to leave for what the peer has yet to be told.
    pub(crate) fn wants_to_send(&self) -> bool {
        self.issued.iter().any(|issued| matches!(issued.notice, Notice::Owed(_)))
    }

    /// The peer has yet to be told of an id.
    pub(crate) fn has_news(&self) -> bool {
        let is_news = |notice| matches!(notice, Notice::Due(_) | Notice::Owed(_));
        self.issued.iter().any(|issued| is_news(issued.notice))
    }

    /// Writes the NEW_CID frames that the peer has yet to get, into a packet that leaves.
    pub(crate) fn fill(&mut self, packet: &mut PacketBuilder<'_>) {
        for issued in &mut self.issued {
            let (Notice::Due(token) | Notice::Owed(token)) = issued.notice else { continue };
            let Issued { sequence, id, .. } = *issued;
            let frame = Frame::NewCid { sequence, retire_prior_to: 0, id, token };
            if !packet.push_recorded(&frame, Record::NewCid { sequence }) {
                return;
            }
            issued.notice = Notice::Sent(token);
            self.revealed = self.revealed.max(sequence + 1);
        }
    }

    /// The peer sent a packet to this id from a new address. Returns whether it changed the id too: then it moved on
    /// purpose, else its NAT did.
    pub(crate) fn on_used(&mut self, id: ConnectionId) -> bool {
        std::mem::replace(&mut self.used, id) != id
    }

    /// Takes a RETIRE_CID. Returns the id that no longer is ours, so that the endpoint forgets it.
    pub(crate) fn on_retire(
        &mut self,
        sequence: u64,
    ) -> Result<Option<ConnectionId>, TransportError> {
        if sequence >= self.revealed {
            return Err(violation("RETIRE_CID of an id that was never issued"));
        }
        let Some(at) = self.issued.iter().position(|issued| issued.sequence == sequence) else {
            return Ok(None);
        };
        // The packet that brought the frame used an id, so there is a second one (RFC 9000 §19.16).
        if self.issued.len() == 1 {
            return Err(violation("RETIRE_CID of the last id"));
        }
        Ok(Some(self.issued.remove(at).id))
    }

    /// A NEW_CID frame arrived or was lost.
    pub(crate) fn on_fate(&mut self, sequence: u64, fate: Fate) {
        let found = self.issued.iter_mut().find(|issued| issued.sequence == sequence);
        let Some(issued) = found else { return };
        issued.notice = match (fate, issued.notice) {
            (Fate::Acked, _) => Notice::Known,
            (Fate::Lost, Notice::Sent(token)) => Notice::Owed(token),
            (Fate::Lost, unchanged) => unchanged,
        };
    }

    /// The valid ids, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ConnectionId> + '_ {
        self.issued.iter().map(|issued| issued.id)
    }
}

/// Without ids and tokens, as for those of the peer.
impl std::fmt::Debug for LocalCids {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalCids")
            .field("issued", &self.issued.len())
            .field("limit", &self.limit)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

fn violation(reason: &'static str) -> TransportError {
    TransportError::new(ErrorCode::PROTOCOL_VIOLATION, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> ConnectionId {
        ConnectionId::from([n; 8])
    }

    fn cids(issued: u8) -> LocalCids {
        let mut cids = LocalCids::new(id(0), 8);
        for n in 1..=issued {
            cids.issue(id(n), [n; 16]);
        }
        cids
    }

    /// The sequence numbers that one packet with `space` bytes announces.
    fn fill(cids: &mut LocalCids, space: usize) -> Vec<u64> {
        let mut buffer = vec![0; space];
        let mut packet = PacketBuilder::new(&mut buffer);
        cids.fill(&mut packet);
        let (_, _, records) = packet.finish();
        let sequence = |record| match record {
            Record::NewCid { sequence } => sequence,
            other => panic!("{other:?}"),
        };
        records.iter().map(sequence).collect()
    }

    #[test]
    fn no_more_ids_are_issued_than_the_peer_and_we_allow() {
        assert_eq!(LocalCids::new(id(0), 2).wanted(), 1);
        assert_eq!(LocalCids::new(id(0), 3).wanted(), 2);
        assert_eq!(LocalCids::new(id(0), u64::MAX).wanted(), ACTIVE_CIDS as usize - 1);
        assert_eq!(LocalCids::new(id(0), 0).wanted(), 0);
        assert_eq!(cids(ACTIVE_CIDS as u8 - 1).wanted(), 0);
    }

    #[test]
    fn each_id_is_announced_once_in_order() {
        let mut cids = cids(3);
        assert!(cids.has_news() && !cids.wants_to_send());
        assert_eq!(fill(&mut cids, 30), [1]);
        assert_eq!(fill(&mut cids, 1200), [2, 3]);
        assert!(!cids.has_news());
        assert!(fill(&mut cids, 1200).is_empty());
    }

    #[test]
    fn a_lost_announcement_is_repeated_and_an_acknowledged_one_is_not() {
        let mut cids = cids(2);
        fill(&mut cids, 1200);
        cids.on_fate(1, Fate::Acked);
        cids.on_fate(1, Fate::Lost);
        cids.on_fate(2, Fate::Lost);
        assert!(cids.wants_to_send());
        assert_eq!(fill(&mut cids, 1200), [2]);
        cids.on_fate(2, Fate::Lost);
        cids.on_fate(2, Fate::Acked);
        assert!(!cids.wants_to_send());
    }

    #[test]
    fn a_retired_id_is_handed_back_once_and_replaced() {
        let mut cids = cids(3);
        fill(&mut cids, 1200);
        assert_eq!(cids.on_retire(2), Ok(Some(id(2))));
        assert_eq!(cids.on_retire(2), Ok(None));
        assert_eq!(cids.wanted(), 1);
        cids.issue(id(9), [9; 16]);
        assert_eq!(fill(&mut cids, 1200), [4]);
        assert_eq!(cids.iter().collect::<Vec<_>>(), [0, 1, 3, 9].map(id));
    }

    #[test]
    fn a_retired_id_is_not_announced_again() {
        let mut cids = cids(1);
        fill(&mut cids, 1200);
        assert_eq!(cids.on_retire(1), Ok(Some(id(1))));
        cids.on_fate(1, Fate::Lost);
        assert!(!cids.wants_to_send());
    }

    #[test]
    fn retiring_an_id_that_the_peer_has_never_seen_is_a_violation() {
        let mut cids = cids(1);
        assert!(cids.on_retire(1).is_err());
        fill(&mut cids, 1200);
        assert!(cids.on_retire(2).is_err());
        assert!(cids.on_retire(1).is_ok());
    }

    #[test]
    fn retiring_the_last_id_is_a_violation() {
        let mut cids = cids(1);
        fill(&mut cids, 1200);
        assert_eq!(cids.on_retire(0), Ok(Some(id(0))));
        assert!(cids.on_retire(1).is_err());
    }

    #[test]
    fn a_peer_that_moves_on_purpose_is_known_by_its_new_id() {
        let mut cids = cids(2);
        assert!(!cids.on_used(id(0)));
        assert!(cids.on_used(id(2)));
        assert!(!cids.on_used(id(2)));
    }
}
