//! What a round trip lost. The first loss after a quiet time begins a round of its own, so that a whole one is judged.
//!
//! How much is `tolerated` is for the caller to say, in thousandths.

use crate::congestion::rate::Totals;

/// Rounds by which the mean of several is formed: the last one has this part of the weight.
const MEMORY: u64 = 8;

#[derive(Clone, Debug, Default)]
pub(super) struct RoundLosses {
    began: Totals,
    started: bool,
    /// Stretches of lost packets.
    stretches: u32,
    newest: Option<u64>,
    marked: bool,
    any: bool,
    /// Thousandths lost of late, times [`MEMORY`].
    recent: u64,
}

/// A round that had losses or marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LossyRound {
    /// More than is tolerated.
    pub(super) excessive: bool,
    /// Thousandths of the bytes.
    pub(super) part: u64,
    /// The mean of this and the rounds before.
    pub(super) mean: u64,
    pub(super) stretches: u32,
    pub(super) marked: bool,
}

/// More was lost than is tolerated of so many bytes.
pub(super) fn is_excessive(lost: u64, of: u64, tolerated: u64) -> bool {
    lost > of.saturating_mul(tolerated) / 1000
}

/// The least number of bytes of which `lost` are no longer tolerated, if `before` of them arrived or were lost before:
/// the part of a flight that the path had room for.
pub(super) fn tolerated_part(before: u64, lost: u64, tolerated: u64) -> u64 {
    let budget = (before.saturating_mul(tolerated) / 1000).saturating_sub(lost);
    before + budget * 1000 / (1000 - tolerated)
}

impl RoundLosses {
    /// A packet was lost; `totals` are those before.
    pub(super) fn on_lost(&mut self, number: u64, totals: Totals) {
        self.begin(totals);
        if self.newest.is_none_or(|newest| number != newest + 1) {
            self.stretches += 1;
        }
        self.newest = Some(number);
    }

    /// The network marked packets: queues are longer than they should be.
    pub(super) fn on_marked(&mut self, totals: Totals) {
        self.begin(totals);
        self.marked = true;
    }

    fn begin(&mut self, totals: Totals) {
        if !self.any {
            self.any = true;
            self.began = totals;
        }
    }

    /// A packet arrived that left when `prior` bytes were delivered. Returns the round that this ends, if it was lossy.
    pub(super) fn end_round(
        &mut self,
        prior: u64,
        totals: Totals,
        tolerated: u64,
    ) -> Option<LossyRound> {
        self.started = prior >= self.began.delivered;
        if !self.started {
            return None;
        }
        let lost = totals.lost.saturating_sub(self.began.lost);
        let sent = lost + totals.delivered.saturating_sub(self.began.delivered);
        let excessive = self.marked || is_excessive(lost, sent, tolerated);
        let part = lost.saturating_mul(1000).checked_div(sent).unwrap_or(0);
        let recent = self.recent - self.recent / MEMORY + part;
        let round = LossyRound {
            excessive,
            part,
            mean: recent / MEMORY,
            stretches: self.stretches,
            marked: self.marked,
        };
        let round = self.any.then_some(round);
        let newest = self.newest;
        *self = Self { began: totals, started: true, newest, recent, ..Self::default() };
        round
    }

    /// The newest acknowledgement began a round.
    pub(super) fn has_round_started(&self) -> bool {
        self.started
    }

    /// Nothing was lost in this round after all, or it does not matter any more.
    pub(super) fn forget_round(&mut self) {
        let Self { began, newest, recent, .. } = *self;
        *self = Self { began, newest, recent, ..Self::default() };
    }
}
