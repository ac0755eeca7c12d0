//! The protocol's state under its lock, with the clock that it is told and the worker that keeps its time.

use std::fmt;
use std::task::Waker;

use parking_lot::{Mutex, MutexGuard};

use super::clock::Clock;
use super::core::Core;
use crate::base::Instant;

pub(super) struct Guarded {
    clock: Clock,
    core: Mutex<Core>,
    worker: mio::Waker,
}

impl Guarded {
    pub(super) fn new(core: Core, worker: mio::Waker) -> Self {
        Self { clock: Clock::new(), core: Mutex::new(core), worker }
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock()
    }

    /// Does something to the core, and wakes whom that concerns; `ready` is room for their wakers.
    pub(super) fn with<T>(
        &self,
        ready: &mut Vec<Waker>,
        act: impl FnOnce(&mut Core, Instant) -> T,
    ) -> T {
        self.with_and_look(ready, act).0
    }

    /// As [`Self::with`], and tells whether there may be something to send, or a deadline has moved.
    pub(super) fn with_and_look<T>(
        &self,
        ready: &mut Vec<Waker>,
        act: impl FnOnce(&mut Core, Instant) -> T,
    ) -> (T, bool) {
        let result = self.settle_and_look(ready, act);
        ready.drain(..).for_each(Waker::wake);
        result
    }

    /// As [`Self::with`], and leaves it to the caller to wake those in `ready`.
    pub(super) fn settle<T>(
        &self,
        ready: &mut Vec<Waker>,
        act: impl FnOnce(&mut Core, Instant) -> T,
    ) -> T {
        self.settle_and_look(ready, act).0
    }

    /// As [`Self::settle`], and tells whether there may be something to send, or a deadline has moved.
    fn settle_and_look<T>(
        &self,
        ready: &mut Vec<Waker>,
        act: impl FnOnce(&mut Core, Instant) -> T,
    ) -> (T, bool) {
        let mut core = self.core.lock();
        let now = self.now();
        let result = act(&mut core, now);
        core.settle(now, ready);
        (result, !core.is_quiet())
    }

    pub(super) fn wake_worker(&self) {
        // Fails only when the worker is gone with its poll; then there is nothing to wake it for.
        let _ = self.worker.wake();
    }
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").finish_non_exhaustive()
    }
}
