//! Decides whether packets carry an ECN mark, and hears what the marks say (RFC 9000 §13.4.2 and §A.4).
//!
//! ```text
//!             10 packets marked            marked packet acknowledged, counts right
//!   Testing ─────────────────► Unknown ───────────────────────────────────────────► Capable
//!      │  └───────────────────────┼─────────────────────────────────────────────────► ▲ │
//!      └── counts absent or wrong, or all marked packets lost ──► Failed ◄──────────────┘
//! ```
//!
//! The counts of an ACK cover the whole connection, so the books are kept over all its packets; the verdict is about
//! this path.

use crate::base::limits::ECN_TESTING_PACKETS;
use crate::base::{EcnMark, Instant};
use crate::vocab::{Outcome, PathId, Settled};
use crate::wire::EcnCounts;

/// Whether a path carries ECN marks (RFC 9000 §13.4.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EcnState {
    /// The first packets are being marked.
    #[default]
    Testing,
    /// Nothing is marked until the fate of the first packets is known.
    Unknown,
    /// Every packet is marked.
    Capable,
    /// Nothing is marked: the path or the peer drops, changes or ignores the marks.
    Failed,
}

#[derive(Clone, Debug)]
pub(super) struct Ecn {
    state: EcnState,
    /// Packets marked while testing, and how many of them were lost.
    tested: u64,
    lost: u64,
    /// The counts of the newest ACK.
    counts: EcnCounts,
    /// The largest number acknowledged so far.
    largest: Option<u64>,
}

impl Ecn {
    pub(super) fn new(enabled: bool) -> Self {
        let state = if enabled { EcnState::Testing } else { EcnState::Failed };
        Self { state, tested: 0, lost: 0, counts: EcnCounts::default(), largest: None }
    }

    /// The test for another path of the same connection: the books go on, the verdict is open again.
    pub(super) fn for_another_path(&self, enabled: bool) -> Self {
        Self { counts: self.counts, largest: self.largest, ..Self::new(enabled) }
    }

    /// The same network path under another path id: a verdict stands, an open test begins again.
    pub(super) fn for_rebound_path(&self) -> Self {
        match self.state {
            EcnState::Testing | EcnState::Unknown => self.for_another_path(true),
            EcnState::Capable | EcnState::Failed => self.clone(),
        }
    }

    pub(super) fn state(&self) -> EcnState {
        self.state
    }

    /// What to mark packets with.
    pub(super) fn mark(&self) -> Option<EcnMark> {
        match self.state {
            EcnState::Testing | EcnState::Capable => Some(EcnMark::Ect0),
            EcnState::Unknown | EcnState::Failed => None,
        }
    }

    /// A packet left with [`Self::mark`].
    pub(super) fn on_sent(&mut self) {
        if self.state == EcnState::Testing {
            self.tested += 1;
            if self.tested >= ECN_TESTING_PACKETS {
                self.state = EcnState::Unknown;
            }
        }
    }

    /// Takes in what became of packets. Returns when the newest acknowledged packet of the path left, if the peer
    /// reports more congestion.
    pub(super) fn on_outcome(&mut self, path: PathId, outcome: &Outcome) -> Option<Instant> {
        let congested = self.on_acked(path, outcome);
        self.on_lost(path, &outcome.lost);
        congested
    }

    fn on_acked(&mut self, path: PathId, outcome: &Outcome) -> Option<Instant> {
        let newest = outcome.acked.last()?.number;
        // The counts of an ACK that was overtaken are older than the books.
        if self.largest.is_some_and(|largest| newest <= largest) {
            return None;
        }
        self.largest = Some(newest);
        let before = self.counts;
        let marked = outcome.acked.iter().filter(|packet| packet.ecn_marked);
        let own = |packet: &&Settled| packet.path == path;
        let expected = marked.clone().count() as u64;
        let concerns_path = marked.filter(own).count() > 0;
        let Some(counts) = outcome.ecn else {
            if concerns_path {
                self.state = EcnState::Failed;
            }
            return None;
        };
        self.counts = counts;
        if self.state == EcnState::Failed {
            return None;
        }
        if !is_plausible(before, counts, expected) {
            self.state = EcnState::Failed;
            return None;
        }
        if concerns_path {
            self.state = EcnState::Capable;
        }
        let newest_own = outcome.acked.iter().rfind(own)?;
        (counts.ce > before.ce).then_some(newest_own.sent_at)
    }

    fn on_lost(&mut self, path: PathId, lost: &[Settled]) {
        if !matches!(self.state, EcnState::Testing | EcnState::Unknown) {
            return;
        }
        let own = lost.iter().filter(|packet| packet.path == path && packet.ecn_marked);
        self.lost += own.count() as u64;
        if self.state == EcnState::Unknown && self.lost >= self.tested {
            self.state = EcnState::Failed;
        }
    }
}

/// The counts never fall, account for every marked packet, and know no mark that was never sent.
fn is_plausible(before: EcnCounts, after: EcnCounts, expected: u64) -> bool {
    let (Some(ect0), Some(ce)) =
        (after.ect0.checked_sub(before.ect0), after.ce.checked_sub(before.ce))
    else {
        return false;
    };
    after.ect1 == 0 && ect0.saturating_add(ce) >= expected
}

#[cfg(test)]
mod tests;
