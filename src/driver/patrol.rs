//! When the worker patrols: as long as a thread keeps coming back to the seat, or a task to the socket.
//!
//! ```text
//!                the worker was woken for nothing, and the seat is in use
//!        ┌──────────────────────────────────────────────────────────────▶┐
//!   watching the socket                                                 patrolling
//!        └◀──────────────────────────────────────────────────────────────┘
//!             the seat was not used often since the last look, or a thread
//!             left it without what it waits for: others may be parked;
//!             or a connection was let go
//! ```
//!
//! A thread that serves one dial after another takes the seat often, too. But it goes away to accept the next, which would lie unread.

use std::time::Duration;

use crate::base::Instant;

/// How long a datagram may lie unread at most because a thread that used to come back to the seat did not, and how often the worker
/// looks. Short beside the delays that acknowledgements may have (SPEC.md), long beside what it costs to look.
pub(super) const PATROL: Duration = Duration::from_millis(2);

/// What a sitting of a thread counts.
pub(super) const SITTING: u64 = 4;

/// What a vigil of a task counts that brought what it waited for. Less, for others wait elsewhere while a thread would take the seat.
pub(super) const FINDING: u64 = 1;

/// What tells, from one look to the next, that somebody is never away for long.
const USES: u64 = 4 * SITTING;

/// Times that the worker was woken between two looks, before it patrols instead.
const DISTURBANCES: u32 = 2;

/// How the seat is used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// All sittings and vigils, as they count.
    pub(super) uses: u64,
    /// Of them, those before a connection was let go last.
    pub(super) uses_before: u64,
    /// A thread is in it.
    pub(super) is_taken: bool,
    /// The worker patrols already.
    pub(super) is_patrolled: bool,
}

#[derive(Debug, Default)]
pub(super) struct Patrol {
    looked: Instant,
    uses: u64,
    disturbed: u32,
}

impl Patrol {
    /// The worker was woken because the socket has something.
    pub(super) fn on_disturbed(&mut self) {
        self.disturbed += 1;
    }

    /// Decides again, if it is time, from what the seat is used for.
    pub(super) fn look(&mut self, now: Instant, usage: Usage) -> bool {
        let passed = now - self.looked;
        if passed < PATROL {
            return usage.is_patrolled;
        }
        let uses = usage.uses - self.uses.max(usage.uses_before);
        let is_busy = uses >= USES && passed < PATROL * 4;
        let is_on = match usage.is_patrolled {
            true => is_busy || usage.is_taken,
            false => is_busy && self.disturbed >= DISTURBANCES,
        };
        (self.looked, self.uses, self.disturbed) = (now, usage.uses, 0);
        is_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks after every period, in which the seat was taken and the worker woken so often.
    fn looks(periods: &[(u64, u32)]) -> Vec<bool> {
        let (mut patrol, mut now) = (Patrol::default(), Instant::from_nanos(1));
        let (mut uses, mut is_patrolled) = (0, false);
        let mut look = |&(taken, woken): &(u64, u32)| {
            now += PATROL;
            uses += taken * SITTING;
            (0..woken).for_each(|_| patrol.on_disturbed());
            let usage = Usage { uses, uses_before: 0, is_taken: false, is_patrolled };
            is_patrolled = patrol.look(now, usage);
            is_patrolled
        };
        periods.iter().map(&mut look).collect()
    }

    #[test]
    fn it_begins_when_the_worker_is_woken_beside_a_thread_that_reads() {
        assert_eq!(looks(&[(100, 0), (0, 100), (100, 100)]), [false, false, true]);
    }

    #[test]
    fn it_ends_when_the_thread_stays_away() {
        assert_eq!(
            looks(&[(9, 9), (9, 0), (9, 0), (1, 0), (9, 0)]),
            [true, true, true, false, false]
        );
    }

    #[test]
    fn what_the_seat_was_used_for_before_a_connection_was_let_go_does_not_count() {
        let begins = |uses_before| {
            let mut patrol = Patrol::default();
            (0..9).for_each(|_| patrol.on_disturbed());
            let usage = Usage { uses: USES * 2, uses_before, is_taken: false, is_patrolled: false };
            patrol.look(Instant::from_nanos(0) + PATROL, usage)
        };
        assert!(begins(USES));
        assert!(!begins(USES + 1));
    }

    #[test]
    fn between_two_looks_nothing_changes() {
        let unused = Usage { uses: 0, uses_before: 0, is_taken: false, is_patrolled: false };
        let used = Usage { uses: USES, is_patrolled: true, ..unused };
        let (mut patrol, start) = (Patrol::default(), Instant::from_nanos(1) + PATROL);
        (0..9).for_each(|_| patrol.on_disturbed());
        assert!(patrol.look(start, Usage { is_patrolled: false, ..used }));
        assert!(patrol.look(start + PATROL / 2, used));
        assert!(patrol.look(start + PATROL, Usage { is_taken: true, ..used }));
        assert!(!patrol.look(start + PATROL * 2, used));
    }
}
