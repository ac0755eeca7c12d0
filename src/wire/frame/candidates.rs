//! CANDIDATES: where the sender may be reached now (SPEC §8.4). What the description says is for those who search for paths.

use std::time::Duration;

use super::super::codec::{Full, Reader, Writer, varint_len};
use super::super::error::DecodeError;
use super::encode::micros;
use super::types;
use crate::base::limits::CANDIDATES_FRAME_MAX;

/// A list that replaces all earlier ones of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CandidatesFrame<'a> {
    /// The number of the list, from 1 on: 0 is never news.
    pub(crate) generation: u64,
    /// The number of the peer's list that it answers; 0 for none.
    pub(crate) answers: u64,
    /// Of an answer: how long after this was sent both sides begin to search.
    pub(crate) delay: Duration,
    pub(crate) description: &'a [u8],
}

impl<'a> CandidatesFrame<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let (generation, answers) = (reader.varint()?, reader.varint()?);
        let delay = Duration::from_micros(reader.varint()?);
        let length = reader.length()?;
        let answers_nothing = answers == 0 && !delay.is_zero();
        if answers_nothing || length > CANDIDATES_FRAME_MAX {
            return Err(DecodeError::InvalidValue);
        }
        Ok(Self { generation, answers, delay, description: reader.bytes(length)? })
    }

    pub(super) fn encode(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.varint(types::CANDIDATES.into())?;
        self.fields().into_iter().try_for_each(|field| writer.varint(field))?;
        writer.bytes(self.description)
    }

    pub(super) fn encoded_len(&self) -> usize {
        let fields = self.fields().into_iter().map(varint_len).sum::<usize>();
        varint_len(types::CANDIDATES.into()) + fields + self.description.len()
    }

    fn fields(&self) -> [u64; 4] {
        [self.generation, self.answers, micros(self.delay), self.description.len() as u64]
    }
}
