//! The worker of an endpoint: minds the clock, commands, and the socket while no other thread does, and moves the protocol.
//!
//! ```text
//!          ┌────────────── socket, waker or alarm ◀──────────────┐
//!          ▼                                                     │
//!   commands ─▶ (receive ─▶ transmit) a few times ─▶ timers ─▶ transmit ─▶ sleep, unless more waits
//! ```
//!
//! It is a thread that sleeps in its poll, after a [vigil](super::vigil) if it has answered a dial and that is worth it; or a [task](super::task).

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::thread;
use std::time::Duration;

use crossbeam_channel::Receiver;
use mio::{Events, Poll, Token};

use super::patrol::{PATROL, Patrol};
use super::receive::ReceiveBuffers;
use super::shared::{Command, Shared};
use super::socket::Socket;
use super::spares;
use super::streams::{self, Seen};
use super::vigil::Confirmations;
use crate::base::Instant;
use crate::nat::SocketId;

/// Times that the socket is read in a row before timers are looked at.
const RECEIVES: usize = 4;

/// What a poll tells at most at a time.
const EVENTS: usize = 32;

pub(super) const SOCKET: Token = Token(0);
pub(super) const WAKER: Token = Token(1);

/// What it holds, wherever it runs.
pub(super) struct Worker {
    shared: Arc<Shared>,
    commands: Receiver<Command>,
    ready: Vec<Waker>,
    /// The socket was not read to its end since it became readable.
    is_readable: bool,
    /// Spare sockets that were not read to their ends since they became readable.
    readable: BTreeSet<SocketId>,
    /// Streams that may show more.
    streaming: BTreeSet<SocketId>,
    /// What spare sockets and streams are read into.
    buffers: ReceiveBuffers,
    /// The socket in which there has to be room.
    watched: Option<SocketId>,
    patrol: Patrol,
    /// A dial was answered since it slept last.
    has_answered: bool,
    confirmations: Confirmations,
}

/// What follows on a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing is left to do, ever.
    End,
    /// Another turn, and before it a look at what has happened meanwhile.
    Turn,
    /// Sleep until something happens, and no longer than this.
    Sleep(Option<Duration>),
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, commands: Receiver<Command>) -> Self {
        Self {
            shared,
            commands,
            ready: Vec::new(),
            is_readable: true,
            readable: BTreeSet::new(),
            streaming: BTreeSet::new(),
            buffers: ReceiveBuffers::new(),
            watched: None,
            patrol: Patrol::default(),
            has_answered: false,
            confirmations: Confirmations::default(),
        }
    }

    /// Runs until nothing is left to do.
    pub(super) fn run(mut self, mut poll: Poll) {
        let mut events = events();
        loop {
            let polled = match self.turn() {
                Next::End => return,
                Next::Turn => poll.poll(&mut events, Some(Duration::ZERO)),
                Next::Sleep(timeout) => self.sleep(&mut poll, &mut events, timeout),
            };
            match polled {
                Ok(()) => self.note(&events),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// Waits until something has happened. It stays awake at first if it has answered a dial and that is worth it.
    fn sleep(
        &mut self,
        poll: &mut Poll,
        events: &mut Events,
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        if !std::mem::take(&mut self.has_answered) {
            return poll.poll(events, timeout);
        }
        let began = self.shared.now();
        let length =
            self.confirmations.length().filter(|length| timeout.is_none_or(|left| left > *length));
        match length {
            Some(length) => self.stay_awake(poll, events, began + length)?,
            None => poll.poll(events, timeout)?,
        }
        let waited = self.shared.now() - began;
        match events.is_empty() {
            true => self.confirmations.on_nothing(waited),
            false => self.confirmations.on_found(waited),
        }
        Ok(())
    }

    /// Looks whether something has happened, again and again until `end`.
    fn stay_awake(&self, poll: &mut Poll, events: &mut Events, end: Instant) -> io::Result<()> {
        loop {
            // The dialler may be waiting for this processor.
            thread::yield_now();
            poll.poll(events, Some(Duration::ZERO))?;
            if !events.is_empty() || self.shared.now() > end {
                return Ok(());
            }
        }
    }

    /// Takes in what has happened.
    pub(super) fn note(&mut self, events: &Events) {
        for event in events {
            if let Some(stream) = streams::number(event.token()) {
                self.streaming.insert(stream);
                continue;
            }
            let socket = match event.token() {
                SOCKET => SocketId::MAIN,
                other => match spares::number(other) {
                    Some(number) => number,
                    None => continue,
                },
            };
            if event.is_readable() || event.is_error() {
                self.on_readable(socket);
            }
            if event.is_writable() && self.watched == Some(socket) {
                self.watch_for_room(None);
                self.shared.transmitter().unblock();
            }
        }
    }

    fn on_readable(&mut self, socket: SocketId) {
        if socket == SocketId::MAIN {
            self.is_readable = true;
            self.patrol.on_disturbed();
        } else {
            self.readable.insert(socket);
        }
    }

    /// Does what there is to do, once.
    pub(super) fn turn(&mut self) -> Next {
        match self.work() {
            true => Next::Turn,
            false if self.is_drained() => Next::End,
            false => Next::Sleep(self.alarm()),
        }
    }

    /// Returns whether there may be more.
    fn work(&mut self) -> bool {
        self.run_commands();
        self.patrol();
        // Another worker on the port may have brought some.
        self.has_answered |= self.shared.work_off();
        for _ in 0..RECEIVES {
            if !self.has_input() {
                break;
            }
            if self.is_readable {
                self.is_readable = self.shared.reception().receive(self.shared.guarded());
            }
            self.receive_from_spares();
            self.receive_from_streams();
            self.has_answered |= self.shared.work_off();
            self.shared.flush_from_worker();
        }
        self.shared.guarded().with(&mut self.ready, |core, now| core.run_timers(now));
        let more = self.shared.flush_from_worker();
        let blocked_on = self.shared.transmitter().blocked_on();
        if blocked_on.is_some() && self.watched.is_none() {
            self.watch_for_room(blocked_on);
        }
        more || self.has_input()
    }

    fn has_input(&self) -> bool {
        self.is_readable || !self.readable.is_empty() || !self.streaming.is_empty()
    }

    /// Reads each spare socket once that has something.
    fn receive_from_spares(&mut self) {
        let Self { shared, readable, buffers, ready, .. } = self;
        readable.retain(|number| {
            shared.spares().receive(*number, buffers, |received| {
                shared.guarded().with(ready, |core, now| {
                    core.handle_datagram(now, *number, received);
                });
            })
        });
    }

    /// Goes on once with each stream that something has happened to.
    fn receive_from_streams(&mut self) {
        let Self { shared, streaming, buffers, ready, .. } = self;
        streaming.retain(|number| {
            let buffer = buffers.first();
            let seen = shared.streams().look(*number, buffer);
            shared.guarded().with(ready, |core, now| match seen {
                Seen::Connected => core.on_connected(now, *number),
                Seen::Read(size) => {
                    core.on_bytes(now, *number, buffer.get(..size).unwrap_or_default());
                }
                Seen::Ended => core.on_disconnected(now, *number),
                Seen::Nothing => {}
            });
            matches!(seen, Seen::Connected | Seen::Read(_))
        });
    }

    /// Begins or ends a patrol, as the seat is used.
    fn patrol(&mut self) {
        let (now, reception) = (self.shared.now(), self.shared.reception());
        let usage = reception.usage();
        let does = self.patrol.look(now, usage);
        if does != usage.is_patrolled {
            reception.patrol(does);
            self.is_readable = true;
        }
    }

    fn run_commands(&mut self) {
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Rebind(socket, answer) => {
                    // Who asked may have gone.
                    let _ = answer.send(self.rebind(socket));
                }
            }
        }
    }

    fn rebind(&mut self, socket: Arc<Socket>) -> io::Result<()> {
        self.shared.reception().replace_socket(&socket)?;
        self.is_readable = true;
        self.watch_for_room(None);
        let local = socket.local_addr();
        self.shared.transmitter().replace_socket(socket);
        self.shared.guarded().with(&mut self.ready, |core, now| core.rebound(now, local));
        Ok(())
    }

    /// Waits until this socket has room, and not until another one has.
    fn watch_for_room(&mut self, socket: Option<SocketId>) {
        let watch = |number, watch_it| match number {
            SocketId::MAIN => self.shared.reception().watch_for_room(watch_it),
            spare => self.shared.spares().watch_for_room(spare, watch_it),
        };
        if let Some(old) = self.watched {
            watch(old, false);
        }
        if let Some(new) = socket {
            watch(new, true);
        }
        self.watched = socket;
    }

    fn is_drained(&mut self) -> bool {
        let look = |core: &mut super::Core, now| (core.check_drained(now), core.is_closed());
        let (is_drained, is_closed) = self.shared.guarded().with(&mut self.ready, look);
        if is_closed {
            // What is given back at the end has to be said.
            self.shared.flush_from_worker();
        }
        is_drained
    }

    /// How long nothing is due.
    fn alarm(&self) -> Option<Duration> {
        let mut core = self.shared.guarded().lock();
        let now = self.shared.now();
        let alarm = core.set_alarm(now).map(|alarm| alarm - now);
        match self.shared.reception().usage().is_patrolled {
            true => Some(alarm.map_or(PATROL, |alarm| alarm.min(PATROL))),
            false => alarm,
        }
    }
}

/// Ends every wait when the worker ends, however it does.
impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.guarded().with(&mut self.ready, |core, _| core.stop());
        self.shared.spares().close_all();
        self.shared.streams().close_all();
        // No command comes after that. Dropping those that came before tells who waits for their answers.
        while self.commands.try_recv().is_ok() {}
    }
}

/// Room for what a poll tells at a time.
pub(super) fn events() -> Events {
    Events::with_capacity(EVENTS)
}
