//! Which packet numbers were received: a sliding window of bits (RFC 6479 in spirit).

use super::limits::REPLAY_WINDOW;

const WORD: u64 = 64;
const WORDS_MIN: usize = 4;
/// One more than the window fills, for it begins and ends in the middle of words.
const WORDS_MAX: usize = (REPLAY_WINDOW / WORD) as usize + 1;

/// Remembers the largest number and the [`REPLAY_WINDOW`] below it. Starts small and grows with the reordering that it meets,
/// so that an idle connection costs little.
#[derive(Clone, Debug)]
pub(crate) struct ReplayWindow {
    /// A ring of words; the word of a number is `number / 64 % words.len()`.
    words: Vec<u64>,
    /// One more than the largest number received.
    end: u64,
    /// Numbers below this are too old, whether or not they came.
    start: u64,
}

impl Default for ReplayWindow {
    fn default() -> Self {
        Self { words: vec![0; WORDS_MIN], end: 0, start: 0 }
    }
}

impl ReplayWindow {
    /// The number was not received yet, and is not too old to tell.
    pub(crate) fn is_fresh(&self, number: u64) -> bool {
        if number >= self.end {
            return true;
        }
        number >= self.start && self.word(number) & bit(number) == 0
    }

    /// Notes a number; returns whether it was fresh.
    pub(crate) fn insert(&mut self, number: u64) -> bool {
        if !self.is_fresh(number) {
            return false;
        }
        if number >= self.end {
            self.advance(number);
        }
        let index = self.index(number);
        if let Some(word) = self.words.get_mut(index) {
            *word |= bit(number);
        }
        true
    }

    /// Makes `number` the largest, and room for the numbers between.
    fn advance(&mut self, number: u64) {
        if number / WORD != self.end.saturating_sub(1) / WORD {
            // Only a number that needs another word can push one out that is still needed.
            self.grow_to(number + 1 - self.lowest_missing().min(number));
        }
        let capacity = self.words.len() as u64 * WORD;
        let first_new = self.end.next_multiple_of(WORD);
        let last = number / WORD;
        // Words that come into use for the first time, or again.
        let words = (last + 1).saturating_sub(first_new / WORD).min(self.words.len() as u64);
        for offset in 0..words {
            let index = self.index((last - offset) * WORD);
            if let Some(word) = self.words.get_mut(index) {
                *word = 0;
            }
        }
        self.end = number + 1;
        let oldest_word = ((last + 1) * WORD).saturating_sub(capacity);
        self.start = self.start.max(oldest_word).max(number.saturating_sub(REPLAY_WINDOW));
    }

    /// A number below which nothing is missing any more, or the start of the window.
    fn lowest_missing(&self) -> u64 {
        let mut number = self.start;
        while number < self.end {
            if number.is_multiple_of(WORD) && self.word(number) == u64::MAX {
                number += WORD;
            } else if self.word(number) & bit(number) != 0 {
                number += 1;
            } else {
                break;
            }
        }
        number
    }

    fn grow_to(&mut self, span: u64) {
        let capacity = self.words.len() as u64 * WORD;
        // A word less than the capacity: the window begins at a word's edge.
        if span + WORD <= capacity || self.words.len() >= WORDS_MAX {
            return;
        }
        let wanted = usize::try_from(span.div_ceil(WORD) + 1).unwrap_or(WORDS_MAX);
        let length = wanted.next_power_of_two().clamp(WORDS_MIN, WORDS_MAX);
        let mut words = vec![0; length];
        for number in (self.start / WORD)..self.end.div_ceil(WORD) {
            let index = (number % length as u64) as usize;
            if let Some(word) = words.get_mut(index) {
                *word = self.word(number * WORD);
            }
        }
        self.words = words;
    }

    fn index(&self, number: u64) -> usize {
        (number / WORD % self.words.len() as u64) as usize
    }

    fn word(&self, number: u64) -> u64 {
        self.words.get(self.index(number)).copied().unwrap_or(u64::MAX)
    }
}

const fn bit(number: u64) -> u64 {
    1 << (number % WORD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn numbers_are_fresh_once() {
        let mut window = ReplayWindow::default();
        assert!(window.insert(5) && window.insert(3) && window.insert(1000));
        assert!(!window.insert(5) && !window.insert(3) && !window.insert(1000));
        assert!(window.is_fresh(4) && window.is_fresh(999));
    }

    /// SPEC §6.1, to the number, wherever in a word the largest lies.
    #[test]
    fn the_window_is_as_long_as_specified() {
        for top in (10 * REPLAY_WINDOW..).take(2 * WORD as usize) {
            let mut window = ReplayWindow::default();
            assert!(window.insert(0) && window.insert(top));
            assert!(!window.is_fresh(top - REPLAY_WINDOW - 1));
            assert!(window.insert(top - REPLAY_WINDOW));
            assert!(!window.insert(top - REPLAY_WINDOW));
        }
    }

    #[test]
    fn numbers_in_order_keep_it_small() {
        let mut window = ReplayWindow::default();
        assert!((0..100_000).all(|number| window.insert(number)));
        assert_eq!(window.words.len(), WORDS_MIN);
        assert!((0..100_000).all(|number| !window.is_fresh(number)));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_naive_set(
            jumps in prop::collection::vec(
                (prop_oneof![0_u64..100, 0_u64..20_000], prop_oneof![0_u64..300, 0_u64..20_000]),
                1..300,
            ),
        ) {
            let (mut window, mut seen, mut top) = (ReplayWindow::default(), BTreeSet::new(), 0_u64);
            for (up, back) in jumps {
                let number = (top + up).saturating_sub(back);
                let fresh = number + REPLAY_WINDOW >= top && seen.insert(number);
                top = top.max(number);
                prop_assert_eq!(window.is_fresh(number), fresh, "{}, top {}", number, top);
                prop_assert_eq!(window.insert(number), fresh);
                prop_assert!(!window.is_fresh(number));
            }
        }
    }
}
