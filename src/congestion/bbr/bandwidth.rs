//! The rate that the path carries: the maximum of this probing cycle and the one before, and a lower bound after losses.
//!
//! ```text
//!   cycle before     this cycle         ┌─ short_term: after losses, until the next probe
//!   max ▒▒▒▒▒▒▒▒   max ▒▒▒▒▒▒▒▒ ──max──►│──min──► the rate to send at
//! ```

use super::phase::share;
use crate::congestion::rate::Sample;

/// Percent of a bound that one round with losses leaves at least.
pub(super) const BETA: u64 = 70;

#[derive(Clone, Debug, Default)]
pub(super) struct Bandwidth {
    /// Bytes per second: the cycle before, and this one.
    cycles: [u64; 2],
    short_term: Option<u64>,
    /// The maximum of the present round.
    latest: u64,
}

impl Bandwidth {
    /// A sample bears on the present round.
    pub(super) fn note(&mut self, rate: u64) {
        self.latest = self.latest.max(rate);
    }

    /// The round ended with this sample.
    pub(super) fn restart_note(&mut self, rate: u64) {
        self.latest = rate;
    }

    /// Takes the sample into the maximum. If the application set the pace, it can only raise it.
    pub(super) fn measure(&mut self, sample: &Sample) {
        let Some(rate) = sample.rate else { return };
        if rate >= self.maximum() || !sample.app_limited {
            self.cycles[1] = self.cycles[1].max(rate);
        }
    }

    /// The present cycle becomes the one before. One without a sample is as if it had not been.
    pub(super) fn advance(&mut self) {
        if self.cycles[1] > 0 {
            self.cycles = [self.cycles[1], 0];
        }
    }

    /// The most that the path carried lately.
    pub(super) fn maximum(&self) -> u64 {
        self.cycles[0].max(self.cycles[1])
    }

    /// The rate to send at.
    pub(super) fn current(&self) -> u64 {
        self.short_term.map_or(self.maximum(), |bound| bound.min(self.maximum()))
    }

    /// A round of losses: down to what arrived, but by no more than the factor that CUBIC has.
    pub(super) fn reduce(&mut self) {
        let bound = self.short_term.unwrap_or_else(|| self.maximum());
        self.short_term = Some(self.latest.max(share(bound, BETA)));
    }

    pub(super) fn short_term(&self) -> Option<u64> {
        self.short_term
    }

    /// Lifts the bound to this one, or altogether.
    pub(super) fn raise_short_term(&mut self, bound: Option<u64>) {
        self.short_term = self.short_term.zip(bound).map(|(a, b)| a.max(b));
    }

    pub(super) fn forget_round(&mut self) {
        self.latest = 0;
    }
}
