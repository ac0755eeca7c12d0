//! Cuts the byte stream from a relay into messages (RFC 8656 §3.1, §12.5).
//!
//! STUN messages and ChannelData both say their length in bytes 2 and 3; ChannelData is padded to a multiple of four bytes.

use super::data::{CHANNEL_HEADER, is_channel_data};
use crate::nat::stun::StunError;

/// A STUN message's header, which its length does not count.
const STUN_HEADER: usize = 20;

/// Collects a message from whatever pieces it comes in. Never holds more than one, of at most 64 KiB.
#[derive(Debug, Default)]
pub struct FrameReader {
    message: Vec<u8>,
    /// The message was handed out.
    whole: bool,
}

impl FrameReader {
    /// Takes bytes off the front of `input`, and returns the message that they complete.
    ///
    /// Call it again with what is left, until it is empty. Hand messages to
    /// [`TurnClient::handle_datagram`](super::TurnClient::handle_datagram).
    ///
    /// # Errors
    ///
    /// The stream is no TURN: close it.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<&[u8]>, StunError> {
        if std::mem::take(&mut self.whole) {
            self.message.clear();
        }
        self.fill(CHANNEL_HEADER, input);
        let Some(&[first, _, l0, l1]) = self.message.first_chunk() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let size = match first {
            0..=3 if length.is_multiple_of(4) => STUN_HEADER + length,
            first if is_channel_data(first) => CHANNEL_HEADER + length.next_multiple_of(4),
            _ => return Err(StunError::NotStun),
        };
        self.fill(size, input);
        self.whole = self.message.len() == size;
        Ok(self.whole.then_some(&self.message))
    }

    fn fill(&mut self, length: usize, input: &mut &[u8]) {
        let missing = length.saturating_sub(self.message.len()).min(input.len());
        let (taken, rest) = input.split_at(missing);
        self.message.extend_from_slice(taken);
        *input = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Framing;
    use super::super::data::{read_channel, write_channel, write_indication};
    use super::*;
    use crate::nat::stun::TransactionId;

    #[test]
    fn messages_of_both_kinds_come_back_however_the_stream_is_cut() {
        let (mut channel, mut indication) = (Vec::new(), Vec::new());
        write_channel(0x4001, b"hello", Framing::Stream, &mut channel).unwrap();
        let peer = "192.0.2.1:9".parse().unwrap();
        write_indication(peer, b"world!!", TransactionId::new([1; 12]), &mut indication).unwrap();
        let sent = [&channel[..], &indication, &channel];
        let stream = sent.concat();
        for size in 1..=stream.len() {
            let (mut reader, mut got) = (FrameReader::default(), Vec::new());
            for mut piece in stream.chunks(size) {
                while !piece.is_empty() {
                    got.extend(reader.read(&mut piece).unwrap().map(<[u8]>::to_vec));
                }
            }
            assert_eq!(got, sent, "{size}");
        }
        assert_eq!(channel.len(), 12);
        assert_eq!(read_channel(&channel), Some((0x4001, &b"hello"[..])));
    }

    #[test]
    fn a_stream_of_something_else_is_refused() {
        for stream in [&b"SSH-2.0"[..], &[0, 1, 0, 3], &[0x50, 0, 0, 0]] {
            let mut reader = FrameReader::default();
            assert_eq!(reader.read(&mut &*stream), Err(StunError::NotStun));
        }
    }
}
