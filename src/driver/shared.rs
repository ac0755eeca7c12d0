//! What the worker and all handles of an endpoint hold together.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use super::core::Core;
use super::entropy::SharedEntropy;
use super::guarded::Guarded;
use super::park;
use super::reception::{Reception, Seated};
use super::socket::Socket;
use super::spares::Spares;
use super::streams::Streams;
use super::transmit::Transmitter;
use super::wait::Key;
use crate::base::Instant;
use crate::crypto::Identity;
use crate::endpoint::{ConnectError, ConnectionHandle, Dial};
use crossbeam_channel::{Sender, bounded};

/// What the application tells the worker and not the protocol.
#[derive(Debug)]
pub(super) enum Command {
    /// Use this socket instead; answers when it is in use.
    Rebind(Arc<Socket>, Sender<io::Result<()>>),
}

/// The deadline of a wait without one.
const FAR: Instant = Instant::from_nanos(u64::MAX);

/// A worker of an endpoint, mostly the only one, at run time.
pub(crate) struct Shared {
    guarded: Guarded,
    transmitter: Transmitter,
    reception: Reception,
    spares: Arc<Spares>,
    streams: Arc<Streams>,
    commands: Sender<Command>,
    /// With `entropy`, for what is made without the lock.
    identity: Identity,
    entropy: SharedEntropy,
}

impl Shared {
    pub(super) fn new(
        guarded: Guarded,
        transmitter: Transmitter,
        reception: Reception,
        (spares, streams): (Arc<Spares>, Arc<Streams>),
        commands: Sender<Command>,
        (identity, entropy): (Identity, SharedEntropy),
    ) -> Self {
        Self { guarded, transmitter, reception, spares, streams, commands, identity, entropy }
    }

    pub(crate) fn now(&self) -> Instant {
        self.guarded.now()
    }

    pub(super) fn guarded(&self) -> &Guarded {
        &self.guarded
    }

    pub(super) fn transmitter(&self) -> &Transmitter {
        &self.transmitter
    }

    pub(super) fn reception(&self) -> &Reception {
        &self.reception
    }

    pub(super) fn spares(&self) -> &Spares {
        &self.spares
    }

    pub(super) fn streams(&self) -> &Streams {
        &self.streams
    }

    /// Spare sockets that are open.
    #[cfg(test)]
    pub(crate) fn spare_sockets(&self) -> usize {
        self.spares.addresses().len()
    }

    /// Does something to the core, and then what follows from it.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Core, Instant) -> T) -> T {
        let mut ready = Vec::new();
        let (result, follows) = self.guarded.with_and_look(&mut ready, act);
        if follows {
            self.flush();
        }
        result
    }

    /// Begins a dial. Its keys are made without the lock: they take as long as a hundred packets.
    pub(crate) fn dial(&self, dial: &Dial) -> Result<ConnectionHandle, ConnectError> {
        let mut prepared = self.look(|core| core.prepare(self.now(), dial))?;
        prepared.make_keys(self.now(), &self.identity, &mut &self.entropy)?;
        self.with(|core, _| core.begin(prepared))
    }

    /// The last handle of a connection or dial was dropped.
    pub(crate) fn release(&self, handle: ConnectionHandle) {
        self.with(|core, now| core.release(now, handle));
        self.reception.on_released();
    }

    /// As [`Self::with`], for what gives nobody anything to send.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut Core) -> T) -> T {
        look(&mut self.guarded.lock())
    }

    /// Tries, and if it has to wait leaves the waker under the key.
    pub(crate) fn poll<T>(
        &self,
        key: Key,
        waker: &Waker,
        attempt: impl FnOnce(&mut Core, Instant) -> Poll<T>,
    ) -> Poll<T> {
        self.with(|core, now| {
            let result = attempt(core, now);
            if result.is_pending() {
                core.register(key, waker);
            }
            result
        })
    }

    /// Tries until it has a result.
    pub(crate) fn wait<T>(
        &self,
        key: Key,
        mut attempt: impl FnMut(&mut Core, Instant) -> Poll<T>,
    ) -> T {
        loop {
            if let Some(result) = self.wait_until(key, FAR, &mut attempt) {
                return result;
            }
        }
    }

    /// Tries until it has a result, or until `timeout` is over; then `None`. A timeout of zero tries once.
    pub(crate) fn wait_for<T>(
        &self,
        key: Key,
        timeout: Duration,
        attempt: impl FnMut(&mut Core, Instant) -> Poll<T>,
    ) -> Option<T> {
        self.wait_until(key, self.now() + timeout, attempt)
    }

    fn wait_until<T>(
        &self,
        key: Key,
        deadline: Instant,
        mut attempt: impl FnMut(&mut Core, Instant) -> Poll<T>,
    ) -> Option<T> {
        // Mostly nothing has to be waited for.
        let mut leaves_seat = false;
        let result = self.with(|core, now| {
            let result = attempt(core, now);
            leaves_seat = result.is_pending() && core.leaves_seat(key);
            result
        });
        if let Poll::Ready(result) = result {
            return Some(result);
        }
        loop {
            let left = deadline - self.now();
            if left.is_zero() {
                return None;
            }
            let seat = if leaves_seat { None } else { self.reception.take_seat() };
            if let Some(seat) = seat {
                let result = self.wait_in(seat, key, deadline, &mut attempt);
                if result.is_some() {
                    return result;
                }
            }
            let left = deadline - self.now();
            let result = self.wait_parked(key, left, &mut attempt);
            if result.is_some() {
                return result;
            }
        }
    }

    /// Waits at the socket until there is a result, the deadline has passed, or others need the seat more.
    fn wait_in<T>(
        &self,
        mut seat: Seated<'_>,
        key: Key,
        deadline: Instant,
        mut attempt: impl FnMut(&mut Core, Instant) -> Poll<T>,
    ) -> Option<T> {
        loop {
            let result = self.with(|core, now| {
                let result = attempt(core, now);
                match result.is_pending() {
                    true => core.register(key, seat.waker()),
                    false => core.unregister(key, seat.waker()),
                }
                result
            });
            if let Poll::Ready(result) = result {
                return Some(result);
            }
            let left = deadline - self.now();
            if left.is_zero() || seat.should_leave() {
                self.give_up(key, seat.waker());
                seat.leave();
                return None;
            }
            seat.wait(&self.guarded, left, key.reads());
            self.work_off();
        }
    }

    /// Waits until another thread has something for this one, or the time is over, and tries once more.
    fn wait_parked<T>(
        &self,
        key: Key,
        timeout: Duration,
        mut attempt: impl FnMut(&mut Core, Instant) -> Poll<T>,
    ) -> Option<T> {
        park::with_waker(|waker| {
            if let Poll::Ready(result) = self.poll(key, waker, &mut attempt) {
                return Some(result);
            }
            park::park(timeout);
            match self.with(|core, now| {
                core.unregister(key, waker);
                attempt(core, now)
            }) {
                Poll::Ready(result) => Some(result),
                Poll::Pending => None,
            }
        })
    }

    /// The owner of the waker does not wait any more.
    pub(crate) fn give_up(&self, key: Key, waker: &Waker) {
        self.guarded.with(&mut Vec::new(), |core, _| core.give_up(key, waker));
    }

    /// Does the work with public keys that datagrams have brought: without the lock, and what each piece makes to send leaves before the next.
    /// Whoever has read datagrams does this. Returns whether it has answered a dial.
    pub(super) fn work_off(&self) -> bool {
        let mut has_answered = false;
        if !self.guarded.has_work() {
            return has_answered;
        }
        let mut ready = Vec::new();
        let mut done = None;
        loop {
            let give_back = |core: &mut Core, now| core.next_work(now, done.take());
            let (next, follows) = self.guarded.with_and_look(&mut ready, give_back);
            if follows {
                self.flush();
            }
            let Some(mut work) = next else { return has_answered };
            has_answered |= work.is_answer();
            work.run(&self.identity, &mut &self.entropy);
            done = Some(work);
        }
    }

    /// Sends what there is to send.
    pub(crate) fn flush(&self) {
        self.transmitter.flush(&self.guarded);
    }

    /// Sends what there is, from the worker. Returns whether there may be more.
    pub(super) fn flush_from_worker(&self) -> bool {
        self.transmitter.flush_from_worker(&self.guarded)
    }

    /// Moves to a new socket.
    pub(super) fn rebind(&self, socket: &Arc<Socket>) -> io::Result<()> {
        let (answer, answered) = bounded(1);
        let gone = || io::Error::new(io::ErrorKind::NotConnected, "the endpoint is closed");
        // Under the lock, so that the worker either has ended before or finds the command when it ends.
        self.look(|core| match core.is_stopped() {
            true => Err(gone()),
            false => {
                self.commands.send(Command::Rebind(Arc::clone(socket), answer)).map_err(|_| gone())
            }
        })?;
        self.guarded.wake_worker();
        answered.recv().map_err(|_| gone())?
    }

    /// Nothing is accepted or dialled any more; the worker ends when the last connection has.
    pub(crate) fn retire(&self) {
        self.with(|core, now| core.stop_accepting(now));
        self.check_end();
    }

    /// Tells the worker to look whether it can end.
    pub(crate) fn check_end(&self) {
        self.guarded.wake_worker();
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("transmitter", &self.transmitter).finish_non_exhaustive()
    }
}
