//! Sending, from whatever thread has made something to send.
//!
//! One thread at a time holds the transmitter and its buffer, so datagrams leave in the order of their packet numbers.
//! The lock of the core is held only while the buffer is filled, never across a system call. A thread that finds the
//! transmitter taken leaves a note, and the holder goes round once more: nothing is left behind, and nobody waits.
//!
//! Lock order: transmitter, then core. Whoever holds the core must not flush.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use std::task::Waker;

use parking_lot::{Mutex, MutexGuard};

use super::core::Core;
use super::guarded::Guarded;
use super::socket::{Sent, Socket};
use super::spares::Spares;
use super::streams::Streams;
use crate::base::limits::DATAGRAM_MAX;
use crate::nat::{SocketId, SocketRequest};
use crate::node::NodeTransmit;

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
    /// The number of the socket that has no room; the worker waits until it has.
    blocked_on: AtomicU32,
}

/// No socket lacks room.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Sender {
    socket: Arc<Socket>,
    spares: Arc<Spares>,
    streams: Arc<Streams>,
    buffer: Box<[u8]>,
    /// A batch, part of which the socket had no room for.
    held: Option<Held>,
}

#[derive(Debug)]
struct Held {
    sending: NodeTransmit,
    sent: usize,
}

/// How a round of sending ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    /// Everything left.
    Done,
    /// There may be more, but it was enough for this thread.
    Spent,
    /// This socket has no room.
    Blocked(SocketId),
}

impl Transmitter {
    pub(super) fn new(socket: Arc<Socket>, spares: Arc<Spares>, streams: Arc<Streams>) -> Self {
        let buffer = vec![0; DATAGRAM_MAX].into_boxed_slice();
        Self {
            sender: Mutex::new(Sender { socket, spares, streams, buffer, held: None }),
            is_wanted: AtomicBool::new(false),
            blocked_on: AtomicU32::new(NONE),
        }
    }

    /// From now on datagrams leave through this socket.
    pub(super) fn replace_socket(&self, socket: Arc<Socket>) {
        let mut sender = self.sender.lock();
        sender.socket = socket;
        sender.held = None;
        self.unblock();
    }

    /// The socket in which the worker has to watch for room.
    pub(super) fn blocked_on(&self) -> Option<SocketId> {
        u16::try_from(self.blocked_on.load(Ordering::SeqCst)).ok().map(SocketId::new)
    }

    /// The socket has room again.
    pub(super) fn unblock(&self) {
        self.blocked_on.store(NONE, Ordering::SeqCst);
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
                if let Round::Blocked(socket) = round {
                    self.blocked_on.store(socket.number().into(), Ordering::SeqCst);
                }
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
            if self.blocked_on.load(Ordering::SeqCst) != NONE {
                // The worker goes on when there is room.
                return Round::Done;
            }
            if *batches == 0 {
                return Round::Spent;
            }
            match sender.step(guarded, ready) {
                Step::Sent => *batches -= 1,
                Step::Nothing => return Round::Done,
                Step::NoRoom(socket) => return Round::Blocked(socket),
            }
        }
    }
}

/// What one batch came to.
enum Step {
    Sent,
    Nothing,
    NoRoom(SocketId),
}

impl Sender {
    fn step(&mut self, guarded: &Guarded, ready: &mut Vec<Waker>) -> Step {
        let held = match self.held.take() {
            Some(held) => held,
            None => match self.fill(guarded, ready) {
                Some(sending) => Held { sending, sent: 0 },
                None => return Step::Nothing,
            },
        };
        self.send(guarded, &held)
    }

    /// Asks the core for a batch, and tells the worker of the new deadline if there is none.
    fn fill(&mut self, guarded: &Guarded, ready: &mut Vec<Waker>) -> Option<NodeTransmit> {
        let max_segments = self.socket.max_segments();
        let mut core = guarded.lock();
        while let Some(request) = core.poll_request() {
            self.serve(guarded, &mut core, request);
        }
        let now = guarded.now();
        let sending = core.poll_transmit(now, &mut self.buffer, max_segments);
        core.settle(now, ready);
        let worker_oversleeps = sending.is_none() && core.move_alarm();
        drop(core);
        ready.drain(..).for_each(Waker::wake);
        if worker_oversleeps {
            guarded.wake_worker();
        }
        sending
    }

    /// Opens or closes a spare socket or a stream. A spare socket that cannot be opened is missed, and no more.
    fn serve(&self, guarded: &Guarded, core: &mut MutexGuard<'_, Core>, request: SocketRequest) {
        let main = core.local_addr();
        match request {
            SocketRequest::Open(number) => {
                let opened = MutexGuard::unlocked(core, || self.spares.open(number, main));
                core.on_opened(guarded.now(), number, opened.ok());
            }
            SocketRequest::Connect(number, server) => {
                let ends = (main, server);
                let begun = MutexGuard::unlocked(core, || self.streams.connect(number, ends));
                if begun.is_err() {
                    core.on_disconnected(guarded.now(), number);
                }
            }
            SocketRequest::Close(number) => MutexGuard::unlocked(core, || {
                self.spares.close(number);
                self.streams.close(number);
            }),
        }
    }

    fn send(&mut self, guarded: &Guarded, held: &Held) -> Step {
        let &Held { sending, sent } = held;
        let Some(data) = self.buffer.get(sent..sending.transmit.size) else { return Step::Sent };
        let outcome = match sending.socket {
            SocketId::MAIN => self.socket.send_as(&sending, data),
            stream if sending.is_stream() => {
                self.streams.send(stream, data);
                Sent::All
            }
            _ => self.spares.send(&sending, data),
        };
        match outcome {
            Sent::All => Step::Sent,
            Sent::Partly(more) => {
                self.held = Some(Held { sending, sent: sent + more });
                Step::NoRoom(sending.socket)
            }
            Sent::TooLarge(size) => {
                let mut core = guarded.lock();
                core.on_too_large(sending.transmit.destination, size);
                Step::Sent
            }
        }
    }
}
