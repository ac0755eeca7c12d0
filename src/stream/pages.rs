//! Pages of stream data, used again and again: a bulk transfer allocates while its window grows and then never again.

use crate::base::limits::{STREAM_PAGE, STREAM_PAGES_SPARE};

/// [`STREAM_PAGE`] bytes.
pub(super) type Page = Box<[u8]>;

/// The free pages of a connection and the number of those in use.
#[derive(Debug, Default)]
pub(super) struct Pages {
    free: Vec<Page>,
    used: usize,
    allocated: u64,
}

impl Pages {
    /// A page with arbitrary content.
    pub(super) fn take(&mut self) -> Page {
        self.used += 1;
        self.free.pop().unwrap_or_else(|| {
            self.allocated += 1;
            vec![0; STREAM_PAGE].into_boxed_slice()
        })
    }

    /// Gets a page back. No more free pages are kept than there are in use, and a few.
    pub(super) fn give(&mut self, page: Page) {
        self.used = self.used.saturating_sub(1);
        self.free.push(page);
        self.free.truncate(self.used + STREAM_PAGES_SPARE);
    }

    /// Returns all free pages to the allocator.
    pub(super) fn trim(&mut self) {
        self.free = Vec::new();
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
    fn free_pages_are_bounded_by_the_pages_in_use() {
        let mut pages = Pages::default();
        let taken: Vec<_> = (0..1000).map(|_| pages.take()).collect();
        for page in taken {
            pages.give(page);
            assert!(pages.free.len() <= pages.used + STREAM_PAGES_SPARE);
        }
        assert_eq!(pages.free.len(), STREAM_PAGES_SPARE);
        pages.trim();
        assert_eq!(pages.free.capacity(), 0);
    }
}
