//! Sets of numbers kept as ranges: acknowledged packets, received bytes.

use std::collections::VecDeque;
use std::ops::Range;

/// Sorted half-open ranges that neither overlap nor touch.
///
/// Growing at the top, which is what numbers that arrive in order do, costs nothing. The caller bounds how many ranges
/// there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RangeSet {
    ranges: VecDeque<Range<u64>>,
}

impl RangeSet {
    #[cfg(test)]
    pub(crate) const fn new() -> Self {
        Self { ranges: VecDeque::new() }
    }

    /// Adds a range; returns whether any of it is new.
    pub(crate) fn insert(&mut self, range: Range<u64>) -> bool {
        if range.is_empty() {
            return false;
        }
        match self.ranges.back_mut() {
            Some(last) if range.start == last.end => {
                last.end = range.end;
                return true;
            }
            Some(last) if range.start <= last.end => return self.insert_inside(range),
            _ => {}
        }
        self.ranges.push_back(range);
        true
    }

    fn insert_inside(&mut self, range: Range<u64>) -> bool {
        // The ranges that overlap or touch the new one are `first..last`.
        let first = self.ranges.partition_point(|old| old.end < range.start);
        let last = self.ranges.partition_point(|old| old.start <= range.end);
        let (Some(low), Some(high)) =
            (self.ranges.get(first), self.ranges.get(last.wrapping_sub(1)))
        else {
            self.ranges.insert(first, range);
            return true;
        };
        if first >= last {
            self.ranges.insert(first, range);
            return true;
        }
        if low.start <= range.start && range.end <= low.end {
            return false;
        }
        let merged = low.start.min(range.start)..high.end.max(range.end);
        if let Some(slot) = self.ranges.get_mut(first) {
            *slot = merged;
        }
        self.ranges.drain(first + 1..last);
        true
    }

    /// Adds one number; returns whether it is new.
    pub(crate) fn insert_one(&mut self, value: u64) -> bool {
        self.insert(value..value.saturating_add(1))
    }

    /// Takes out a range.
    pub(crate) fn remove(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        let first = self.ranges.partition_point(|old| old.end <= range.start);
        let last = self.ranges.partition_point(|old| old.start < range.end);
        if first >= last {
            return;
        }
        let (Some(low), Some(high)) = (self.ranges.get(first), self.ranges.get(last - 1)) else {
            return;
        };
        let left = low.start..range.start.max(low.start);
        let right = range.end.min(high.end)..high.end;
        self.ranges.drain(first..last);
        if !right.is_empty() {
            self.ranges.insert(first, right);
        }
        if !left.is_empty() {
            self.ranges.insert(first, left);
        }
    }

    /// Takes out everything below a number.
    pub(crate) fn remove_below(&mut self, value: u64) {
        while let Some(first) = self.ranges.front_mut() {
            if first.start >= value {
                return;
            }
            if first.end > value {
                first.start = value;
                return;
            }
            self.ranges.pop_front();
        }
    }

    /// Gives back memory that holds nothing.
    pub(crate) fn shrink(&mut self) {
        self.ranges.shrink_to_fit();
    }

    /// Takes out the lowest range.
    pub(crate) fn pop_min(&mut self) -> Option<Range<u64>> {
        self.ranges.pop_front()
    }

    pub(crate) fn contains(&self, value: u64) -> bool {
        let index = self.ranges.partition_point(|range| range.end <= value);
        self.ranges.get(index).is_some_and(|range| range.start <= value)
    }

    /// Does it hold all of a range?
    pub(crate) fn contains_range(&self, range: &Range<u64>) -> bool {
        let index = self.ranges.partition_point(|held| held.end <= range.start);
        let holds = |held: &Range<u64>| held.start <= range.start && range.end <= held.end;
        range.is_empty() || self.ranges.get(index).is_some_and(holds)
    }

    /// The lowest number at or above `value` that it lacks, with one that it holds above.
    pub(crate) fn lowest_missing_from(&self, value: u64) -> Option<u64> {
        let index = self.ranges.partition_point(|range| range.end <= value);
        let first = self.ranges.get(index)?;
        if first.start > value {
            return Some(value);
        }
        self.ranges.get(index + 1).map(|_| first.end)
    }

    /// The ranges, rising.
    pub(crate) fn iter(
        &self,
    ) -> impl DoubleEndedIterator<Item = Range<u64>> + ExactSizeIterator + '_ {
        self.ranges.iter().cloned()
    }

    /// The smallest number.
    pub(crate) fn min(&self) -> Option<u64> {
        self.ranges.front().map(|range| range.start)
    }

    /// The largest number.
    #[cfg(test)]
    pub(crate) fn max(&self) -> Option<u64> {
        self.ranges.back().map(|range| range.end - 1)
    }

    /// How many ranges there are.
    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn well_formed(set: &RangeSet) -> bool {
        let ranges: Vec<_> = set.iter().collect();
        ranges.iter().all(|range| !range.is_empty())
            && ranges.windows(2).all(|pair| pair[0].end < pair[1].start)
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_naive_set(
            steps in prop::collection::vec((0_u8..3, 0_u64..60, 0_u64..12), 1..60)
        ) {
            let (mut set, mut model) = (RangeSet::new(), BTreeSet::new());
            for (kind, start, length) in steps {
                let range = start..start + length;
                match kind {
                    0 => {
                        let news = range.clone().filter(|n| model.insert(*n)).count() > 0;
                        prop_assert_eq!(set.insert(range), news);
                    }
                    1 => {
                        model.retain(|n| !range.contains(n));
                        set.remove(range);
                    }
                    _ => {
                        model.retain(|n| *n >= start);
                        set.remove_below(start);
                    }
                }
                prop_assert!(well_formed(&set), "{:?}", set);
                prop_assert_eq!(set.iter().flatten().collect::<BTreeSet<_>>(), model.clone());
                prop_assert_eq!((set.min(), set.max()), (model.first().copied(), model.last().copied()));
                prop_assert!((0..80).all(|n| set.contains(n) == model.contains(&n)));
                let within = start..start + length;
                let whole = within.clone().all(|n| model.contains(&n));
                prop_assert_eq!(set.contains_range(&within), whole);
                let top = model.last().copied().unwrap_or(0);
                let missing = (start..top).find(|n| !model.contains(n));
                prop_assert_eq!(set.lowest_missing_from(start), missing);
            }
        }
    }
}
