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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{FragmentHeader, SetMap, Suite};

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    fn remote(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    /// A message of two fragments, unlike those with another number.
    fn message(number: u16) -> Vec<u8> {
        let mut message = vec![3; 1500];
        message[..2].copy_from_slice(&number.to_be_bytes());
        message
    }

    fn insert(
        reassembly: &mut Reassembly,
        now: Instant,
        from: SocketAddr,
        message: &[u8],
        index: u8,
    ) -> Option<Vec<u8>> {
        let header = FragmentHeader {
            kind: HandshakeKind::PublicKey,
            destination: HandshakeId::ZERO,
            source: [1; 8].into(),
            suite: Suite::XkHybrid,
            offered: SetMap::SUPPORTED,
            index,
            count: 2,
            length: 1500,
            tag: message_tag(message),
            cookie: [0; 20],
        };
        let payload = message.chunks(limits::HANDSHAKE_FRAGMENT).nth(index.into()).unwrap();
        reassembly.insert(now, from, &Fragment { header, payload, rest_offset: 0 })
    }

    #[test]
    fn fragments_come_in_any_order_and_more_than_once() {
        for order in [[0, 0, 1], [1, 1, 0]] {
            let (mut reassembly, message) = (Reassembly::default(), message(0));
            let mut last = None;
            for index in order {
                assert_eq!(last, None);
                last = insert(&mut reassembly, at(0), remote(1), &message, index);
            }
            assert_eq!(last, Some(message));
            assert!(reassembly.partials.is_empty());
        }
    }

    #[test]
    fn fragments_of_different_senders_and_messages_are_not_mixed() {
        let mut reassembly = Reassembly::default();
        let (one, other) = (message(1), message(2));
        assert_eq!(insert(&mut reassembly, at(0), remote(1), &one, 0), None);
        assert_eq!(insert(&mut reassembly, at(0), remote(2), &one, 1), None);
        assert_eq!(insert(&mut reassembly, at(0), remote(1), &other, 1), None);
        assert_eq!(insert(&mut reassembly, at(0), remote(1), &one, 1), Some(one));
    }

    #[test]
    fn a_message_whose_tag_does_not_fit_is_dropped_whole() {
        let (mut reassembly, message) = (Reassembly::default(), message(0));
        let mut header = FragmentHeader {
            kind: HandshakeKind::Establish,
            destination: HandshakeId::ZERO,
            source: [1; 8].into(),
            suite: Suite::XkHybrid,
            offered: SetMap::SUPPORTED,
            index: 0,
            count: 2,
            length: 1500,
            tag: [9; 8],
            cookie: [0; 20],
        };
        for (index, payload) in message.chunks(limits::HANDSHAKE_FRAGMENT).enumerate() {
            header.index = index as u8;
            let fragment = Fragment { header, payload, rest_offset: 0 };
            assert_eq!(reassembly.insert(at(0), remote(1), &fragment), None);
        }
        assert!(reassembly.partials.is_empty());
    }

    #[test]
    fn an_incomplete_message_is_forgotten_after_two_seconds() {
        let (mut reassembly, message) = (Reassembly::default(), message(0));
        insert(&mut reassembly, at(0), remote(1), &message, 0);
        insert(&mut reassembly, at(1999), remote(2), &message, 0);
        assert_eq!(reassembly.partials.len(), 2);
        insert(&mut reassembly, at(2000), remote(3), &message, 0);
        assert_eq!(reassembly.partials.len(), 2, "the first one is too old");
    }

    #[test]
    fn one_address_takes_the_room_of_itself_only() {
        let mut reassembly = Reassembly::default();
        let victim = message(1000);
        insert(&mut reassembly, at(0), remote(1), &victim, 0);
        for number in 0..50 {
            insert(&mut reassembly, at(u64::from(number)), remote(2), &message(number), 0);
        }
        assert_eq!(reassembly.partials.len(), 1 + limits::PARTIALS_PER_ADDRESS);
        assert!(insert(&mut reassembly, at(60), remote(1), &victim, 1).is_some());
        assert!(insert(&mut reassembly, at(60), remote(2), &message(49), 1).is_some(), "newest");
        assert!(insert(&mut reassembly, at(60), remote(2), &message(0), 1).is_none(), "oldest");
    }

    #[test]
    fn room_is_bounded_and_half_of_it_is_a_load() {
        let (mut reassembly, message) = (Reassembly::default(), message(0));
        for port in 0..limits::PARTIALS + 10 {
            assert_eq!(reassembly.is_loaded(), port >= limits::PARTIALS / 2);
            insert(&mut reassembly, at(0), remote(port as u16), &message, 0);
        }
        assert_eq!(reassembly.partials.len(), limits::PARTIALS);
    }
}
