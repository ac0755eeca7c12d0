//! Sending, from whatever thread has made something to send.
//!
//! One thread at a time holds the transmitter and its buffer, so datagrams leave in the order of their packet numbers.
//! The lock of the core is held only while the buffer is filled, never across a system call. A thread that finds the
//! transmitter taken leaves a note, and the holder goes round once more: nothing is left behind, and nobody waits.
//!
//! Lock order: transmitter, then core. Whoever holds the core must not flush.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::task::Waker;

use parking_lot::Mutex;

use super::guarded::Guarded;
use super::socket::{Sent, Socket};
use crate::base::limits::DATAGRAM_MAX;
use crate::connection::Transmit;

/// Batches that a thread of the application sends before it leaves the rest to the worker: others' data also leaves
/// through it, and it has work of its own.
const CALLER_BATCHES: usize = 32;

/// Batches that the worker sends before it looks at the socket again, so that acknowledgements are not kept waiting.
const WORKER_BATCHES: usize = 16;

/// The transmitter and the notes around it.
#[derive(Debug)]
pub(super) struct Transmitter {
    sender: Mutex<Sender>,
    /// Somebody has something to send that the holder may not have seen.
    is_wanted: AtomicBool,
    /// The socket has no room; the worker waits until it has.
    is_blocked: AtomicBool,
}

#[derive(Debug)]
struct Sender {
    socket: Arc<Socket>,
    buffer: Box<[u8]>,
    /// A batch, part of which the socket had no room for.
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    transmit: Transmit,
    sent: usize,
}

/// How a round of sending ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    /// Everything left.
    Done,
    /// There may be more, but it was enough for this thread.
    Spent,
    /// The socket has no room.
    Blocked,
}

impl Transmitter {
    pub(super) fn new(socket: Arc<Socket>) -> Self {
        let buffer = vec![0; DATAGRAM_MAX].into_boxed_slice();
        Self {
            sender: Mutex::new(Sender { socket, buffer, held: None }),
            is_wanted: AtomicBool::new(false),
            is_blocked: AtomicBool::new(false),
        }
    }

    /// From now on datagrams leave through this socket.
    pub(super) fn replace_socket(&self, socket: Arc<Socket>) {
        let mut sender = self.sender.lock();
        sender.socket = socket;
        sender.held = None;
        self.is_blocked.store(false, Ordering::SeqCst);
    }

    /// The worker has to watch for room in the socket.
    pub(super) fn is_blocked(&self) -> bool {
        self.is_blocked.load(Ordering::SeqCst)
    }

    /// The socket has room again.
    pub(super) fn unblock(&self) {
        self.is_blocked.store(false, Ordering::SeqCst);
    }

    /// Sends what there is, from a thread of the application.
    pub(super) fn flush(&self, guarded: &Guarded) {
        if self.run(guarded, CALLER_BATCHES) != Round::Done {
            guarded.wake_worker();
        }
    }

    /// Sends what there is, from the worker. Returns whether there may be more.
    pub(super) fn flush_from_worker(&self, guarded: &Guarded) -> bool {
        self.run(guarded, WORKER_BATCHES) == Round::Spent
    }

    fn run(&self, guarded: &Guarded, mut batches: usize) -> Round {
        self.is_wanted.store(true, Ordering::SeqCst);
        loop {
            // The note is written before the lock is tried, and the holder reads it after it has let the lock go: one of
            // the two sees the other. Without the fences both could read what was before.
            fence(Ordering::SeqCst);
            let Some(mut sender) = self.sender.try_lock() else { return Round::Done };
            let round = self.drain(&mut sender, guarded, &mut batches);
            drop(sender);
            fence(Ordering::SeqCst);
            if round != Round::Done || !self.is_wanted.load(Ordering::SeqCst) {
                return round;
            }
        }
    }

    fn drain(&self, sender: &mut Sender, guarded: &Guarded, batches: &mut usize) -> Round {
        let mut ready = Vec::new();
        while self.is_wanted.swap(false, Ordering::SeqCst) {
            let round = self.send_all(sender, guarded, batches, &mut ready);
            if round != Round::Done {
                self.is_blocked.fetch_or(round == Round::Blocked, Ordering::SeqCst);
                self.is_wanted.store(true, Ordering::SeqCst);
                return round;
            }
        }
        Round::Done
    }

    fn send_all(
        &self,
        sender: &mut Sender,
        guarded: &Guarded,
        batches: &mut usize,
        ready: &mut Vec<Waker>,
    ) -> Round {
        loop {
            if self.is_blocked() {
                // The worker goes on when there is room.
                return Round::Done;
            }
            if *batches == 0 {
                return Round::Spent;
            }
            match sender.step(guarded, ready) {
                Step::Sent => *batches -= 1,
                Step::Nothing => return Round::Done,
                Step::NoRoom => return Round::Blocked,
            }
        }
    }
}

/// What one batch came to.
enum Step {
    Sent,
    Nothing,
    NoRoom,
}

impl Sender {
    fn step(&mut self, guarded: &Guarded, ready: &mut Vec<Waker>) -> Step {
        let held = match self.held.take() {
            Some(held) => held,
            None => match self.fill(guarded, ready) {
                Some(transmit) => Held { transmit, sent: 0 },
                None => return Step::Nothing,
            },
        };
        self.send(guarded, &held)
    }

    /// Asks the core for a batch, and tells the worker of the new deadline if there is none.
    fn fill(&mut self, guarded: &Guarded, ready: &mut Vec<Waker>) -> Option<Transmit> {
        let max_segments = self.socket.max_segments();
        let mut core = guarded.lock();
        let now = guarded.now();
        let transmit = core.poll_transmit(now, &mut self.buffer, max_segments);
        core.settle(now, ready);
        let worker_oversleeps = transmit.is_none() && core.move_alarm();
        drop(core);
        ready.drain(..).for_each(Waker::wake);
        if worker_oversleeps {
            guarded.wake_worker();
        }
        transmit
    }

    fn send(&mut self, guarded: &Guarded, held: &Held) -> Step {
        let &Held { transmit, sent } = held;
        let Some(data) = self.buffer.get(sent..transmit.size) else { return Step::Sent };
        match self.socket.send(&transmit, data) {
            Sent::All => Step::Sent,
            Sent::Partly(more) => {
                self.held = Some(Held { transmit, sent: sent + more });
                Step::NoRoom
            }
            Sent::TooLarge(size) => {
                let mut core = guarded.lock();
                core.on_too_large(transmit.destination, size);
                Step::Sent
            }
        }
    }
}
