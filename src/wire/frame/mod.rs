//! Frames (SPEC §8).

mod ack;
mod candidates;
mod data;
mod decode;
mod encode;
mod types;

use std::net::SocketAddr;
use std::time::Duration;

use super::code::{ApplicationCode, ErrorCode};
use super::codec::Reader;
use super::error::DecodeError;
use super::id::{ConnectionId, Direction, StreamId};

pub(crate) use ack::{AckFrame, EcnCounts, encode_ack};
pub(crate) use candidates::CandidatesFrame;
pub(crate) use data::{DatagramHeader, StreamHeader};

/// One frame, as it stands in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    /// A run of this many PADDING frames.
    Padding(usize),
    Ping,
    Ack(AckFrame<'a>),
    ResetStream {
        id: StreamId,
        code: ApplicationCode,
        final_size: u64,
    },
    StopSending {
        id: StreamId,
        code: ApplicationCode,
    },
    Stream {
        id: StreamId,
        offset: u64,
        data: &'a [u8],
        fin: bool,
    },
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
        retire_prior_to: u64,
        id: ConnectionId,
        token: [u8; 16],
    },
    RetireCid {
        sequence: u64,
    },
    PathChallenge {
        data: [u8; 8],
    },
    PathResponse {
        data: [u8; 8],
    },
    CloseTransport {
        code: ErrorCode,
        frame_type: u64,
        reason: &'a [u8],
    },
    CloseApplication {
        code: ApplicationCode,
        reason: &'a [u8],
    },
    Established,
    ImmediateAck,
    AckFrequency {
        sequence: u64,
        threshold: u64,
        max_delay: Duration,
        reordering: u64,
    },
    ObservedAddress {
        sequence: u64,
        address: SocketAddr,
    },
    Datagram {
        data: &'a [u8],
    },
    Candidates(CandidatesFrame<'a>),
}

impl Frame<'_> {
    /// The peer acknowledges packets that hold such a frame (RFC 9002 §2).
    pub(crate) const fn is_ack_eliciting(&self) -> bool {
        !matches!(
            self,
            Self::Padding(_)
                | Self::Ack(_)
                | Self::CloseTransport { .. }
                | Self::CloseApplication { .. }
        )
    }

    /// A frame that only tries a path (SPEC §7.2).
    pub(crate) const fn is_probing(&self) -> bool {
        matches!(
            self,
            Self::Padding(_)
                | Self::PathChallenge { .. }
                | Self::PathResponse { .. }
                | Self::NewCid { .. }
        )
    }
}

/// A [`Frame::Stream`] that is nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamFrame<'a> {
    pub(crate) id: StreamId,
    pub(crate) offset: u64,
    pub(crate) data: &'a [u8],
    pub(crate) fin: bool,
}

/// The frames of a packet, one after the other. Ends after the first error.
#[derive(Clone, Debug)]
pub(crate) struct Frames<'a> {
    reader: Reader<'a>,
}

impl<'a> Frames<'a> {
    pub(crate) const fn new(payload: &'a [u8]) -> Self {
        Self { reader: Reader::new(payload) }
    }

    /// The next frame if it is a STREAM frame, and else nothing is taken. A bulk transfer consists of those, and for each a frame that
    /// could be any is a detour.
    #[inline]
    pub(crate) fn next_stream(&mut self) -> Option<Result<StreamFrame<'a>, DecodeError>> {
        let (kind, rest) = self.reader.rest().split_first()?;
        if !(types::STREAM..=types::STREAM_LAST).contains(kind) {
            return None;
        }
        self.reader = Reader::new(rest);
        let frame = decode::stream(&mut self.reader, *kind);
        if frame.is_err() {
            self.reader.take_rest();
        }
        Some(frame)
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.is_empty() {
            return None;
        }
        let frame = Frame::decode(&mut self.reader);
        if frame.is_err() {
            self.reader.take_rest();
        }
        Some(frame)
    }
}

#[cfg(test)]
mod tests;
