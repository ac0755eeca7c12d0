//! The bottleneck: a queue of bounded size before a line of a given rate.
//!
//! The line is virtual. Nothing waits in here: a packet's departure is known when it enters, so the queue is the list
//! of departures that lie ahead.

use std::collections::VecDeque;
use std::time::Duration;

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// What the line says to a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Admission {
    /// How long it waits for the packets before it.
    pub(super) wait: Duration,
    /// When its last bit is on the line.
    pub(super) departs: Duration,
    /// Bytes that it found queued.
    pub(super) backlog: usize,
}

#[derive(Debug, Default)]
pub(super) struct Line {
    /// Departure and size of each packet that has not left, first to leave first.
    queued: VecDeque<(Duration, usize)>,
    bytes: usize,
    idle_from: Duration,
}

impl Line {
    /// Queues a packet of `size` bytes, or says no because more than `limit` bytes would be queued.
    pub(super) fn admit(
        &mut self,
        now: Duration,
        size: usize,
        bits_per_second: u64,
        limit: usize,
    ) -> Option<Admission> {
        self.advance(now);
        let backlog = self.bytes;
        if backlog > 0 && backlog.saturating_add(size) > limit {
            return None;
        }
        let begins = self.idle_from.max(now);
        let departs = begins.saturating_add(serialisation(size, bits_per_second));
        self.idle_from = departs;
        self.queued.push_back((departs, size));
        self.bytes = self.bytes.saturating_add(size);
        Some(Admission { wait: begins.saturating_sub(now), departs, backlog })
    }

    fn advance(&mut self, now: Duration) {
        while let Some((_, size)) = self.queued.pop_front_if(|(departs, _)| *departs <= now) {
            self.bytes = self.bytes.saturating_sub(size);
        }
    }
}

/// Time that `size` bytes occupy the line, rounded up so that the rate is never exceeded.
fn serialisation(size: usize, bits_per_second: u64) -> Duration {
    let bits = (size as u128).saturating_mul(8);
    let nanos = bits.saturating_mul(NANOS_PER_SECOND).div_ceil(u128::from(bits_per_second.max(1)));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn packets_leave_one_after_the_other_at_the_rate() {
        let mut line = Line::default();
        let departures: Vec<_> = (0..3)
            .map(|_| line.admit(NOW, 1_000, 8_000_000, 10_000).unwrap().departs.as_millis())
            .collect();
        assert_eq!(departures, [1, 2, 3]);
    }

    #[test]
    fn a_full_queue_drops_until_something_leaves() {
        let mut line = Line::default();
        let mut admit = |now| line.admit(Duration::from_millis(now), 1_000, 8_000_000, 2_000);
        assert_eq!(admit(0).unwrap().backlog, 0);
        assert_eq!(admit(0).unwrap().backlog, 1_000);
        assert_eq!(admit(0), None);
        assert_eq!(admit(1).unwrap().backlog, 1_000);
        assert_eq!(admit(1), None);
    }

    #[test]
    fn an_idle_line_takes_any_packet_and_saves_up_no_time() {
        let mut line = Line::default();
        assert!(line.admit(NOW, 5_000, 8_000, 10).is_some());
        let late = Duration::from_secs(60);
        let admission = line.admit(late, 1_000, 8_000, 10).unwrap();
        assert_eq!((admission.wait, admission.departs), (NOW, late + Duration::from_secs(1)));
    }
}
