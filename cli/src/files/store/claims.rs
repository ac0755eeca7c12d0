//! Who may write which partial file.
//!
//! When a connection breaks, the sender notices first and comes back while the old session still
//! waits for the dead connection. So the newest claim to a partial file wins, and the older one is
//! turned away at its next write:
//!
//! ```text
//!            claim                 claim by a newer offer
//!   (free) ─────────► current ───────────────────────────► stale: every write fails
//!      ▲                 │ place, drop
//!      └─────────────────┘
//! ```
//!
//! Between processes the lock of the operating system decides, which dies with its process.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Names a transfer: the same file offered again by the same peer has the same one.
pub(super) type PartialId = [u8; 32];

/// Why there is no claim.
#[derive(Debug)]
pub(super) enum Denied {
    /// Another process has it.
    Busy,
    /// It was moved to its place at this moment: look again.
    Moved,
    Io(io::Error),
}

impl From<io::Error> for Denied {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

#[derive(Debug, Default)]
pub(super) struct Claims {
    slots: Arc<Mutex<BTreeMap<PartialId, Arc<Slot>>>>,
}

#[derive(Debug)]
struct Slot {
    file: File,
    newest: AtomicU64,
    /// Held during writes; true once the file is in its place.
    placed: Mutex<bool>,
}

/// The right to write a partial file, until somebody claims it anew.
#[derive(Debug)]
pub(super) struct Claim {
    slots: Arc<Mutex<BTreeMap<PartialId, Arc<Slot>>>>,
    slot: Arc<Slot>,
    id: PartialId,
    generation: u64,
}

/// Proof that the claim is current, while it lives.
#[derive(Debug)]
pub(super) struct Current<'a> {
    placed: MutexGuard<'a, bool>,
}

impl Current<'_> {
    /// From now on nobody writes to this file.
    pub(super) fn placed(mut self) {
        *self.placed = true;
    }
}

impl Claims {
    pub(super) fn claim(
        &self,
        id: PartialId,
        open: impl FnOnce() -> Result<File, Denied>,
    ) -> Result<Claim, Denied> {
        let (slot, generation) = {
            let mut slots = lock(&self.slots);
            if let Some(slot) = slots.get(&id) {
                let before = slot.newest.fetch_add(1, Ordering::SeqCst);
                (Arc::clone(slot), before.saturating_add(1))
            } else {
                let slot =
                    Slot { file: open()?, newest: AtomicU64::new(0), placed: Mutex::default() };
                let slot = Arc::new(slot);
                slots.insert(id, Arc::clone(&slot));
                (slot, 0)
            }
        };
        let claim = Claim { slots: Arc::clone(&self.slots), slot, id, generation };
        // Waits for a write of the older claim that is under way.
        let moved = *lock(&claim.slot.placed);
        if moved { Err(Denied::Moved) } else { Ok(claim) }
    }
}

/// Takes the operating system's lock, which another process may have.
pub(super) fn lock_file(file: &File) -> Result<(), Denied> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Denied::Busy),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        Err(TryLockError::Error(error)) => Err(Denied::Io(error)),
    }
}

impl Claim {
    pub(super) fn file(&self) -> &File {
        &self.slot.file
    }

    /// `None` if somebody claimed the file anew.
    pub(super) fn current(&self) -> Option<Current<'_>> {
        let placed = lock(&self.slot.placed);
        let newest = self.slot.newest.load(Ordering::SeqCst);
        (newest == self.generation && !*placed).then_some(Current { placed })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut slots = lock(&self.slots);
        let ours = slots.get(&self.id).is_some_and(|slot| Arc::ptr_eq(slot, &self.slot));
        let newest = self.slot.newest.load(Ordering::SeqCst) == self.generation;
        if ours && newest {
            slots.remove(&self.id);
        }
    }
}

/// A thread that panicked leaves these values whole: each is changed in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
