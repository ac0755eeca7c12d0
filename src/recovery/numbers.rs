//! Packet numbers, with some left out (SPEC §6.1, §8.2).

/// Hands out rising numbers and skips one at random, first soon and then ever more rarely.
#[derive(Debug)]
pub(super) struct Numbers {
    next: u64,
    skip_at: u64,
    interval: u64,
    state: u64,
}

const FIRST_INTERVAL: u64 = 64;
const LAST_INTERVAL: u64 = 8192;

impl Numbers {
    pub(super) fn new(seed: u64) -> Self {
        let mut numbers = Self { next: 0, skip_at: 0, interval: FIRST_INTERVAL, state: seed };
        numbers.choose_skip();
        numbers
    }

    pub(super) fn next(&mut self) -> u64 {
        if self.next == self.skip_at {
            self.next += 1;
            self.interval = (2 * self.interval).min(LAST_INTERVAL);
            self.choose_skip();
        }
        let number = self.next;
        self.next += 1;
        number
    }

    /// The number that comes next, or is skipped next.
    pub(super) fn peek(&self) -> u64 {
        self.next
    }

    fn choose_skip(&mut self) {
        self.skip_at = self.next + 1 + self.random() % self.interval;
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014). The peer sees the skips only after the fact.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_rise_and_some_are_left_out() {
        let mut numbers = Numbers::new(7);
        let drawn: Vec<_> = (0..10_000).map(|_| numbers.next()).collect();
        assert!(drawn.windows(2).all(|pair| pair[1] - pair[0] <= 2 && pair[0] < pair[1]));
        let skipped = drawn.last().unwrap() + 1 - 10_000;
        assert!((5..50).contains(&skipped), "{skipped} skipped");
    }

    #[test]
    fn another_seed_skips_other_numbers() {
        let draw = |seed| {
            let mut numbers = Numbers::new(seed);
            (0..100).map(|_| numbers.next()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
