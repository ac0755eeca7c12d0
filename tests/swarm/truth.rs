//! What was really sent: every byte of a stream follows from its place, so that a reader can tell a wrong one.

use std::collections::{BTreeMap, BTreeSet};

use srudp::{Role, StreamId};

/// The secret of a connection names it on both sides.
pub(crate) type Tag = u64;

/// One direction of one stream.
pub(crate) type Half = (Tag, StreamId, Role);

/// What a writer has done.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) bytes: u64,
    pub(crate) finished: bool,
    pub(crate) reset: bool,
    /// The writer was told that the peer has all of it,
    pub(crate) delivered: bool,
    /// and its end.
    pub(crate) ended_well: bool,
}

/// What its reader has done.
#[derive(Debug, Default)]
struct Read {
    bytes: u64,
    whole: bool,
    stopped: bool,
}

/// What both sides of all connections have done.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    pub(crate) written: BTreeMap<Half, Written>,
    read: BTreeMap<Half, Read>,
    pub(crate) datagrams: BTreeMap<(Tag, Role), BTreeSet<u64>>,
}

fn role(role: Role) -> u64 {
    u64::from(role == Role::Initiator)
}

/// The byte at this place of this stream.
fn byte(half: Half, offset: u64) -> u8 {
    let key = half.0 ^ half.1.as_u64() << 8 ^ role(half.2);
    ((offset ^ key).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

/// The bytes of a stream from this place on.
pub(crate) fn fill(half: Half, offset: u64, out: &mut [u8]) {
    for (at, place) in out.iter_mut().zip(offset..) {
        *at = byte(half, place);
    }
}

impl Truth {
    /// What was read is what was written there.
    pub(crate) fn check(&self, half: Half, offset: u64, data: &[u8]) {
        let written = self.written.get(&half).map_or(0, |written| written.bytes);
        let end = offset + data.len() as u64;
        assert!(end <= written, "{half:?}: read to {end}, only {written} were written");
        let wrong = data.iter().zip(offset..).find(|(got, place)| **got != byte(half, *place));
        assert!(wrong.is_none(), "{half:?}: another byte at {wrong:?}");
    }

    /// The end of a stream is where its writer put it.
    pub(crate) fn check_end(&self, half: Half, offset: u64) {
        let written = self.written.get(&half).expect("a stream that nobody wrote has an end");
        assert!(written.finished, "{half:?} ends, but was never finished");
        assert_eq!(offset, written.bytes, "{half:?} ends early");
    }

    pub(crate) fn note_read(&mut self, half: Half, bytes: u64) {
        self.read.entry(half).or_default().bytes = bytes;
    }

    pub(crate) fn read_whole(&mut self, half: Half) {
        self.read.entry(half).or_default().whole = true;
    }

    pub(crate) fn note_stopped(&mut self, half: Half) {
        self.read.entry(half).or_default().stopped = true;
    }

    /// What writers were told to be delivered was read.
    pub(crate) fn check_all_delivered(&self) {
        for (half, written) in &self.written {
            let nothing = Read::default();
            let read = self.read.get(half).unwrap_or(&nothing);
            if !written.delivered || written.reset || read.stopped {
                continue;
            }
            assert_eq!(read.bytes, written.bytes, "{half:?}: {written:?}, {read:?}");
            assert!(read.whole || !written.ended_well, "{half:?}: {written:?}, {read:?}");
        }
    }

    /// A reset was really sent.
    pub(crate) fn check_reset(&self, half: Half) {
        assert!(self.written.get(&half).is_some_and(|written| written.reset), "{half:?}: no reset");
    }

    /// A datagram is one that was sent, and comes once.
    pub(crate) fn check_datagram(&mut self, tag: Tag, sender: Role, data: &[u8]) {
        let number = datagram_number(data);
        let sent = self.datagrams.entry((tag, sender)).or_default();
        assert!(sent.remove(&number), "datagram {number} was never sent, or came twice");
        assert_eq!(data, datagram(tag, sender, number), "datagram {number}");
    }
}

fn datagram_number(data: &[u8]) -> u64 {
    u64::from_be_bytes(*data.first_chunk().expect("a datagram shorter than any that was sent"))
}

/// The n-th datagram of a sender.
pub(crate) fn datagram(tag: Tag, sender: Role, number: u64) -> Vec<u8> {
    let length = 8 + (tag ^ number.wrapping_mul(0x9e37_79b9)) % 1000;
    let mut data = number.to_be_bytes().to_vec();
    data.resize(usize::try_from(length).unwrap(), role(sender) as u8);
    data
}

/// Bytes that the writer knows to be delivered and that are not read fit into the reader's window.
pub(crate) fn check_delivered(acknowledged: u64, read: u64, window: u64) {
    let waiting = acknowledged.saturating_sub(read);
    assert!(waiting <= window, "{waiting} bytes wait to be read in a window of {window}");
}
