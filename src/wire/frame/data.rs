//! STREAM and DATAGRAM headers, apart from their data: so that data is copied once, straight into the packet.

use super::super::codec::{Full, Writer, varint_len};
use super::super::id::StreamId;
use super::types;

/// What stands in front of a STREAM frame's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StreamHeader {
    pub(crate) id: StreamId,
    pub(crate) offset: u64,
    /// `None`: the data reaches to the end of the packet.
    pub(crate) length: Option<usize>,
    pub(crate) fin: bool,
}

impl StreamHeader {
    pub(crate) fn encoded_len(&self) -> usize {
        let offset = if self.offset == 0 { 0 } else { varint_len(self.offset) };
        let length = self.length.map_or(0, |length| varint_len(length as u64));
        1 + varint_len(self.id.as_u64()) + offset + length
    }

    pub(crate) fn encode(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        if self.encoded_len() > writer.remaining() {
            return Err(Full);
        }
        let mut kind = types::STREAM;
        if self.offset != 0 {
            kind |= types::STREAM_OFF;
        }
        if self.length.is_some() {
            kind |= types::STREAM_LEN;
        }
        if self.fin {
            kind |= types::STREAM_FIN;
        }
        writer.u8(kind)?;
        writer.varint(self.id.as_u64())?;
        if self.offset != 0 {
            writer.varint(self.offset)?;
        }
        self.length.map_or(Ok(()), |length| writer.varint(length as u64))
    }
}

/// What stands in front of a DATAGRAM frame's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DatagramHeader {
    /// `None`: the data reaches to the end of the packet.
    pub(crate) length: Option<usize>,
}

impl DatagramHeader {
    pub(crate) fn encoded_len(&self) -> usize {
        1 + self.length.map_or(0, |length| varint_len(length as u64))
    }

    pub(crate) fn encode(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        if self.encoded_len() > writer.remaining() {
            return Err(Full);
        }
        match self.length {
            None => writer.u8(types::DATAGRAM),
            Some(length) => {
                writer.u8(types::DATAGRAM_LEN)?;
                writer.varint(length as u64)
            }
        }
    }
}
