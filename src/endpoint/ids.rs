//! Ids that this endpoint chooses: random, but for what names it among those behind the same address (SPEC §7.5).

use rustc_hash::FxHashMap;

use crate::base::Entropy;
use crate::wire::{ConnectionId, HandshakeId, Shard};

/// A connection id that no connection of ours uses.
pub(super) fn fresh_cid(
    shard: Shard,
    used: &FxHashMap<ConnectionId, u32>,
    entropy: &mut dyn Entropy,
) -> ConnectionId {
    loop {
        let cid = ConnectionId::from(shard.name(entropy.array()));
        if !used.contains_key(&cid) {
            return cid;
        }
    }
}

/// A handshake id that is not zero.
pub(super) fn fresh_hid(shard: Shard, entropy: &mut dyn Entropy) -> HandshakeId {
    let mut bytes = shard.name(entropy.array());
    bytes[0] |= 1;
    HandshakeId::from(bytes)
}
