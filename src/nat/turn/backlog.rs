//! What a relay's stream has not taken yet, so that a slow one costs datagrams, as a slow network does, and no memory.

use std::collections::VecDeque;

use super::data::is_channel_data;
use crate::base::limits::TURN_STREAM_QUEUE;
use crate::nat::stun::{Class, Message, Method};

/// Messages on their way into a byte stream. Drops datagrams for peers when it is full; never a part of one, and no request.
#[derive(Debug, Default)]
pub struct FrameQueue {
    bytes: VecDeque<u8>,
}

impl FrameQueue {
    /// Appends a message of a [`TurnClient`](super::TurnClient) over a stream.
    pub fn push(&mut self, message: &[u8]) {
        let is_full = self.bytes.len().saturating_add(message.len()) > TURN_STREAM_QUEUE;
        // Requests are sent once over a stream, and there are few of them at a time.
        if !(is_full && is_datagram(message)) {
            self.bytes.extend(message);
        }
    }

    /// The next bytes to write; some of those that there are.
    pub fn front(&self) -> &[u8] {
        self.bytes.as_slices().0
    }

    /// So many of them were written.
    pub fn advance(&mut self, written: usize) {
        self.bytes.drain(..written.min(self.bytes.len()));
    }
}

/// Whether a message carries a datagram for a peer.
fn is_datagram(message: &[u8]) -> bool {
    message.first().copied().is_some_and(is_channel_data)
        || Message::decode(message).is_ok_and(|message| {
            (message.class(), message.method()) == (Class::Indication, Method::SEND)
        })
}

#[cfg(test)]
mod tests {
    use super::super::config::Framing;
    use super::super::data::{write_channel, write_indication};
    use super::super::frames::FrameReader;
    use super::*;
    use crate::nat::stun::{Builder, TransactionId};

    fn datagrams() -> [Vec<u8>; 2] {
        let (mut channel, mut indication) = (Vec::new(), Vec::new());
        write_channel(0x4001, &[7; 1201], Framing::Stream, &mut channel).unwrap();
        let peer = "192.0.2.1:9".parse().unwrap();
        write_indication(peer, &[7; 1201], TransactionId::new([1; 12]), &mut indication).unwrap();
        [channel, indication]
    }

    fn request() -> Vec<u8> {
        let id = TransactionId::new([2; 12]);
        Builder::new(Class::Request, Method::REFRESH, id).finish().unwrap()
    }

    #[test]
    fn a_stream_that_takes_nothing_costs_datagrams_but_no_requests() {
        for datagram in datagrams() {
            let mut queue = FrameQueue::default();
            for _ in 0..1000 {
                queue.push(&datagram);
            }
            assert!(queue.bytes.len() <= TURN_STREAM_QUEUE);
            assert!(queue.bytes.len() > TURN_STREAM_QUEUE - datagram.len());
            let full = queue.bytes.len();
            queue.push(&request());
            assert_eq!(queue.bytes.len(), full + request().len());
        }
    }

    #[test]
    fn what_is_written_in_pieces_is_whole_messages() {
        let (mut queue, mut reader) = (FrameQueue::default(), FrameReader::default());
        let [channel, indication] = datagrams();
        let (mut pushed, mut read) = (0, 0);
        for round in 0..20_000 {
            if round % 3 == 0 {
                queue.push(if round % 2 == 0 { &channel } else { &indication });
                pushed += 1;
            }
            let taken = queue.front().len().min(317);
            let mut input = &queue.front()[..taken];
            while !input.is_empty() {
                read += usize::from(reader.read(&mut input).unwrap().is_some());
            }
            queue.advance(taken);
        }
        assert!(
            read > 1000 && read < pushed,
            "{read} of {pushed}: it is fuller than it is emptied"
        );
    }
}
