//! Congestion avoidance of RFC 9002 §7.3.3: one datagram more a round trip, half the window on congestion.

use super::loss_based::{Avoidance, Ground};

#[derive(Clone, Debug, Default)]
pub(super) struct NewReno {
    /// Bytes acknowledged towards the next datagram.
    credit: u64,
}

impl Avoidance for NewReno {
    fn grow(&mut self, ground: &Ground, acked: u64) -> u64 {
        self.credit += acked;
        let steps = self.credit / ground.window;
        self.credit %= ground.window;
        ground.window + steps * ground.datagram
    }

    fn reduce(&mut self, window: u64) -> u64 {
        self.credit = 0;
        window / 2
    }
}
