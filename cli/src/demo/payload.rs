//! What the demonstration transfers, and how each side knows that it is the same.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use sha2::{Digest, Sha256};
use srudp::Stream;
use srudp_links::Generator;

/// Bytes in one read and write.
const CHUNK: usize = 64 * 1024;

/// A SHA-256 sum.
pub(super) type Sum = [u8; 32];

/// Sends so many random bytes, and asks for the sum of what arrived. Returns the sums of both sides.
pub(super) fn send(
    stream: &mut Stream,
    bytes: usize,
    seed: u64,
    mut count: impl FnMut(usize),
) -> io::Result<(Sum, Sum)> {
    let mut random = Generator::new(seed);
    let mut sum = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut left = bytes;
    while left > 0 {
        for word in chunk.chunks_exact_mut(size_of::<u64>()) {
            word.copy_from_slice(&random.bits().to_le_bytes());
        }
        let part = chunk.get(..left.min(CHUNK)).unwrap_or(&chunk);
        stream.write_all(part)?;
        sum.update(part);
        left -= part.len();
        count(part.len());
    }
    stream.shutdown(Shutdown::Write)?;
    let mut theirs = [0; 32];
    stream.read_exact(&mut theirs)?;
    Ok((sum.finalize().into(), theirs))
}

/// Reads to the end, and answers with the sum.
pub(super) fn receive(stream: &mut Stream) -> io::Result<()> {
    let mut sum = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = stream.read(&mut chunk)?;
        if length == 0 {
            break;
        }
        sum.update(chunk.get(..length).unwrap_or_default());
    }
    stream.write_all(&sum.finalize())?;
    stream.finish()
}
