//! Pages of stream data, used again and again: a bulk transfer allocates while its window grows and then never again.
//!
//! ```text
//!                 lend, before an input                take
//!   SparePages ─────────────────────────▶ Pages.free ────────▶ a stream
//!   (endpoint) ◀─────────────────────────            ◀────────
//!                 give back, after it                  give
//! ```
//!
//! A connection that never uses more than a few at a time keeps none: thousands that say little share those of the endpoint, and they
//! are still in the cache.

use crate::base::limits::{
    STREAM_PAGE, STREAM_PAGES_FEW, STREAM_PAGES_LENT, STREAM_PAGES_PERIOD, STREAM_PAGES_SPARE,
};

/// [`STREAM_PAGE`] bytes.
pub(super) type Page = Box<[u8]>;

/// Pages that no connection of an endpoint needs at the moment.
#[derive(Debug, Default)]
pub(crate) struct SparePages(Vec<Page>);

impl SparePages {
    /// Gives all of them back to the allocator.
    pub(crate) fn clear(&mut self) {
        self.0 = Vec::new();
    }
}

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
        self.free.truncate(kept.max(STREAM_PAGES_FEW));
    }

    /// Borrows what the next input, of so many bytes, may need.
    pub(super) fn borrow_from(&mut self, spare: &mut SparePages, bytes: usize) {
        while self.free.len() < STREAM_PAGES_LENT + bytes / STREAM_PAGE {
            let Some(page) = spare.0.pop() else { return };
            self.free.push(page);
        }
    }

    /// Gives back what a connection that uses so few pages needs only for a moment.
    pub(super) fn give_back(&mut self, spare: &mut SparePages) {
        if self.peak.max(self.peak_before) > STREAM_PAGES_FEW {
            return;
        }
        while let Some(page) = self.free.pop() {
            if spare.0.len() < STREAM_PAGES_SPARE {
                spare.0.push(page);
            }
        }
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
        assert_eq!(pages.free.len(), STREAM_PAGES_FEW);
        pages.trim();
        assert_eq!(pages.free.capacity(), 0);
    }

    #[test]
    fn connections_that_use_few_pages_share_them() {
        let mut spare = SparePages::default();
        let mut all = [Pages::default(), Pages::default(), Pages::default()];
        for at in [0, 1, 2, 0] {
            let pages = &mut all[at];
            pages.borrow_from(&mut spare, 0);
            let taken = [pages.take(), pages.take()];
            taken.into_iter().for_each(|page| pages.give(page));
            pages.give_back(&mut spare);
            assert_eq!((pages.free.len(), spare.0.len()), (0, 2));
        }
        assert_eq!(all.iter().map(Pages::allocated).sum::<u64>(), 2);
    }

    #[test]
    fn one_that_uses_many_keeps_its_own() {
        let (mut spare, mut pages) = (SparePages::default(), Pages::default());
        let taken: Vec<_> = (0..=STREAM_PAGES_FEW).map(|_| pages.take()).collect();
        taken.into_iter().for_each(|page| pages.give(page));
        pages.give_back(&mut spare);
        assert_eq!((pages.free.len(), spare.0.len()), (STREAM_PAGES_FEW + 1, 0));
    }

    #[test]
    fn what_an_endpoint_keeps_is_bounded() {
        let mut spare = SparePages::default();
        for _ in 0..STREAM_PAGES_SPARE {
            let mut pages = Pages::default();
            let taken = [pages.take(), pages.take()];
            taken.into_iter().for_each(|page| pages.give(page));
            pages.give_back(&mut spare);
        }
        assert_eq!(spare.0.len(), STREAM_PAGES_SPARE);
        spare.clear();
        assert_eq!(spare.0.capacity(), 0);
    }
}
