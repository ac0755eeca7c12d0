//! Streams with a sender in the application's hands, and why the peer stopped them: the protocol forgets that when a stream is over.

use std::collections::BTreeMap;

use super::Core;
use crate::endpoint::ConnectionHandle;
use crate::stream::WriteError;
use crate::wire::{ApplicationCode, StreamId};

/// One map for all connections: most have one stream or none.
#[derive(Debug, Default)]
pub(super) struct Senders(BTreeMap<(ConnectionHandle, StreamId), Option<ApplicationCode>>);

impl Senders {
    /// The peer stops a stream, which matters to who holds its sender.
    pub(super) fn on_stopped(
        &mut self,
        handle: ConnectionHandle,
        id: StreamId,
        code: ApplicationCode,
    ) {
        if let Some(stopped) = self.0.get_mut(&(handle, id)) {
            *stopped = Some(code);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Core {
    /// The application holds a sender of this stream, and wants to know if the peer stops it.
    pub(crate) fn add_sender(&mut self, handle: ConnectionHandle, id: StreamId) {
        let Some(connection) = self.connection(handle) else { return };
        // A stream of the peer may have been stopped before it was accepted; an empty write tells.
        let stopped = match connection.write(id, &[]) {
            Err(WriteError::Stopped(code)) => Some(code),
            _ => None,
        };
        self.senders.0.insert((handle, id), stopped);
    }

    pub(crate) fn remove_sender(&mut self, handle: ConnectionHandle, id: StreamId) {
        self.senders.0.remove(&(handle, id));
    }

    /// The code with which the peer stopped a stream of [`Self::add_sender`].
    pub(crate) fn stopped(
        &self,
        handle: ConnectionHandle,
        id: StreamId,
    ) -> Option<ApplicationCode> {
        self.senders.0.get(&(handle, id)).copied().flatten()
    }
}
