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

/// The records of one packet. Packets of a bulk transfer carry one or two; those allocate nothing.
#[derive(Debug, Default)]
pub(crate) struct Records {
    first: Option<Record>,
    second: Option<Record>,
    rest: Vec<Record>,
}

impl Records {
    /// Adds a record.
    pub(crate) fn push(&mut self, record: Record) {
        if self.first.is_none() {
            self.first = Some(record);
        } else if self.second.is_none() {
            self.second = Some(record);
        } else {
            self.rest.push(record);
        }
    }

    /// The records in the order in which they were written.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Record> + '_ {
        self.first.into_iter().chain(self.second).chain(self.rest.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_in_order() {
        let mut records = Records::default();
        for largest in 0..5 {
            records.push(Record::Ack { largest });
        }
        let seen: Vec<_> = records.iter().collect();
        assert_eq!(seen, (0..5).map(|largest| Record::Ack { largest }).collect::<Vec<_>>());
    }
}
