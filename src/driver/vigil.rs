//! Whether a thread in the seat stays awake for a moment before it sleeps on the socket.
//!
//! A processor that has nothing to do takes tens of microseconds to come back. An answer from the same host, or from the next one, may
//! take less than that. So a thread that reads, and has got single datagrams soon several times in a row, looks for the next one for
//! as long as [`VIGIL`], and lets others run in between. It gives that up when nothing has come by then: a path that is farther away, or
//! a peer that has stopped, costs one vigil. Each vigil in vain doubles what it takes to begin the next one: where processors are busy, who
//! lets others run comes back late, and who sleeps is woken at once. Who receives several datagrams at once sleeps as ever, and finds the
//! more when it wakes.
//!
//! ```text
//!              soon, so often in a row
//!   Sleeps ───────────────────────────────▶ Awake
//!      ▲                                      │
//!      └──────── not soon, or several ────────┘
//! ```

use std::time::Duration;

/// How long a thread stays awake at most.
pub(super) const VIGIL: Duration = Duration::from_micros(100);

/// Datagrams that have come so soon in a row are answers.
const ANSWERS: u32 = 4;

/// A vigil in vain doubles that, so often at most.
const DOUBLINGS: u32 = 8;

/// So many times the answers that a vigil began with, and it has been worth it.
const WORTH: u32 = 4;

/// What the latest waits have shown.
#[derive(Debug, Default)]
pub(super) struct Vigil {
    answers: u32,
    doublings: u32,
}

/// What a wait has ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// What the thread waits for, in a single datagram.
    Answer,
    /// Something that is not for this thread, or nothing.
    Other,
    /// Several datagrams: who sends so much will send more.
    Several,
}

impl Vigil {
    /// The thread is to stay awake.
    pub(super) fn is_kept(&self) -> bool {
        self.answers >= self.needed()
    }

    fn needed(&self) -> u32 {
        ANSWERS << self.doublings
    }

    /// A thread that reads has waited for so long.
    pub(super) fn on_waited(&mut self, waited: Duration, ending: Ending) {
        match ending {
            _ if waited > VIGIL => {
                self.doublings = (self.doublings + u32::from(self.is_kept())).min(DOUBLINGS);
                self.answers = 0;
            }
            Ending::Several => self.answers = 0,
            Ending::Answer => self.answers = self.answers.saturating_add(1),
            Ending::Other => {}
        }
        if self.answers >= self.needed() * WORTH {
            self.doublings = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_micros(40);

    fn kept_after(waits: &[(Duration, Ending)]) -> bool {
        let mut vigil = Vigil::default();
        waits.iter().for_each(|(waited, ending)| vigil.on_waited(*waited, *ending));
        vigil.is_kept()
    }

    #[test]
    fn it_is_kept_where_answers_come_soon() {
        assert!(!kept_after(&[(SOON, Ending::Answer); 3]));
        assert!(kept_after(&[(SOON, Ending::Answer); 4]));
        assert!(!kept_after(&[(SOON, Ending::Other); 9]));
    }

    #[test]
    fn something_else_in_between_does_not_end_it_and_several_or_silence_do() {
        let after = |last| {
            let mut waits = vec![(SOON, Ending::Answer); 9];
            waits.push(last);
            kept_after(&waits)
        };
        assert!(after((SOON, Ending::Other)));
        assert!(!after((SOON, Ending::Several)));
        assert!(!after((VIGIL * 2, Ending::Answer)));
        assert!(!after((VIGIL * 2, Ending::Other)));
    }

    #[test]
    fn a_vigil_in_vain_makes_the_next_one_rarer_until_one_has_been_worth_it() {
        let mut vigil = Vigil::default();
        let mut answers_needed = || {
            let mut answers = 0;
            while !vigil.is_kept() {
                vigil.on_waited(SOON, Ending::Answer);
                answers += 1;
            }
            vigil.on_waited(VIGIL * 2, Ending::Answer);
            answers
        };
        assert_eq!([answers_needed(), answers_needed(), answers_needed()], [4, 8, 16]);
        for _ in 0..9 {
            answers_needed();
        }
        assert_eq!(answers_needed(), ANSWERS << DOUBLINGS);
        (0..(ANSWERS << DOUBLINGS) * WORTH).for_each(|_| vigil.on_waited(SOON, Ending::Answer));
        vigil.on_waited(SOON, Ending::Several);
        (0..ANSWERS).for_each(|_| vigil.on_waited(SOON, Ending::Answer));
        assert!(vigil.is_kept());
    }
}
