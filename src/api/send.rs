//! The sending half of a stream.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf, Bytes};

use super::attempt::{self, Data};
use super::error::StreamError;
use super::link::Link;
use super::timeout::Timeout;
use crate::base::Instant;
use crate::driver::{Core, Key, Topic};
use crate::stream::WriteError;
use crate::wire::{ApplicationCode, StreamId};

/// Writes to the peer. Clones write to the same stream.
///
/// Written data leaves at once, as far as the peer and the network take it; what they do not take is buffered up to a bound, and then
/// writing waits. To a peer that is near, and while much is under way to it, the end of what was written may wait for the peer's next
/// acknowledgement, so that datagrams leave in full batches; not if a thread waits for something on the connection, and not after a
/// [`flush`](Write::flush).
///
/// Dropping the last clone ends the stream like [`end`](Self::end): what was written is still delivered in the background, as with
/// a `TcpStream`. To be sure of it, [`finish`](Self::finish). To take it back, [`reset`](Self::reset).
#[derive(Clone, Debug)]
pub struct SendStream {
    half: Arc<SendHalf>,
}

/// What the clones share.
#[derive(Debug)]
struct SendHalf {
    link: Arc<Link>,
    id: StreamId,
    timeout: Timeout,
    is_ended: AtomicBool,
    is_reset: AtomicBool,
}

impl SendStream {
    /// Of a stream that was opened or accepted as one that the core tells us of ([`Core::add_sender`]).
    pub(crate) fn new(link: Arc<Link>, id: StreamId) -> Self {
        let timeout = Timeout::never();
        let (is_ended, is_reset) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { half: Arc::new(SendHalf { link, id, timeout, is_ended, is_reset }) }
    }

    /// Names the stream on its connection.
    pub fn id(&self) -> StreamId {
        self.half.id
    }

    /// How long a write or [`finish`](Self::finish) may wait; `None`, the default, for ever. With zero they do not wait, and fail with
    /// [`io::ErrorKind::WouldBlock`]. The timeout is shared by all clones.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) {
        self.half.timeout.set(timeout);
    }

    /// See [`set_write_timeout`](Self::set_write_timeout).
    pub fn write_timeout(&self) -> Option<Duration> {
        self.half.timeout.get()
    }

    /// Writes everything without copying it, for large pieces of data that exist already.
    ///
    /// # Errors
    /// As `write`. How much was written before an error is not told.
    pub fn write_bytes(&self, data: impl Into<Bytes>) -> io::Result<()> {
        let mut data = data.into();
        while !data.is_empty() {
            let written = self.write_data(Data::Bytes(&data))?;
            data.advance(written);
        }
        Ok(())
    }

    fn write_data(&self, data: Data<'_>) -> io::Result<usize> {
        let half = &self.half;
        half.wait(Topic::Writable(half.id), |core, _| half.try_write(core, data))
    }

    /// Ends the stream after what was written, and does not wait for the peer to have it. Ending it again does nothing.
    ///
    /// # Errors
    /// When the peer stopped the stream, or it was reset, or the connection is over.
    pub fn end(&self) -> io::Result<()> {
        Ok(self.half.end()?)
    }

    /// Ends the stream, and waits until the peer has acknowledged all of it.
    ///
    /// That means the peer's transport has it; whether its application read it, only the application can say.
    ///
    /// # Errors
    /// When not everything was delivered: [`WriteError::Stopped`] if the peer stopped the stream, otherwise why the connection is over; or the
    /// write timeout is over, and then it goes on in the background.
    pub fn finish(&self) -> io::Result<()> {
        let half = &self.half;
        half.end()?;
        half.wait(Topic::Finished(half.id), |core, _| half.try_finish(core))
    }

    /// Abandons the stream: what was not delivered yet never will be, and the peer's reader learns the code.
    pub fn reset(&self, code: ApplicationCode) {
        let half = &self.half;
        half.is_reset.store(true, Ordering::Relaxed);
        half.link.shared().with(|core, _| {
            if let Some(connection) = core.connection(half.link.handle()) {
                connection.reset(half.id, code);
            }
            half.wake(core);
        });
    }

    /// Data of streams with a higher priority leaves first; streams of the same take turns. The default is 0.
    pub fn set_priority(&self, priority: i32) {
        let half = &self.half;
        half.link.shared().with(|core, _| {
            if let Some(connection) = core.connection(half.link.handle()) {
                connection.set_priority(half.id, priority);
            }
        });
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.half.link
    }

    /// What was written leaves as soon as it may.
    pub(crate) fn push(&self) {
        let link = &self.half.link;
        link.shared().with(|core, _| core.push(link.handle()));
    }

    #[cfg(any(feature = "futures-io", feature = "tokio"))]
    pub(crate) fn try_write(
        &self,
        core: &mut Core,
        data: &[u8],
    ) -> Poll<Result<usize, StreamError>> {
        self.half.try_write(core, Data::Slice(data))
    }

    pub(crate) fn try_finish(&self, core: &mut Core) -> Poll<Result<(), StreamError>> {
        self.half.try_finish(core)
    }

    pub(crate) fn key(&self, topic: fn(StreamId) -> Topic) -> Key {
        self.half.link.key(topic(self.half.id))
    }
}

impl SendHalf {
    fn wait<T>(
        &self,
        topic: Topic,
        attempt: impl FnMut(&mut Core, Instant) -> Poll<Result<T, StreamError>>,
    ) -> io::Result<T> {
        self.link.wait_on_stream(topic, self.timeout.get(), attempt)
    }

    fn try_write(&self, core: &mut Core, data: Data<'_>) -> Poll<Result<usize, StreamError>> {
        attempt::write(core, self.link.handle(), self.id, data).map_err(|error| self.explain(error))
    }

    fn try_finish(&self, core: &mut Core) -> Poll<Result<(), StreamError>> {
        if self.is_reset.load(Ordering::Relaxed) {
            return Poll::Ready(Err(StreamError::Write(WriteError::Reset)));
        }
        attempt::finished(core, self.link.handle(), self.id)
    }

    fn end(&self) -> Result<(), StreamError> {
        if self.is_ended.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let handle = self.link.handle();
        self.link.shared().with(|core, _| {
            let result = match core.connection(handle) {
                Some(connection) => connection.finish(self.id),
                None => Err(WriteError::ConnectionClosed),
            };
            self.wake(core);
            match result {
                Ok(()) | Err(WriteError::Finished) => Ok(()),
                Err(error) => {
                    Err(self.explain(attempt::explain_write(core, handle, self.id, error)))
                }
            }
        })
    }

    /// The protocol forgets streams that are over; this half knows how it ended.
    fn explain(&self, error: StreamError) -> StreamError {
        match error {
            StreamError::Write(WriteError::Unknown) if self.is_reset.load(Ordering::Relaxed) => {
                StreamError::Write(WriteError::Reset)
            }
            StreamError::Write(WriteError::Unknown) => StreamError::Write(WriteError::Finished),
            error => error,
        }
    }

    /// Clones of this half may wait for what this half has ended.
    fn wake(&self, core: &mut Core) {
        core.wake(self.link.key(Topic::Writable(self.id)));
        core.wake(self.link.key(Topic::Finished(self.id)));
    }
}

impl Drop for SendHalf {
    fn drop(&mut self) {
        let handle = self.link.handle();
        let is_open = !self.is_ended.load(Ordering::Relaxed);
        self.link.shared().with(|core, _| {
            if let (true, Some(connection)) = (is_open, core.connection(handle)) {
                // If it has ended otherwise, or the connection has, there is nobody left to tell.
                let _ = connection.finish(self.id);
            }
            core.remove_sender(handle, self.id);
            // Tasks that were cancelled may have left their wakers.
            self.wake(core);
        });
    }
}

impl Write for &SendStream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if data.is_empty() {
            return Ok(0);
        }
        self.write_data(Data::Slice(data))
    }

    /// Hands to the socket what windows and pacing allow to leave now. The rest follows by itself.
    fn flush(&mut self) -> io::Result<()> {
        self.push();
        Ok(())
    }
}

impl Write for SendStream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        (&*self).write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self).flush()
    }
}
