//! The packets under way, by the time of their arrival.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::packet::Packet;

/// Bytes that may be under way at once. Only a link without a rate can come here; 256 MiB is two seconds of 1 Gbit/s.
const BYTES_MAX: usize = 256 << 20;

/// What a packet costs besides its payload, or empty datagrams would be free.
const PACKET_COST: usize = size_of::<InTransit>();

#[derive(Debug)]
struct InTransit {
    arrives: Duration,
    /// Keeps packets that arrive together in the order in which they were put in.
    entered: u64,
    /// The number of the packet at the sender; a duplicate has that of its original.
    number: u64,
    packet: Packet,
}

impl InTransit {
    fn key(&self) -> (Duration, u64) {
        (self.arrives, self.entered)
    }
}

impl PartialEq for InTransit {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for InTransit {}

impl PartialOrd for InTransit {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for InTransit {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

#[derive(Debug, Default)]
pub(super) struct Transit {
    heap: BinaryHeap<Reverse<InTransit>>,
    entered: u64,
    bytes: usize,
}

impl Transit {
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether another packet of this size may come in.
    pub(super) fn has_room(&self, size: usize) -> bool {
        self.bytes.saturating_add(cost(size)) <= BYTES_MAX
    }

    pub(super) fn insert(&mut self, arrives: Duration, number: u64, packet: Packet) {
        self.bytes = self.bytes.saturating_add(cost(packet.payload.len()));
        self.entered += 1;
        self.heap.push(Reverse(InTransit { arrives, entered: self.entered, number, packet }));
    }

    pub(super) fn next_arrival(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse(first)| first.arrives)
    }

    /// The next packet that has arrived, with its number.
    pub(super) fn take(&mut self, now: Duration) -> Option<(u64, Packet)> {
        if self.next_arrival()? > now {
            return None;
        }
        let Reverse(first) = self.heap.pop()?;
        self.bytes = self.bytes.saturating_sub(cost(first.packet.payload.len()));
        Some((first.number, first.packet))
    }
}

fn cost(size: usize) -> usize {
    size.saturating_add(PACKET_COST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(tag: u8) -> Packet {
        let address = ([127, 0, 0, 1], 1).into();
        Packet::new(address, address, vec![tag])
    }

    #[test]
    fn packets_come_out_by_arrival_and_equal_ones_as_they_went_in() {
        let mut transit = Transit::default();
        for (tag, arrives) in [(1, 5), (2, 3), (3, 5), (4, 3)] {
            transit.insert(Duration::from_secs(arrives), u64::from(tag), packet(tag));
        }
        assert_eq!(transit.take(Duration::from_secs(2)), None);
        let order: Vec<u64> =
            std::iter::from_fn(|| transit.take(Duration::from_secs(9))).map(|(n, _)| n).collect();
        assert_eq!(order, [2, 4, 1, 3]);
    }

    #[test]
    fn what_is_under_way_is_bounded_and_given_back() {
        let mut transit = Transit::default();
        assert!(!transit.has_room(BYTES_MAX));
        transit.insert(Duration::ZERO, 0, packet(0));
        assert!(transit.bytes > PACKET_COST);
        assert!(transit.take(Duration::ZERO).is_some());
        assert_eq!((transit.bytes, transit.len()), (0, 0));
    }
}
