//! Whether who reads stays awake for a moment before it sleeps: a thread in the seat, or a task ([`lookout`](super::lookout)).
//!
//! A processor that has nothing to do takes tens of microseconds to come back. An answer from the same host, or from the next one, may
//! take less than that. So who reads, and has got single datagrams soon several times in a row, looks for the next one for
//! as long as [`VIGIL`], and lets others run in between. That goes on while it is worth it: quick answers earn credit, slower ones and vigils
//! without an answer use it up, for the path is farther, the peer has stopped, or the processors are busy. Then it sleeps,
//! and each time it takes twice as many answers to begin anew. Who receives several datagrams at once sleeps as well, and finds the more
//! when it wakes.
//!
//! The other side sleeps too, and wakes for its own reasons: so slower answers are borne with for a while.
//!
//! ```text
//!              soon, so often in a row
//!   Sleeps ───────────────────────────────▶ Awake
//!      ▲                                      │
//!      └──── no credit is left, or several ───┘
//! ```

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// How long one stays awake at most, and how soon answers have to come to one that sleeps: the two that have to wake take a part of it.
pub(super) const VIGIL: Duration = Duration::from_micros(250);

/// Answers that make vigils worth while take no longer than this where both sides are awake.
const QUICK: Duration = Duration::from_micros(100);

/// Datagrams that have come soon so often in a row are answers.
const ANSWERS: u32 = 4;

/// Vigils that end because they were in vain double what it takes to begin the next ones, so often at most.
const DOUBLINGS: u32 = 5;

/// Vigils are kept while they have credit. This is what they begin with: the other side may take as many answers to wake.
const CREDIT: u32 = 4;

/// A quick answer adds one to the credit, up to this. One that is not costs one.
const CREDIT_MAX: u32 = 8;

/// What a vigil without an answer costs.
const UNANSWERED: u32 = 4;

/// So many times the answers that vigils began with, and they have been worth it.
const WORTH: u32 = 4;

/// What the latest waits have shown. Of two that tell of theirs at the same time one may be missed: a vigil more or less.
#[derive(Debug, Default)]
pub(super) struct Vigil {
    /// That have come soon, since something else did.
    answers: AtomicU32,
    credit: AtomicU32,
    doublings: AtomicU32,
    /// What was received last was several datagrams.
    is_several: AtomicBool,
}

impl Vigil {
    /// One that reads is to stay awake.
    pub(super) fn is_kept(&self) -> bool {
        self.credit.load(Ordering::Relaxed) > 0
    }

    /// Something was received, a single datagram or several.
    pub(super) fn on_received(&self, is_single: bool) {
        self.is_several.store(!is_single, Ordering::Relaxed);
    }

    /// One that reads has got what was received last, and has waited for so long.
    pub(super) fn on_answered(&self, waited: Duration) {
        match waited {
            // Who sends several datagrams at once will send more.
            _ if self.is_several.load(Ordering::Relaxed) => self.sleep(),
            _ if waited > VIGIL => self.on_unanswered(),
            _ => self.on_soon(waited),
        }
    }

    fn on_soon(&self, waited: Duration) {
        let answers = self.answers.load(Ordering::Relaxed).saturating_add(1);
        self.answers.store(answers, Ordering::Relaxed);
        let needed = ANSWERS << self.doublings.load(Ordering::Relaxed);
        if answers >= needed * WORTH {
            self.doublings.store(0, Ordering::Relaxed);
        }
        match self.credit.load(Ordering::Relaxed) {
            0 if answers < needed => {}
            0 => self.credit.store(CREDIT, Ordering::Relaxed),
            _ if waited > QUICK => self.pay(1),
            credit => self.credit.store((credit + 1).min(CREDIT_MAX), Ordering::Relaxed),
        }
    }

    /// One that reads has waited for too long.
    pub(super) fn on_unanswered(&self) {
        match self.is_kept() {
            true => self.pay(UNANSWERED),
            false => self.sleep(),
        }
    }

    fn pay(&self, price: u32) {
        let credit = self.credit.load(Ordering::Relaxed);
        if credit > price {
            return self.credit.store(credit - price, Ordering::Relaxed);
        }
        let doublings = self.doublings.load(Ordering::Relaxed) + 1;
        self.doublings.store(doublings.min(DOUBLINGS), Ordering::Relaxed);
        self.sleep();
    }

    fn sleep(&self) {
        self.credit.store(0, Ordering::Relaxed);
        self.answers.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After so many answers, each of them a single datagram.
    fn after_answers(answers: u32, waited: Duration) -> Vigil {
        let vigil = Vigil::default();
        vigil.on_received(true);
        (0..answers).for_each(|_| vigil.on_answered(waited));
        vigil
    }

    /// Begins vigils and has all of them be in vain. Returns how many answers it took to begin.
    fn answers_needed(vigil: &Vigil) -> u32 {
        let mut answers = 0;
        while !vigil.is_kept() {
            vigil.on_answered(QUICK);
            answers += 1;
        }
        vigil.on_unanswered();
        assert!(!vigil.is_kept());
        answers
    }

    #[test]
    fn it_is_kept_where_answers_come_soon() {
        assert!(!after_answers(ANSWERS - 1, VIGIL).is_kept());
        assert!(after_answers(ANSWERS, VIGIL).is_kept());
        assert!(!after_answers(ANSWERS * 9, VIGIL * 2).is_kept());
    }

    #[test]
    fn it_ends_where_answers_are_not_quick_although_both_sides_are_awake() {
        assert!(after_answers(ANSWERS + CREDIT - 1, VIGIL).is_kept());
        assert!(!after_answers(ANSWERS + CREDIT, VIGIL).is_kept());
    }

    #[test]
    fn one_vigil_in_vain_after_many_quick_answers_does_not_end_it_and_two_do() {
        let vigil = after_answers(ANSWERS + CREDIT_MAX, QUICK);
        vigil.on_unanswered();
        assert!(vigil.is_kept());
        vigil.on_answered(VIGIL * 2);
        assert!(!vigil.is_kept());
    }

    #[test]
    fn it_goes_on_where_four_of_five_are_answered() {
        let vigil = after_answers(ANSWERS + CREDIT_MAX, QUICK);
        for _ in 0..100 {
            vigil.on_unanswered();
            (0..4).for_each(|_| vigil.on_answered(QUICK));
            assert!(vigil.is_kept());
        }
    }

    #[test]
    fn several_datagrams_end_it() {
        let vigil = after_answers(ANSWERS + CREDIT_MAX, QUICK);
        vigil.on_received(false);
        vigil.on_answered(QUICK);
        assert!(!vigil.is_kept());
    }

    #[test]
    fn vigils_in_vain_make_the_next_ones_rarer_until_some_have_been_worth_it() {
        let vigil = after_answers(0, QUICK);
        let needed = [0; 3].map(|_| answers_needed(&vigil));
        assert_eq!(needed, [ANSWERS, ANSWERS * 2, ANSWERS * 4]);
        for _ in 0..9 {
            answers_needed(&vigil);
        }
        assert_eq!(answers_needed(&vigil), ANSWERS << DOUBLINGS);
        (0..(ANSWERS << DOUBLINGS) * WORTH).for_each(|_| vigil.on_answered(QUICK));
        vigil.sleep();
        assert_eq!(answers_needed(&vigil), ANSWERS);
    }
}
