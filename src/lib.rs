//! Secure reliable UDP: TCP-like streams to a peer that is named by its public key.
mod base;
mod cid;
mod close;
mod congestion;
mod crypto;
mod datagram;
mod idle;
#[doc(hidden)]
pub mod internals;
mod path;
mod stream;
mod vocab;
mod wire;

pub use close::ConnectionError;
pub use congestion::CongestionAlgorithm;
pub use crypto::{Identity, PeerId, PeerIdError};
pub use datagram::DatagramError;
pub use path::{EcnState, PathStats};
pub use wire::{ApplicationCode, Direction, ErrorCode, Role, StreamId};

/// The protocol without I/O.
pub mod proto {
    pub use crate::base::{EcnMark, Entropy, Instant, SeededEntropy};
    pub use crate::stream::{ReadError, StreamEvent, WriteError};
}
