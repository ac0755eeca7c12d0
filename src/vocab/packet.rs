//! The frames of one packet while it is being built, and the records of what it carries.

use super::record::{Record, Records};
use crate::wire::{DatagramHeader, Frame, StreamHeader, Writer};

/// Frames go in one by one; what does not fit leaves no trace.
#[derive(Debug)]
pub(crate) struct PacketBuilder<'a> {
    writer: Writer<'a>,
    records: Records,
    ack_eliciting: bool,
}

impl<'a> PacketBuilder<'a> {
    /// A packet whose frames may fill `space`.
    pub(crate) fn new(space: &'a mut [u8]) -> Self {
        Self { writer: Writer::new(space), records: Records::default(), ack_eliciting: false }
    }

    /// Writes a frame that is never sent again. Returns whether it fitted.
    #[must_use]
    pub(crate) fn push(&mut self, frame: &Frame<'_>) -> bool {
        if frame.encoded_len() > self.room() || frame.encode(&mut self.writer).is_err() {
            return false;
        }
        self.ack_eliciting |= frame.is_ack_eliciting();
        true
    }

    /// Writes a frame and remembers what it carried. Returns whether it fitted.
    #[must_use]
    pub(crate) fn push_recorded(&mut self, frame: &Frame<'_>, record: Record) -> bool {
        let fitted = self.push(frame);
        if fitted {
            self.records.push(record);
        }
        fitted
    }

    /// Gives the writer to a frame that has its own encoder (ACK); the caller keeps to [`Self::room`].
    pub(crate) fn push_with<E>(
        &mut self,
        record: Record,
        encode: impl FnOnce(&mut Writer<'a>) -> Result<(), E>,
    ) -> bool {
        let fitted = encode(&mut self.writer).is_ok();
        if fitted {
            self.records.push(record);
        }
        fitted
    }

    /// Writes a STREAM header and returns the space for its `length` bytes, if all of it fits.
    pub(crate) fn push_stream(
        &mut self,
        header: &StreamHeader,
        length: usize,
        record: Record,
    ) -> Option<&mut [u8]> {
        let before = self.writer.len();
        header.encode(&mut self.writer).ok()?;
        if length > self.room() {
            self.writer.truncate(before);
            return None;
        }
        self.ack_eliciting = true;
        self.records.push(record);
        self.writer.reserve(length).ok()
    }

    /// Writes a DATAGRAM header and returns the space for its `length` bytes, if all of it fits.
    pub(crate) fn push_datagram(
        &mut self,
        header: &DatagramHeader,
        length: usize,
    ) -> Option<&mut [u8]> {
        if header.encoded_len() + length > self.room() || header.encode(&mut self.writer).is_err() {
            return None;
        }
        self.ack_eliciting = true;
        self.records.push(Record::Datagram);
        self.writer.reserve(length).ok()
    }

    /// Fills what is left with PADDING.
    pub(crate) fn pad(&mut self) {
        let room = self.room();
        let _ = self.push(&Frame::Padding(room));
    }

    /// Adds PADDING up to this length, if there is room.
    pub(crate) fn pad_to(&mut self, length: usize) {
        let missing = length.saturating_sub(self.len()).min(self.room());
        if missing > 0 {
            let _ = self.push(&Frame::Padding(missing));
        }
    }

    /// Bytes that are left for frames.
    pub(crate) fn room(&self) -> usize {
        self.writer.remaining()
    }

    /// Bytes written so far.
    pub(crate) fn len(&self) -> usize {
        self.writer.len()
    }

    /// No frame was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Some frame asks for an acknowledgement.
    pub(crate) fn is_ack_eliciting(&self) -> bool {
        self.ack_eliciting
    }

    /// Ends the packet: bytes written, whether it elicits an acknowledgement, and its records.
    pub(crate) fn finish(self) -> (usize, bool, Records) {
        (self.writer.len(), self.ack_eliciting, self.records)
    }
}
