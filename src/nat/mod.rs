//! What a NAT does to datagrams, found out without I/O: STUN (RFC 8489), and its extension for behaviour discovery (RFC 5780).
//!
//! Everything here is a state machine that is told the time and handed datagrams, and says what to send and when to be called again.
//! Whoever drives it owns the sockets. STUN shares the transport's socket: the first byte of a datagram tells them apart (SPEC §2).

mod scope;
pub mod stun;

pub use scope::Scope;
