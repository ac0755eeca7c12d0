//! Ranges that arrived ahead of their turn.
//!
//! A peer decides how many there are and where the next one falls, so every step is logarithmic.

use std::collections::BTreeMap;
use std::ops::Range;

/// Ranges that neither overlap nor touch, by their starts.
#[derive(Debug, Default)]
pub(super) struct Islands {
    ends: BTreeMap<u64, u64>,
}

impl Islands {
    /// Adds a range and joins it with its neighbours.
    pub(super) fn insert(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let (mut start, mut end) = (range.start, range.end);
        while let Some((&low, &high)) = self.ends.range(..=end).next_back() {
            if high < start {
                break;
            }
            (start, end) = (start.min(low), end.max(high));
            self.ends.remove(&low);
        }
        self.ends.insert(start, end);
    }

    /// Takes out what begins at or below `edge`. Returns how far it reaches, at least to `edge`.
    pub(super) fn absorb(&mut self, mut edge: u64) -> u64 {
        while let Some(first) = self.ends.first_entry().filter(|first| *first.key() <= edge) {
            edge = edge.max(first.remove());
        }
        edge
    }

    /// How many ranges there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// There are none.
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_agree_with_a_naive_set(
            ranges in prop::collection::vec((1_u64..100, 0_u64..15), 1..40),
            edge in 0_u64..120,
        ) {
            let (mut islands, mut model) = (Islands::default(), [false; 130]);
            for (start, length) in ranges {
                islands.insert(start..start + length);
                model[start as usize..(start + length) as usize].fill(true);
            }
            let begins = (1..130).filter(|at| model[*at] && !model[*at - 1]).count();
            prop_assert_eq!(islands.len(), begins);
            let mut reach = edge;
            for at in 0..130 {
                if model[at as usize] && at <= reach {
                    reach = reach.max(at + 1);
                }
            }
            prop_assert_eq!(islands.absorb(edge), reach);
            prop_assert!(islands.ends.keys().all(|start| *start > reach));
        }
    }
}
