//! Pages of stream data, used again and again: a bulk transfer allocates while its window grows and then never again.
//!
//! ```text
//!              lend, before an input               take
//!     Pool  ────────────────────────▶ Pages ──────────────▶ a stream
//!  (endpoint) ◀──────────────────────       ◀──────────────
//!              give back, before another's         give
//! ```
//!
//! The connections of an endpoint use the same pages in turn. Of a thousand that each kept its own, each would find them gone from the
//! cache when it comes to write them again, and all together would hold a thousand times what is in use at a time.

use crate::base::limits::{STREAM_PAGE, STREAM_PAGES_FEW, STREAM_PAGES_PERIOD};

/// [`STREAM_PAGE`] bytes.
pub(super) type Page = Box<[u8]>;

/// Free pages, the one that came back last on top, and the number of those in use.
///
/// As many are kept as were lately in use at the same time: a reader that empties its stream again and again, and a window
/// that is acknowledged at once, would else give all of them back just before they are needed.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    free: Vec<Page>,
    used: usize,
    /// The most in use at a time, in this period and in the one before.
    peak: usize,
    peak_before: usize,
    /// Pages that came back in this period.
    given: usize,
}

impl Pool {
    /// The page that was used last, with what it holds.
    fn take(&mut self) -> Option<Page> {
        self.used += 1;
        self.peak = self.peak.max(self.used);
        self.free.pop()
    }

    fn give(&mut self, page: Page) {
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

    /// Gives so many free pages back to the allocator, but not the last few.
    fn shrink(&mut self, pages: usize, few: usize) {
        let kept = self.free.len().saturating_sub(pages).max(few);
        self.free.truncate(kept);
        if self.free.is_empty() {
            self.free = Vec::new();
        }
    }
}

/// Where the streams of a connection take pages from: the pool of its endpoint while it is lent, and one of its own otherwise, into which
/// little ever comes.
#[derive(Debug, Default)]
pub(super) struct Pages {
    pool: Pool,
    is_lent: bool,
    used: usize,
    /// The most in use at a time since the connection has rested.
    peak: usize,
    /// As many of those in use are counted in the pool of the endpoint.
    counted: usize,
    allocated: u64,
}

impl Pages {
    /// A page with arbitrary content.
    pub(super) fn take(&mut self) -> Page {
        self.used += 1;
        self.peak = self.peak.max(self.used);
        self.pool.take().unwrap_or_else(|| {
            self.allocated += 1;
            vec![0; STREAM_PAGE].into_boxed_slice()
        })
    }

    /// Gets a page back.
    pub(super) fn give(&mut self, page: Page) {
        self.used = self.used.saturating_sub(1);
        self.pool.give(page);
    }

    /// Borrows the pool, until [`Self::give_back`].
    pub(super) fn borrow_from(&mut self, pool: &mut Pool) {
        if std::mem::replace(&mut self.is_lent, true) {
            return;
        }
        std::mem::swap(&mut self.pool, pool);
        // What came back meanwhile belongs to all.
        self.pool.free.append(&mut pool.free);
        self.pool.used = (self.pool.used + self.used).saturating_sub(self.counted);
    }

    /// Gives back the pool that was lent.
    pub(super) fn give_back(&mut self, pool: &mut Pool) {
        if std::mem::replace(&mut self.is_lent, false) {
            self.counted = self.used;
            std::mem::swap(&mut self.pool, pool);
        }
    }

    /// The connection is forgotten: what it uses goes back to the allocator, and counts in the pool no longer.
    pub(super) fn leave(&mut self, pool: &mut Pool) {
        self.give_back(pool);
        pool.used = pool.used.saturating_sub(std::mem::take(&mut self.counted));
        pool.shrink(self.unneeded(), STREAM_PAGES_FEW);
    }

    /// The connection has come to rest: free pages that were there for it go back to the allocator. What the others have used at
    /// times, which may be more than they use now, stays.
    pub(super) fn rest(&mut self, pool: &mut Pool) {
        self.borrow_from(pool);
        self.give_back(pool);
        let unneeded = self.unneeded();
        if unneeded > 0 {
            pool.shrink(unneeded, 0);
        }
    }

    /// Pages that the connection has used and does not use any more, once.
    fn unneeded(&mut self) -> usize {
        std::mem::replace(&mut self.peak, self.used).saturating_sub(self.used)
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
        assert_eq!(pages.pool.free.len(), 1000);
        for _ in 0..2 * STREAM_PAGES_PERIOD {
            let page = pages.take();
            pages.give(page);
        }
        assert_eq!(pages.pool.free.len(), STREAM_PAGES_FEW);
    }

    #[test]
    fn connections_use_the_same_pages_in_turn() {
        let mut pool = Pool::default();
        let mut all = [Pages::default(), Pages::default(), Pages::default()];
        for at in [0, 1, 2, 0] {
            let pages = &mut all[at];
            pages.borrow_from(&mut pool);
            let taken: Vec<_> = (0..50).map(|_| pages.take()).collect();
            taken.into_iter().for_each(|page| pages.give(page));
            pages.give_back(&mut pool);
            assert_eq!((pages.pool.free.len(), pool.free.len(), pool.used), (0, 50, 0));
        }
        assert_eq!(all.iter().map(Pages::allocated).sum::<u64>(), 50);
    }

    #[test]
    fn the_page_that_was_used_last_is_used_next() {
        let (mut pool, mut pages) = (Pool::default(), [Pages::default(), Pages::default()]);
        pages[0].borrow_from(&mut pool);
        let mut taken: Vec<_> = (0..3).map(|_| pages[0].take()).collect();
        taken.iter_mut().zip(1..).for_each(|(page, mark)| page[0] = mark);
        taken.into_iter().for_each(|page| pages[0].give(page));
        pages[0].give_back(&mut pool);
        pages[1].borrow_from(&mut pool);
        assert_eq!([pages[1].take()[0], pages[1].take()[0]], [3, 2]);
    }

    #[test]
    fn the_pool_knows_what_all_of_them_use_and_what_came_back_meanwhile() {
        let (mut pool, mut one, mut other) = (Pool::default(), Pages::default(), Pages::default());
        one.borrow_from(&mut pool);
        let mut taken: Vec<_> = (0..5).map(|_| one.take()).collect();
        one.give_back(&mut pool);
        other.borrow_from(&mut pool);
        let kept = [other.take(), other.take()];
        other.give_back(&mut pool);
        assert_eq!(pool.used, 7);
        taken.drain(..2).for_each(|page| one.give(page));
        assert_eq!((pool.used, pool.free.len()), (7, 0));
        one.borrow_from(&mut pool);
        one.give_back(&mut pool);
        assert_eq!((pool.used, pool.free.len()), (5, 2));
        other.leave(&mut pool);
        other.leave(&mut pool);
        assert_eq!(pool.used, 3);
        drop(kept);
    }

    /// Uses so many pages of the pool at a time.
    fn use_some(pages: &mut Pages, pool: &mut Pool, count: usize) {
        pages.borrow_from(pool);
        let taken: Vec<_> = (0..count).map(|_| pages.take()).collect();
        taken.into_iter().for_each(|page| pages.give(page));
        pages.give_back(pool);
    }

    #[test]
    fn one_that_comes_to_rest_takes_along_what_it_has_used_and_leaves_the_others_theirs() {
        let (mut pool, mut busy, mut rests) = (Pool::default(), Pages::default(), Pages::default());
        rests.borrow_from(&mut pool);
        let taken: Vec<_> = (0..30).map(|_| rests.take()).collect();
        rests.give_back(&mut pool);
        use_some(&mut busy, &mut pool, 100);
        rests.borrow_from(&mut pool);
        taken.into_iter().for_each(|page| rests.give(page));
        rests.rest(&mut pool);
        assert_eq!((pool.used, pool.free.len()), (0, 100));
        for _ in 0..3 {
            rests.rest(&mut pool);
            use_some(&mut busy, &mut pool, 100);
        }
        assert_eq!((busy.allocated(), rests.allocated()), (100, 30));
        busy.rest(&mut pool);
        assert_eq!(pool.free.capacity(), 0);
    }

    #[test]
    fn one_that_rests_and_still_uses_pages_keeps_them() {
        let (mut pool, mut pages) = (Pool::default(), Pages::default());
        pages.borrow_from(&mut pool);
        let mut taken: Vec<_> = (0..100).map(|_| pages.take()).collect();
        taken.drain(..90).for_each(|page| pages.give(page));
        pages.rest(&mut pool);
        assert_eq!((pool.used, pool.free.len()), (10, 0));
        pages.borrow_from(&mut pool);
        taken.into_iter().for_each(|page| pages.give(page));
        pages.rest(&mut pool);
        assert_eq!((pool.used, pool.free.capacity()), (0, 0));
    }

    #[test]
    fn of_one_that_is_forgotten_few_pages_stay() {
        let (mut pool, mut pages) = (Pool::default(), Pages::default());
        use_some(&mut pages, &mut pool, 100);
        pages.leave(&mut pool);
        assert_eq!((pool.used, pool.free.len()), (0, STREAM_PAGES_FEW));
    }
}
