//! What a sent packet carried that somebody must hear the fate of.

use crate::wire::{Direction, StreamId};

/// One retransmittable thing that a packet carried. It goes back to the component that wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// An ACK whose largest number was this: once acknowledged, lower ranges need not be sent again.
    Ack {
        largest: u64,
    },
    /// Bytes `offset..offset + length` of a stream, and its end if `fin`.
    Stream {
        id: StreamId,
        offset: u64,
        length: u32,
        fin: bool,
    },
    ResetStream(StreamId),
    StopSending(StreamId),
    MaxData {
        limit: u64,
    },
    MaxStreamData {
        id: StreamId,
        limit: u64,
    },
    MaxStreams {
        direction: Direction,
        limit: u64,
    },
    DataBlocked {
        limit: u64,
    },
    StreamDataBlocked {
        id: StreamId,
        limit: u64,
    },
    StreamsBlocked {
        direction: Direction,
        limit: u64,
    },
    NewCid {
        sequence: u64,
    },
    RetireCid {
        sequence: u64,
    },
    Established,
    AckFrequency {
        sequence: u64,
    },
    ObservedAddress {
        sequence: u64,
    },
    /// An unreliable datagram: only counted.
    Datagram,
}

/// What became of a record's packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The peer has it. May come after `Lost`, when the loss was spurious or the packet a probe's model.
    Acked,
    /// To be sent again if it still matters.
    Lost,
}

/// Records that a packet holds without a memory block of its own: an ACK, both kinds of credit, and stream data, which is all that
/// a packet of a bulk transfer carries unless there are losses.
const INLINE: usize = 4;

/// The records of one packet.
#[derive(Debug, Default)]
pub(crate) struct Records {
    inline: [Option<Record>; INLINE],
    rest: Option<Box<Self>>,
}

impl Records {
    /// Adds a record.
    pub(crate) fn push(&mut self, record: Record) {
        match self.inline.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(record),
            None => self.rest.get_or_insert_default().push(record),
        }
    }

    /// The records in the order in which they were written.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Record> + '_ {
        let blocks = std::iter::successors(Some(self), |block| block.rest.as_deref());
        blocks.flat_map(|block| block.inline.iter().copied()).map_while(|place| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_in_order() {
        let mut records = Records::default();
        for largest in 0..10 {
            records.push(Record::Ack { largest });
        }
        let seen: Vec<_> = records.iter().collect();
        assert_eq!(seen, (0..10).map(|largest| Record::Ack { largest }).collect::<Vec<_>>());
    }
}
