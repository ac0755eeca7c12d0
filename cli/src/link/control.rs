//! What another thread may ask of a running proxy.

use std::sync::atomic::{AtomicBool, Ordering};

/// Shared between the proxy and whoever steers it. The proxy looks at it at least twenty times a second.
#[derive(Debug, Default)]
pub(crate) struct Control {
    stop: AtomicBool,
    rebind: AtomicBool,
}

impl Control {
    /// Ends the proxy.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Gives every client a new source port toward the far side.
    pub(crate) fn rebind(&self) {
        self.rebind.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn take_rebind(&self) -> bool {
        self.rebind.swap(false, Ordering::Relaxed)
    }
}
