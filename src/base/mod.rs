//! Floor 0: values that every other floor may use. Imports nothing of ours.

pub(crate) mod ecn;
pub(crate) mod entropy;
pub(crate) mod limits;
pub(crate) mod ranges;
pub(crate) mod time;
pub(crate) mod window;

pub use ecn::EcnMark;
pub use entropy::{Entropy, SeededEntropy};
pub use time::Instant;
