//! The protocol's state under its lock, with the clock that it is told and the worker that keeps its time.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;

use parking_lot::{Mutex, MutexGuard};

use super::clock::Clock;
use super::core::Core;
use super::port::Port;
use crate::base::Instant;
use crate::endpoint::Received;
use crate::nat::SocketId;

pub(super) struct Guarded {
    clock: Clock,
    core: Mutex<Core>,
    worker: mio::Waker,
    /// If other workers are on the same port.
    port: Option<Port>,
    /// The core has to be asked whether it expects a peer. Told beside the lock, for those that mostly need not take it.
    may_expect_peers: AtomicBool,
    /// Work with public keys waits for somebody.
    has_work: AtomicBool,
}

impl Guarded {
    pub(super) fn new(core: Core, clock: Clock, worker: mio::Waker, port: Option<Port>) -> Self {
        let may_expect_peers = AtomicBool::new(false);
        let has_work = AtomicBool::new(false);
        Self { clock, core: Mutex::new(core), worker, port, may_expect_peers, has_work }
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
        self.has_work.store(core.has_work(), Ordering::Release);
        if self.port.is_some() {
            self.may_expect_peers.store(core.may_expect_peers(), Ordering::Release);
        }
        (result, !core.is_quiet())
    }

    /// Takes in what has come to the main socket, as [`Self::settle`] does. It may be for another worker on the same port.
    pub(super) fn take_in(&self, ready: &mut Vec<Waker>, received: Received<'_>) {
        let Some(port) = &self.port else {
            let act = |core: &mut Core, now| core.handle_datagram(now, SocketId::MAIN, received);
            return self.settle(ready, act);
        };
        port.sort(received, |received| self.settle(ready, |core, now| core.take_in(now, received)));
    }

    /// Whether the core has to be asked who may begin a handshake with something here.
    pub(super) fn may_expect_peers(&self) -> bool {
        self.may_expect_peers.load(Ordering::Acquire)
    }

    /// Whether work with public keys waits for somebody.
    pub(super) fn has_work(&self) -> bool {
        self.has_work.load(Ordering::Acquire)
    }

    pub(super) fn port(&self) -> Option<&Port> {
        self.port.as_ref()
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
