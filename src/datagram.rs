//! Unreliable datagrams (SPEC §9.4, RFC 9221): two bounded queues, and nothing is ever sent again.
//!
//! The sender is told when its queue is full, because it can wait. The peer cannot be told, so a full receive queue
//! gives up its oldest datagram: who reads late wants the newest.

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;

use crate::base::limits::{
    DATAGRAM_MAX, DATAGRAM_RECV_BYTES, DATAGRAM_RECV_COUNT, DATAGRAM_SEND_BYTES,
    DATAGRAM_SEND_COUNT,
};
use crate::vocab::PacketBuilder;
use crate::wire::{DatagramHeader, ErrorCode, TransportError};

/// Why an unreliable datagram was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatagramError {
    /// The datagram does not fit into one packet of the current path, or exceeds what the peer accepts.
    TooLarge {
        /// The largest payload in bytes that would be taken now. It follows the path MTU, and may grow or shrink.
        max: usize,
    },
    /// The peer does not accept datagrams.
    Unsupported,
    /// The send queue is full.
    Full,
    /// The connection is over.
    ConnectionClosed,
}

impl fmt::Display for DatagramError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { max } => write!(
                f,
                "datagram larger than the {max} bytes that fit into a packet now; split it or use a stream"
            ),
            Self::Unsupported => f.write_str(
                "the peer does not accept datagrams; use a stream, or enable them there",
            ),
            Self::Full => f.write_str(
                "datagram send queue full; wait until the connection has sent, or drop this one",
            ),
            Self::ConnectionClosed => {
                f.write_str("the connection is over; its close reason says why")
            }
        }
    }
}

impl std::error::Error for DatagramError {}

/// Datagrams that came to nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DatagramDrops {
    /// Taken from the application, but the path's packets became too small for them.
    pub(crate) outgrown: u64,
    /// Received, but pushed out by newer ones before the application read them.
    pub(crate) unread: u64,
}

/// Both queues of a connection.
#[derive(Debug)]
pub(crate) struct Datagrams {
    outgoing: Queue,
    incoming: Queue,
    /// The largest DATAGRAM frame that we said we accept (MAX_DATAGRAM_FRAME), 0 = none.
    accepted: u64,
    /// The same of the peer.
    peer_accepts: usize,
    /// The length of the datagram that was last refused because the queue was full.
    refused: Option<usize>,
    drops: DatagramDrops,
}

impl Datagrams {
    /// The MAX_DATAGRAM_FRAME parameters of both sides.
    pub(crate) fn new(accepted: u64, peer_accepts: u64) -> Self {
        Self {
            outgoing: Queue::new(DATAGRAM_SEND_BYTES, DATAGRAM_SEND_COUNT),
            incoming: Queue::new(DATAGRAM_RECV_BYTES, DATAGRAM_RECV_COUNT),
            accepted,
            peer_accepts: usize::try_from(peer_accepts).unwrap_or(DATAGRAM_MAX).min(DATAGRAM_MAX),
            refused: None,
            drops: DatagramDrops::default(),
        }
    }

    /// The largest datagram that the peer accepts and that fits into `frames` bytes of a packet; `None` if it accepts none.
    pub(crate) fn max_size(&self, frames: usize) -> Option<usize> {
        let max_frame = self.peer_accepts.min(frames);
        let fits = |payload: usize| header(payload).encoded_len() + payload <= max_frame;
        // The length field grows with the payload: that of the whole frame is at most a few bytes too long.
        let mut payload = max_frame.checked_sub(header(max_frame).encoded_len())?;
        while fits(payload + 1) {
            payload += 1;
        }
        Some(payload)
    }

    /// Takes a datagram of at most `max` bytes, which is what [`Self::max_size`] says of the current path.
    pub(crate) fn send(&mut self, data: Bytes, max: usize) -> Result<(), DatagramError> {
        if data.len() > max {
            return Err(DatagramError::TooLarge { max });
        }
        if !self.outgoing.has_room(data.len()) {
            self.refused = Some(data.len());
            return Err(DatagramError::Full);
        }
        self.outgoing.push(data);
        Ok(())
    }

    /// True once when a datagram that was refused as [`DatagramError::Full`] would now be taken.
    pub(crate) fn poll_room(&mut self) -> bool {
        let writable = self.refused.is_some_and(|length| self.outgoing.has_room(length));
        if writable {
            self.refused = None;
        }
        writable
    }

    /// Something waits to be sent.
    pub(crate) fn wants_to_send(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Writes as many datagrams as fit, in order. `full` is the room for frames in a full packet of the current path: what
    /// is larger than that will never fit and is dropped; what is smaller waits for the next packet.
    pub(crate) fn fill(&mut self, packet: &mut PacketBuilder<'_>, full: usize) {
        while let Some(data) = self.outgoing.front() {
            let header = fitting(data.len(), packet.room());
            if let Some(space) = packet.push_datagram(&header, data.len()) {
                space.copy_from_slice(data);
            } else if header.encoded_len() + data.len() > full {
                self.drops.outgrown += 1;
            } else {
                break;
            }
            self.outgoing.pop();
        }
    }

    /// Takes a received datagram. Returns whether it is the only one that waits, so that the application has to be told.
    pub(crate) fn on_frame(&mut self, data: &[u8]) -> Result<bool, TransportError> {
        // The frame is at least a type byte longer than its data (RFC 9221 §3).
        if data.len() as u64 >= self.accepted {
            return Err(TransportError::new(
                ErrorCode::PROTOCOL_VIOLATION,
                "DATAGRAM larger than MAX_DATAGRAM_FRAME",
            ));
        }
        while !self.incoming.has_room(data.len()) && self.incoming.pop().is_some() {
            self.drops.unread += 1;
        }
        let first = self.incoming.is_empty();
        self.incoming.push(Bytes::copy_from_slice(data));
        Ok(first)
    }

    /// The oldest received datagram.
    pub(crate) fn recv(&mut self) -> Option<Bytes> {
        self.incoming.pop()
    }

    /// What was dropped so far.
    pub(crate) fn drops(&self) -> DatagramDrops {
        self.drops
    }
}

/// The header of a datagram that another frame may follow.
fn header(length: usize) -> DatagramHeader {
    DatagramHeader { length: Some(length) }
}

/// The header without a length if the datagram then ends exactly with the packet, else the one with it. PADDING behind a
/// datagram without length would become part of it.
fn fitting(length: usize, room: usize) -> DatagramHeader {
    let bare = DatagramHeader { length: None };
    if bare.encoded_len() + length == room { bare } else { header(length) }
}

/// A queue bounded in bytes and in count.
#[derive(Debug)]
struct Queue {
    items: VecDeque<Bytes>,
    bytes: usize,
    max_bytes: usize,
    max_count: usize,
}

impl Queue {
    fn new(max_bytes: usize, max_count: usize) -> Self {
        Self { items: VecDeque::new(), bytes: 0, max_bytes, max_count }
    }

    /// An empty queue takes a datagram of any size.
    fn has_room(&self, length: usize) -> bool {
        self.items.is_empty()
            || (self.items.len() < self.max_count && self.bytes + length <= self.max_bytes)
    }

    fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    fn front(&self) -> Option<&Bytes> {
        self.items.front()
    }

    fn push(&mut self, data: Bytes) {
        self.bytes += data.len();
        self.items.push_back(data);
    }

    fn pop(&mut self) -> Option<Bytes> {
        let data = self.items.pop_front()?;
        self.bytes -= data.len();
        Some(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: usize = 1150;

    /// We accept frames of this size, the peer of any.
    fn accepting(accepted: u64) -> Datagrams {
        Datagrams::new(accepted, u64::MAX)
    }

    fn bytes(length: usize) -> Bytes {
        Bytes::from(vec![7; length])
    }

    /// Fills one packet with `space` bytes for frames and returns how many of them were used.
    fn fill(datagrams: &mut Datagrams, space: usize) -> usize {
        let mut buffer = vec![0; space];
        let mut packet = PacketBuilder::new(&mut buffer);
        datagrams.fill(&mut packet, FULL);
        packet.len()
    }

    #[test]
    fn datagrams_are_read_in_the_order_in_which_they_came() {
        let mut datagrams = accepting(1200);
        assert_eq!(datagrams.on_frame(b"one"), Ok(true));
        assert_eq!(datagrams.on_frame(b""), Ok(false));
        assert_eq!(datagrams.recv().as_deref(), Some(&b"one"[..]));
        assert_eq!(datagrams.recv().as_deref(), Some(&b""[..]));
        assert_eq!(datagrams.recv(), None);
        assert_eq!(datagrams.on_frame(b"two"), Ok(true));
    }

    #[test]
    fn a_reader_that_is_late_loses_the_oldest() {
        let mut datagrams = accepting(u64::MAX);
        for n in 0..=DATAGRAM_RECV_COUNT {
            datagrams.on_frame(&n.to_be_bytes()).unwrap();
        }
        assert_eq!(datagrams.drops().unread, 1);
        assert_eq!(datagrams.recv().as_deref(), Some(&1_usize.to_be_bytes()[..]));
    }

    #[test]
    fn received_bytes_are_bounded() {
        let mut datagrams = accepting(u64::MAX);
        let half = vec![0; DATAGRAM_RECV_BYTES / 2];
        for _ in 0..3 {
            datagrams.on_frame(&half).unwrap();
        }
        assert_eq!(datagrams.drops().unread, 1);
        assert_eq!(datagrams.incoming.bytes, DATAGRAM_RECV_BYTES);
    }

    #[test]
    fn a_datagram_larger_than_we_accept_is_a_violation() {
        assert!(accepting(0).on_frame(b"").is_err());
        assert!(accepting(4).on_frame(b"abcd").is_err());
        assert!(accepting(5).on_frame(b"abcd").is_ok());
    }

    #[test]
    fn the_sender_hears_why_a_datagram_is_not_taken() {
        let mut datagrams = accepting(0);
        assert_eq!(datagrams.send(bytes(98), 97), Err(DatagramError::TooLarge { max: 97 }));
        assert_eq!(datagrams.send(bytes(97), 97), Ok(()));
        let mut taken = 1;
        while datagrams.send(bytes(97), 97).is_ok() {
            taken += 1;
        }
        assert_eq!(taken, DATAGRAM_SEND_COUNT);
        assert_eq!(datagrams.send(bytes(0), 97), Err(DatagramError::Full));
    }

    #[test]
    fn a_refused_sender_hears_once_that_there_is_room() {
        let mut datagrams = accepting(0);
        assert!(!datagrams.poll_room());
        while datagrams.send(bytes(97), 100).is_ok() {}
        assert!(!datagrams.poll_room());
        fill(&mut datagrams, 100);
        assert!(datagrams.poll_room());
        assert!(!datagrams.poll_room());
    }

    #[test]
    fn waiting_bytes_are_bounded() {
        let mut datagrams = accepting(0);
        let half = bytes(DATAGRAM_SEND_BYTES / 2);
        datagrams.send(half.clone(), 2 * DATAGRAM_SEND_BYTES).unwrap();
        datagrams.send(half, 2 * DATAGRAM_SEND_BYTES).unwrap();
        assert_eq!(datagrams.send(bytes(1), 2 * DATAGRAM_SEND_BYTES), Err(DatagramError::Full));
    }

    #[test]
    fn the_largest_payload_fits_and_one_byte_more_does_not() {
        for max_frame in (2..200).chain(16_300..16_500) {
            let max = accepting(0).max_size(max_frame).unwrap();
            assert!(header(max).encoded_len() + max <= max_frame, "{max_frame}");
            assert!(header(max + 1).encoded_len() + max + 1 > max_frame, "{max_frame}");
        }
    }

    #[test]
    fn the_peer_may_accept_less_than_the_path_or_nothing() {
        assert_eq!(Datagrams::new(0, 100).max_size(FULL), Some(97));
        assert_eq!(Datagrams::new(0, 0).max_size(FULL), None);
    }

    #[test]
    fn small_datagrams_share_a_packet() {
        let mut datagrams = accepting(0);
        for _ in 0..3 {
            datagrams.send(bytes(40), FULL).unwrap();
        }
        assert_eq!(fill(&mut datagrams, FULL), 3 * 42);
        assert!(!datagrams.wants_to_send());
    }

    #[test]
    fn a_datagram_that_finds_no_room_waits_for_the_next_packet() {
        let mut datagrams = accepting(0);
        datagrams.send(bytes(500), FULL).unwrap();
        assert_eq!(fill(&mut datagrams, 400), 0);
        assert!(datagrams.wants_to_send());
        assert_eq!(fill(&mut datagrams, FULL), 503);
        assert_eq!(datagrams.drops(), DatagramDrops::default());
    }

    #[test]
    fn a_datagram_that_the_path_outgrew_is_dropped_and_does_not_block_others() {
        let mut datagrams = accepting(0);
        datagrams.send(bytes(FULL), 9000).unwrap();
        datagrams.send(bytes(10), 9000).unwrap();
        assert_eq!(fill(&mut datagrams, FULL - 20), 12);
        assert_eq!(datagrams.drops().outgrown, 1);
    }

    #[test]
    fn a_datagram_that_ends_with_the_packet_needs_no_length() {
        let mut datagrams = accepting(0);
        datagrams.send(bytes(99), FULL).unwrap();
        assert_eq!(fill(&mut datagrams, 100), 100);
    }
}
