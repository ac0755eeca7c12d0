//! From bytes to frames.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::super::code::{ApplicationCode, ErrorCode};
use super::super::codec::{Reader, VARINT_MAX};
use super::super::error::DecodeError;
use super::super::id::{Direction, StreamId};
use super::ack::AckFrame;
use super::candidates::CandidatesFrame;
use super::{Frame, StreamFrame, types};
use crate::base::limits::CLOSE_REASON_MAX;

/// Streams of one kind that can be counted (RFC 9000 §4.6).
const STREAMS_MAX: u64 = 1 << 60;

impl<'a> Frame<'a> {
    /// The next frame of a packet that is not at its end.
    pub(crate) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let kind = frame_type(reader)?;
        match kind {
            types::PADDING => Ok(padding(reader)),
            types::PING => Ok(Self::Ping),
            types::ACK | types::ACK_ECN => {
                AckFrame::decode(reader, kind == types::ACK_ECN).map(Self::Ack)
            }
            types::STREAM..=types::STREAM_LAST => {
                let StreamFrame { id, offset, data, fin } = stream(reader, kind)?;
                Ok(Self::Stream { id, offset, data, fin })
            }
            types::DATAGRAM => Ok(Self::Datagram { data: reader.take_rest() }),
            types::DATAGRAM_LEN => {
                let length = reader.length()?;
                Ok(Self::Datagram { data: reader.bytes(length)? })
            }
            types::RESET_STREAM..=types::STREAMS_BLOCKED_UNI => control(reader, kind),
            types::CANDIDATES => CandidatesFrame::decode(reader).map(Self::Candidates),
            _ => connection(reader, kind),
        }
    }
}

/// The type, in its shortest form. All types that this version knows are below 256.
fn frame_type(reader: &mut Reader<'_>) -> Result<u8, DecodeError> {
    let before = reader.rest().len();
    let value = reader.varint()?;
    let length = before - reader.rest().len();
    if length != super::super::codec::varint_len(value) {
        return Err(DecodeError::NotMinimal);
    }
    u8::try_from(value).map_err(|_| DecodeError::UnknownType)
}

fn padding<'a>(reader: &mut Reader<'a>) -> Frame<'a> {
    let run = reader.rest().iter().take_while(|byte| **byte == types::PADDING).count();
    // The run was counted in what is left, so it can be taken.
    let taken = reader.bytes(run).map_or(0, <[u8]>::len);
    Frame::Padding(taken + 1)
}

#[inline]
pub(super) fn stream<'a>(
    reader: &mut Reader<'a>,
    kind: u8,
) -> Result<StreamFrame<'a>, DecodeError> {
    let id = stream_id(reader)?;
    let offset = if kind & types::STREAM_OFF == 0 { 0 } else { reader.varint()? };
    let data = if kind & types::STREAM_LEN == 0 {
        reader.take_rest()
    } else {
        let length = reader.length()?;
        reader.bytes(length)?
    };
    if offset + data.len() as u64 > VARINT_MAX {
        return Err(DecodeError::InvalidValue);
    }
    Ok(StreamFrame { id, offset, data, fin: kind & types::STREAM_FIN != 0 })
}

/// Frames about streams and flow control.
fn control<'a>(reader: &mut Reader<'a>, kind: u8) -> Result<Frame<'a>, DecodeError> {
    Ok(match kind {
        types::RESET_STREAM => Frame::ResetStream {
            id: stream_id(reader)?,
            code: application_code(reader)?,
            final_size: reader.varint()?,
        },
        types::STOP_SENDING => {
            Frame::StopSending { id: stream_id(reader)?, code: application_code(reader)? }
        }
        types::MAX_DATA => Frame::MaxData { limit: reader.varint()? },
        types::MAX_STREAM_DATA => {
            Frame::MaxStreamData { id: stream_id(reader)?, limit: reader.varint()? }
        }
        types::MAX_STREAMS_BIDI | types::MAX_STREAMS_UNI => Frame::MaxStreams {
            direction: direction(kind == types::MAX_STREAMS_UNI),
            limit: streams(reader)?,
        },
        types::DATA_BLOCKED => Frame::DataBlocked { limit: reader.varint()? },
        types::STREAM_DATA_BLOCKED => {
            Frame::StreamDataBlocked { id: stream_id(reader)?, limit: reader.varint()? }
        }
        types::STREAMS_BLOCKED_BIDI | types::STREAMS_BLOCKED_UNI => Frame::StreamsBlocked {
            direction: direction(kind == types::STREAMS_BLOCKED_UNI),
            limit: streams(reader)?,
        },
        _ => return Err(DecodeError::UnknownType),
    })
}

/// Frames about the connection and its paths.
fn connection<'a>(reader: &mut Reader<'a>, kind: u8) -> Result<Frame<'a>, DecodeError> {
    Ok(match kind {
        types::NEW_CID => {
            let (sequence, retire_prior_to) = (reader.varint()?, reader.varint()?);
            if retire_prior_to > sequence {
                return Err(DecodeError::InvalidValue);
            }
            let (id, token) = (reader.array()?.into(), reader.array()?);
            Frame::NewCid { sequence, retire_prior_to, id, token }
        }
        types::RETIRE_CID => Frame::RetireCid { sequence: reader.varint()? },
        types::PATH_CHALLENGE => Frame::PathChallenge { data: reader.array()? },
        types::PATH_RESPONSE => Frame::PathResponse { data: reader.array()? },
        types::CLOSE_TRANSPORT => Frame::CloseTransport {
            code: ErrorCode(reader.varint()?),
            frame_type: reader.varint()?,
            reason: reason(reader)?,
        },
        types::CLOSE_APPLICATION => {
            Frame::CloseApplication { code: application_code(reader)?, reason: reason(reader)? }
        }
        types::ESTABLISHED => Frame::Established,
        types::IMMEDIATE_ACK => Frame::ImmediateAck,
        types::ACK_FREQUENCY => Frame::AckFrequency {
            sequence: reader.varint()?,
            threshold: reader.varint()?,
            max_delay: Duration::from_micros(reader.varint()?),
            reordering: reader.varint()?,
        },
        types::OBSERVED_V4 => observed(reader, |r| r.array::<4>().map(IpAddr::from))?,
        types::OBSERVED_V6 => observed(reader, |r| r.array::<16>().map(IpAddr::from))?,
        _ => return Err(DecodeError::UnknownType),
    })
}

fn observed<'a>(
    reader: &mut Reader<'a>,
    ip: impl FnOnce(&mut Reader<'a>) -> Result<IpAddr, DecodeError>,
) -> Result<Frame<'a>, DecodeError> {
    let sequence = reader.varint()?;
    let address = SocketAddr::new(ip(reader)?, reader.u16()?);
    Ok(Frame::ObservedAddress { sequence, address })
}

fn reason<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let length = reader.length()?;
    if length > CLOSE_REASON_MAX {
        return Err(DecodeError::InvalidValue);
    }
    reader.bytes(length)
}

fn stream_id(reader: &mut Reader<'_>) -> Result<StreamId, DecodeError> {
    reader.varint().map(StreamId::from_wire)
}

fn application_code(reader: &mut Reader<'_>) -> Result<ApplicationCode, DecodeError> {
    reader.varint().map(ApplicationCode::new)
}

fn streams(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    reader.varint().and_then(|limit| {
        if limit > STREAMS_MAX { Err(DecodeError::InvalidValue) } else { Ok(limit) }
    })
}

const fn direction(unidirectional: bool) -> Direction {
    if unidirectional { Direction::Unidirectional } else { Direction::Bidirectional }
}
