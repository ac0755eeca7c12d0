//! Whether many connections take turns to be waited for.
//!
//! A thread in the seat that reads for many others spends its turn waking them, and gives up the seat only to the next of them; all of
//! them change what the worker's poll watches each time. The worker does that better, and nothing else. But of many that wait, most may
//! be idle: one that exchanges messages with its peer meanwhile is best in the seat. So it counts who is woken.

use crate::endpoint::ConnectionHandle;

/// With so many things waited for, or less, it is no crowd.
const FEW: usize = 8;

/// A wake-up for another connection than the last adds one, up to this; one for the same takes one away.
const TURNS_MAX: u32 = 8;

/// With so many it is a crowd.
const TURNS: u32 = 4;

/// Which connections something has happened to that was waited for.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    last: Option<ConnectionHandle>,
    turns: u32,
}

impl Crowd {
    /// Somebody who waits for something on this connection is woken.
    pub(super) fn on_woken(&mut self, connection: ConnectionHandle) {
        self.turns = match self.last.replace(connection) {
            Some(last) if last == connection => self.turns.saturating_sub(1),
            _ => (self.turns + 1).min(TURNS_MAX),
        };
    }

    /// So many things are waited for.
    pub(super) fn is_one(&self, waiting: usize) -> bool {
        waiting > FEW && self.turns >= TURNS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(connections: impl IntoIterator<Item = u32>) -> Crowd {
        let mut crowd = Crowd::default();
        connections.into_iter().for_each(|index| crowd.on_woken(ConnectionHandle::of(index)));
        crowd
    }

    #[test]
    fn many_are_a_crowd_when_they_take_turns() {
        assert!(after(0..TURNS).is_one(FEW + 1));
        assert!(!after(0..TURNS - 1).is_one(FEW + 1));
        assert!(!after(0..99).is_one(FEW));
    }

    #[test]
    fn one_among_many_that_are_idle_is_none() {
        let others_first = (0..99).chain([7; (TURNS_MAX - TURNS + 2) as usize]);
        assert!(!after(others_first).is_one(99));
        let another_now_and_then = (0..99).map(|count| if count % 5 == 0 { count } else { 7 });
        assert!(!after(another_now_and_then).is_one(99));
    }
}
