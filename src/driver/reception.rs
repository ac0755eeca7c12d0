//! Who reads the socket: a thread that waits for something, or else the worker.
//!
//! ```text
//!   a thread has to wait ─▶ takes the seat ─▶ sleeps on the socket itself, reads it, tries again ─▶ leaves
//!                               │                                                                    │
//!            worker's poll lets the socket go                                  worker's poll watches it again
//! ```
//!
//! A thread in the seat has what it waits for without a switch from another thread, as with a socket of its own. Others
//! that wait meanwhile park, and whoever reads wakes them. One that has read for others alone several times leaves the seat
//! to them: who waits to accept connections shall not stand between the socket and a reader. Nor does a writer take it whose connection takes
//! turns with others, or anybody in a [`crowd`](super::crowd) ([`Core::leaves_seat`](super::Core::leaves_seat)). Timers stay with the worker. One that
//! has got datagrams within microseconds looks for the next before it sleeps ([`vigil`](super::vigil)); so does a task for answers, without
//! the seat ([`lookout`](super::lookout)).
//!
//! A thread that comes back to the seat all the time is not worth the changes of the worker's poll, nor that the worker wakes when
//! a datagram arrives while the thread is away for a moment. Then the worker *patrols*: it lets the socket go
//! altogether, and looks every [`PATROL`](super::patrol::PATROL) whether the seat is still in use.
//!
//! Lock order: seat, then transmitter, then core. `watch` and `current` are held for a moment, with nothing behind them.

use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use mio::{Events, Interest, Poll, Registry, Token};
use parking_lot::{Mutex, MutexGuard};

use super::attention::Attention;
use super::guarded::Guarded;
use super::patrol::Usage;
use super::receive::ReceiveBuffers;
use super::socket::Socket;
use super::vigil::Vigil;
use super::watch::Watch;

const SOCKET: Token = Token(0);
const ATTENTION: Token = Token(1);

/// Whether threads may take the seat. Two polls on one socket are known to work where descriptors can be duplicated.
const HAS_SEAT: bool = cfg!(unix);

/// Receptions in a row that were of use to other threads alone, before a thread leaves the seat to them.
const FAVOURS: u32 = 4;

/// The seat, and what decides who is in it.
pub(super) struct Reception {
    seat: Mutex<Seat>,
    attention: Arc<Attention>,
    waker: Waker,
    watch: Mutex<Watch>,
    /// The socket to read; the seat follows when it is next looked at.
    current: Mutex<Arc<Socket>>,
    vigil: Arc<Vigil>,
}

/// What it takes to read the socket, and to sleep on it.
struct Seat {
    poll: Poll,
    events: Events,
    socket: Arc<Socket>,
    /// The socket as the poll knows it.
    polled: mio::net::UdpSocket,
    buffers: ReceiveBuffers,
    ready: Vec<Waker>,
    /// The waker of the thread in the seat.
    waker: Waker,
    served: Served,
    vigil: Arc<Vigil>,
    /// The socket was not read to its end since it was known to be readable.
    is_readable: bool,
}

/// For whom there was something in what was received last.
#[derive(Clone, Copy, Default)]
struct Served {
    this: bool,
    others: bool,
}

impl Served {
    fn note(&mut self, woken: &[Waker], this: &Waker) {
        let mine = woken.iter().filter(|other| other.will_wake(this)).count();
        self.this |= mine > 0;
        self.others |= woken.len() > mine;
    }
}

impl Reception {
    /// `registry` is that of the worker's poll, which learns of the socket under `token`.
    pub(super) fn new(socket: &Arc<Socket>, registry: Registry, token: Token) -> io::Result<Self> {
        let poll = Poll::new()?;
        let attention = Arc::new(Attention::new(mio::Waker::new(poll.registry(), ATTENTION)?));
        let watch = Watch::new(registry, socket.for_poll()?, token)?;
        let waker = Waker::from(Arc::clone(&attention));
        let vigil = Arc::<Vigil>::default();
        let seat = Seat::new(poll, Arc::clone(socket), waker.clone(), Arc::clone(&vigil))?;
        Ok(Self {
            seat: Mutex::new(seat),
            waker,
            attention,
            watch: Mutex::new(watch),
            current: Mutex::new(Arc::clone(socket)),
            vigil,
        })
    }

    /// The waker of whichever thread is in the seat.
    pub(super) fn waker(&self) -> &Waker {
        &self.waker
    }

    /// Takes the seat, if it is free.
    pub(super) fn take_seat(&self) -> Option<Seated<'_>> {
        if !HAS_SEAT {
            return None;
        }
        let seat = self.seat.try_lock()?;
        self.watch.lock().on_taken();
        Some(Seated { reception: self, seat: Some(seat), favours: 0 })
    }

    /// For the worker: reads the socket once. Returns whether there may be more, which is not its business while another
    /// thread is in the seat. A task that reads in passing may not come back for what has arrived behind it.
    pub(super) fn receive(&self, guarded: &Guarded) -> bool {
        let Some(mut seat) = self.seat.try_lock() else { return !self.usage().is_taken };
        seat.follow(&self.current);
        seat.receive(guarded);
        seat.is_readable
    }

    /// For a task that reads and has to wait: how long it stays awake, if at all.
    pub(super) fn vigil(&self) -> Option<Duration> {
        self.vigil.length_for_task().filter(|_| HAS_SEAT)
    }

    /// For a task on vigil: reads the socket once, if nobody else is about to.
    pub(super) fn look_out(&self, guarded: &Guarded) {
        if let Some(mut seat) = self.seat.try_lock() {
            seat.follow(&self.current);
            seat.receive(guarded);
        }
    }

    /// For a task that has kept a vigil for so long, and found what it waited for.
    pub(super) fn on_found(&self, waited: Duration) {
        self.vigil.on_found(waited);
        self.watch.lock().on_found();
    }

    /// For a task that has kept a vigil for so long in vain: it looks no more, so the worker has to watch the socket.
    pub(super) fn end_vigil(&self, waited: Duration) {
        self.vigil.on_nothing(waited);
        self.watch.lock().patrol(false);
    }

    /// For a task that has slept for so long, and was woken for what was received last. Of vigils that others keep, or whose price it has
    /// paid already, that says nothing.
    pub(super) fn on_answered(&self, waited: Duration) {
        if self.vigil.length_for_task().is_none() {
            self.vigil.on_found(waited);
        }
    }

    /// For the worker: asks its poll for an event when the socket has room, or no longer. Asked for all the time, the event
    /// would come with every datagram that leaves.
    pub(super) fn watch_for_room(&self, watch_it: bool) {
        self.watch.lock().watch_for_room(watch_it);
    }

    pub(super) fn usage(&self) -> Usage {
        self.watch.lock().usage()
    }

    /// For the worker: it looks at the socket by itself now and then, and its poll does not have to; or no longer.
    pub(super) fn patrol(&self, does: bool) {
        self.watch.lock().patrol(does);
    }

    /// A connection was let go. Whoever came back to the seat all the time may have come for it.
    pub(super) fn on_released(&self) {
        self.watch.lock().on_released();
    }

    /// From now on this socket is read.
    pub(super) fn replace_socket(&self, socket: &Arc<Socket>) -> io::Result<()> {
        let polled = socket.for_poll()?;
        self.watch.lock().replace(polled)?;
        *self.current.lock() = Arc::clone(socket);
        self.attention.call();
        Ok(())
    }
}

/// A thread in the seat; it leaves when this is dropped.
pub(super) struct Seated<'a> {
    reception: &'a Reception,
    seat: Option<MutexGuard<'a, Seat>>,
    /// Receptions that were of use to others, since there was one for this thread.
    favours: u32,
}

impl Seated<'_> {
    /// What has to be woken for the thread to try again.
    pub(super) fn waker(&self) -> &Waker {
        self.reception.waker()
    }

    /// Waits until something was received, the waker was woken or the time is over. One that `reads` may stay awake for a moment.
    pub(super) fn wait(&mut self, guarded: &Guarded, timeout: Duration, reads: bool) {
        let Some(seat) = &mut self.seat else { return };
        seat.follow(&self.reception.current);
        let mut filled = seat.receive_if_readable(guarded);
        if filled == 0 && !seat.is_readable {
            let attention = &self.reception.attention;
            filled = match reads {
                true => seat.await_answer(guarded, attention, timeout),
                false => seat.sleep_and_receive(guarded, attention, timeout),
            };
        }
        if filled > 0 {
            self.favours = match seat.served {
                Served { this: true, .. } => 0,
                Served { others, .. } => self.favours + u32::from(others),
            };
        }
    }

    /// Others need the seat more.
    pub(super) fn should_leave(&self) -> bool {
        self.favours >= FAVOURS
    }

    /// Leaves the seat without what the thread came for. The others may all be parked, so the worker has to watch the socket until one
    /// takes it.
    pub(super) fn leave(self) {
        self.reception.watch.lock().patrol(false);
    }
}

impl Drop for Seated<'_> {
    fn drop(&mut self) {
        // The seat first: an event that the worker gets when nobody else reads must find it free.
        self.seat = None;
        self.reception.watch.lock().on_left();
    }
}

impl Seat {
    fn new(poll: Poll, socket: Arc<Socket>, waker: Waker, vigil: Arc<Vigil>) -> io::Result<Self> {
        let mut polled = socket.for_poll()?;
        poll.registry().register(&mut polled, SOCKET, Interest::READABLE)?;
        Ok(Self {
            poll,
            events: Events::with_capacity(4),
            socket,
            polled,
            buffers: ReceiveBuffers::new(),
            ready: Vec::new(),
            waker,
            served: Served::default(),
            vigil,
            is_readable: true,
        })
    }

    /// Goes over to the current socket.
    fn follow(&mut self, current: &Mutex<Arc<Socket>>) {
        let current = Arc::clone(&current.lock());
        if Arc::ptr_eq(&current, &self.socket) {
            return;
        }
        // Without memory for another descriptor the old socket stays, and the next look tries again.
        let Ok(mut polled) = current.for_poll() else { return };
        let registry = self.poll.registry();
        if registry.register(&mut polled, SOCKET, Interest::READABLE).is_ok() {
            // The old one closes with its last copy, whether or not the poll lets it go.
            let _ = registry.deregister(&mut self.polled);
            self.polled = polled;
            self.socket = current;
            self.is_readable = true;
        }
    }

    fn sleep_and_receive(
        &mut self,
        guarded: &Guarded,
        attention: &Attention,
        timeout: Duration,
    ) -> usize {
        self.sleep(attention, timeout);
        self.receive_if_readable(guarded)
    }

    /// As [`Self::sleep_and_receive`], for a thread that reads: it keeps a vigil before if that is worth it.
    fn await_answer(
        &mut self,
        guarded: &Guarded,
        attention: &Attention,
        timeout: Duration,
    ) -> usize {
        let began = guarded.now();
        if let Some(length) = self.vigil.length().filter(|length| timeout > *length) {
            self.stay_awake(attention, || guarded.now() - began < length);
        }
        if !self.is_readable {
            self.sleep(attention, timeout);
        }
        let waited = guarded.now() - began;
        let filled = self.receive_if_readable(guarded);
        match filled > 0 && self.served.this {
            true => self.vigil.on_found(waited),
            false => self.vigil.on_nothing(waited),
        }
        filled
    }

    /// Looks at the socket again and again, as long as it may.
    fn stay_awake(&mut self, attention: &Attention, may: impl Fn() -> bool) {
        while may() && !self.is_readable && !attention.is_called() {
            // Who the answer is expected from may be waiting for this processor.
            std::thread::yield_now();
            self.look(Duration::ZERO);
        }
    }

    fn sleep(&mut self, attention: &Attention, timeout: Duration) {
        if attention.fall_asleep() {
            self.look(timeout);
            attention.wake_up();
        }
    }

    fn look(&mut self, timeout: Duration) {
        // An interruption is a reason to look again, like any other.
        let _ = self.poll.poll(&mut self.events, Some(timeout));
        let mut events = self.events.iter().filter(|event| event.token() == SOCKET);
        self.is_readable |= events.any(|event| event.is_readable() || event.is_error());
    }

    fn receive_if_readable(&mut self, guarded: &Guarded) -> usize {
        if self.is_readable { self.receive(guarded) } else { 0 }
    }

    /// Reads the socket once, and tells the protocol. Returns how many buffers that filled.
    fn receive(&mut self, guarded: &Guarded) -> usize {
        let Self { socket, polled, buffers, ready, waker, served, vigil, .. } = self;
        *served = Served::default();
        // Through the poll's socket, so that the poll learns that it was read to its end.
        let received =
            polled.try_io(|| buffers.receive(socket, |received| guarded.take_in(ready, received)));
        if received.is_ok() {
            vigil.on_received(buffers.was_single());
        }
        // Not before everything is taken in: who is woken earlier is in the way, and has to be woken again for the rest.
        served.note(ready, waker);
        // Whoever is in the seat is awake and tries again anyway.
        let others = ready.drain(..).filter(|other| !other.will_wake(waker));
        others.for_each(Waker::wake);
        self.is_readable = match &received {
            Ok(_) => !self.buffers.was_all(),
            // Else it is the late answer to some earlier datagram, or no memory: there may be more to read all the same.
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        };
        received.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(unix)]
    use crate::driver::start::started;

    /// With the poll of its worker.
    fn reception() -> (Reception, Poll) {
        let socket = Arc::new(Socket::bind("127.0.0.1:0".parse().unwrap(), 65_536).unwrap());
        let poll = Poll::new().unwrap();
        let registry = poll.registry().try_clone().unwrap();
        (Reception::new(&socket, registry, Token(0)).unwrap(), poll)
    }

    #[test]
    fn who_leaves_the_seat_with_empty_hands_leaves_the_socket_to_the_worker() {
        let (reception, _poll) = reception();
        reception.patrol(true);
        drop(reception.take_seat());
        assert!(reception.usage().is_patrolled, "it comes back with what it has got");
        reception.take_seat().unwrap().leave();
        assert!(!reception.usage().is_patrolled);
        assert!(!reception.usage().is_taken);
    }

    #[test]
    fn when_a_connection_is_let_go_the_worker_watches_the_socket() {
        let (reception, _poll) = reception();
        drop(reception.take_seat());
        reception.patrol(true);
        reception.on_released();
        let usage = reception.usage();
        assert!(!usage.is_patrolled);
        assert_eq!(usage.uses, usage.uses_before);
    }

    #[cfg(unix)]
    #[test]
    fn the_worker_leaves_the_socket_to_a_thread_in_the_seat_and_not_to_a_task_in_passing() {
        let shared = started();
        let reception = shared.reception();
        let seated = loop {
            if let Some(seated) = reception.take_seat() {
                break seated;
            }
        };
        assert!(!reception.receive(shared.guarded()));
        drop(seated);
        let passing = reception.seat.lock();
        assert!(reception.receive(shared.guarded()));
        drop(passing);
        shared.retire();
    }
}
