//! ACK: ranges of packet numbers, from the largest down (RFC 9000 §19.3).

use std::ops::RangeInclusive;
use std::time::Duration;

use super::super::codec::{Full, Reader, Writer, varint_len};
use super::super::error::DecodeError;
use super::encode::micros;
use super::types;
use crate::base::limits::ACK_RANGES;
use crate::base::ranges::RangeSet;

/// How many packets came with each ECN mark (RFC 9000 §19.3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct EcnCounts {
    pub(crate) ect0: u64,
    pub(crate) ect1: u64,
    pub(crate) ce: u64,
}

/// An ACK whose ranges were checked but not unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AckFrame<'a> {
    pub(crate) largest: u64,
    pub(crate) delay: Duration,
    pub(crate) ecn: Option<EcnCounts>,
    first: u64,
    /// Ranges beyond the first, and their gap-and-length pairs as they stand in the frame.
    more: u64,
    pairs: &'a [u8],
}

impl<'a> AckFrame<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>, has_ecn: bool) -> Result<Self, DecodeError> {
        let largest = reader.varint()?;
        let delay = Duration::from_micros(reader.varint()?);
        let more = reader.varint()?;
        let first = reader.varint()?;
        let mut smallest = largest.checked_sub(first).ok_or(DecodeError::InvalidValue)?;
        let before = reader.rest();
        for _ in 0..more {
            let (gap, length) = (reader.varint()?, reader.varint()?);
            smallest = gap
                .checked_add(2)
                .and_then(|skipped| smallest.checked_sub(skipped))
                .and_then(|top| top.checked_sub(length))
                .ok_or(DecodeError::InvalidValue)?;
        }
        let pairs = before.get(..before.len() - reader.rest().len()).unwrap_or_default();
        let ecn = if has_ecn {
            let (ect0, ect1, ce) = (reader.varint()?, reader.varint()?, reader.varint()?);
            Some(EcnCounts { ect0, ect1, ce })
        } else {
            None
        };
        Ok(Self { largest, delay, ecn, first, more, pairs })
    }

    /// The acknowledged packet numbers, from the largest down.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u64>> + 'a {
        let mut reader = Reader::new(self.pairs);
        let mut next = Some((self.largest - self.first, self.largest));
        std::iter::from_fn(move || {
            let (low, high) = next?;
            next = below(&mut reader, low);
            Some(low..=high)
        })
    }

    pub(super) fn encode(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.u8(if self.ecn.is_some() { types::ACK_ECN } else { types::ACK })?;
        for field in [self.largest, micros(self.delay), self.more, self.first] {
            writer.varint(field)?;
        }
        writer.bytes(self.pairs)?;
        encode_ecn(writer, self.ecn)
    }

    pub(super) fn encoded_len(&self) -> usize {
        let fields = [self.largest, micros(self.delay), self.more, self.first];
        1 + fields.iter().map(|field| varint_len(*field)).sum::<usize>()
            + self.pairs.len()
            + ecn_len(self.ecn)
    }
}

/// The range below one that starts at `low`; the pairs were checked when the frame was decoded.
fn below(reader: &mut Reader<'_>, low: u64) -> Option<(u64, u64)> {
    let (gap, length) = (reader.varint().ok()?, reader.varint().ok()?);
    let high = low.checked_sub(gap.checked_add(2)?)?;
    Some((high.checked_sub(length)?, high))
}

/// Writes an ACK for the ranges, the highest first, as many as fit and at most the limit; or nothing.
pub(crate) fn encode_ack(
    writer: &mut Writer<'_>,
    ranges: &RangeSet,
    delay: Duration,
    ecn: Option<EcnCounts>,
) -> Result<(), Full> {
    let start = writer.len();
    let result = write_ack(writer, ranges, delay, ecn);
    if result.is_err() {
        writer.truncate(start);
    }
    result
}

fn write_ack(
    writer: &mut Writer<'_>,
    ranges: &RangeSet,
    delay: Duration,
    ecn: Option<EcnCounts>,
) -> Result<(), Full> {
    let first = ranges.iter().next_back().ok_or(Full)?;
    let (largest, delay) = (first.end - 1, micros(delay));
    let first_length = first.end - first.start - 1;
    let fixed = 1 + varint_len(largest) + varint_len(delay) + 1 + varint_len(first_length);
    let mut room = writer.remaining().checked_sub(fixed + ecn_len(ecn)).ok_or(Full)?;
    let mut count = 0;
    for (gap, length) in pairs(ranges).take(ACK_RANGES - 1) {
        let Some(left) = room.checked_sub(varint_len(gap) + varint_len(length)) else {
            break;
        };
        (room, count) = (left, count + 1);
    }
    writer.u8(if ecn.is_some() { types::ACK_ECN } else { types::ACK })?;
    for field in [largest, delay, count as u64, first_length] {
        writer.varint(field)?;
    }
    for (gap, length) in pairs(ranges).take(count) {
        writer.varint(gap)?;
        writer.varint(length)?;
    }
    encode_ecn(writer, ecn)
}

/// Gap and length of every range below the highest, downwards.
fn pairs(ranges: &RangeSet) -> impl Iterator<Item = (u64, u64)> + '_ {
    let upper = ranges.iter().rev();
    let lower = ranges.iter().rev().skip(1);
    upper
        .zip(lower)
        .map(|(upper, lower)| (upper.start - lower.end - 1, lower.end - lower.start - 1))
}

fn encode_ecn(writer: &mut Writer<'_>, ecn: Option<EcnCounts>) -> Result<(), Full> {
    let Some(counts) = ecn else {
        return Ok(());
    };
    [counts.ect0, counts.ect1, counts.ce].into_iter().try_for_each(|count| writer.varint(count))
}

fn ecn_len(ecn: Option<EcnCounts>) -> usize {
    ecn.map_or(0, |counts| [counts.ect0, counts.ect1, counts.ce].into_iter().map(varint_len).sum())
}
