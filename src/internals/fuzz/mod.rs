//! What the fuzzer runs: each body takes any bytes, and panics when the code breaks a promise.
//!
//! | body | the input is | promise |
//! |---|---|---|
//! | [`frames`] | the frames of a packet | what decodes encodes to what decodes to the same |
//! | [`parameters`] | the parameters of a handshake | the same |
//! | [`long_packets`] | datagrams | the same, and byte for byte |
//! | [`short_packets`] | what two record layers do | what was sealed opens, and nothing else does |
//! | [`endpoint`] | what strangers send to an endpoint | no answer without end, no amplification |
//! | [`peer`] | what a peer with keys sends to a connection | every packet sent decodes, no timer without end, bounded memory |
//! | [`pair`] | a bad network between two endpoints, and their applications | what is read was written; on a good network, all of it |
//!
//! `fuzz/` calls them under a fuzzer, and the tests here call them with the inputs that `fuzz/corpus/` keeps.

mod endpoint;
mod input;
mod packets;
mod pair;
mod peer;
mod wire;

#[cfg(test)]
mod seeds;
#[cfg(test)]
mod tests;

pub use endpoint::endpoint;
pub use packets::short_packets;
pub use pair::pair;
pub use peer::peer;
pub use wire::{frames, long_packets, parameters};

/// A body takes any bytes.
pub type Body = fn(&[u8]);

/// All bodies, by the names of their targets and corpora.
pub const BODIES: &[(&str, Body)] = &[
    ("endpoint", endpoint),
    ("frames", frames),
    ("long_packets", long_packets),
    ("pair", pair),
    ("parameters", parameters),
    ("peer", peer),
    ("short_packets", short_packets),
];
