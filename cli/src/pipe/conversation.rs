//! One connection from its first byte to its end, and whether that was a good one.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, bounded, select};
use srudp::{ApplicationCode, Connection, ConnectionError, RecvStream, SendStream};

use super::input::Input;
use super::output::{self, CopyError};
use crate::clock;
use crate::exit::{Code, Failure, connection_error};
use crate::path;
use crate::progress::Progress;
use crate::units;

/// Closed because everything was exchanged.
const DONE: ApplicationCode = ApplicationCode::ZERO;

/// Closed because this side cannot read its stdin, or write its stdout, any more.
const CANNOT_GO_ON: ApplicationCode = ApplicationCode::new(1);

/// How long a listener with nothing left to do waits for the dialler to close. Longer only if the farewell was lost.
const FAREWELL: Duration = Duration::from_secs(5);

/// Who closes when both directions are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Dialler,
    Listener,
}

/// What a connection carries for this program.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    connection: &'a Connection,
    input: &'a Input,
    begin: Instant,
    verbose: bool,
    progress: Mutex<Progress>,
    sent: AtomicU64,
    received: AtomicU64,
    /// The first thing that failed: the reason for everything that failed after it.
    failed: Mutex<Option<Failure>>,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(connection: &'a Connection, input: &'a Input, verbose: bool) -> Self {
        Self {
            connection,
            input,
            begin: clock::now(),
            verbose,
            progress: Mutex::new(Progress::beside_data()),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            failed: Mutex::new(None),
        }
    }

    /// Runs until both directions are over, or the connection is.
    pub(super) fn run(self, part: Part) -> Result<(), Failure> {
        let (alive, gone) = bounded::<Infallible>(0);
        let result = thread::scope(|scope| {
            scope.spawn(|| {
                self.connection.closed();
                drop(alive);
            });
            if self.verbose {
                scope.spawn(|| path::follow(self.connection, |change| self.say(change)));
            }
            let sender = scope.spawn(|| self.carry(|stream| self.send(stream, &gone)));
            self.carry(|stream| self.receive(stream));
            // A panic of the thread is passed on by the scope.
            let _ = sender.join();
            match self.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
                Some(failure) => Err(failure),
                None => self.part_ways(part, &gone),
            }
        });
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clear();
        if self.verbose {
            eprintln!("srudp: {}; {}", self.totals(), path::describe(self.connection));
        }
        result
    }

    /// Carries one direction to its end.
    fn carry<S>(&self, direction: impl FnOnce(&mut Option<S>) -> Result<(), Failure>) {
        // Dropped after the connection was closed: the peer shall not hear first that the stream is given up.
        let mut stream = None;
        direction(&mut stream).unwrap_or_else(|failure| self.fail(failure));
    }

    /// Sends stdin and its end, and waits until the peer has acknowledged them.
    fn send(
        &self,
        stream: &mut Option<SendStream>,
        gone: &Receiver<Infallible>,
    ) -> Result<(), Failure> {
        let stream = match self.connection.open_uni() {
            Ok(opened) => stream.insert(opened),
            Err(error) => return self.unless_content(error),
        };
        loop {
            let chunk = select! {
                recv(self.input.chunks()) -> chunk => chunk,
                recv(gone) -> _ => return self.unless_content(self.connection.closed()),
            };
            let Ok(chunk) = chunk else { break };
            let chunk = chunk.map_err(|error| Failure::of("cannot read stdin", error))?;
            std::io::Write::write_all(stream, &chunk).map_err(broken)?;
            self.sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            self.input.give_back(chunk);
            self.show();
        }
        stream.finish().or_else(|error| self.unless_content(error))
    }

    /// Writes what comes to stdout.
    fn receive(&self, stream: &mut Option<RecvStream>) -> Result<(), Failure> {
        let stream = match self.connection.accept_uni() {
            Ok(accepted) => stream.insert(accepted),
            Err(error) => return self.unless_content(error),
        };
        let mut stdout = output::stdout().map_err(output::failure)?;
        let count = |length| {
            self.received.fetch_add(length as u64, Ordering::Relaxed);
            self.show();
        };
        output::copy(stream, &mut stdout, count).map_err(|error| match error {
            CopyError::Read(error) => broken(error),
            CopyError::Write(error) => output::failure(error),
        })
    }

    /// A peer that closes with code 0 has all it wants: what waited for it need not wait any longer.
    fn unless_content(
        &self,
        error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Result<(), Failure> {
        let error = error.into();
        match connection_error(error.as_ref()) {
            Some(ConnectionError::PeerClosed { code: DONE, .. }) => Ok(()),
            _ => Err(broken(error)),
        }
    }

    /// Remembers what went wrong, and ends the connection so that the other direction learns it too.
    fn fail(&self, failure: Failure) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
        self.connection.close_now(CANNOT_GO_ON, b"a side of the pipe is gone");
    }

    /// Both directions are over. What matters has been acknowledged, so a lost farewell is no failure.
    fn part_ways(&self, part: Part, gone: &Receiver<Infallible>) -> Result<(), Failure> {
        if part == Part::Listener {
            // Either the connection closes, or the time is over; no message can come.
            let _ = gone.recv_timeout(FAREWELL);
        }
        match self.connection.close(DONE, b"") {
            Ok(()) => {}
            Err(error) => match connection_error(&error) {
                Some(ConnectionError::PeerClosed { code, .. }) if *code != DONE => {
                    return Err(broken(error));
                }
                _ => {}
            },
        }
        Ok(())
    }

    fn say(&self, text: &str) {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clear();
        eprintln!("srudp: {text}");
    }

    fn show(&self) {
        // Whoever is late need not wait for a line that is about to be written.
        let Ok(mut progress) = self.progress.try_lock() else { return };
        progress.show(|| {
            let totals = self.totals();
            if self.verbose {
                format!("{totals}; {}", path::describe(self.connection))
            } else {
                totals
            }
        });
    }

    fn totals(&self) -> String {
        let time = clock::now().duration_since(self.begin);
        let (sent, received) =
            (self.sent.load(Ordering::Relaxed), self.received.load(Ordering::Relaxed));
        format!(
            "sent {} at {}, received {} at {}",
            units::bytes(sent),
            units::rate(sent, time),
            units::bytes(received),
            units::rate(received, time),
        )
    }
}

/// What is not an error of the connection is one of a stream: the peer stopped or reset it.
fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Failure {
    let error = error.into();
    if connection_error(error.as_ref()).is_some() {
        return Failure::of("the pipe broke", error);
    }
    Failure::new(Code::Broken, format!("the pipe broke: {error}"))
}
