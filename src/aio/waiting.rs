//! A future that makes an attempt again whenever what it waits for may have happened.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::again::again;
use crate::base::Instant;
use crate::driver::{Core, Key, Lookout, Shared};

/// Resolves when the attempt does.
pub(super) struct Waiting<F> {
    shared: Arc<Shared>,
    key: Key,
    attempt: F,
    lookout: Lookout,
    /// What was left with the driver.
    waker: Option<Waker>,
}

impl<T, F> Waiting<F>
where
    F: FnMut(&mut Core, Instant) -> Poll<T> + Unpin,
{
    pub(super) fn new(shared: &Arc<Shared>, key: Key, attempt: F) -> Self {
        Self { shared: Arc::clone(shared), key, attempt, lookout: Lookout::default(), waker: None }
    }
}

impl<F> Waiting<F> {
    fn forget(&mut self) {
        if let Some(waker) = self.waker.take() {
            self.shared.give_up(self.key, &waker);
        }
    }
}

impl<T, F> Future for Waiting<F>
where
    F: FnMut(&mut Core, Instant) -> Poll<T> + Unpin,
{
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let this = self.get_mut();
        let waker = context.waker();
        if this.waker.as_ref().is_some_and(|old| !old.will_wake(waker)) {
            // The future has moved to another task.
            this.forget();
        }
        let result = this.lookout.poll(&this.shared, this.key, waker, again, &mut this.attempt);
        if result.is_ready() {
            this.forget();
        } else if this.waker.is_none() {
            this.waker = Some(waker.clone());
        }
        result
    }
}

impl<F> Drop for Waiting<F> {
    fn drop(&mut self) {
        self.forget();
    }
}
