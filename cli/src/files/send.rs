//! `srudp send`: dials, sends, and dials again when the connection breaks.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use srudp::{ApplicationCode, Connection, ConnectionError, Endpoint};

use super::PROTOCOL;
use super::progress::Progress;
use super::sending::SendError;
use super::transfer::Transfer;
use super::walk::Walk;
use crate::clock;
use crate::exit::{Code, Failure, connection_error};
use crate::meeting::Approach;
use crate::options::{Local, Target};
use crate::path;

/// The first wait before dialling again; it doubles up to [`BACKOFF_MAX`].
const BACKOFF_FIRST: Duration = Duration::from_millis(200);

/// Rare enough for a network that is down, often enough for the person who waits.
const BACKOFF_MAX: Duration = Duration::from_secs(3);

/// Send files and folders to a peer that runs `srudp receive`.
///
/// Ends with code 0 only if the peer has acknowledged every file: complete, verified, and in its place. A transfer that breaks goes
/// on by itself, and so does one that is started again with the same command and identity. Symbolic links and special files are
/// left out and named.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  srudp send kbq2…@192.0.2.7:41000 photos report.pdf
  srudp send --retry 600 kbq2…@example.net:41000 backup      survives ten minutes without a network
  srudp send --stun stun.example.net:3478 srudp:aeah… photos      a ticket, from behind a NAT")]
pub(crate) struct Args {
    /// The peer's id and UDP address, as receive prints them, where the host may be a name; or its ticket
    #[arg(value_name = "PEER_ID@HOST:PORT|TICKET")]
    target: Target,

    #[command(flatten)]
    approach: Approach,

    /// What to send; folders with everything in them
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Dial again for this long when the connection breaks; 0 never
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    retry: u64,

    #[command(flatten)]
    local: Local,
}

impl Args {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let progress = Progress::new(self.local.verbose);
        let (items, left_out, unreadable) = Walk::of(&self.paths).into_parts();
        for text in left_out {
            progress.say(&format!("left out {text}"));
        }
        for text in &unreadable {
            progress.say(&format!("cannot send {text}"));
        }
        if items.is_empty() {
            return Err(Failure::new(Code::Here, "there is nothing to send"));
        }
        let transfer = Transfer::new(items, &progress);
        let mut dialler = Dialler { args: &self, endpoint: None };
        let result = progress.during(|| dialler.deliver(&transfer, &progress));
        dialler.close();
        result?;
        let (sent, failed) = transfer.counts();
        let failed = failed.saturating_add(unreadable.len() as u64);
        if failed > 0 {
            let text = format!("{failed} not sent, {sent} sent and acknowledged");
            return Err(Failure::new(Code::Here, text));
        }
        progress.note(&format!("{sent} sent and acknowledged"));
        Ok(())
    }
}

/// Keeps the endpoint from one connection to the next: a fresh identity would resume nothing.
struct Dialler<'a> {
    args: &'a Args,
    endpoint: Option<Endpoint>,
}

impl Dialler<'_> {
    /// Runs the transfer to its end, over as many connections as the time allows.
    fn deliver(&mut self, transfer: &Transfer<'_>, progress: &Progress) -> Result<(), Failure> {
        let window = Duration::from_secs(self.args.retry);
        let (mut since, mut backoff) = (None::<Instant>, BACKOFF_FIRST);
        loop {
            let connected = self.dial();
            let failure = match connected {
                Ok(connection) => {
                    (since, backoff) = (None, BACKOFF_FIRST);
                    match run(transfer, &connection, progress) {
                        Ok(()) => return Ok(()),
                        Err(error) => Broken::of_transfer(error),
                    }
                }
                Err(broken) => broken,
            };
            let now = clock::now();
            let over = now.saturating_duration_since(*since.get_or_insert(now));
            if failure.is_final || over >= window {
                return Err(failure.failure);
            }
            progress.say(&format!("{}; trying again", failure.failure));
            thread::sleep(backoff.min(window.saturating_sub(over)));
            backoff = backoff.saturating_mul(2).min(BACKOFF_MAX);
        }
    }

    fn dial(&mut self) -> Result<Connection, Broken> {
        let (local, target) = (&self.args.local, &self.args.target);
        let is_first = self.endpoint.is_none();
        let endpoint = match self.endpoint.take() {
            Some(endpoint) => endpoint,
            None => self.bind().map_err(Broken::lasting)?,
        };
        let connected = local.reach(&endpoint, target, &self.args.approach).map_err(|failure| {
            // Nobody there may be a peer that starts later. What has worked once may work again, if the peer wants it.
            let is_final = match failure.code() {
                Code::Unreached => false,
                Code::Refused | Code::Broken => true,
                Code::Here => is_first,
            };
            Broken { failure, is_final }
        });
        self.endpoint = Some(endpoint);
        connected
    }

    fn bind(&self) -> Result<Endpoint, Failure> {
        let builder = Endpoint::builder()
            .application_protocol(PROTOCOL)
            .transport(self.args.local.transport());
        let builder = self.args.approach.servers().tell(builder)?;
        self.args.local.endpoint_for(builder, &self.args.target)
    }

    fn close(&self) {
        if let Some(endpoint) = &self.endpoint {
            endpoint.close(ApplicationCode::ZERO, b"");
        }
    }
}

/// Runs the transfer over one connection, which is closed then.
fn run(
    transfer: &Transfer<'_>,
    connection: &Connection,
    progress: &Progress,
) -> Result<(), SendError> {
    progress.note(&format!("connected; {}", path::describe(connection)));
    thread::scope(|scope| {
        if progress.is_verbose() {
            scope.spawn(|| path::follow(connection, |change| progress.say(change)));
        }
        let result = transfer.run(connection);
        connection.close_now(ApplicationCode::ZERO, b"");
        result
    })
}

/// Why there is no transfer at the moment, and whether that can change.
struct Broken {
    failure: Failure,
    is_final: bool,
}

impl Broken {
    fn lasting(failure: Failure) -> Self {
        Self { failure, is_final: true }
    }

    fn of_transfer(error: SendError) -> Self {
        match error {
            SendError::Broken(error) => {
                let is_final = connection_error(&error).is_some_and(is_final);
                Self { failure: Failure::of("the connection broke", error), is_final }
            }
            other => {
                let failure = Failure::new(Code::Broken, other.to_string());
                Self { failure, is_final: true }
            }
        }
    }
}

/// The peer does not want us, now or later.
fn is_final(error: &ConnectionError) -> bool {
    matches!(error, ConnectionError::Refused { .. } | ConnectionError::PeerClosed { .. })
}
