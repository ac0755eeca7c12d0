//! The received bytes of a stream until the application reads them, each copied to its place at once.
//!
//! ```text
//!        read             edge           island    gap   island
//!  gone  | readable bytes | missing ...  [======] ...... [====]
//!        |--page--|--page--|--none--|--page--|--none--|--page--|
//! ```
//!
//! Pages are allocated when a byte falls into them, so that memory follows what arrived and not the highest offset.
//! While data arrives in order there are no islands, and storing it is a copy and an addition.

use std::collections::VecDeque;

use super::islands::Islands;
use super::pages::{Page, Pages};
use crate::base::limits::{STREAM_GAPS, STREAM_PAGE};
use crate::wire::TransportError;

const PAGE: u64 = STREAM_PAGE as u64;

/// Received data in the order of its offsets.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    /// Offset that the application reads next.
    read: u64,
    /// Everything below has arrived.
    edge: u64,
    /// What arrived beyond the edge.
    islands: Islands,
    /// The first page holds the byte at `read`.
    pages: VecDeque<Option<Page>>,
}

impl Assembler {
    /// Stores what is new in `data`. Flow control bounds its offsets.
    pub(super) fn insert(
        &mut self,
        offset: u64,
        data: &[u8],
        pages: &mut Pages,
    ) -> Result<(), TransportError> {
        let end = offset.saturating_add(data.len() as u64);
        if end <= self.edge {
            return Ok(());
        }
        let start = offset.max(self.edge);
        let known = usize::try_from(start - offset).unwrap_or(usize::MAX);
        self.store(start, data.get(known..).unwrap_or_default(), pages);
        if start > self.edge {
            self.islands.insert(start..end);
            return self.check_gaps();
        }
        self.edge = self.islands.absorb(end);
        Ok(())
    }

    /// What cannot be remembered must not be acknowledged, so there is no way on but to close.
    fn check_gaps(&self) -> Result<(), TransportError> {
        if self.islands.len() > STREAM_GAPS {
            return Err(TransportError::FLOW_CONTROL);
        }
        Ok(())
    }

    fn store(&mut self, mut offset: u64, mut data: &[u8], pages: &mut Pages) {
        while !data.is_empty() {
            let (slot, within) = self.locate(offset);
            if self.pages.len() <= slot {
                self.pages.resize_with(slot + 1, || None);
            }
            let Some(slot) = self.pages.get_mut(slot) else { return };
            let page = slot.get_or_insert_with(|| pages.take());
            let space = page.get_mut(within..).unwrap_or_default();
            let (now, later) = data.split_at(space.len().min(data.len()));
            space.split_at_mut(now.len()).0.copy_from_slice(now);
            offset += now.len() as u64;
            data = later;
        }
    }

    /// The page in the queue, and the place in it, of an offset at or above `read`.
    fn locate(&self, offset: u64) -> (usize, usize) {
        let slot = (offset / PAGE).saturating_sub(self.read / PAGE);
        (usize::try_from(slot).unwrap_or(usize::MAX - 1), (offset % PAGE) as usize)
    }

    /// The bytes that can be read without a copy; empty if none can.
    pub(super) fn peek(&self) -> &[u8] {
        let (slot, within) = self.locate(self.read);
        let Some(Some(page)) = self.pages.get(slot) else { return &[] };
        let bytes = page.get(within..).unwrap_or_default();
        let readable = usize::try_from(self.readable()).unwrap_or(usize::MAX);
        bytes.split_at(readable.min(bytes.len())).0
    }

    /// Forgets the next `bytes`, or as many as are readable. Returns how many.
    pub(super) fn consume(&mut self, bytes: u64, pages: &mut Pages) -> u64 {
        let bytes = bytes.min(self.readable());
        let passed = (self.read + bytes) / PAGE - self.read / PAGE;
        for _ in 0..passed {
            if let Some(Some(page)) = self.pages.pop_front() {
                pages.give(page);
            }
        }
        self.read += bytes;
        if self.readable() == 0 && self.islands.is_empty() {
            self.release(pages);
        }
        bytes
    }

    /// Copies to `out` and consumes. Returns the number of bytes.
    pub(super) fn read(&mut self, out: &mut [u8], pages: &mut Pages) -> usize {
        let mut copied = 0;
        while let Some(space) = out.get_mut(copied..).filter(|space| !space.is_empty()) {
            let bytes = self.peek();
            let length = bytes.len().min(space.len());
            if length == 0 {
                break;
            }
            space.split_at_mut(length).0.copy_from_slice(bytes.split_at(length).0);
            self.consume(length as u64, pages);
            copied += length;
        }
        copied
    }

    /// Drops everything, and expects nothing more.
    pub(super) fn clear(&mut self, pages: &mut Pages) {
        self.release(pages);
        *self = Self { read: self.edge, edge: self.edge, ..Self::default() };
    }

    /// Gives back memory that holds nothing: an empty map keeps a node.
    pub(super) fn rest(&mut self) {
        self.pages.shrink_to_fit();
        if self.islands.is_empty() {
            self.islands = Islands::default();
        }
    }

    fn release(&mut self, pages: &mut Pages) {
        for page in self.pages.drain(..).flatten() {
            pages.give(page);
        }
    }

    /// Bytes that can be read.
    pub(super) fn readable(&self) -> u64 {
        self.edge - self.read
    }

    /// Everything below has arrived.
    pub(super) fn edge(&self) -> u64 {
        self.edge
    }
}

#[cfg(test)]
mod tests;
