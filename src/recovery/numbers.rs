//! Decides which packet numbers are used, and which are skipped so that a cheat is found out (SPEC §8.2).
//!
//! A receiver that acknowledges what it has not received makes us send faster than the path carries (CVE-2025-4820). It
//! cannot know which numbers are skipped until later ones have come.

use std::collections::VecDeque;

use crate::base::limits::{SKIP_DISTANCE_MAX, SKIP_DISTANCE_MIN, SKIPS_REMEMBERED};
use crate::base::{Entropy, SeededEntropy};
use crate::wire::{AckFrame, ErrorCode, TransportError};

const NEVER_SENT: TransportError = TransportError::new(
    ErrorCode::PROTOCOL_VIOLATION,
    "a packet was acknowledged that was never sent",
);

#[derive(Debug)]
pub(super) struct Numbers {
    next: u64,
    skip_at: u64,
    /// Mean distance between skipped numbers: soon at first, and then ever more rarely.
    distance: u64,
    /// Decides the next skip and the next seed: a generator would take more memory than all the rest.
    seed: u64,
    /// The newest skipped numbers, rising.
    skipped: VecDeque<u64>,
}

impl Numbers {
    pub(super) fn new(seed: u64) -> Self {
        let mut numbers = Self {
            next: 0,
            skip_at: 0,
            distance: SKIP_DISTANCE_MIN,
            seed,
            skipped: VecDeque::new(),
        };
        numbers.choose_skip();
        numbers
    }

    /// The number of the next packet.
    pub(super) fn next(&mut self) -> u64 {
        if self.next == self.skip_at {
            self.skip();
        }
        let number = self.next;
        self.next += 1;
        number
    }

    /// Checks that an ACK names no number which was not sent.
    pub(super) fn check(&self, ack: &AckFrame<'_>) -> Result<(), TransportError> {
        if ack.largest >= self.next {
            return Err(NEVER_SENT);
        }
        let Some(oldest) = self.skipped.front() else { return Ok(()) };
        for range in ack.ranges().take_while(|range| range.end() >= oldest) {
            let first = self.skipped.partition_point(|skipped| skipped < range.start());
            if self.skipped.get(first).is_some_and(|skipped| skipped <= range.end()) {
                return Err(NEVER_SENT);
            }
        }
        Ok(())
    }

    fn skip(&mut self) {
        if self.skipped.len() == SKIPS_REMEMBERED {
            self.skipped.pop_front();
        }
        self.skipped.push_back(self.next);
        self.next += 1;
        self.distance = (2 * self.distance).min(SKIP_DISTANCE_MAX);
        self.choose_skip();
    }

    fn choose_skip(&mut self) {
        let mut generator = SeededEntropy::new(self.seed);
        self.seed = <dyn Entropy>::number(&mut generator);
        let random = <dyn Entropy>::number(&mut generator);
        self.skip_at = self.next + 1 + random % (2 * self.distance);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(seed: u64, count: usize) -> Vec<u64> {
        let mut numbers = Numbers::new(seed);
        (0..count).map(|_| numbers.next()).collect()
    }

    #[test]
    fn numbers_rise_and_some_are_left_out() {
        let drawn = draw(7, 100_000);
        assert!(drawn.windows(2).all(|pair| (1..=2).contains(&(pair[1] - pair[0]))));
        let skipped = drawn[99_999] + 1 - 100_000;
        assert!((20..200).contains(&skipped), "{skipped} skipped");
    }

    #[test]
    fn the_first_number_is_zero_and_the_first_skip_comes_soon() {
        for seed in 0..100 {
            let drawn = draw(seed, 1 + 2 * SKIP_DISTANCE_MIN as usize);
            assert_eq!(drawn[0], 0);
            assert!(drawn.last().copied() >= Some(drawn.len() as u64), "seed {seed}");
        }
    }

    #[test]
    fn the_seed_alone_decides_what_is_skipped() {
        assert_eq!(draw(1, 200), draw(1, 200));
        assert_ne!(draw(1, 200), draw(2, 200));
    }

    #[test]
    fn few_skips_are_remembered() {
        let mut numbers = Numbers::new(1);
        for _ in 0..200_000 {
            numbers.next();
        }
        assert_eq!(numbers.skipped.len(), SKIPS_REMEMBERED);
    }
}
