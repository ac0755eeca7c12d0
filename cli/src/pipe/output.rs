//! stdout, without the line buffer that std puts before it.

use std::io::{self, Read, Write};

use super::CHUNK;
use crate::exit::Failure;

/// Which end of a copy failed.
#[derive(Debug)]
pub(super) enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

/// This process's stdout.
#[cfg(unix)]
pub(super) fn stdout() -> io::Result<impl Write> {
    use std::os::fd::AsFd;
    Ok(std::fs::File::from(io::stdout().as_fd().try_clone_to_owned()?))
}

/// This process's stdout.
#[cfg(not(unix))]
pub(super) fn stdout() -> io::Result<impl Write> {
    Ok(io::stdout())
}

/// Copies until the end of the source, and counts.
pub(super) fn copy(
    from: &mut impl Read,
    to: &mut impl Write,
    mut count: impl FnMut(usize),
) -> Result<(), CopyError> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let length = match from.read(&mut buffer) {
            Ok(0) => return to.flush().map_err(CopyError::Write),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(CopyError::Read(error)),
        };
        let chunk = buffer.get(..length).unwrap_or_default();
        to.write_all(chunk).map_err(CopyError::Write)?;
        count(length);
    }
}

/// What a failed write to stdout means for the program.
pub(super) fn failure(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::quiet(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Failure::of("cannot write to stdout, make room and start again", error)
        }
        _ => Failure::of("cannot write to stdout", error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_complete_and_counted() {
        let source: Vec<u8> = (0..1_000_003_u32).map(|n| (n % 251) as u8).collect();
        let (mut copied, mut counted) = (Vec::new(), 0);
        copy(&mut source.as_slice(), &mut copied, |length| counted += length).unwrap();
        assert_eq!(counted, source.len());
        assert!(copied == source);
    }

    #[test]
    fn the_failing_end_is_named() {
        let mut short = [0; 3];
        let result = copy(&mut [1, 2, 3, 4].as_slice(), &mut short.as_mut_slice(), |_| ());
        assert!(matches!(result, Err(CopyError::Write(_))));
    }

    #[test]
    fn a_closed_stdout_is_no_news() {
        assert_eq!(failure(io::ErrorKind::BrokenPipe.into()).to_string(), "");
        assert!(failure(io::ErrorKind::StorageFull.into()).to_string().contains("make room"));
    }
}
