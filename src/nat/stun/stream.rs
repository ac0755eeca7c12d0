//! Cuts the byte stream of a TCP connection into messages, whose headers say how long they are (RFC 8489 §6.2.2).

use super::error::StunError;
use super::header::{HEADER, Header};
use crate::base::limits::STUN_STREAM_MESSAGE;

/// Collects a message from whatever pieces it comes in. Never holds more than one.
#[derive(Debug, Default)]
pub struct StreamReader {
    message: Vec<u8>,
    /// The message was handed out.
    whole: bool,
}

impl StreamReader {
    /// Takes bytes off the front of `input`, and returns the message that they complete.
    ///
    /// Call it again with what is left, until it is empty.
    ///
    /// # Errors
    ///
    /// The stream is no STUN, or a message is longer than any that is wanted: close it.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<&[u8]>, StunError> {
        if std::mem::take(&mut self.whole) {
            self.message.clear();
        }
        self.fill(HEADER, input);
        let Some(start) = self.message.first_chunk::<HEADER>() else { return Ok(None) };
        let length = HEADER + usize::from(Header::decode(start)?.length);
        if length > STUN_STREAM_MESSAGE {
            return Err(StunError::TooLong);
        }
        self.fill(length, input);
        self.whole = self.message.len() == length;
        Ok(self.whole.then_some(&self.message))
    }

    fn fill(&mut self, length: usize, input: &mut &[u8]) {
        let missing = length.saturating_sub(self.message.len()).min(input.len());
        let (taken, rest) = input.split_at(missing);
        self.message.extend(taken);
        *input = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::super::attribute::Attribute;
    use super::super::builder::Builder;
    use super::super::header::{Class, Method, TransactionId};
    use super::*;

    fn message(software: &str) -> Vec<u8> {
        Builder::new(Class::Request, Method::BINDING, TransactionId::new([1; 12]))
            .attribute(&Attribute::Software(software))
            .finish()
            .unwrap()
    }

    #[test]
    fn messages_come_back_however_the_stream_is_cut() {
        let sent = [message("one"), message(""), message("three")];
        let stream = sent.concat();
        for size in 1..=stream.len() {
            let (mut reader, mut got) = (StreamReader::default(), Vec::new());
            for mut piece in stream.chunks(size) {
                while !piece.is_empty() {
                    got.extend(reader.read(&mut piece).unwrap().map(<[u8]>::to_vec));
                }
            }
            assert_eq!(got, sent, "{size}");
        }
    }

    #[test]
    fn a_stream_of_something_else_and_a_giant_are_refused() {
        let mut reader = StreamReader::default();
        assert_eq!(reader.read(&mut &b"GET / HTTP/1.1\r\nHost: "[..]), Err(StunError::NotStun));
        let mut giant = message("");
        giant[2..4].copy_from_slice(&0xfffc_u16.to_be_bytes());
        let mut reader = StreamReader::default();
        assert_eq!(reader.read(&mut giant.as_slice()), Err(StunError::TooLong));
    }
}
