//! Where the core gets its random bytes: from whoever drives it.

use std::fmt;

use rand::rngs::ChaCha20Rng;
use rand::{Rng, SeedableRng};

/// A source of random bytes, given to the core at construction.
///
/// A driver hands in the operating system's generator; a simulator hands in [`SeededEntropy`], and then the
/// same seed yields the same bytes on the wire.
pub trait Entropy: Send {
    /// Fills `out` with random bytes.
    fn fill(&mut self, out: &mut [u8]);
}

impl dyn Entropy + '_ {
    /// A random array.
    pub(crate) fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    /// A random number.
    pub(crate) fn number(&mut self) -> u64 {
        u64::from_be_bytes(self.array())
    }
}

/// ChaCha20 under a fixed seed: for tests and simulations, never for keys that matter.
pub struct SeededEntropy(ChaCha20Rng);

impl SeededEntropy {
    /// A generator whose output depends on the seed alone.
    pub fn new(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }

    /// A generator of its own from 32 bytes of another one: as good as that.
    pub(crate) fn fork(entropy: &mut dyn Entropy) -> Self {
        Self(ChaCha20Rng::from_seed(entropy.array()))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&mut self, out: &mut [u8]) {
        self.0.fill_bytes(out);
    }
}

impl fmt::Debug for SeededEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeededEntropy")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        let draw = |seed| <dyn Entropy>::number(&mut SeededEntropy::new(seed));
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }
}
