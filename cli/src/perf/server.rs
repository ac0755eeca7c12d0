//! The side that is measured against: it reads, drops and echoes.

use std::io::{self, Read, Write};
use std::thread;

use srudp::{Connection, Endpoint, RecvStream, Stream};

use super::{CHUNK, CONTROL, ECHO, PROTOCOL, READY, Tuning, cpu};
use crate::exit::Failure;
use crate::options::Local;

/// Answer `srudp perf client` until the program is stopped.
///
/// Prints `listening ADDRESS PEER_ID` on stderr. Everybody may connect and use this machine's bandwidth: stop it when you are
/// done. Its CPU time is that of the whole process, so measure with one client at a time.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  srudp perf server --bind 0.0.0.0:41000")]
pub(crate) struct Args {
    #[command(flatten)]
    tuning: Tuning,

    #[command(flatten)]
    local: Local,
}

impl Args {
    pub(super) fn run(self) -> Result<(), Failure> {
        let transport = self.tuning.apply(self.local.transport());
        let builder = Endpoint::builder().application_protocol(PROTOCOL).transport(transport);
        let endpoint = self.local.listen(builder)?;
        eprintln!("listening {} {}", endpoint.local_addr(), endpoint.peer_id());
        loop {
            let connection =
                endpoint.accept().map_err(|error| Failure::of("cannot take connections", error))?;
            thread::spawn(move || serve(&connection));
        }
    }
}

/// Serves a connection until its end; how it ends is the client's business.
fn serve(connection: &Connection) {
    let uploads = connection.clone();
    thread::spawn(move || {
        while let Ok(stream) = uploads.accept_uni() {
            thread::spawn(move || drop_all(stream));
        }
    });
    while let Ok(stream) = connection.accept_stream() {
        thread::spawn(move || answer(stream));
    }
}

fn drop_all(mut stream: RecvStream) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    while stream.read(&mut buffer)? > 0 {}
    Ok(())
}

fn answer(mut stream: Stream) -> io::Result<()> {
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    match kind {
        [CONTROL] => control(stream),
        [ECHO] => echo(stream),
        _ => Ok(()),
    }
}

/// Tells how much CPU time passes until the client has finished.
fn control(mut stream: Stream) -> io::Result<()> {
    let begin = cpu::time();
    stream.write_all(&[READY])?;
    // The client sends nothing but the end.
    stream.read_to_end(&mut Vec::new())?;
    if let Some(seconds) = cpu::seconds_since(begin) {
        write!(stream, "{seconds}")?;
    }
    stream.finish()
}

fn echo(mut stream: Stream) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return stream.finish();
        }
        stream.write_all(buffer.get(..length).unwrap_or_default())?;
    }
}
