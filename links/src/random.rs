//! The generator behind every decision of a model: xoshiro256**, seeded through SplitMix64.
//!
//! Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021. Fast, well distributed, and
//! predictable: it draws which packets get lost, never anything that has to be secret.

use std::ops::RangeInclusive;
use std::time::Duration;

/// The increment of SplitMix64: 2^64 divided by the golden ratio, made odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A deterministic source of random numbers.
#[derive(Debug, Clone)]
pub struct Generator([u64; 4]);

impl Generator {
    /// A generator whose output depends on the seed alone.
    pub fn new(seed: u64) -> Self {
        let mut state = seed;
        Self(std::array::from_fn(|_| split_mix(&mut state)))
    }

    /// A generator for one part of a model.
    ///
    /// Each part draws from a stream of its own, so that switching jitter on does not change which packets get lost.
    pub fn for_part(seed: u64, part: u64) -> Self {
        let mut state = seed;
        Self::new(split_mix(&mut state) ^ part.wrapping_mul(GOLDEN))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.0;
        let out = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        out
    }

    /// A number below `bound`; 0 if `bound` is 0.
    ///
    /// Multiplies instead of dividing (Lemire 2019); the bias is below `bound / 2^64`.
    pub fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.bits()) * u128::from(bound);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// A port of the range; its start if the range is empty.
    pub fn port(&mut self, range: &RangeInclusive<u16>) -> u16 {
        let span = u64::from(range.end().saturating_sub(*range.start())) + 1;
        let offset = u16::try_from(self.below(span)).unwrap_or(0);
        range.start().saturating_add(offset)
    }

    /// True with the given probability. A rate of 0 or less, or NaN, is never; 1 or more is always.
    pub fn chance(&mut self, rate: f64) -> bool {
        // 53 bits are what the mantissa of an f64 holds, so the quotient is exact and below one.
        let unit = (self.bits() >> 11) as f64 / (1_u64 << 53) as f64;
        unit < rate
    }

    /// A span from nothing to `most`, both included.
    pub fn span(&mut self, most: Duration) -> Duration {
        let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.below(nanos.saturating_add(1)))
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(GOLDEN);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_mix_gives_the_published_sequence() {
        // The first outputs of the reference implementation for seed 1234567.
        let mut state = 1_234_567;
        let got: Vec<u64> = (0..3).map(|_| split_mix(&mut state)).collect();
        assert_eq!(
            got,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn xoshiro_gives_the_published_sequence() {
        // The first outputs of the reference implementation for the state 1, 2, 3, 4.
        let mut generator = Generator([1, 2, 3, 4]);
        let got: Vec<u64> = (0..4).map(|_| generator.bits()).collect();
        assert_eq!(got, [11_520, 0, 1_509_978_240, 1_215_971_899_390_074_240]);
    }

    #[test]
    fn parts_of_one_seed_draw_different_numbers() {
        assert_ne!(Generator::for_part(1, 0).bits(), Generator::for_part(1, 1).bits());
        assert_eq!(Generator::for_part(1, 1).bits(), Generator::for_part(1, 1).bits());
    }

    #[test]
    fn a_chance_of_a_quarter_comes_true_a_quarter_of_the_time() {
        let mut generator = Generator::new(3);
        let hits = (0..100_000).filter(|_| generator.chance(0.25)).count();
        assert!((24_500..25_500).contains(&hits), "{hits}");
    }

    #[test]
    fn never_and_always_are_exact() {
        let mut generator = Generator::new(4);
        for _ in 0..10_000 {
            assert!(
                !generator.chance(0.0) && !generator.chance(f64::NAN) && !generator.chance(-1.0)
            );
            assert!(generator.chance(1.0) && generator.chance(2.0));
        }
    }

    #[test]
    fn numbers_stay_below_the_bound_and_reach_both_ends() {
        let mut generator = Generator::new(5);
        let mut seen = [0_u32; 5];
        for _ in 0..5_000 {
            let number = usize::try_from(generator.below(5)).unwrap();
            seen[number] += 1;
        }
        assert!(seen.iter().all(|count| (850..1_150).contains(count)), "{seen:?}");
        assert_eq!(generator.below(0), 0);
        assert!((7..=9).contains(&generator.port(&(7..=9))));
        assert_eq!(generator.span(Duration::ZERO), Duration::ZERO);
    }
}
