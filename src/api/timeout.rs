//! A timeout that all clones of a stream share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Waits for ever.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Timeout(AtomicU64);

impl Timeout {
    pub(crate) fn never() -> Self {
        Self(AtomicU64::new(NEVER))
    }

    pub(crate) fn set(&self, timeout: Option<Duration>) {
        let nanos =
            timeout.map_or(NEVER, |timeout| u64::try_from(timeout.as_nanos()).unwrap_or(NEVER));
        self.0.store(nanos, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> Option<Duration> {
        match self.0.load(Ordering::Relaxed) {
            NEVER => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }
}
