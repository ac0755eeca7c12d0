//! Counts what a server's application has read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The counters of all connections.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    connections: Mutex<Vec<Arc<AtomicU64>>>,
}

/// The counter of one connection.
#[derive(Debug)]
pub(crate) struct Counter(Arc<AtomicU64>);

impl Meter {
    /// Counts another connection.
    pub(crate) fn connection(&self) -> Counter {
        let counter = Arc::new(AtomicU64::new(0));
        self.lock().push(Arc::clone(&counter));
        Counter(counter)
    }

    pub(super) fn received(&self) -> Vec<u64> {
        self.lock().iter().map(|counter| counter.load(Ordering::Relaxed)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<AtomicU64>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counter {
    pub(crate) fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
