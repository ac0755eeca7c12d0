//! Floor 0: values that every other floor may use. Imports nothing of ours.

pub(crate) mod entropy;
pub(crate) mod limits;
pub(crate) mod time;

pub use entropy::{Entropy, SeededEntropy};
pub use time::Instant;
