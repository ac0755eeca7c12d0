//! `srudp receive`: waits for senders, several at once, and stores what they send.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use srudp::{
    ApplicationCode, Connection, ConnectionError, Endpoint, EndpointBuilder, PeerId, Stream,
};

use super::PROTOCOL;
use super::limits::{CONNECTIONS_AT_ONCE_MAX, STREAMS_AT_ONCE_MAX};
use super::message::Malformed;
use super::name::printable;
use super::progress::Progress;
use super::receiving::{Announced, Listen, Received, receive};
use super::sending::Watch;
use super::slots::Slots;
use super::store::Store;
use crate::exit::{Code, Failure};
use crate::meeting::{AfterBreak, Door, Invitation};
use crate::options::Local;
use crate::path;

/// Wait for peers that run `srudp send`, and store what they send.
///
/// Prints `listening ADDRESS PEER_ID` on stderr; a sender needs both, with the address under which it reaches this machine.
/// A file appears under its name when it is complete and verified, and replaces nothing. Until then it is kept in
/// DIR/.srudp-partial, from where the next attempt of the sender goes on.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  srudp receive --bind 0.0.0.0:41000 --dir inbox --allow kbq2…
  srudp receive --once
  srudp receive --stun stun.example.net:3478      from behind a NAT

With --ticket, --stun or --meet it prints a ticket for senders, as listen does: see srudp listen --help.")]
pub(crate) struct Args {
    /// Where to store; made if it is not there
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,

    /// Let only this peer send; may be given several times [default: everybody]
    #[arg(long, value_name = "PEER_ID")]
    allow: Vec<PeerId>,

    /// Replace files of the same name that differ
    #[arg(long)]
    overwrite: bool,

    /// End after one complete transfer; the exit code tells whether every file of it is stored
    #[arg(long)]
    once: bool,

    #[command(flatten)]
    invitation: Invitation,

    #[command(flatten)]
    local: Local,
}

impl Args {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let store = Store::open(&self.dir, self.overwrite).map_err(|error| {
            Failure::of(format!("cannot store in {}", self.dir.display()), error)
        })?;
        let endpoint = self.local.invite(self.builder(), &self.invitation)?;
        let progress = Progress::new(self.local.verbose);
        eprintln!("listening {} {}", endpoint.local_addr(), endpoint.peer_id());
        let verbose = self.local.verbose;
        let door = Door::open(&endpoint, &self.invitation, AfterBreak::MeetAgain, verbose)?;
        let receiver = Receiver {
            endpoint: &endpoint,
            door: &door,
            store: &store,
            progress: &progress,
            once: self.once,
            result: Mutex::new(None),
        };
        progress.during(|| receiver.serve());
        endpoint.close(ApplicationCode::ZERO, b"");
        store.tidy();
        match receiver.result.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(0) => Ok(()),
            Some(failed) => Err(Failure::new(Code::Here, format!("{failed} not stored"))),
            None => Err(Failure::new(Code::Here, "cannot take connections any more")),
        }
    }

    fn builder(&self) -> EndpointBuilder {
        let streams = STREAMS_AT_ONCE_MAX as u64;
        let transport = self.local.transport().max_streams(streams, 0).datagrams(false);
        let builder = Endpoint::builder().application_protocol(PROTOCOL).transport(transport);
        if self.allow.is_empty() { builder } else { builder.allow(self.allow.iter().copied()) }
    }
}

struct Receiver<'a> {
    endpoint: &'a Endpoint,
    door: &'a Door,
    store: &'a Store,
    progress: &'a Progress,
    once: bool,
    /// The failures of the transfer that `--once` waited for.
    result: Mutex<Option<u64>>,
}

impl Receiver<'_> {
    fn serve(&self) {
        let slots = Slots::new(CONNECTIONS_AT_ONCE_MAX);
        thread::scope(|scope| {
            loop {
                let place = slots.take();
                let Ok(connection) = self.door.accept() else { break };
                scope.spawn(move || {
                    self.session(&connection);
                    drop(place);
                });
            }
        });
    }

    fn session(&self, connection: &Connection) {
        let session = Session {
            store: self.store,
            progress: self.progress,
            peer: connection.peer_id().to_string(),
            failed: AtomicU64::new(0),
            announced: AtomicU64::new(0),
            counted: AtomicU64::new(0),
            complete: AtomicBool::new(false),
        };
        self.progress.note(&format!("{} connected; {}", session.peer, path::describe(connection)));
        let slots = Slots::new(STREAMS_AT_ONCE_MAX);
        let why = thread::scope(|scope| {
            if self.progress.is_verbose() {
                scope.spawn(|| path::follow(connection, |change| self.progress.say(change)));
            }
            loop {
                let place = slots.take();
                let stream = match connection.accept_stream() {
                    Ok(stream) => stream,
                    Err(why) => return why,
                };
                let session = &session;
                scope.spawn(move || {
                    session.stream(stream, connection);
                    drop(place);
                });
            }
        });
        session.settle();
        let complete = session.complete.load(Ordering::SeqCst);
        if !complete && !matches!(why, ConnectionError::LocalClosed) {
            self.progress.say(&format!("{} left before the end: {why}", session.peer));
        }
        if self.once && complete {
            let mut result = self.result.lock().unwrap_or_else(PoisonError::into_inner);
            result.get_or_insert(session.failed.load(Ordering::SeqCst));
            drop(result);
            self.endpoint.close(ApplicationCode::ZERO, b"");
        }
    }
}

/// One connection.
struct Session<'a> {
    store: &'a Store,
    progress: &'a Progress,
    peer: String,
    failed: AtomicU64,
    announced: AtomicU64,
    counted: AtomicU64,
    complete: AtomicBool,
}

impl Session<'_> {
    fn stream(&self, mut stream: Stream, connection: &Connection) {
        let mut count = Count { session: self, path: String::new() };
        let received = receive(&mut stream, self.store, &self.peer, &mut count);
        match received {
            Ok(Received::End) => self.complete.store(true, Ordering::SeqCst),
            Ok(Received::Stored { path }) => self.progress.note(&format!("{path} stored")),
            Ok(Received::Skipped { path }) => {
                self.progress.note(&format!("{path} is there already"));
            }
            Ok(Received::Refused { path, refusal }) => self.fail(&path, &refusal.to_string()),
            Ok(Received::Aborted { path, reason }) => {
                self.fail(&path, &format!("given up by the sender: {}", printable(&reason)));
            }
            Err(error) => self.broken(&error, connection),
        }
    }

    fn fail(&self, path: &str, why: &str) {
        self.failed.fetch_add(1, Ordering::SeqCst);
        self.progress.say(&format!("{path}: {why}"));
    }

    /// The end of the connection says more, and is said once.
    fn broken(&self, error: &io::Error, connection: &Connection) {
        self.failed.fetch_add(1, Ordering::SeqCst);
        if error.get_ref().is_some_and(|inner| inner.is::<Malformed>()) {
            self.progress.say(&format!("{}: {error}", self.peer));
            connection.close_now(ApplicationCode::new(1), b"malformed");
        }
    }

    /// What did not come is not expected any more: another connection announces it anew.
    fn settle(&self) {
        let announced = self.announced.load(Ordering::SeqCst);
        let counted = self.counted.load(Ordering::SeqCst);
        self.progress.expect_less(announced.saturating_sub(counted));
    }

    fn count(&self, bytes: u64) {
        self.counted.fetch_add(bytes, Ordering::SeqCst);
    }
}

/// Counts one stream for the progress.
struct Count<'a> {
    session: &'a Session<'a>,
    path: String,
}

impl Watch for Count<'_> {
    fn resumed(&mut self, offset: u64) {
        if offset > 0 {
            self.session.progress.say(&format!("resuming {} at {offset}", self.path));
        }
        self.session.count(offset);
        self.session.progress.spared(offset);
    }

    fn moved(&mut self, bytes: u64) {
        self.session.count(bytes);
        self.session.progress.moved(bytes);
    }
}

impl Listen for Count<'_> {
    fn announced(&mut self, announced: Announced) {
        self.session.announced.store(announced.bytes, Ordering::SeqCst);
        self.session.progress.expect(announced.bytes);
        let text = format!("{} sends {} files and folders", self.session.peer, announced.files);
        self.session.progress.note(&text);
    }

    fn begins(&mut self, path: &str, _offset: u64) {
        path.clone_into(&mut self.path);
    }
}
