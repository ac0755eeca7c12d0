//! How a task asks for another turn.

use std::task::Waker;

/// Has the task polled again when others have had their turn.
///
/// A task of tokio that wakes itself while it runs has another thread woken to take it over. This waits for the next turn of the same thread, and
/// wakes the task at once if it is another executor's.
#[cfg(feature = "tokio")]
pub(super) fn again(waker: &Waker) {
    use std::future::Future;
    use std::pin::pin;
    use std::task::Context;

    let yielding = pin!(tokio::task::yield_now());
    // It is pending the first time; what it leaves behind is the call.
    let _ = yielding.poll(&mut Context::from_waker(waker));
}

/// Has the task polled again when others have had their turn.
#[cfg(not(feature = "tokio"))]
pub(super) fn again(waker: &Waker) {
    waker.wake_by_ref();
}
