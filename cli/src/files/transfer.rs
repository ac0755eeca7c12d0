//! Everything that a sender has to send, over as many connections as it takes.
//!
//! What is acknowledged or refused is over; what was under way when a connection broke goes back to the queue.

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;

use srudp::{ApplicationCode, Connection};

use super::limits::{CHECKSUM_RETRIES, FILES_AT_ONCE};
use super::message::{self, Malformed, Message, Reason};
use super::progress::Progress;
use super::sending::{SendError, Sent, Watch, send};
use super::walk::Item;

#[derive(Debug)]
pub(super) struct Transfer<'a> {
    progress: &'a Progress,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Item>,
    sent: u64,
    failed: u64,
    /// The connection broke: the workers stop.
    broken: Option<SendError>,
}

impl<'a> Transfer<'a> {
    pub(super) fn new(items: Vec<Item>, progress: &'a Progress) -> Self {
        progress.expect(items.iter().map(Item::size).fold(0, u64::saturating_add));
        let state = State { queue: items.into(), sent: 0, failed: 0, broken: None };
        Self { progress, state: Mutex::new(state) }
    }

    /// Files and folders that are over: delivered, and refused for good.
    pub(super) fn counts(&self) -> (u64, u64) {
        let state = self.state();
        (state.sent, state.failed)
    }

    /// Sends what is left over this connection, and closes it.
    pub(super) fn run(&self, connection: &Connection) -> Result<(), SendError> {
        let broken = |error| SendError::Broken(io::Error::from(error));
        let mut control = connection.open_stream().map_err(broken)?;
        let (files, bytes) = {
            let state = self.state();
            let bytes = state.queue.iter().map(Item::size).fold(0, u64::saturating_add);
            (state.queue.len() as u64, bytes)
        };
        message::write(&mut control, &Message::Announce { files, bytes })
            .map_err(SendError::stream)?;
        thread::scope(|scope| {
            for _ in 0..FILES_AT_ONCE {
                scope.spawn(|| self.work(connection));
            }
        });
        if let Some(error) = self.state().broken.take() {
            return Err(error);
        }
        message::write(&mut control, &Message::End).map_err(SendError::stream)?;
        match message::read(&mut control, &mut Vec::new()).map_err(SendError::stream)? {
            Message::Done => {}
            _ => return Err(SendError::Protocol(Malformed("an answer out of turn"))),
        }
        // Everything is acknowledged: whether the farewell is heard does not matter.
        let _ = connection.close(ApplicationCode::ZERO, b"");
        Ok(())
    }

    fn work(&self, connection: &Connection) {
        while let Some(item) = self.next() {
            match self.send_checked(connection, &item) {
                Ok(sent) => {
                    self.state().sent += 1;
                    self.note(&item, sent);
                }
                Err(error @ (SendError::Broken(_) | SendError::Protocol(_))) => {
                    let mut state = self.state();
                    state.queue.push_front(item);
                    state.broken.get_or_insert(error);
                }
                Err(error) => {
                    self.state().failed += 1;
                    self.progress.expect_less(item.size());
                    self.progress.say(&format!("{}: {error}", item.path()));
                }
            }
        }
    }

    fn next(&self) -> Option<Item> {
        let mut state = self.state();
        if state.broken.is_some() { None } else { state.queue.pop_front() }
    }

    fn note(&self, item: &Item, sent: Sent) {
        match sent {
            Sent::Skipped => {
                self.progress.spared(item.size());
                self.progress.note(&format!("{} is there already", item.path()));
            }
            Sent::From(_) => self.progress.note(&format!("{} sent", item.path())),
        }
    }

    /// Sends; and again if it arrived damaged.
    fn send_checked(&self, connection: &Connection, item: &Item) -> Result<Sent, SendError> {
        let mut retries = CHECKSUM_RETRIES;
        loop {
            match self.send_once(connection, item) {
                Err(SendError::Refused(refusal))
                    if refusal.reason() == Reason::Checksum && retries > 0 =>
                {
                    retries -= 1;
                }
                result => return result,
            }
        }
    }

    fn send_once(&self, connection: &Connection, item: &Item) -> Result<Sent, SendError> {
        let stream = connection.open_stream();
        let mut stream = stream.map_err(|error| SendError::Broken(error.into()))?;
        let mut count = Count { progress: self.progress, item, moved: 0, spared: 0 };
        let result = send(&mut stream, item, &mut count);
        if result.is_err() {
            self.progress.undo(count.moved, count.spared);
        }
        result
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts for the progress, so that it can be taken back.
struct Count<'a> {
    progress: &'a Progress,
    item: &'a Item,
    moved: u64,
    spared: u64,
}

impl Watch for Count<'_> {
    fn resumed(&mut self, offset: u64) {
        if offset > 0 {
            self.progress.say(&format!("resuming {} at {offset}", self.item.path()));
        }
        self.spared = offset;
        self.progress.spared(offset);
    }

    fn moved(&mut self, bytes: u64) {
        self.moved = self.moved.saturating_add(bytes);
        self.progress.moved(bytes);
    }
}
