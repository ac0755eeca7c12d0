//! The thread of an endpoint: waits for the clock, for commands, and for the socket while no other thread does, and moves the
//! protocol.
//!
//! ```text
//!          ┌────────────── socket, waker or alarm ◀──────────────┐
//!          ▼                                                     │
//!   commands ─▶ (receive ─▶ transmit) a few times ─▶ timers ─▶ transmit ─▶ sleep, unless more waits
//! ```

use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use crossbeam_channel::Receiver;
use mio::{Events, Poll, Token};

use super::patrol::{PATROL, Patrol};
use super::shared::{Command, Shared};
use super::socket::Socket;

/// Times that the socket is read in a row before timers are looked at.
const RECEIVES: usize = 4;

pub(super) const SOCKET: Token = Token(0);
pub(super) const WAKER: Token = Token(1);

/// The state of the thread.
pub(super) struct Worker {
    shared: Arc<Shared>,
    poll: Poll,
    commands: Receiver<Command>,
    ready: Vec<Waker>,
    /// The socket was not read to its end since it became readable.
    is_readable: bool,
    watches_for_room: bool,
    patrol: Patrol,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>, poll: Poll, commands: Receiver<Command>) -> Self {
        let ready = Vec::new();
        let patrol = Patrol::default();
        Self { shared, poll, commands, ready, is_readable: true, watches_for_room: false, patrol }
    }

    /// Runs until nothing is left to do.
    pub(super) fn run(mut self) {
        // Waits must end even if this thread dies.
        let _end = End { shared: Arc::clone(&self.shared), commands: self.commands.clone() };
        let mut events = Events::with_capacity(8);
        loop {
            let may_have_more = self.turn();
            let is_drained = !may_have_more && self.is_drained();
            if is_drained {
                return;
            }
            let timeout = self.sleep_for(may_have_more);
            match self.poll.poll(&mut events, timeout) {
                Ok(()) => self.note(&events),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    fn note(&mut self, events: &Events) {
        for event in events.iter().filter(|event| event.token() == SOCKET) {
            if event.is_readable() || event.is_error() {
                self.is_readable = true;
                self.patrol.on_disturbed();
            }
            if event.is_writable() && self.watches_for_room {
                self.watch_for_room(false);
                self.shared.transmitter().unblock();
            }
        }
    }

    /// Does what there is to do, once. Returns whether there may be more.
    fn turn(&mut self) -> bool {
        self.run_commands();
        self.patrol();
        for _ in 0..RECEIVES {
            if !self.is_readable {
                break;
            }
            self.is_readable = self.shared.reception().receive(self.shared.guarded());
            self.shared.flush_from_worker();
        }
        self.shared.guarded().with(&mut self.ready, |core, now| core.run_timers(now));
        let more = self.shared.flush_from_worker();
        if self.shared.transmitter().is_blocked() && !self.watches_for_room {
            self.watch_for_room(true);
        }
        more || self.is_readable
    }

    /// Begins or ends a patrol, as the seat is used.
    fn patrol(&mut self) {
        let (now, reception) = (self.shared.now(), self.shared.reception());
        let did = self.patrol.is_on();
        let does = self.patrol.look(now, reception.usage());
        if does != did {
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
        self.watches_for_room = false;
        let local = socket.local_addr();
        self.shared.transmitter().replace_socket(socket);
        self.shared.guarded().with(&mut self.ready, |core, now| core.rebound(now, local));
        Ok(())
    }

    fn watch_for_room(&mut self, watch_it: bool) {
        self.shared.reception().watch_for_room(watch_it);
        self.watches_for_room = watch_it;
    }

    fn is_drained(&mut self) -> bool {
        self.shared.guarded().with(&mut self.ready, |core, _| core.check_drained())
    }

    fn sleep_for(&self, may_have_more: bool) -> Option<Duration> {
        if may_have_more {
            return Some(Duration::ZERO);
        }
        let mut core = self.shared.guarded().lock();
        let now = self.shared.now();
        let alarm = core.set_alarm(now).map(|alarm| alarm - now);
        match self.patrol.is_on() {
            true => Some(alarm.map_or(PATROL, |alarm| alarm.min(PATROL))),
            false => alarm,
        }
    }
}

/// Ends every wait when the thread ends, however it does.
struct End {
    shared: Arc<Shared>,
    commands: Receiver<Command>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.shared.guarded().with(&mut Vec::new(), |core, _| core.stop());
        // No command comes after that. Dropping those that came before tells who waits for their answers.
        while self.commands.try_recv().is_ok() {}
    }
}
