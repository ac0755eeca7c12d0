//! The main socket in the poll of the worker, and what it is watched for.
//!
//! ```text
//!   datagrams:  while no thread is in the seat, unless the worker patrols
//!   room:       after there was none, until there is
//! ```

use std::io;

use mio::{Interest, Registry, Token};

use super::patrol::{FINDING, SITTING, Usage};

/// What decides for what the worker's poll watches the socket.
#[derive(Debug)]
pub(super) struct Watch {
    registry: Registry,
    polled: mio::net::UdpSocket,
    token: Token,
    /// Threads that are in the seat, or about to leave it.
    seated: usize,
    /// How often a thread took the seat, and a task found on vigil what it waited for, as that counts.
    uses: u64,
    /// As many when a connection was let go last.
    uses_before: u64,
    /// The worker patrols instead.
    is_patrolled: bool,
    for_room: bool,
    /// What the poll was asked for.
    interest: Option<Interest>,
}

impl Watch {
    pub(super) fn new(
        registry: Registry,
        polled: mio::net::UdpSocket,
        token: Token,
    ) -> io::Result<Self> {
        let mut watch = Self {
            registry,
            polled,
            token,
            seated: 0,
            uses: 0,
            uses_before: 0,
            is_patrolled: false,
            for_room: false,
            interest: None,
        };
        watch.update()?;
        Ok(watch)
    }

    /// A thread has taken the seat.
    pub(super) fn on_taken(&mut self) {
        self.seated += 1;
        self.uses += SITTING;
        self.follow();
    }

    /// A task has found on vigil what it waited for.
    pub(super) fn on_found(&mut self) {
        self.uses += FINDING;
    }

    /// A thread has left it.
    pub(super) fn on_left(&mut self) {
        self.seated -= 1;
        self.follow();
    }

    /// A connection was let go, and who used the seat for it may not come back: the worker watches until others have used it often.
    pub(super) fn on_released(&mut self) {
        self.uses_before = self.uses;
        self.patrol(false);
    }

    /// The worker patrols, or no longer.
    pub(super) fn patrol(&mut self, does: bool) {
        self.is_patrolled = does;
        self.follow();
    }

    pub(super) fn watch_for_room(&mut self, watch_it: bool) {
        self.for_room = watch_it;
        self.follow();
    }

    pub(super) fn usage(&self) -> Usage {
        Usage {
            uses: self.uses,
            uses_before: self.uses_before,
            is_taken: self.seated > 0,
            is_patrolled: self.is_patrolled,
        }
    }

    /// Fails only without memory. The next change tries again, and until then a timer of the protocol wakes the worker.
    fn follow(&mut self) {
        let _ = self.update();
    }

    /// Tells the poll, if it is not what it was told already.
    fn update(&mut self) -> io::Result<()> {
        let readable = (self.seated == 0 && !self.is_patrolled).then_some(Interest::READABLE);
        let writable = self.for_room.then_some(Interest::WRITABLE);
        let wanted = match (readable, writable) {
            (Some(readable), Some(writable)) => Some(readable | writable),
            (one, other) => one.or(other),
        };
        let Self { registry, polled, token, interest, .. } = self;
        match (*interest, wanted) {
            (old, new) if old == new => return Ok(()),
            (None, Some(new)) => registry.register(polled, *token, new)?,
            (Some(_), Some(new)) => registry.reregister(polled, *token, new)?,
            (_, None) => registry.deregister(polled)?,
        }
        *interest = wanted;
        Ok(())
    }

    /// Watches this socket from now on, for the same but for room.
    pub(super) fn replace(&mut self, polled: mio::net::UdpSocket) -> io::Result<()> {
        let old = std::mem::replace(&mut self.polled, polled);
        let (interest, for_room) = (self.interest.take(), std::mem::take(&mut self.for_room));
        if let Err(error) = self.update() {
            (self.polled, self.interest, self.for_room) = (old, interest, for_room);
            return Err(error);
        }
        let mut old = old;
        // The old socket closes with its last copy, whether or not the poll lets it go.
        let _ = self.registry.deregister(&mut old);
        Ok(())
    }
}
