//! Several endpoints behind one address, each with a number: which of them an id names, and for which a datagram is (SPEC §7.5).
//!
//! | datagram | is for |
//! |---|---|
//! | short packet | the one that its connection id names |
//! | long packet with a destination id, a PUNCH only if it asks to send again | the one that this id names |
//! | long packet without one | the one that its source id names, so that each message of a dial comes to the same |
//! | all else, and what is too short to tell | the first |
//!
//! Peers take ids as they are, and need not know. Who has one learns how many bits of it are not random: log2 of how many endpoints there are.

use super::demux::{Class, classify};

/// The byte of an id whose remainder names its endpoint. In handshake ids the first one is not random as a whole.
const NAMING: usize = 7;

/// Offsets that the kernel may have to know, too (SPEC §3.2, §4, §6.1).
pub(crate) const CONNECTION_ID: usize = 1;
pub(crate) const DESTINATION_ID: usize = 5;
pub(crate) const SOURCE_ID: usize = 13;
pub(crate) const PUNCH_FLAGS: usize = 23;

/// The first byte of a PUNCH, and what asks for the same PUBLIC_KEY again.
pub(crate) const PUNCH: u8 = 0xc0;
pub(crate) const RESEND: u8 = 0x04;

/// The first byte of a PUBLIC_KEY.
const PUBLIC_KEY: u8 = 0xc8;

/// One of several endpoints behind one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    index: u8,
    count: u8,
}

impl Shard {
    /// There is no other.
    pub(crate) const ONLY: Self = Self { index: 0, count: 1 };

    /// So many, the first one first.
    pub(crate) fn all(count: u8) -> impl Iterator<Item = Self> {
        (0..count).map(move |index| Self { index, count })
    }

    pub(crate) fn index(self) -> u8 {
        self.index
    }

    /// How many there are, at least one.
    pub(crate) fn count(self) -> u8 {
        self.count.max(1)
    }

    /// Makes random bytes an id that names this one.
    pub(crate) fn name(self, mut id: [u8; 8]) -> [u8; 8] {
        let byte = &mut id[NAMING];
        let first = *byte - *byte % self.count();
        // The last few bytes may lie beyond the last whole round.
        *byte = first.checked_add(self.index).unwrap_or_else(|| first - self.count() + self.index);
        id
    }

    /// The number of the endpoint for which a datagram is.
    pub(crate) fn addressee(self, datagram: &[u8]) -> u8 {
        let id = naming_id(datagram).and_then(|at| datagram.get(naming_byte(at)));
        id.map_or(0, |byte| byte % self.count())
    }
}

/// Where the id stands that names the addressee.
fn naming_id(datagram: &[u8]) -> Option<usize> {
    let first = *datagram.first()?;
    match classify(first) {
        Class::Short => Some(CONNECTION_ID),
        Class::Long if first == PUNCH && datagram.get(PUNCH_FLAGS)? & RESEND == 0 => None,
        Class::Long if datagram.get(DESTINATION_ID..DESTINATION_ID + 4)? == [0; 4] => {
            Some(SOURCE_ID)
        }
        Class::Long => Some(DESTINATION_ID),
        _ => None,
    }
}

/// Where the byte stands that names an endpoint, of an id that stands there.
pub(crate) const fn naming_byte(id: usize) -> usize {
    id + NAMING
}

/// Whether a datagram may begin a handshake, which may be that of a peer who is dialled at the same time (SPEC §5.6).
pub(crate) fn is_first_message(datagram: &[u8]) -> bool {
    datagram.first() == Some(&PUBLIC_KEY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Fragment, FragmentHeader, HandshakeKind, Punch, PunchFlags, SetMap, Suite};
    use proptest::prelude::*;

    fn shard(index: u8, count: u8) -> Shard {
        Shard { index, count }
    }

    /// The head of a handshake message.
    fn message(kind: HandshakeKind, destination: [u8; 8], source: [u8; 8]) -> Vec<u8> {
        let header = FragmentHeader {
            kind,
            destination: destination.into(),
            source: source.into(),
            suite: Suite::new(SetMap::CLASSICAL, true),
            offered: SetMap::CLASSICAL,
            index: 0,
            count: 1,
            length: 1,
            tag: [0; 8],
            cookie: [0; 20],
        };
        Fragment::encode(&header, &[1])
    }

    fn punch(destination: [u8; 8], flags: PunchFlags) -> Vec<u8> {
        let punch = Punch {
            destination: destination.into(),
            source: [9; 8].into(),
            offered: SetMap::CLASSICAL,
            flags,
            transaction: [0; 8],
            echo: [0; 8],
            cookie: [0; 20],
            tag: [0; 16],
        };
        punch.encode().to_vec()
    }

    #[test]
    fn messages_go_by_their_destination_and_without_one_by_their_source() {
        let (ours, theirs) = (shard(2, 3).name([0xff; 8]), shard(1, 3).name([0x55; 8]));
        let of = |datagram: &[u8]| shard(0, 3).addressee(datagram);
        for kind in [HandshakeKind::PublicKey, HandshakeKind::SharedKey, HandshakeKind::Establish] {
            assert_eq!(of(&message(kind, ours, theirs)), 2);
            assert_eq!(of(&message(kind, [0; 8], theirs)), 1);
        }
        let first = message(HandshakeKind::PublicKey, [0; 8], theirs);
        assert!(is_first_message(&first));
        assert!(!is_first_message(&message(HandshakeKind::Establish, ours, theirs)));
    }

    #[test]
    fn knocks_go_to_the_first_and_cookies_to_who_asked() {
        let ours = shard(2, 3).name([7; 8]);
        let of = |datagram: &[u8]| shard(0, 3).addressee(datagram);
        assert_eq!(of(&punch(ours, PunchFlags::DIALLING)), 0);
        assert_eq!(of(&punch(ours, PunchFlags::LISTENING)), 0);
        assert_eq!(of(&punch(ours, PunchFlags::RESEND)), 2);
    }

    #[test]
    fn what_is_no_packet_goes_to_the_first() {
        for first in [0x00, 0x20, 0x45, 0x50, 0x80] {
            assert_eq!(shard(1, 3).addressee(&[first; 100]), 0, "{first:#x}");
        }
        for length in 0..9 {
            assert_eq!(shard(1, 3).addressee(&[0x61; 9][..length]), 0);
        }
        assert_eq!(shard(1, 3).addressee(&[0xc8; 12]), 0);
    }

    #[test]
    fn an_only_one_changes_nothing() {
        assert_eq!(Shard::ONLY.name([0xab; 8]), [0xab; 8]);
        assert_eq!(Shard::ONLY.addressee(&[0x60; 30]), 0);
    }

    proptest! {
        #[test]
        fn packets_find_who_has_issued_the_id(
            random in any::<[u8; 8]>(), count in 1_u8..=64, index in 0_u8..64, first in 0x60_u8..0x80,
        ) {
            let own = shard(index % count, count);
            let id = own.name(random);
            prop_assert_eq!(&id[..7], &random[..7]);
            let mut packet = vec![first];
            packet.extend(id);
            prop_assert_eq!(shard(0, count).addressee(&packet), own.index());
        }
    }
}
