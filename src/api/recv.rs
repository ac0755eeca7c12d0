//! The receiving half of a stream.

use std::io::{self, Read};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use super::attempt;
use super::error::StreamError;
use super::link::Link;
use super::timeout::Timeout;
use crate::base::Instant;
use crate::driver::{Core, Topic};
use crate::stream::ReadError;
use crate::wire::{ApplicationCode, StreamId};

/// Reads from the peer. Clones read from the same stream; each byte goes to one of them.
///
/// Reading 0 bytes is the end of the stream: the peer has ended it, and everything has been read.
///
/// Dropping the last clone before the end asks the peer to stop sending, with code 0.
#[derive(Clone, Debug)]
pub struct RecvStream {
    half: Arc<RecvHalf>,
}

/// What the clones share.
#[derive(Debug)]
struct RecvHalf {
    link: Arc<Link>,
    id: StreamId,
    timeout: Timeout,
    /// How the stream ended; the protocol forgets it. `Ok` is its proper end.
    end: OnceLock<Result<(), ReadError>>,
}

impl RecvStream {
    pub(crate) fn new(link: Arc<Link>, id: StreamId) -> Self {
        let half = RecvHalf { link, id, timeout: Timeout::never(), end: OnceLock::new() };
        Self { half: Arc::new(half) }
    }

    /// Names the stream on its connection.
    pub fn id(&self) -> StreamId {
        self.half.id
    }

    /// How long a read may wait; `None`, the default, for ever. With zero it does not wait, and fails with
    /// [`io::ErrorKind::WouldBlock`]. The timeout is shared by all clones.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) {
        self.half.timeout.set(timeout);
    }

    /// See [`set_read_timeout`](Self::set_read_timeout).
    pub fn read_timeout(&self) -> Option<Duration> {
        self.half.timeout.get()
    }

    /// Shows what has arrived to `take` without copying it, piece by piece: as long as `take` returns that it has used up all
    /// of a piece, and up to 256 KiB. What it has not used up is shown again. Waits until there is something, and
    /// returns how many bytes were used up; `None` is the end of the stream. One that has used up nothing is shown the same again at once,
    /// whether or not more has arrived: keep what you cannot use yet.
    ///
    /// The endpoint stands still while `take` runs: it must be quick, and must not use this endpoint.
    ///
    /// ```no_run
    /// # fn f(stream: &srudp::RecvStream) -> std::io::Result<()> {
    /// use sha2::{Digest, Sha256};
    ///
    /// let mut hash = Sha256::new();
    /// let mut hashed = |data: &[u8]| {
    ///     hash.update(data);
    ///     data.len()
    /// };
    /// while stream.read_with(&mut hashed)?.is_some() {}
    /// println!("{:x?}", hash.finalize());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As `read`.
    pub fn read_with(&self, mut take: impl FnMut(&[u8]) -> usize) -> io::Result<Option<usize>> {
        let half = &self.half;
        half.wait(|core, now| {
            half.ended(None).unwrap_or_else(|| {
                let result = attempt::read_with(core, now, half.link.handle(), half.id, &mut take);
                half.remember(result, Option::is_none)
            })
        })
    }

    /// Asks the peer to stop sending, with this code. What has arrived and what still comes is thrown away.
    pub fn stop(&self, code: ApplicationCode) {
        self.half.stop(code);
    }

    #[cfg(any(feature = "futures-io", feature = "tokio"))]
    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.half.link
    }

    #[cfg(any(feature = "futures-io", feature = "tokio"))]
    pub(crate) fn key(&self) -> crate::driver::Key {
        self.half.link.key(Topic::Readable(self.half.id))
    }

    #[cfg(any(feature = "futures-io", feature = "tokio"))]
    pub(crate) fn try_read(
        &self,
        core: &mut Core,
        now: Instant,
        out: &mut [u8],
    ) -> Poll<Result<usize, StreamError>> {
        self.half.try_read(core, now, out)
    }
}

impl RecvHalf {
    fn wait<T>(
        &self,
        attempt: impl FnMut(&mut Core, Instant) -> Poll<Result<T, StreamError>>,
    ) -> io::Result<T> {
        self.link.wait_on_stream(Topic::Readable(self.id), self.timeout.get(), attempt)
    }

    fn try_read(
        &self,
        core: &mut Core,
        now: Instant,
        out: &mut [u8],
    ) -> Poll<Result<usize, StreamError>> {
        self.ended(0).unwrap_or_else(|| {
            let result = attempt::read(core, now, self.link.handle(), self.id, out);
            self.remember(result, |read| *read == 0)
        })
    }

    /// What a read returns after the end.
    fn ended<T>(&self, at_end: T) -> Option<Poll<Result<T, StreamError>>> {
        self.end.get().map(|end| Poll::Ready(end.map(|()| at_end).map_err(StreamError::Read)))
    }

    fn remember<T>(
        &self,
        result: Poll<Result<T, StreamError>>,
        is_end: impl FnOnce(&T) -> bool,
    ) -> Poll<Result<T, StreamError>> {
        match &result {
            Poll::Ready(Ok(read)) if is_end(read) => {
                let _ = self.end.set(Ok(()));
            }
            Poll::Ready(Err(StreamError::Read(error))) => {
                let _ = self.end.set(Err(*error));
            }
            _ => {}
        }
        result
    }

    fn stop(&self, code: ApplicationCode) {
        self.link.shared().with(|core, _| {
            if self.end.set(Err(ReadError::Stopped)).is_ok()
                && let Some(connection) = core.connection(self.link.handle())
            {
                connection.stop(self.id, code);
            }
            core.wake(self.link.key(Topic::Readable(self.id)));
        });
    }
}

impl Drop for RecvHalf {
    fn drop(&mut self) {
        if self.end.get().is_none() {
            self.stop(ApplicationCode::ZERO);
        }
    }
}

impl Read for &RecvStream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        let half = &self.half;
        half.wait(|core, now| half.try_read(core, now, out))
    }
}

impl Read for RecvStream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        (&*self).read(out)
    }
}
