//! How a thread waits that cannot wait for the socket itself: its waker ends its parking.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

thread_local! {
    static WAKER: Waker = Waker::from(Arc::new(Unpark(thread::current())));
}

/// Gives the waker that ends the parking of this thread.
pub(super) fn with_waker<T>(act: impl FnOnce(&Waker) -> T) -> T {
    WAKER.with(act)
}

/// Waits for the waker of this thread. May return for no reason, or for an older one; then it is tried once more than needed.
pub(super) fn park(timeout: Duration) {
    thread::park_timeout(timeout);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waker_of_another_thread_ends_the_parking() {
        let waker = with_waker(Waker::clone);
        thread::spawn(move || waker.wake()).join().unwrap();
        // Would never return.
        park(Duration::MAX);
    }
}
