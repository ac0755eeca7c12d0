//! Connection ids (SPEC §7.1, RFC 9000 §5.1): those that we gave to the peer, and those that the peer gave to us.
//!
//! Each side names its own: a packet carries the id that its receiver chose. So [`LocalCids`] are in packets that come,
//! [`PeerCids`] in packets that leave.

mod local;
mod peer;

pub(crate) use local::LocalCids;
pub(crate) use peer::PeerCids;

/// A token by which the peer says that it has lost the connection (SPEC §7.4).
pub(crate) type ResetToken = [u8; 16];
