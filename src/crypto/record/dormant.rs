//! A key in two forms: as it was derived, and expanded for use. The expanded one is ten times as large, so that of a connection at
//! rest is dropped, and made again with the next packet.
//!
//! ```text
//!                    get
//!   derived ───────────────────▶ derived and expanded
//!       ▲            rest            │
//!       └────────────────────────────┘
//! ```

use zeroize::Zeroizing;

use crate::crypto::aead::KEY_LEN;

pub(super) struct Dormant<K> {
    derived: Zeroizing<[u8; KEY_LEN]>,
    expanded: Option<Box<K>>,
}

impl<K> Dormant<K> {
    pub(super) fn new(derived: Zeroizing<[u8; KEY_LEN]>) -> Self {
        Self { derived, expanded: None }
    }

    /// The expanded key. `expand` is always the same function.
    pub(super) fn get(&mut self, expand: impl FnOnce(&[u8; KEY_LEN]) -> K) -> &K {
        self.expanded.get_or_insert_with(|| Box::new(expand(&self.derived)))
    }

    pub(super) fn rest(&mut self) {
        self.expanded = None;
    }

    pub(super) fn is_at_rest(&self) -> bool {
        self.expanded.is_none()
    }
}
