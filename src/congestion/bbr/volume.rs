//! How much may be in flight before the path loses packets.
//!
//! ```text
//!   long_term    where a probe lost more than 2 %: stays, and grows in later probes
//!   short_term   what arrived in a round with losses outside of probes: until the next probe
//! ```
//!
//! While a queue stands, both are lower: all that is in a queue arrives, and so that it does is no reason to send it again.

use super::bandwidth::BETA;
use super::phase::share;

/// Percent of the long-term bound that stay free for others.
const HEADROOM: u64 = 15;

#[derive(Clone, Debug, Default)]
pub(super) struct Volume {
    long_term: Option<u64>,
    short_term: Option<u64>,
    /// The most that was delivered within one flight of the present round.
    latest: u64,
}

impl Volume {
    /// A sample bears on the present round.
    pub(super) fn note(&mut self, delivered: u64) {
        self.latest = self.latest.max(delivered);
    }

    /// The round ended with this sample.
    pub(super) fn restart_note(&mut self, delivered: u64) {
        self.latest = delivered;
    }

    pub(super) fn forget_round(&mut self) {
        self.latest = 0;
    }

    pub(super) fn latest(&self) -> u64 {
        self.latest
    }

    pub(super) fn long_term(&self) -> Option<u64> {
        self.long_term
    }

    pub(super) fn short_term(&self) -> Option<u64> {
        self.short_term
    }

    pub(super) fn set_long_term(&mut self, bound: u64) {
        self.long_term = Some(bound);
    }

    /// The queue stood: leaves the headroom to others for good. What remains when it is left once more is at least `product`.
    pub(super) fn lower_long_term(&mut self, product: u64) {
        let least = product.saturating_mul(100) / (100 - HEADROOM);
        let lower = |bound: u64| bound.min(share(bound, 100 - HEADROOM).max(least));
        self.long_term = self.long_term.map(lower);
    }

    pub(super) fn forget_long_term(&mut self) {
        self.long_term = None;
    }

    /// So much arrived without harm.
    pub(super) fn raise_long_term(&mut self, bound: Option<u64>) {
        self.long_term = self.long_term.zip(bound).map(|(a, b)| a.max(b));
    }

    /// Lifts the bound to this one, or altogether.
    pub(super) fn raise_short_term(&mut self, bound: Option<u64>) {
        self.short_term = self.short_term.zip(bound).map(|(a, b)| a.max(b));
    }

    /// A round of losses; `window` is the bound if there was none.
    pub(super) fn reduce(&mut self, window: u64) {
        let bound = self.short_term.unwrap_or(window);
        self.short_term = Some(self.latest.max(share(bound, BETA)));
    }

    /// A round of losses in a standing queue: down by the whole factor, but not below `product`.
    pub(super) fn yield_to_others(&mut self, window: u64, product: u64) {
        let bound = self.short_term.unwrap_or(window);
        self.short_term = Some(share(bound, BETA).max(product.min(bound)));
    }

    /// The long-term bound without what is left to others.
    pub(super) fn with_headroom(&self, datagram: u64, minimum: u64) -> Option<u64> {
        let bound = self.long_term?;
        let headroom = share(bound, HEADROOM).max(datagram);
        Some(bound.saturating_sub(headroom).max(minimum))
    }
}
