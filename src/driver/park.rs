//! How a thread waits: its waker ends its parking.

use std::sync::Arc;
use std::task::{Poll, Wake, Waker};
use std::thread::{self, Thread};

use super::clock::Clock;
use crate::base::Instant;

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

/// Polls until the result is there. `poll` is given the waker that ends the wait.
pub(super) fn block_on<T>(mut poll: impl FnMut(&Waker) -> Poll<T>) -> T {
    WAKER.with(|waker| {
        loop {
            if let Poll::Ready(result) = poll(waker) {
                return result;
            }
            // May return for no reason, or for an older one; then it is polled once more than needed.
            thread::park();
        }
    })
}

/// Polls until the result is there, or until the deadline has passed; then `give_up` is told. Polls at least once.
pub(super) fn block_until<T>(
    clock: &Clock,
    deadline: Instant,
    mut poll: impl FnMut(&Waker) -> Poll<T>,
    give_up: impl FnOnce(&Waker),
) -> Option<T> {
    WAKER.with(|waker| {
        loop {
            if let Poll::Ready(result) = poll(waker) {
                return Some(result);
            }
            let left = deadline - clock.now();
            if left.is_zero() {
                give_up(waker);
                return None;
            }
            thread::park_timeout(left);
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_waker_of_another_thread_ends_the_wait() {
        let mut asked = 0;
        let result = block_on(|waker| {
            asked += 1;
            if asked > 1 {
                return Poll::Ready(asked);
            }
            let waker = waker.clone();
            thread::spawn(move || waker.wake());
            Poll::Pending
        });
        assert!(result > 1);
    }

    #[test]
    fn a_deadline_ends_the_wait_and_zero_polls_once() {
        let clock = Clock::new();
        for wait in [Duration::ZERO, Duration::from_millis(2)] {
            let (mut asked, mut gave_up) = (0, false);
            let deadline = clock.now() + wait;
            let poll = |_: &Waker| {
                asked += 1;
                Poll::<()>::Pending
            };
            assert_eq!(block_until(&clock, deadline, poll, |_| gave_up = true), None);
            assert!(asked >= 1 && gave_up);
        }
    }
}
