//! The bytes of a stream from `write` until their acknowledgement.
//!
//! ```text
//!        base            next             end
//!  freed | acked, lost or | never sent yet | not written yet
//!        | in flight      |                |
//! ```
//!
//! Small writes are copied into pages, one behind the other; `Bytes` chunks stay where they are. A byte is copied once
//! more, into its packet. Memory is given back from the front.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;

use super::pages::{Page, Pages};
use crate::base::limits::{STREAM_PAGE, STREAM_SHARED_MIN};
use crate::base::ranges::RangeSet;

/// Written data that somebody may still have to send.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    chunks: VecDeque<Chunk>,
    /// The chunk with the byte at `next`, or one before it that is sent entirely and may still grow.
    fresh: usize,
    base: u64,
    next: u64,
    end: u64,
    /// Acknowledged out of order, beyond `base`.
    acked: RangeSet,
    /// To be sent again, between `base` and `next`.
    lost: RangeSet,
}

#[derive(Debug)]
struct Chunk {
    start: u64,
    body: Body,
}

#[derive(Debug)]
enum Body {
    Page { page: Page, filled: usize },
    Shared(Bytes),
}

impl Chunk {
    fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Page { page, filled } => page.get(..*filled).unwrap_or_default(),
            Body::Shared(bytes) => bytes,
        }
    }

    fn end(&self) -> u64 {
        self.start + self.bytes().len() as u64
    }

    /// Bytes that still fit into this chunk's page.
    fn room(&self) -> usize {
        match &self.body {
            Body::Page { page, filled } => page.len().saturating_sub(*filled),
            Body::Shared(_) => 0,
        }
    }

    /// Adds data that fits.
    fn extend(&mut self, data: &[u8]) {
        let Body::Page { page, filled } = &mut self.body else { return };
        let space = page.get_mut(*filled..).and_then(|space| space.get_mut(..data.len()));
        if let Some(space) = space {
            space.copy_from_slice(data);
            *filled += data.len();
        }
    }
}

impl Outgoing {
    /// Adds a copy of the data.
    ///
    /// All pages first and all bytes after: an entry of the queue is read back as soon as it was written, and the processor has to
    /// write everything down that came before it.
    pub(super) fn append(&mut self, data: &[u8], pages: &mut Pages) {
        let room = self.chunks.back().map_or(0, Chunk::room);
        let (now, later) = data.split_at(room.min(data.len()));
        let tail = self.chunks.len();
        let mut start = self.end + now.len() as u64;
        for piece in later.chunks(STREAM_PAGE) {
            let body = Body::Page { page: pages.take(), filled: 0 };
            self.chunks.push_back(Chunk { start, body });
            start += piece.len() as u64;
        }
        if let Some(tail) = tail.checked_sub(1).and_then(|tail| self.chunks.get_mut(tail)) {
            tail.extend(now);
        }
        for (chunk, piece) in self.chunks.range_mut(tail..).zip(later.chunks(STREAM_PAGE)) {
            chunk.extend(piece);
        }
        self.end = start;
    }

    /// Adds the data itself, unless it is so short that a copy costs less.
    pub(super) fn append_shared(&mut self, data: Bytes, pages: &mut Pages) {
        if data.len() < STREAM_SHARED_MIN {
            return self.append(&data, pages);
        }
        let start = self.end;
        self.end += data.len() as u64;
        self.chunks.push_back(Chunk { start, body: Body::Shared(data) });
    }

    /// Copies the bytes from `offset` on, which have to be buffered, into `out`.
    pub(super) fn copy(&self, offset: u64, out: &mut [u8]) {
        let first = if offset == self.next {
            self.fresh
        } else {
            self.chunks.partition_point(|chunk| chunk.end() <= offset)
        };
        let mut skip = self.chunks.get(first).map_or(0, |chunk| offset.saturating_sub(chunk.start));
        let mut rest = out;
        for chunk in self.chunks.range(first.min(self.chunks.len())..) {
            let skipped = usize::try_from(skip).unwrap_or(usize::MAX);
            let bytes = chunk.bytes().get(skipped..).unwrap_or_default();
            let (now, later) = rest.split_at_mut(bytes.len().min(rest.len()));
            now.copy_from_slice(bytes.get(..now.len()).unwrap_or_default());
            rest = later;
            skip = 0;
            if rest.is_empty() {
                break;
            }
        }
        debug_assert!(rest.is_empty(), "sent bytes are buffered");
    }

    /// The bytes in this range went into a packet.
    pub(super) fn written(&mut self, range: Range<u64>) {
        self.next = self.next.max(range.end);
        let is_sent = |chunk: &Chunk| chunk.end() <= self.next;
        while self.fresh + 1 < self.chunks.len() && self.chunks.get(self.fresh).is_some_and(is_sent)
        {
            self.fresh += 1;
        }
        if !self.lost.is_empty() {
            self.lost.remove(range);
        }
    }

    /// The peer has the bytes in this range.
    pub(super) fn acknowledged(&mut self, range: Range<u64>, pages: &mut Pages) {
        if range.end <= self.base {
            return;
        }
        if !self.lost.is_empty() {
            self.lost.remove(range.clone());
        }
        if range.start > self.base {
            self.acked.insert(range);
            return;
        }
        self.base = range.end;
        while self.acked.min().is_some_and(|first| first <= self.base) {
            self.base = self.acked.pop_min().map_or(self.base, |first| first.end.max(self.base));
        }
        // What was lost in one packet may have arrived in part by another one.
        self.lost.remove_below(self.base);
        self.release(pages);
    }

    /// The packet with the bytes in this range was lost.
    pub(super) fn lost(&mut self, range: &Range<u64>) {
        let again = range.start.max(self.base)..range.end;
        if again.start < again.end && !self.acked.contains_range(&again) {
            self.lost.insert(again);
        }
    }

    /// Forgets everything that is not acknowledged.
    pub(super) fn clear(&mut self, pages: &mut Pages) {
        self.base = self.end;
        self.release(pages);
        *self = Self { base: self.end, next: self.next, end: self.end, ..Self::default() };
    }

    /// Gives back memory that holds nothing.
    pub(super) fn rest(&mut self) {
        self.chunks.shrink_to_fit();
    }

    fn release(&mut self, pages: &mut Pages) {
        while self.chunks.front().is_some_and(|front| front.end() <= self.base) {
            if let Some(Chunk { body: Body::Page { page, .. }, .. }) = self.chunks.pop_front() {
                pages.give(page);
            }
            self.fresh = self.fresh.saturating_sub(1);
        }
    }

    /// First range that has to be sent again.
    pub(super) fn first_lost(&self) -> Option<Range<u64>> {
        self.lost.iter().next()
    }

    /// Something has to be sent again.
    pub(super) fn has_lost(&self) -> bool {
        !self.lost.is_empty()
    }

    /// What was never sent.
    pub(super) fn unsent(&self) -> Range<u64> {
        self.next..self.end
    }

    /// Highest offset sent.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Number of bytes ever written.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Written and not known to have arrived in order.
    pub(super) fn buffered(&self) -> u64 {
        self.end - self.base
    }
}

#[cfg(test)]
mod tests;
