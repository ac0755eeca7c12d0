//! The connections and dials that the application may hold, and how far each has come.
//!
//! ```text
//!                    dial                       Connected               Closed event
//!   (handle is new) ─────▶ Dialling ──────────────────────▶ Open ───────────────────▶ Closed(why)
//!                 Accepted event: backlog, then accept ──────▲                             │
//!                                                                                          ▼
//!   released: the last handle was dropped. Lingers until Closed, and then the protocol forgets it.
//! ```

use std::collections::BTreeMap;

use crate::close::ConnectionError;
use crate::endpoint::ConnectionHandle;

#[derive(Debug, Default)]
pub(super) struct Entries(BTreeMap<ConnectionHandle, Entry>);

/// What is known of one connection or dial.
#[derive(Debug)]
struct Entry {
    stage: Stage,
    /// No handle is left.
    is_released: bool,
    /// The application has asked for the end.
    is_closing: bool,
}

#[derive(Debug)]
pub(super) enum Stage {
    Dialling,
    Open,
    Closed(ConnectionError),
}

impl Entries {
    pub(super) fn insert(&mut self, handle: ConnectionHandle, stage: Stage) {
        self.0.insert(handle, Entry { stage, is_released: false, is_closing: false });
    }

    pub(super) fn remove(&mut self, handle: ConnectionHandle) {
        self.0.remove(&handle);
    }

    pub(super) fn handles(&self) -> Vec<ConnectionHandle> {
        self.0.keys().copied().collect()
    }

    pub(super) fn stage(&self, handle: ConnectionHandle) -> Option<&Stage> {
        self.0.get(&handle).map(|entry| &entry.stage)
    }

    /// It has come further.
    pub(super) fn set_stage(&mut self, handle: ConnectionHandle, stage: Stage) {
        if let Some(entry) = self.0.get_mut(&handle) {
            entry.stage = stage;
        }
    }

    /// Its end was asked for, or it is not known any more.
    pub(super) fn is_closing(&self, handle: ConnectionHandle) -> bool {
        self.0.get(&handle).is_none_or(|entry| entry.is_closing)
    }

    /// Its end is asked for. Returns whether there is anything to end.
    pub(super) fn begin_closing(&mut self, handle: ConnectionHandle) -> bool {
        self.0.get_mut(&handle).map(|entry| entry.is_closing = true).is_some()
    }

    /// Its last handle was dropped. Returns how far it has come.
    pub(super) fn release(&mut self, handle: ConnectionHandle) -> Option<&Stage> {
        let entry = self.0.get_mut(&handle)?;
        entry.is_released = true;
        Some(&entry.stage)
    }

    /// It is over. Returns whether its last handle was dropped before; `None` if nobody has ever held it.
    pub(super) fn on_closed(
        &mut self,
        handle: ConnectionHandle,
        why: ConnectionError,
    ) -> Option<bool> {
        let entry = self.0.get_mut(&handle)?;
        entry.stage = Stage::Closed(why);
        Some(entry.is_released)
    }

    /// None goes on.
    pub(super) fn are_all_closed(&self) -> bool {
        self.0.values().all(Entry::is_closed)
    }

    /// Nothing will move any more.
    pub(super) fn close_all(&mut self, why: &ConnectionError) {
        for entry in self.0.values_mut().filter(|entry| !entry.is_closed()) {
            entry.stage = Stage::Closed(why.clone());
        }
    }
}

impl Entry {
    fn is_closed(&self) -> bool {
        matches!(self.stage, Stage::Closed(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_released_waits_for_its_end() {
        let mut entries = Entries::default();
        let handle = ConnectionHandle::of(7);
        entries.insert(handle, Stage::Dialling);
        entries.set_stage(handle, Stage::Open);
        assert!(matches!(entries.release(handle), Some(Stage::Open)));
        assert!(!entries.are_all_closed());
        assert_eq!(entries.on_closed(handle, ConnectionError::LocalClosed), Some(true));
        assert!(entries.are_all_closed());
    }

    #[test]
    fn what_is_not_known_is_over() {
        let mut entries = Entries::default();
        let handle = ConnectionHandle::of(7);
        assert!(entries.is_closing(handle) && !entries.begin_closing(handle));
        assert!(entries.release(handle).is_none());
        assert_eq!(entries.on_closed(handle, ConnectionError::LocalClosed), None);
    }
}
