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
//!
//! What is left of a full window waits likewise, until it is worth a batch: the sender's side of avoiding silly windows (RFC 9293
//! §3.8.6.2.1). Acknowledgements open windows by what arrived together, and windows are no multiple of batches: each would else be
//! followed by a small one.

use super::{Connection, Share};
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
        if !self.expects_more || !self.lifetime.accepts_work() {
            return None;
        }
        self.near_patience()
    }

    /// What is left of the window waits. Congestion control is told, for it is the window that keeps back what waits.
    pub(super) fn holds_window_back(&mut self, in_flight: u64) -> bool {
        // Who has a turn may use all of it: the others wait.
        if self.share != Share::Own || self.turn_left.is_some() || self.others_want_to_send() {
            return false;
        }
        let (room, unsent) =
            (self.paths.active().window().saturating_sub(in_flight), self.streams.unsent());
        let waits = self
            .near_patience()
            .is_some_and(|patience| patience.keeps_window(room, unsent, in_flight));
        if waits {
            self.paths.active_mut().on_window_held_back();
        }
        waits
    }

    /// `None` if a packet is owed to find out what became of the others.
    fn near_patience(&self) -> Option<Patience> {
        if self.recovery.probes_owed() > 0 {
            return None;
        }
        let (path, rtt) = (self.paths.active(), self.paths.active().rtt());
        let batch = if rtt.measured { near_batch(rtt.minimum) } else { 0 };
        let datagram = path.datagram_size() as u64;
        let unacknowledged =
            self.controls.ack_threshold().saturating_add(1).saturating_mul(datagram);
        Some(Patience { batch, datagram, under_way: unacknowledged.saturating_add(batch) })
    }
}

/// When a remainder waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// What fills this does not.
    batch: u64,
    /// What it is made of.
    datagram: u64,
    /// It waits only while so much is under way.
    under_way: u64,
}

impl Patience {
    /// So many bytes wait while so many are under way.
    pub(super) fn keeps(self, unsent: u64, under_way: u64) -> bool {
        unsent > 0 && unsent < self.batch && under_way >= self.under_way
    }

    /// So much of a window waits while so many bytes could be sent.
    fn keeps_window(self, room: u64, unsent: u64, under_way: u64) -> bool {
        let whole = self.batch / self.datagram.max(1) * self.datagram;
        room < whole && room < unsent && under_way >= self.under_way
    }
}

#[cfg(test)]
mod tests;
