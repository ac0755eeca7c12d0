//! Pages of stream data, used again and again: a bulk transfer allocates while its window grows and then never again.

use crate::base::limits::{STREAM_PAGE, STREAM_PAGES_PERIOD, STREAM_PAGES_SPARE};

/// [`STREAM_PAGE`] bytes.
pub(super) type Page = Box<[u8]>;

/// The free pages of a connection and the number of those in use.
///
/// As many are kept as were lately in use at the same time: a reader that empties its stream again and again, and a window
/// that is acknowledged at once, would else give all of them back just before they are needed.
#[derive(Debug, Default)]
pub(super) struct Pages {
    free: Vec<Page>,
    used: usize,
    /// The most in use at a time, in this period and in the one before.
    peak: usize,
    peak_before: usize,
    /// Pages that came back in this period.
    given: usize,
    allocated: u64,
}

impl Pages {
    /// A page with arbitrary content.
    pub(super) fn take(&mut self) -> Page {
        self.used += 1;
        self.peak = self.peak.max(self.used);
        self.free.pop().unwrap_or_else(|| {
            self.allocated += 1;
            vec![0; STREAM_PAGE].into_boxed_slice()
        })
    }

    /// Gets a page back.
    pub(super) fn give(&mut self, page: Page) {
        self.used = self.used.saturating_sub(1);
        self.free.push(page);
        self.given += 1;
        if self.given >= STREAM_PAGES_PERIOD {
            (self.peak_before, self.peak, self.given) = (self.peak, self.used, 0);
        }
        let peak = self.peak.max(self.peak_before);
        // Peaks vary; twice the last one lasts for the next.
        let kept = (2 * peak).saturating_sub(self.used);
        self.free.truncate(kept.max(STREAM_PAGES_SPARE));
    }

    /// Returns all free pages to the allocator.
    pub(super) fn trim(&mut self) {
        self.free = Vec::new();
        (self.peak, self.peak_before, self.given) = (self.used, 0, 0);
    }

    /// Pages in use.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// Pages ever allocated.
    pub(super) fn allocated(&self) -> u64 {
        self.allocated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_used_again() {
        let mut pages = Pages::default();
        for _ in 0..100 {
            let page = pages.take();
            pages.give(page);
        }
        assert_eq!((pages.allocated(), pages.used()), (1, 0));
    }

    #[test]
    fn a_reader_that_empties_its_stream_again_and_again_allocates_once() {
        let mut pages = Pages::default();
        for _ in 0..1000 {
            let taken: Vec<_> = (0..50).map(|_| pages.take()).collect();
            taken.into_iter().for_each(|page| pages.give(page));
        }
        assert_eq!(pages.allocated(), 50);
    }

    #[test]
    fn after_a_peak_the_pages_go_back_to_the_allocator() {
        let mut pages = Pages::default();
        let taken: Vec<_> = (0..1000).map(|_| pages.take()).collect();
        taken.into_iter().for_each(|page| pages.give(page));
        assert_eq!(pages.free.len(), 1000);
        for _ in 0..2 * STREAM_PAGES_PERIOD {
            let page = pages.take();
            pages.give(page);
        }
        assert_eq!(pages.free.len(), STREAM_PAGES_SPARE);
        pages.trim();
        assert_eq!(pages.free.capacity(), 0);
    }
}
