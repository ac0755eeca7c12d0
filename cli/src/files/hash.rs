//! SHA-256 of the beginning of a file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use sha2::{Digest as _, Sha256};

use super::limits::DATA_BYTES_MAX;

/// Hashes up to `length` bytes; says how many there were. The file's own position is not used.
pub(super) fn of(file: &File, length: u64) -> io::Result<(u64, Sha256)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; DATA_BYTES_MAX];
    let mut at = 0;
    while at < length {
        let room = usize::try_from(length - at).map_or(DATA_BYTES_MAX, |n| n.min(DATA_BYTES_MAX));
        let part = buffer.get_mut(..room).unwrap_or_default();
        let count = match file.read_at(part, at) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(part.get(..count).unwrap_or_default());
        at += count as u64;
    }
    Ok((at, hasher))
}
