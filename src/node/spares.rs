//! Spare sockets whose addresses peers were told. They stay open as long as somebody may come by them.

use std::collections::BTreeSet;

use crate::base::limits::{NODE_LIFETIME, NODE_SPARES_FROM};
use crate::nat::SocketId;

/// The open ones.
#[derive(Debug, Default)]
pub(super) struct Spares {
    open: BTreeSet<SocketId>,
    /// Rows of numbers that were handed out.
    rows: u16,
}

impl Spares {
    /// The first of a row of numbers that are not in use.
    pub(super) fn reserve(&mut self, count: u16) -> SocketId {
        let rows = (NODE_LIFETIME - NODE_SPARES_FROM) / count.max(1);
        let start = |row: u16| NODE_SPARES_FROM + row % rows * count;
        let is_free = |row: &u16| {
            let first = start(*row);
            !(first..first + count).any(|number| self.open.contains(&SocketId::new(number)))
        };
        let row = (0..rows).map(|more| self.rows.wrapping_add(more)).find(is_free);
        let row = row.unwrap_or(self.rows);
        self.rows = (row + 1) % rows;
        SocketId::new(start(row))
    }

    pub(super) fn add(&mut self, socket: SocketId) {
        self.open.insert(socket);
    }

    pub(super) fn remove(&mut self, socket: SocketId) {
        self.open.remove(&socket);
    }

    pub(super) fn contains(&self, socket: SocketId) -> bool {
        self.open.contains(&socket)
    }

    /// Takes those out that are not in use.
    pub(super) fn retire(&mut self, in_use: impl Fn(SocketId) -> bool) -> Vec<SocketId> {
        self.open.extract_if(.., |socket| !in_use(*socket)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_in_use_is_passed_over() {
        let mut spares = Spares::default();
        let first = spares.reserve(3);
        assert_eq!(first, SocketId::new(NODE_SPARES_FROM));
        spares.add(first);
        let mut rows = BTreeSet::new();
        for _ in 0..1000 {
            rows.insert(spares.reserve(3));
        }
        assert!(!rows.contains(&first));
        assert_eq!(rows.len(), usize::from((NODE_LIFETIME - NODE_SPARES_FROM) / 3 - 1));
        assert!(rows.iter().all(|row| row.number() + 3 <= NODE_LIFETIME));
        assert_eq!(spares.retire(|_| true), []);
        assert_eq!(spares.retire(|_| false), [first]);
        assert!(!spares.contains(first));
    }
}
