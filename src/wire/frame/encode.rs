//! From frames to bytes.

use std::net::IpAddr;
use std::time::Duration;

use super::super::codec::{Full, Writer, varint_len};
use super::super::id::Direction;
use super::data::{DatagramHeader, StreamHeader};
use super::{Frame, types};

impl Frame<'_> {
    /// Writes the frame, or nothing of it.
    pub(crate) fn encode(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        let start = writer.len();
        let result = self.write(writer);
        if result.is_err() {
            writer.truncate(start);
        }
        result
    }

    fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match *self {
            Self::Padding(run) => {
                writer.reserve(run)?.fill(types::PADDING);
                Ok(())
            }
            Self::Ack(ack) => ack.encode(writer),
            Self::Stream { id, offset, data, fin } => {
                let header = StreamHeader { id, offset, length: Some(data.len()), fin };
                header.encode(writer)?;
                writer.bytes(data)
            }
            Self::Datagram { data } => {
                DatagramHeader { length: Some(data.len()) }.encode(writer)?;
                writer.bytes(data)
            }
            Self::NewCid { sequence, retire_prior_to, id, token } => {
                numbers(writer, types::NEW_CID, &[sequence, retire_prior_to])?;
                writer.bytes(id.as_bytes())?;
                writer.bytes(&token)
            }
            Self::PathChallenge { data } => {
                writer.u8(types::PATH_CHALLENGE)?;
                writer.bytes(&data)
            }
            Self::PathResponse { data } => {
                writer.u8(types::PATH_RESPONSE)?;
                writer.bytes(&data)
            }
            Self::CloseTransport { code, frame_type, reason } => {
                let fields = [code.as_u64(), frame_type, reason.len() as u64];
                numbers(writer, types::CLOSE_TRANSPORT, &fields)?;
                writer.bytes(reason)
            }
            Self::CloseApplication { code, reason } => {
                let fields = [code.as_u64(), reason.len() as u64];
                numbers(writer, types::CLOSE_APPLICATION, &fields)?;
                writer.bytes(reason)
            }
            Self::ObservedAddress { sequence, address } => {
                let (kind, v4, v6);
                let ip: &[u8] = match address.ip() {
                    IpAddr::V4(ip) => {
                        (kind, v4) = (types::OBSERVED_V4, ip.octets());
                        &v4
                    }
                    IpAddr::V6(ip) => {
                        (kind, v6) = (types::OBSERVED_V6, ip.octets());
                        &v6
                    }
                };
                numbers(writer, kind, &[sequence])?;
                writer.bytes(ip)?;
                writer.u16(address.port())
            }
            Self::Candidates(list) => list.encode(writer),
            _ => self.write_numbers(writer),
        }
    }

    /// The frames that hold nothing but variable-length integers.
    fn write_numbers(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match *self {
            Self::Ping => writer.u8(types::PING),
            Self::Established => writer.u8(types::ESTABLISHED),
            Self::ImmediateAck => writer.u8(types::IMMEDIATE_ACK),
            Self::ResetStream { id, code, final_size } => {
                numbers(writer, types::RESET_STREAM, &[id.as_u64(), code.as_u64(), final_size])
            }
            Self::StopSending { id, code } => {
                numbers(writer, types::STOP_SENDING, &[id.as_u64(), code.as_u64()])
            }
            Self::MaxData { limit } => numbers(writer, types::MAX_DATA, &[limit]),
            Self::MaxStreamData { id, limit } => {
                numbers(writer, types::MAX_STREAM_DATA, &[id.as_u64(), limit])
            }
            Self::MaxStreams { direction, limit } => {
                numbers(writer, types::MAX_STREAMS_BIDI + offset(direction), &[limit])
            }
            Self::DataBlocked { limit } => numbers(writer, types::DATA_BLOCKED, &[limit]),
            Self::StreamDataBlocked { id, limit } => {
                numbers(writer, types::STREAM_DATA_BLOCKED, &[id.as_u64(), limit])
            }
            Self::StreamsBlocked { direction, limit } => {
                numbers(writer, types::STREAMS_BLOCKED_BIDI + offset(direction), &[limit])
            }
            Self::RetireCid { sequence } => numbers(writer, types::RETIRE_CID, &[sequence]),
            Self::AckFrequency { sequence, threshold, max_delay, reordering } => {
                let fields = [sequence, threshold, micros(max_delay), reordering];
                numbers(writer, types::ACK_FREQUENCY, &fields)
            }
            _ => Err(Full),
        }
    }

    /// Bytes that [`Self::encode`] writes.
    pub(crate) fn encoded_len(&self) -> usize {
        let lengths =
            |fields: &[u64]| 1 + fields.iter().map(|field| varint_len(*field)).sum::<usize>();
        match *self {
            Self::Padding(run) => run,
            Self::Ping | Self::Established | Self::ImmediateAck => 1,
            Self::Ack(ack) => ack.encoded_len(),
            Self::ResetStream { id, code, final_size } => {
                lengths(&[id.as_u64(), code.as_u64(), final_size])
            }
            Self::StopSending { id, code } => lengths(&[id.as_u64(), code.as_u64()]),
            Self::Stream { id, offset, data, fin } => {
                let header = StreamHeader { id, offset, length: Some(data.len()), fin };
                header.encoded_len() + data.len()
            }
            Self::MaxData { limit }
            | Self::DataBlocked { limit }
            | Self::MaxStreams { limit, .. }
            | Self::StreamsBlocked { limit, .. } => lengths(&[limit]),
            Self::MaxStreamData { id, limit } | Self::StreamDataBlocked { id, limit } => {
                lengths(&[id.as_u64(), limit])
            }
            Self::NewCid { sequence, retire_prior_to, .. } => {
                lengths(&[sequence, retire_prior_to]) + 24
            }
            Self::RetireCid { sequence } => lengths(&[sequence]),
            Self::PathChallenge { .. } | Self::PathResponse { .. } => 9,
            Self::CloseTransport { code, frame_type, reason } => {
                lengths(&[code.as_u64(), frame_type, reason.len() as u64]) + reason.len()
            }
            Self::CloseApplication { code, reason } => {
                lengths(&[code.as_u64(), reason.len() as u64]) + reason.len()
            }
            Self::AckFrequency { sequence, threshold, max_delay, reordering } => {
                lengths(&[sequence, threshold, micros(max_delay), reordering])
            }
            Self::ObservedAddress { sequence, address } => {
                lengths(&[sequence]) + 2 + if address.is_ipv4() { 4 } else { 16 }
            }
            Self::Datagram { data } => {
                DatagramHeader { length: Some(data.len()) }.encoded_len() + data.len()
            }
            Self::Candidates(list) => list.encoded_len(),
        }
    }
}

fn numbers(writer: &mut Writer<'_>, kind: u8, fields: &[u64]) -> Result<(), Full> {
    writer.u8(kind)?;
    fields.iter().try_for_each(|field| writer.varint(*field))
}

const fn offset(direction: Direction) -> u8 {
    direction as u8
}

/// Microseconds, saturating.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).min(super::super::codec::VARINT_MAX)
}
