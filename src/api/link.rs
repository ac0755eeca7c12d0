//! The application's hold on a connection: connections, streams and their clones share one.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::error::{StreamError, elapsed};
use crate::base::Instant;
use crate::crypto::PeerId;
use crate::driver::{Core, Key, MeetingHandle, Shared, Topic};
use crate::endpoint::ConnectionHandle;

/// When the last one goes, the connection closes in the background.
pub(crate) struct Link {
    shared: Arc<Shared>,
    handle: ConnectionHandle,
    peer: PeerId,
}

impl Link {
    /// A connection that was established.
    pub(crate) fn new(shared: Arc<Shared>, handle: ConnectionHandle) -> Option<Arc<Self>> {
        let peer = shared.look(|core| Some(core.connection(handle)?.peer_id()))?;
        Some(Arc::new(Self { shared, handle, peer }))
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn handle(&self) -> ConnectionHandle {
        self.handle
    }

    pub(crate) fn peer(&self) -> PeerId {
        self.peer
    }

    pub(crate) fn key(&self, topic: Topic) -> Key {
        Key::Connection(self.handle, topic)
    }

    /// Waits for a result on one of the connection's streams.
    pub(crate) fn wait_on_stream<T>(
        &self,
        topic: Topic,
        timeout: Option<Duration>,
        attempt: impl FnMut(&mut Core, Instant) -> Poll<Result<T, StreamError>>,
    ) -> io::Result<T> {
        let key = self.key(topic);
        let Some(timeout) = timeout else { return Ok(self.shared.wait(key, attempt)?) };
        let result = self.shared.wait_for(key, timeout, attempt);
        Ok(result.ok_or_else(|| elapsed(timeout))??)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shared.release(self.handle);
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("handle", &self.handle).field("peer", &self.peer).finish()
    }
}

/// A meeting; abandoned when it is dropped before its end.
#[derive(Debug)]
pub(crate) struct Meeting {
    shared: Arc<Shared>,
    handle: MeetingHandle,
}

impl Meeting {
    pub(crate) fn new(shared: Arc<Shared>, handle: MeetingHandle) -> Self {
        Self { shared, handle }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn handle(&self) -> MeetingHandle {
        self.handle
    }
}

impl Drop for Meeting {
    fn drop(&mut self) {
        // Nothing, if it has come to its end.
        self.shared.with(|core, now| core.abandon_meeting(now, self.handle));
    }
}

/// A dial; abandoned when it is dropped before its end.
#[derive(Debug)]
pub(crate) struct Dialling {
    shared: Arc<Shared>,
    handle: ConnectionHandle,
    is_over: bool,
}

impl Dialling {
    pub(crate) fn new(shared: Arc<Shared>, handle: ConnectionHandle) -> Self {
        Self { shared, handle, is_over: false }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn handle(&self) -> ConnectionHandle {
        self.handle
    }

    /// The dial has succeeded.
    pub(crate) fn into_link(mut self) -> Option<Arc<Link>> {
        let link = Link::new(Arc::clone(&self.shared), self.handle);
        self.is_over = link.is_some();
        link
    }
}

impl Drop for Dialling {
    fn drop(&mut self) {
        if !self.is_over {
            self.shared.release(self.handle);
        }
    }
}
