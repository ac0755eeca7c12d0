//! Open attempts, found by the address that they dial, by their handshake id and by the peer that they want (SPEC §5.6).

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use super::slot::Open;
use crate::crypto::PeerId;
use crate::wire::HandshakeId;

/// An index of the slots that are open attempts.
#[derive(Debug, Default)]
pub(super) struct OpenAttempts {
    by_remote: BTreeSet<(SocketAddr, u32)>,
    by_hid: BTreeMap<HandshakeId, u32>,
    by_peer: BTreeSet<(PeerId, u32)>,
}

impl OpenAttempts {
    pub(super) fn insert(&mut self, index: u32, open: &Open) {
        self.by_remote.insert((open.remote, index));
        self.by_hid.insert(open.hid, index);
        if let Some(peer) = open.peer {
            self.by_peer.insert((peer, index));
        }
    }

    pub(super) fn remove(&mut self, index: u32, open: &Open) {
        self.by_remote.remove(&(open.remote, index));
        self.by_hid.remove(&open.hid);
        if let Some(peer) = open.peer {
            self.by_peer.remove(&(peer, index));
        }
    }

    pub(super) fn with_hid(&self, hid: HandshakeId) -> Option<u32> {
        self.by_hid.get(&hid).copied()
    }

    /// Attempts to which a packet from `remote` for `hid` belongs.
    pub(super) fn belonging(&self, remote: SocketAddr, hid: HandshakeId) -> BTreeSet<u32> {
        let same_remote = self.by_remote.range((remote, 0)..=(remote, u32::MAX));
        same_remote.map(|(_, index)| *index).chain(self.with_hid(hid)).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_remote.is_empty()
    }

    /// All of them, the oldest slots first.
    pub(super) fn all(&self) -> impl Iterator<Item = u32> + '_ {
        self.by_remote.iter().map(|(_, index)| *index)
    }

    /// Attempts that want this peer, the oldest slots first.
    pub(super) fn wanting(&self, peer: PeerId) -> impl Iterator<Item = u32> + '_ {
        self.by_peer.range((peer, 0)..=(peer, u32::MAX)).map(|(_, index)| *index)
    }
}
