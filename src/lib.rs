//! Secure reliable UDP: TCP-like streams to a peer that is named by its public key.
mod base;
mod idle;

/// The protocol without I/O.
pub mod proto {
    pub use crate::base::{EcnMark, Entropy, Instant, SeededEntropy};
}
