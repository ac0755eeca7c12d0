//! Handshakes that peers have begun and that wait for ESTABLISH: the responder's half (SPEC §5.5).

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::base::{Instant, limits};
use crate::crypto::Responder;
use crate::wire::{ConnectionId, FragmentHeader, HandshakeId};

/// One handshake that waits for its third message.
#[derive(Debug)]
pub(super) struct HalfOpen {
    pub(super) responder: Responder,
    pub(super) remote: SocketAddr,
    pub(super) local: Option<IpAddr>,
    pub(super) local_cid: ConnectionId,
    pub(super) began: Instant,
    /// SHARED_KEY as it was sent; a duplicate PUBLIC_KEY is answered with the same bytes.
    datagrams: Vec<Vec<u8>>,
    /// How often it was sent, and when last.
    sends: u32,
    sent_at: Instant,
    key: Key,
}

/// Recognises the PUBLIC_KEY that began a handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) remote: SocketAddr,
    pub(super) source: HandshakeId,
    pub(super) tag: [u8; 8],
}

impl Key {
    pub(super) fn of(remote: SocketAddr, header: &FragmentHeader) -> Self {
        Self { remote, source: header.source, tag: header.tag }
    }
}

/// All handshakes that wait for their third message.
#[derive(Debug, Default)]
pub(super) struct HalfOpens {
    waiting: BTreeMap<HandshakeId, HalfOpen>,
    by_key: BTreeMap<Key, HandshakeId>,
    by_network: BTreeMap<IpAddr, usize>,
    /// In the order in which they began; some have gone already.
    order: VecDeque<(Instant, HandshakeId)>,
}

impl HalfOpen {
    pub(super) fn new(
        now: Instant,
        responder: Responder,
        key: Key,
        local: Option<IpAddr>,
        local_cid: ConnectionId,
        datagrams: Vec<Vec<u8>>,
    ) -> Self {
        let remote = key.remote;
        Self {
            responder,
            remote,
            local,
            local_cid,
            began: now,
            datagrams,
            sends: 1,
            sent_at: now,
            key,
        }
    }

    /// The round trip from SHARED_KEY to now, if that was sent only once.
    pub(super) fn rtt(&self, now: Instant) -> Option<Duration> {
        (self.sends == 1).then(|| now - self.sent_at)
    }
}

impl HalfOpens {
    /// Adds one; the caller has made room.
    pub(super) fn insert(&mut self, id: HandshakeId, half_open: HalfOpen) {
        self.by_key.insert(half_open.key, id);
        self.order.push_back((half_open.began, id));
        *self.by_network.entry(half_open.remote.ip()).or_default() += 1;
        self.waiting.insert(id, half_open);
    }

    /// The handshake that this PUBLIC_KEY began, to be answered as before.
    pub(super) fn duplicate(
        &mut self,
        now: Instant,
        key: &Key,
    ) -> Option<(Option<IpAddr>, &[Vec<u8>])> {
        let half_open = self.waiting.get_mut(self.by_key.get(key)?)?;
        half_open.sends += 1;
        half_open.sent_at = now;
        Some((half_open.local, &half_open.datagrams))
    }

    /// A handshake that this PUBLIC_KEY began is here.
    pub(super) fn knows(&self, key: &Key) -> bool {
        self.by_key.contains_key(key)
    }

    pub(super) fn get_mut(&mut self, id: HandshakeId) -> Option<&mut HalfOpen> {
        self.waiting.get_mut(&id)
    }

    pub(super) fn remove(&mut self, id: HandshakeId) -> Option<HalfOpen> {
        let half_open = self.waiting.remove(&id)?;
        self.by_key.remove(&half_open.key);
        if let Some(count) = self.by_network.get_mut(&half_open.remote.ip()) {
            *count -= 1;
            if *count == 0 {
                self.by_network.remove(&half_open.remote.ip());
            }
        }
        while self.order.front().is_some_and(|(_, first)| !self.waiting.contains_key(first)) {
            self.order.pop_front();
        }
        Some(half_open)
    }

    /// Forgets those that are too old.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((began, id)) = self.order.front().copied() {
            if self.waiting.contains_key(&id) && now - began < limits::HALF_OPEN_LIFE {
                break;
            }
            self.order.pop_front();
            self.remove(id);
        }
    }

    /// When the oldest may expire.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.order.front().map(|(began, _)| *began + limits::HALF_OPEN_LIFE)
    }

    /// Somebody at this address has begun a handshake.
    pub(super) fn any_from(&self, remote: SocketAddr) -> bool {
        let first = Key { remote, source: HandshakeId::ZERO, tag: [0; 8] };
        self.by_key.range(first..).next().is_some_and(|(key, _)| key.remote == remote)
    }

    /// Packets to this connection id would be taken once ESTABLISH has come.
    pub(super) fn awaits(&self, cid: ConnectionId) -> bool {
        self.waiting.values().any(|half_open| half_open.local_cid == cid)
    }

    /// Half of the room is taken: strangers have to prove their address.
    pub(super) fn is_loaded(&self) -> bool {
        self.waiting.len() >= limits::HALF_OPENS / 2
    }

    /// There is room for one more from this address. Under load each address has only a few.
    pub(super) fn has_room(&self, address: IpAddr) -> bool {
        let of_address = self.by_network.get(&address).copied().unwrap_or(0);
        self.waiting.len() < limits::HALF_OPENS
            && (!self.is_loaded() || of_address < limits::HALF_OPENS_PER_ADDRESS)
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests;
