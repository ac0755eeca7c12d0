//! Puts handshake messages together from their fragments, within bounds (SPEC §3.2).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::base::{Instant, limits};
use crate::crypto::message_tag;
use crate::wire::{Fragment, HandshakeId, HandshakeKind};

/// How long a message may stay incomplete.
const LIFE: Duration = Duration::from_secs(2);

/// Messages of which a fragment is missing.
#[derive(Debug, Default)]
pub(super) struct Reassembly {
    partials: BTreeMap<Key, Partial>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    remote: SocketAddr,
    source: HandshakeId,
    kind: HandshakeKind,
    tag: [u8; 8],
}

#[derive(Debug)]
struct Partial {
    began: Instant,
    message: Vec<u8>,
    missing: u8,
}

impl Reassembly {
    /// Takes a fragment; returns the message when it is complete and its tag matches.
    pub(super) fn insert(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        fragment: &Fragment<'_>,
    ) -> Option<Vec<u8>> {
        let header = &fragment.header;
        if header.count == 1 {
            return (message_tag(fragment.payload) == header.tag)
                .then(|| fragment.payload.to_vec());
        }
        let key = Key { remote, source: header.source, kind: header.kind, tag: header.tag };
        self.make_room(now, &key);
        let partial = self.partials.entry(key).or_insert_with(|| Partial {
            began: now,
            message: vec![0; usize::from(header.length)],
            missing: (1 << header.count) - 1,
        });
        let start = usize::from(header.index) * limits::HANDSHAKE_FRAGMENT;
        let place = partial.message.get_mut(start..start + fragment.payload.len())?;
        place.copy_from_slice(fragment.payload);
        partial.missing &= !(1 << header.index);
        if partial.missing != 0 {
            return None;
        }
        let message = self.partials.remove(&key)?.message;
        (message_tag(&message) == header.tag).then_some(message)
    }

    /// Forgets what is too old, and the oldest of this address or of all when there are too many.
    fn make_room(&mut self, now: Instant, key: &Key) {
        if self.partials.contains_key(key) {
            return;
        }
        self.partials.retain(|_, partial| now - partial.began < LIFE);
        let of_address = self.partials.keys().filter(|other| other.remote == key.remote).count();
        let oldest = |only: Option<SocketAddr>| {
            self.partials
                .iter()
                .filter(|(other, _)| only.is_none_or(|remote| other.remote == remote))
                .min_by_key(|(_, partial)| partial.began)
                .map(|(other, _)| *other)
        };
        let victim = if of_address >= limits::PARTIALS_PER_ADDRESS {
            oldest(Some(key.remote))
        } else if self.partials.len() >= limits::PARTIALS {
            oldest(None)
        } else {
            None
        };
        if let Some(victim) = victim {
            self.partials.remove(&victim);
        }
    }

    /// Half of the room is taken: strangers have to prove their address.
    pub(super) fn is_loaded(&self) -> bool {
        self.partials.len() >= limits::PARTIALS / 2
    }
}
