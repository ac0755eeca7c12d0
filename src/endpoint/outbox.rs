//! Datagrams that belong to no connection: PUNCH, handshake messages, stateless resets.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use crate::base::limits;
use crate::connection::Transmit;
use crate::crypto::message_tag;
use crate::wire::{
    Fragment, FragmentHeader, HandshakeId, HandshakeKind, SetMap, Suite, fragment_count,
};

/// A bounded queue; what does not fit is dropped, as the network would.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: VecDeque<Outgoing>,
}

#[derive(Debug)]
struct Outgoing {
    destination: SocketAddr,
    source: Option<IpAddr>,
    datagram: Vec<u8>,
}

impl Outbox {
    pub(super) fn push(
        &mut self,
        destination: SocketAddr,
        source: Option<IpAddr>,
        datagram: Vec<u8>,
    ) {
        if self.queue.len() < limits::OUTBOX {
            self.queue.push_back(Outgoing { destination, source, datagram });
        }
    }

    /// Takes the next datagram, and with it those behind it of the same way, at most `segments`. They have the same size, but for the last,
    /// which may be smaller.
    pub(super) fn poll(&mut self, buffer: &mut [u8], segments: usize) -> Option<Transmit> {
        let first = self.queue.pop_front()?;
        let segment_size = first.datagram.len();
        let mut size = append(buffer, 0, &first.datagram)?;
        for count in 1..segments {
            let is_full = size != count * segment_size || size + segment_size > buffer.len();
            let next = self.queue.pop_front_if(|next| !is_full && first.precedes(next));
            let Some(next) = next else { break };
            size = append(buffer, size, &next.datagram)?;
        }
        Some(Transmit {
            destination: first.destination,
            source: first.source,
            ecn: None,
            size,
            segment_size,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

impl Outgoing {
    /// The operating system can cut both out of one buffer.
    fn precedes(&self, next: &Self) -> bool {
        self.destination == next.destination
            && self.source == next.source
            && self.datagram.len() >= next.datagram.len()
    }
}

/// Writes behind the first `at` bytes, and returns how many there are now.
fn append(buffer: &mut [u8], at: usize, datagram: &[u8]) -> Option<usize> {
    let end = at.checked_add(datagram.len())?;
    buffer.get_mut(at..end)?.copy_from_slice(datagram);
    Some(end)
}

/// What the packets of one handshake message have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Envelope {
    pub(super) kind: HandshakeKind,
    pub(super) destination: HandshakeId,
    pub(super) source: HandshakeId,
    pub(super) suite: Suite,
    pub(super) offered: SetMap,
    pub(super) cookie: [u8; 20],
}

impl Envelope {
    /// The datagrams of a message; with `padded` each has at least 1200 bytes (SPEC §5.5).
    pub(super) fn datagrams(&self, message: &[u8], padded: bool) -> Vec<Vec<u8>> {
        let tag = message_tag(message);
        let count = fragment_count(message.len());
        let chunks = message.chunks(limits::HANDSHAKE_FRAGMENT).enumerate();
        chunks
            .map(|(index, payload)| {
                let header = FragmentHeader {
                    kind: self.kind,
                    destination: self.destination,
                    source: self.source,
                    suite: self.suite,
                    offered: self.offered,
                    index: u8::try_from(index).unwrap_or(u8::MAX),
                    count,
                    length: u16::try_from(message.len()).unwrap_or(u16::MAX),
                    tag,
                    cookie: self.cookie,
                };
                let mut datagram = Fragment::encode(&header, payload);
                if padded && datagram.len() < limits::BASE_DATAGRAM {
                    datagram.resize(limits::BASE_DATAGRAM, 0);
                }
                datagram
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sizes of the batches in which datagrams of these sizes leave.
    fn batches(sizes: &[usize]) -> Vec<(usize, usize)> {
        let mut outbox = Outbox::default();
        for size in sizes {
            outbox.push(SocketAddr::from(([192, 0, 2, 1], 1)), None, vec![0; *size]);
        }
        let polls = std::iter::from_fn(|| outbox.poll(&mut [0; 4000], 3));
        polls.map(|transmit| (transmit.size, transmit.segment_size)).collect()
    }

    #[test]
    fn a_smaller_datagram_is_the_last_of_its_batch() {
        assert_eq!(batches(&[1200, 161]), [(1361, 1200)]);
        assert_eq!(batches(&[1200, 161, 161]), [(1361, 1200), (161, 161)]);
        assert_eq!(batches(&[161, 1200]), [(161, 161), (1200, 1200)]);
        assert_eq!(batches(&[1200; 4]), [(3600, 1200), (1200, 1200)]);
    }
}
