//! stdin, read by a thread of its own: nothing can wake a thread that waits for a terminal, so nobody else may wait there.
//!
//! ```text
//!  thread:  stdin ─read─▶ full chunks ─▶ whoever sends      one connection after another
//!             ▲───────── empty chunks ◀───────┘
//! ```

use std::io::{self, IsTerminal, Read};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::CHUNK;

/// Chunks on their way: one is sent while the next one is read.
const CHUNKS: usize = 2;

/// What came from stdin.
pub(super) type Chunk = io::Result<Vec<u8>>;

/// The receiving end. It is over when stdin is.
#[derive(Debug)]
pub(super) struct Input {
    full: Receiver<Chunk>,
    empty: Sender<Vec<u8>>,
}

impl Input {
    /// Starts to read stdin.
    pub(super) fn stdin() -> Self {
        if io::stdin().is_terminal() && !io::stdout().is_terminal() {
            return Self::over(io::empty());
        }
        Self::over(io::stdin())
    }

    fn over(source: impl Read + Send + 'static) -> Self {
        let (to_sender, full) = bounded(CHUNKS);
        let (empty, to_reader) = bounded(CHUNKS);
        for _ in 0..CHUNKS {
            // There is room for all of them.
            let _ = empty.send(Vec::with_capacity(CHUNK));
        }
        thread::spawn(move || read(source, &to_reader, &to_sender));
        Self { full, empty }
    }

    /// Where chunks arrive; disconnected after the last one.
    pub(super) fn chunks(&self) -> &Receiver<Chunk> {
        &self.full
    }

    /// Takes a chunk back to be filled again.
    pub(super) fn give_back(&self, chunk: Vec<u8>) {
        // The reader has ended: it needs no more.
        let _ = self.empty.send(chunk);
    }
}

fn read(mut source: impl Read, empty: &Receiver<Vec<u8>>, full: &Sender<Chunk>) {
    for mut chunk in empty {
        chunk.resize(CHUNK, 0);
        let filled = match read_some(&mut source, &mut chunk) {
            Ok(0) => return,
            Ok(length) => {
                chunk.truncate(length);
                Ok(chunk)
            }
            Err(error) => Err(error),
        };
        let failed = filled.is_err();
        if full.send(filled).is_err() || failed {
            return;
        }
    }
}

fn read_some(source: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives bytes in odd pieces, and an interruption now and then.
    struct Uneven {
        left: usize,
        calls: usize,
    }

    impl Read for Uneven {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.calls += 1;
            if self.calls.is_multiple_of(3) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let length = out.len().min(self.left).min(self.calls * 1013);
            out[..length].fill(7);
            self.left -= length;
            Ok(length)
        }
    }

    #[test]
    fn all_of_the_source_arrives_and_then_the_end() {
        let input = Input::over(Uneven { left: 3_000_001, calls: 0 });
        let mut total = 0;
        for chunk in input.chunks() {
            let chunk = chunk.unwrap();
            assert!(chunk.iter().all(|byte| *byte == 7));
            total += chunk.len();
            input.give_back(chunk);
        }
        assert_eq!(total, 3_000_001);
    }

    #[test]
    fn an_error_is_handed_on_and_is_the_last_thing() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::IsADirectory.into())
            }
        }
        let input = Input::over(Broken);
        let results: Vec<_> = input.chunks().iter().collect();
        assert_eq!(results.len(), 1);
        assert!(results[0].is_err());
    }
}
