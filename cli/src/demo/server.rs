//! The demonstration's other peer: answers with sums, and echoes small requests.

use std::io::{self, Read, Write};
use std::thread;

use srudp::{Connection, Stream};

use super::payload;

/// The first byte of a stream whose data is to be summed up.
pub(super) const DATA: u8 = b'D';

/// The first byte of a stream of requests.
pub(super) const REQUESTS: u8 = b'R';

/// Bytes of a request and of its answer.
pub(super) const REQUEST: usize = 64;

/// Serves the streams of a connection until it ends.
pub(super) fn serve(connection: &Connection) {
    while let Ok(stream) = connection.accept_stream() {
        thread::spawn(move || answer(stream));
    }
}

fn answer(mut stream: Stream) -> io::Result<()> {
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    match kind {
        [DATA] => payload::receive(&mut stream),
        _ => echo(stream),
    }
}

fn echo(mut stream: Stream) -> io::Result<()> {
    let mut request = [0; REQUEST];
    loop {
        stream.read_exact(&mut request)?;
        stream.write_all(&request)?;
    }
}
