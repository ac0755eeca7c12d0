//! A future that waits for a peer that dials any worker of an endpoint.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use crate::api::{Accepted, attempt};
use crate::driver::{Key, Shards};

/// Resolves when one of them has a connection to accept.
pub(super) struct Accepting<'a> {
    shards: &'a Shards,
    /// What was left with the driver.
    waker: Option<Waker>,
}

impl<'a> Accepting<'a> {
    pub(super) fn new(shards: &'a Shards) -> Self {
        Self { shards, waker: None }
    }

    fn forget(&mut self) {
        if let Some(waker) = self.waker.take() {
            self.shards.give_up(Key::Accept, &waker);
        }
    }
}

impl Future for Accepting<'_> {
    type Output = Accepted;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Accepted> {
        let this = self.get_mut();
        let waker = context.waker();
        if this.waker.as_ref().is_some_and(|old| !old.will_wake(waker)) {
            // The future has moved to another task.
            this.forget();
        }
        let result = this.shards.poll(Key::Accept, waker, |core, _| attempt::accept(core));
        this.waker = result.is_pending().then(|| waker.clone());
        result
    }
}

impl Drop for Accepting<'_> {
    fn drop(&mut self) {
        self.forget();
    }
}
