//! The memory for stream data, which is lent to the connection that works with it.

use super::Endpoint;
use super::slot::Slot;
use crate::stream::Pool;

/// The pool, and who has it.
#[derive(Debug, Default)]
pub(super) struct Lending {
    pool: Pool,
    lent_to: Option<u32>,
}

impl Endpoint {
    /// Lends the pool to a connection, which keeps it until another one needs it.
    pub(super) fn lend_pages(&mut self, index: u32) {
        if self.pages.lent_to == Some(index) {
            return;
        }
        self.recall_pages();
        if let Some(connection) = self.slots.get_mut(index as usize).and_then(Slot::connection) {
            connection.borrow_pages(&mut self.pages.pool);
            self.pages.lent_to = Some(index);
        }
    }

    fn recall_pages(&mut self) {
        let Some(index) = self.pages.lent_to.take() else { return };
        if let Some(connection) = self.slots.get_mut(index as usize).and_then(Slot::connection) {
            connection.give_back_pages(&mut self.pages.pool);
        }
    }

    /// A connection is about to be forgotten.
    pub(super) fn leave_pages(&mut self, index: u32) {
        self.recall_pages();
        if let Some(connection) = self.slots.get_mut(index as usize).and_then(Slot::connection) {
            connection.leave_pages(&mut self.pages.pool);
        }
    }

    /// A connection has come to rest.
    pub(super) fn rest_pages(&mut self, index: u32) {
        self.recall_pages();
        if let Some(connection) = self.slots.get_mut(index as usize).and_then(Slot::connection) {
            connection.rest_pages(&mut self.pages.pool);
        }
    }
}
