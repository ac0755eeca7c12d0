//! What the peers do with their connection: one sends data on several streams, the other answers each with the checksum of what came.

use sha2::{Digest, Sha256};
use srudp::proto::{Connection, Instant, ReadError, WriteError};
use srudp::{Direction, StreamId};
use srudp_links::Generator;

use super::super::payload::Sum;

/// Bytes in one read and write.
const CHUNK: usize = 64 * 1024;

/// Sends, and hears what the other side says that it got.
pub(super) struct Upload {
    streams: Vec<Sending>,
}

struct Sending {
    id: StreamId,
    random: Generator,
    /// What was not written yet.
    chunk: Vec<u8>,
    /// Bytes behind the chunk.
    left: usize,
    finished: bool,
    ours: Sha256,
    theirs: Vec<u8>,
}

impl Upload {
    /// So many streams of so many random bytes. `None` if the peer does not allow as many streams.
    pub(super) fn new(
        connection: &mut Connection,
        streams: usize,
        bytes: usize,
        seed: u64,
    ) -> Option<Self> {
        let stream = |seed| {
            let id = connection.open_stream(Direction::Bidirectional)?;
            let (random, ours) = (Generator::new(seed), Sha256::new());
            let (chunk, theirs) = (Vec::new(), Vec::new());
            Some(Sending { id, random, chunk, left: bytes, finished: false, ours, theirs })
        };
        let streams = (seed..).take(streams).map(stream).collect::<Option<_>>()?;
        Some(Self { streams })
    }

    /// Goes on as far as it can.
    pub(super) fn pump(&mut self, now: Instant, connection: &mut Connection) {
        for stream in &mut self.streams {
            stream.send(connection);
            stream.hear(now, connection);
        }
    }

    /// The sums of both sides of each stream, when all are known.
    pub(super) fn sums(&self) -> Option<Vec<(Sum, Sum)>> {
        let sums = |stream: &Sending| {
            let theirs = Sum::try_from(stream.theirs.as_slice()).ok()?;
            Some((stream.ours.clone().finalize().into(), theirs))
        };
        self.streams.iter().map(sums).collect()
    }
}

impl Sending {
    fn send(&mut self, connection: &mut Connection) {
        while !self.finished {
            if self.chunk.is_empty() {
                self.refill();
            }
            if self.chunk.is_empty() {
                self.finished = connection.finish(self.id).is_ok();
                return;
            }
            match connection.write(self.id, &self.chunk) {
                Ok(written @ 1..) => drop(self.chunk.drain(..written)),
                Ok(0) | Err(WriteError::Blocked) => return,
                // The connection is over, which its event says.
                Err(_) => return,
            }
        }
    }

    fn refill(&mut self) {
        let size = self.left.min(CHUNK);
        while self.chunk.len() < size {
            self.chunk.extend_from_slice(&self.random.bits().to_le_bytes());
        }
        self.chunk.truncate(size);
        self.ours.update(&self.chunk);
        self.left -= size;
    }

    fn hear(&mut self, now: Instant, connection: &mut Connection) {
        let mut sum = Sum::default();
        while let Ok(read @ 1..) = connection.read(now, self.id, &mut sum) {
            self.theirs.extend(sum.iter().take(read));
        }
    }
}

/// Sums up what comes.
#[derive(Default)]
pub(super) struct Download {
    streams: Vec<(StreamId, Sha256)>,
    /// Bytes that came on all streams.
    pub(super) bytes: u64,
}

impl Download {
    /// Goes on as far as it can.
    pub(super) fn pump(&mut self, now: Instant, connection: &mut Connection) {
        while let Some(id) = connection.accept_stream(Direction::Bidirectional) {
            self.streams.push((id, Sha256::new()));
        }
        let mut chunk = vec![0; CHUNK];
        self.streams.retain_mut(|(id, sum)| {
            loop {
                match connection.read(now, *id, &mut chunk) {
                    Ok(0) => {
                        // An empty buffer has room for a sum.
                        let _ = connection.write(*id, &sum.finalize_reset());
                        let _ = connection.finish(*id);
                        return false;
                    }
                    Ok(read) => {
                        self.bytes += read as u64;
                        sum.update(chunk.get(..read).unwrap_or_default());
                    }
                    Err(ReadError::Blocked) => return true,
                    // The connection is over, which its event says.
                    Err(_) => return false,
                }
            }
        });
    }
}
