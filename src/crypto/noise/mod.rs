//! A Noise protocol interpreter (Noise revision 34, and the `hfs` extension with ML-KEM-768).
//!
//! The objects and their names are those of the Noise specification, §5. Patterns are data; the interpreter knows
//! tokens only. Fixed primitives: X25519, AES-256-GCM, SHA-256.

mod cipher;
pub(super) mod dh;
mod error;
mod handshake;
pub(super) mod kem;
pub(super) mod pattern;
mod symmetric;

#[cfg(test)]
pub(super) mod tests;

pub(super) use error::NoiseError;
pub(super) use handshake::{HandshakeState, Keys, Split};
