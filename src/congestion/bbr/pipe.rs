//! Decides that the pipe is full: three rounds in which the delivery rate grew by less than a quarter (§5.3.1.2), or one that
//! spent its time in a queue as well.

use super::phase::share;
use crate::congestion::rate::Sample;

const GROWTH: u64 = 125;
const ROUNDS: u8 = 3;

/// Rounds that suffice if no packet of them found the queue short: two signs of one thing, and each further round of Startup would
/// hold a whole window in the queue.
const ROUNDS_IN_QUEUE: u8 = 1;

#[derive(Clone, Debug, Default)]
pub(super) struct Pipe {
    /// It was full once.
    known_full: bool,
    /// It is full, since growth was last looked for.
    full: bool,
    /// The rate that growth is measured against.
    baseline: u64,
    rounds: u8,
}

impl Pipe {
    /// A round ended with this sample. `queued`: no packet of the round found the queue short. Returns whether the rate grew.
    pub(super) fn on_round(&mut self, sample: &Sample, queued: bool) -> bool {
        if self.full || sample.app_limited {
            return false;
        }
        let Some(rate) = sample.rate else { return false };
        if rate >= share(self.baseline, GROWTH) {
            self.look_again(rate);
            return true;
        }
        self.rounds += 1;
        if self.rounds >= if queued { ROUNDS_IN_QUEUE } else { ROUNDS } {
            self.full = true;
            self.known_full = true;
        }
        false
    }

    /// Looks for growth beyond `baseline` from now on.
    pub(super) fn look_again(&mut self, baseline: u64) {
        self.full = false;
        self.baseline = baseline;
        self.rounds = 0;
    }

    /// Losses prove it.
    pub(super) fn set_known_full(&mut self, full: bool) {
        self.known_full = full;
    }

    pub(super) fn is_known_full(&self) -> bool {
        self.known_full
    }

    /// The last round still brought a quarter more.
    pub(super) fn is_growing(&self) -> bool {
        self.rounds == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.full
    }
}
