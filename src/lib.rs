//! Secure reliable UDP: TCP-like streams to a peer that is named by its public key.
mod base;
mod congestion;
mod crypto;
mod idle;
mod path;
mod vocab;
mod wire;

pub use congestion::CongestionAlgorithm;
pub use crypto::{Identity, PeerId, PeerIdError};
pub use path::{EcnState, PathStats};
pub use wire::{ApplicationCode, Direction, ErrorCode, Role, StreamId};

/// The protocol without I/O.
pub mod proto {
    pub use crate::base::{EcnMark, Entropy, Instant, SeededEntropy};
}
