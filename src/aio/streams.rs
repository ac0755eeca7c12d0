//! Streams for tasks. They are types of their own because the method names of the asynchronous and the blocking traits are the same.

use std::io;
use std::task::{Context, Poll};

use super::again::again;
use crate::api::{RecvStream, SendStream, Stream};
use crate::driver::{Lookout, Topic};
use crate::wire::StreamId;

/// A [`Stream`] that implements `AsyncRead` and `AsyncWrite` of `futures-io` and of `tokio`, with the crate features of these names.
#[derive(Clone, Debug)]
pub struct AsyncStream {
    send: AsyncSendStream,
    recv: AsyncRecvStream,
}

/// A [`SendStream`] that implements `AsyncWrite`. Closing or shutting it down ends the stream without waiting for the peer;
/// [`finish`](Self::finish) waits.
#[derive(Clone, Debug)]
pub struct AsyncSendStream(SendStream);

/// A [`RecvStream`] that implements `AsyncRead`.
#[derive(Clone, Debug)]
pub struct AsyncRecvStream {
    stream: RecvStream,
    lookout: Lookout,
}

impl Stream {
    /// The same stream for tasks. Its timeouts do not apply there.
    pub fn into_async(self) -> AsyncStream {
        let (send, recv) = self.into_split();
        AsyncStream { send: send.into_async(), recv: recv.into_async() }
    }
}

impl SendStream {
    /// The same stream for tasks. Its timeout does not apply there.
    pub fn into_async(self) -> AsyncSendStream {
        AsyncSendStream(self)
    }
}

impl RecvStream {
    /// The same stream for tasks. Its timeout does not apply there.
    pub fn into_async(self) -> AsyncRecvStream {
        AsyncRecvStream { stream: self, lookout: Lookout::default() }
    }
}

impl AsyncStream {
    /// Names the stream on its connection.
    pub fn id(&self) -> StreamId {
        self.send.0.id()
    }

    /// Both halves.
    pub fn into_split(self) -> (AsyncSendStream, AsyncRecvStream) {
        (self.send, self.recv)
    }

    /// See [`SendStream::finish`].
    ///
    /// # Errors
    /// As [`SendStream::finish`].
    pub async fn finish(&self) -> io::Result<()> {
        self.send.finish().await
    }

    pub(super) fn halves(&mut self) -> (&mut AsyncSendStream, &mut AsyncRecvStream) {
        (&mut self.send, &mut self.recv)
    }
}

impl AsyncSendStream {
    /// The same stream for threads: for everything that does not wait, such as `reset`.
    pub fn get_ref(&self) -> &SendStream {
        &self.0
    }

    /// See [`SendStream::finish`].
    ///
    /// # Errors
    /// As [`SendStream::finish`].
    pub async fn finish(&self) -> io::Result<()> {
        self.0.finish_async().await
    }

    pub(super) fn poll_write_some(
        &self,
        context: &Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        if data.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let key = self.0.key(Topic::Writable);
        let attempt = |core: &mut _, _| self.0.try_write(core, data);
        self.0.link().shared().poll(key, context.waker(), attempt).map_err(io::Error::from)
    }

    pub(super) fn flush_now(&self) {
        self.0.push();
    }

    pub(super) fn end(&self) -> io::Result<()> {
        self.0.end()
    }
}

impl AsyncRecvStream {
    /// The same stream for threads: for everything that does not wait, such as `stop`.
    pub fn get_ref(&self) -> &RecvStream {
        &self.stream
    }

    pub(super) fn poll_read_some(
        &mut self,
        context: &Context<'_>,
        out: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if out.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let Self { stream, lookout } = self;
        let attempt = |core: &mut _, now| stream.try_read(core, now, out);
        let (shared, key) = (stream.link().shared(), stream.key());
        lookout.poll(shared, key, context.waker(), again, attempt).map_err(io::Error::from)
    }
}
