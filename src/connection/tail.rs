//! Whether what does not fill a batch waits for more to be written: Nagle's algorithm (RFC 9293 §3.7.4), with batches for segments.
//!
//! ```text
//!                           the application writes
//!   Nothing expected ──────────────────────────────────▶ More expected: a remainder may wait
//!          ▲                                                 │
//!          └──── it waits for something, flushes or ends ────┘
//! ```
//!
//! Who writes in pieces of some size leaves a remainder with each. On a near path it is batches that cost, and remainders that leave
//! by themselves are up to every second batch. So they wait, but only while more is under way than the peer may leave
//! unacknowledged: its next acknowledgement is due already, and sets them free within a round trip that is short.
//!
//! Who asks a question and waits for the answer is never kept waiting: to wait is to write nothing more. There is no timer.

use super::Connection;
use crate::base::limits;
use crate::congestion::near_batch;

impl Connection {
    /// The application writes, and is likely to write more before it waits for anything.
    pub(crate) fn expect_more(&mut self) {
        self.expects_more = true;
    }

    /// What was written leaves as soon as it may. Returns whether more was expected, so that something may leave now.
    pub(crate) fn expect_no_more(&mut self) -> bool {
        std::mem::take(&mut self.expects_more)
    }

    /// What was written and not sent waits.
    pub(super) fn holds_back(&self) -> bool {
        let unsent = self.streams.unsent();
        // Mostly there is so much, or nothing, that no more has to be asked.
        if unsent == 0 || unsent >= limits::BATCH_MAX {
            return false;
        }
        let under_way = self.recovery.in_flight_on(self.paths.active().id());
        self.patience().is_some_and(|patience| patience.keeps(unsent, under_way))
    }

    /// What a remainder would wait for now; `None` if it does not wait.
    pub(super) fn patience(&self) -> Option<Patience> {
        if !self.expects_more || self.recovery.probes_owed() > 0 || !self.lifetime.accepts_work() {
            return None;
        }
        let (path, rtt) = (self.paths.active(), self.paths.active().rtt());
        let batch = if rtt.measured { near_batch(rtt.minimum) } else { 0 };
        let datagram = path.datagram_size() as u64;
        let unacknowledged =
            self.controls.ack_threshold().saturating_add(1).saturating_mul(datagram);
        Some(Patience { batch, under_way: unacknowledged.saturating_add(batch) })
    }
}

/// When a remainder waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// What fills this does not.
    batch: u64,
    /// It waits only while so much is under way.
    under_way: u64,
}

impl Patience {
    /// So many bytes wait while so many are under way.
    pub(super) fn keeps(self, unsent: u64, under_way: u64) -> bool {
        unsent > 0 && unsent < self.batch && under_way >= self.under_way
    }
}

#[cfg(test)]
mod tests;
