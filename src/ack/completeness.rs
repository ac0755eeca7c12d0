//! Whether the way from the peer loses often: how many of the latest numbers came.
//!
//! Old numbers count less and less: whenever [`SPAN`] of them are looked at, the older half of what was seen is forgotten, so that a path
//! which turned bad is found out within a few thousand packets, however long it was good, and the other way round.

/// Numbers that are looked at, at most.
const SPAN: u64 = 4096;

/// Packets without which nothing is said about those that are missing.
const ENOUGH: u64 = 64;

/// Numbers that a peer may have left out on purpose (SPEC.md §8) before anything is said about those that are missing.
const SKIPPED: u64 = 3;

/// Counts what came, and what should have come.
#[derive(Debug, Default)]
pub(super) struct Completeness {
    /// The first number that is looked at.
    first: u64,
    /// Fresh ones among those.
    came: u64,
}

impl Completeness {
    /// A fresh number came; `largest` is the largest so far.
    pub(super) fn on_fresh(&mut self, largest: u64) {
        self.came += 1;
        let span = self.span(largest);
        if span >= SPAN {
            // A leap in the numbers counts as one span of missing ones.
            self.first = largest.saturating_add(1) - SPAN / 2;
            self.came = self.came.min(span) * (SPAN / 2) / span;
        }
    }

    /// More than one number of 32 is missing, beside the few that the peer skips on purpose.
    pub(super) fn is_poor(&self, largest: u64) -> bool {
        let span = self.span(largest);
        self.came >= ENOUGH && span.saturating_sub(self.came) > span / 32 + SKIPPED
    }

    fn span(&self, largest: u64) -> u64 {
        largest.saturating_add(1).saturating_sub(self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(seen: &mut Completeness, numbers: impl Iterator<Item = u64>) -> bool {
        let mut newest = 0;
        for number in numbers {
            seen.on_fresh(number);
            newest = number;
        }
        seen.is_poor(newest)
    }

    #[test]
    fn a_path_that_turns_bad_after_a_long_time_is_found_out() {
        let mut seen = Completeness::default();
        assert!(!get(&mut seen, 0..1_000_000));
        assert!(get(&mut seen, (1_000_000..1_010_000).filter(|number| number % 20 != 0)));
    }

    #[test]
    fn a_path_that_turns_good_is_forgiven() {
        let mut seen = Completeness::default();
        assert!(get(&mut seen, (0..1_000_000).filter(|number| number % 20 != 0)));
        assert!(!get(&mut seen, 1_000_000..1_010_000));
    }

    #[test]
    fn a_leap_to_the_largest_number_is_survived() {
        let mut seen = Completeness::default();
        get(&mut seen, 0..100);
        seen.on_fresh(u64::MAX);
        assert!(!seen.is_poor(u64::MAX), "one packet is too few to tell");
    }
}
