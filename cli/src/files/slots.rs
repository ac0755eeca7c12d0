//! A bound on how many threads do something at once.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Places that are taken and given back.
#[derive(Debug, Clone)]
pub(super) struct Slots {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    free: Mutex<usize>,
    freed: Condvar,
}

/// A place; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Place(Arc<Inner>);

impl Slots {
    pub(super) fn new(count: usize) -> Self {
        Self { inner: Arc::new(Inner { free: Mutex::new(count), freed: Condvar::new() }) }
    }

    /// Waits for a place.
    pub(super) fn take(&self) -> Place {
        let mut free = self.inner.free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free == 0 {
            free = self.inner.freed.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= 1;
        Place(Arc::clone(&self.inner))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn no_more_than_the_bound_are_at_it_at_once() {
        let (slots, busy, most) = (Slots::new(3), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    let _place = slots.take();
                    let now = busy.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    thread::yield_now();
                    busy.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= 3);
        assert!(*slots.inner.free.lock().unwrap() == 3);
    }
}
