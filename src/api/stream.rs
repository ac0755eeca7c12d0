//! A stream in both directions, used like a `TcpStream`.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::link::Link;
use super::recv::RecvStream;
use super::send::SendStream;
use crate::crypto::PeerId;
use crate::wire::{ApplicationCode, StreamId};

/// A bidirectional stream: [`Read`] and [`Write`], also on `&Stream`, so that one thread reads while another writes.
///
/// Clones are the same stream. See [`SendStream`] and [`RecvStream`] for what happens when the last one is dropped.
///
/// The peer hears of a stream when the first data, or the end, is written to it; opening alone sends nothing.
#[derive(Clone, Debug)]
pub struct Stream {
    send: SendStream,
    recv: RecvStream,
}

impl Stream {
    pub(crate) fn new(link: Arc<Link>, id: StreamId) -> Self {
        Self { send: SendStream::new(Arc::clone(&link), id), recv: RecvStream::new(link, id) }
    }

    /// Names the stream on its connection.
    pub fn id(&self) -> StreamId {
        self.send.id()
    }

    /// The proved identity of the peer.
    pub fn peer_id(&self) -> PeerId {
        self.send.link().peer()
    }

    /// Both halves, borrowed.
    pub fn split(&self) -> (&SendStream, &RecvStream) {
        (&self.send, &self.recv)
    }

    /// Both halves.
    pub fn into_split(self) -> (SendStream, RecvStream) {
        (self.send, self.recv)
    }

    /// Another handle to the same stream, as with a `TcpStream`.
    ///
    /// # Errors
    /// None: it returns a `Result` so that code for a `TcpStream` fits.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(self.clone())
    }

    /// Ends the sending half ([`SendStream::end`]), the receiving half ([`RecvStream::stop`] with code 0), or both.
    ///
    /// # Errors
    /// As [`SendStream::end`].
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        if matches!(how, Shutdown::Read | Shutdown::Both) {
            self.recv.stop(ApplicationCode::ZERO);
        }
        if matches!(how, Shutdown::Write | Shutdown::Both) {
            self.send.end()?;
        }
        Ok(())
    }

    /// See [`SendStream::end`].
    ///
    /// # Errors
    /// As [`SendStream::end`].
    pub fn end(&self) -> io::Result<()> {
        self.send.end()
    }

    /// See [`SendStream::finish`].
    ///
    /// # Errors
    /// As [`SendStream::finish`].
    pub fn finish(&self) -> io::Result<()> {
        self.send.finish()
    }

    /// See [`SendStream::reset`].
    pub fn reset(&self, code: ApplicationCode) {
        self.send.reset(code);
    }

    /// See [`RecvStream::stop`].
    pub fn stop(&self, code: ApplicationCode) {
        self.recv.stop(code);
    }

    /// See [`SendStream::set_priority`].
    pub fn set_priority(&self, priority: i32) {
        self.send.set_priority(priority);
    }

    /// See [`SendStream::write_bytes`].
    ///
    /// # Errors
    /// As [`SendStream::write_bytes`].
    pub fn write_bytes(&self, data: impl Into<Bytes>) -> io::Result<()> {
        self.send.write_bytes(data)
    }

    /// See [`RecvStream::read_with`].
    ///
    /// # Errors
    /// As [`RecvStream::read_with`].
    pub fn read_with(&self, take: impl FnMut(&[u8]) -> usize) -> io::Result<Option<usize>> {
        self.recv.read_with(take)
    }

    /// See [`RecvStream::set_read_timeout`].
    ///
    /// # Errors
    /// None: it returns a `Result` so that code for a `TcpStream` fits.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.recv.set_read_timeout(timeout);
        Ok(())
    }

    /// See [`SendStream::set_write_timeout`].
    ///
    /// # Errors
    /// None: it returns a `Result` so that code for a `TcpStream` fits.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.send.set_write_timeout(timeout);
        Ok(())
    }
}

impl Read for &Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        (&self.recv).read(out)
    }
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        (&self.recv).read(out)
    }
}

impl Write for &Stream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        (&self.send).write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&self.send).flush()
    }
}

impl Write for Stream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        (&self.send).write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&self.send).flush()
    }
}
