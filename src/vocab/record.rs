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
    Candidates {
        generation: u64,
    },
    /// An unreliable datagram: only counted.
    Datagram,
}

impl Record {
    /// Takes over stream data that begins where this ends. Returns whether it did.
    pub(crate) fn join(&mut self, next: &Self) -> bool {
        let Self::Stream { id, offset, length, fin: fin @ false } = self else { return false };
        let Self::Stream { id: same, offset: follows, length: more, fin: last } = *next else {
            return false;
        };
        let begins = offset.checked_add(u64::from(*length));
        let Some(sum) = length.checked_add(more) else { return false };
        let joins = *id == same && begins == Some(follows);
        if joins {
            (*length, *fin) = (sum, last);
        }
        joins
    }
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
    fn data_that_follows_is_joined_and_nothing_else_is() {
        let id = StreamId::new(crate::wire::Role::Initiator, Direction::Unidirectional, 7);
        let data = |offset, length, fin| Record::Stream { id, offset, length, fin };
        let mut record = data(10, 5, false);
        assert!(!record.join(&data(16, 1, false)), "a gap");
        assert!(!record.join(&Record::Ack { largest: 15 }));
        assert!(record.join(&data(15, 5, true)));
        assert_eq!(record, data(10, 10, true));
        assert!(!record.join(&data(20, 1, false)), "nothing follows the end");
        assert!(!data(0, u32::MAX, false).join(&data(u64::from(u32::MAX), 1, false)), "too long");
    }

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
