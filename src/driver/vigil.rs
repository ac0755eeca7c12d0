//! Whether who reads stays awake for a moment before it sleeps: a thread in the seat, or, for answers, a task ([`lookout`](super::lookout)).
//!
//! A processor that has nothing to do takes tens of microseconds to come back, and so does whoever has to wake it. What comes from the
//! same host, or from the next one, may take less than that: an answer, or the next batch of a transfer. So who reads, and has
//! got datagrams soon several times in a row, looks for the next for a moment, and lets others run in between. That goes
//! on while it is worth it: quick ones earn credit, slower ones and vigils in vain use it up, for the path is farther, the
//! peer has stopped, or the processors are busy. Then it sleeps, and each time it takes twice as many to begin anew.
//!
//! Single datagrams are answers. The other side sleeps too, and wakes for its own reasons: so slower ones are borne with for a while. Who
//! sends several datagrams at once sends all the time, or leaves gaps that it is better to sleep through: such vigils are short.
//!
//! ```text
//!              soon, so often in a row
//!   Sleeps ───────────────────────────────▶ Awake
//!      ▲                                      │
//!      └──────── no credit is left ───────────┘
//! ```

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// What is waited for.
#[derive(Clone, Copy, Debug)]
struct Kind {
    /// How soon it has to come to one that sleeps: the two that have to wake take a part of it.
    soon: Duration,
    /// How long one stays awake at most.
    length: Duration,
    /// Where both sides are awake, it takes no longer than this if vigils are worth while.
    quick: Duration,
}

/// An answer: a single datagram.
const ANSWER: Kind = Kind {
    soon: Duration::from_micros(250),
    length: Duration::from_micros(250),
    quick: Duration::from_micros(100),
};

/// Several datagrams of a transfer. At 10 Gbit/s and less 64 KiB take longer than is quick: between such it sleeps.
const BATCH: Kind = Kind {
    soon: Duration::from_micros(150),
    length: Duration::from_micros(100),
    quick: Duration::from_micros(25),
};

/// What follows when a dial was answered. The dialler has about a hundred microseconds of work with public keys before it sends ESTABLISH, and
/// may have to wake for it. So vigils are as long as that takes, and worth while if it comes at all.
const CONFIRMATION: Kind = Kind {
    soon: Duration::from_micros(400),
    length: Duration::from_micros(250),
    quick: Duration::from_micros(250),
};

/// Datagrams that have come soon so often in a row will go on.
const REPEATED: u32 = 4;

/// Vigils that end because they were in vain double what it takes to begin the next ones, so often at most.
const DOUBLINGS: u32 = 5;

/// Vigils are kept while they have credit. This is what they begin with: the other side may take as many answers to wake.
const CREDIT: u32 = 4;

/// A quick one adds one to the credit, up to this. One that is not costs one.
const CREDIT_MAX: u32 = 8;

/// What a vigil in vain costs.
const IN_VAIN: u32 = 4;

/// So many times those that vigils began with, and they have been worth it.
const WORTH: u32 = 4;

/// What the latest waits have shown. Of two that tell of theirs at the same time one may be missed: a vigil more or less.
#[derive(Debug, Default)]
pub(super) struct Vigil {
    answers: Credit,
    batches: Credit,
    /// What was received last was several datagrams.
    is_several: AtomicBool,
}

impl Vigil {
    /// How long one that reads is to stay awake, if at all.
    pub(super) fn length(&self) -> Option<Duration> {
        self.credit().is_left().then_some(self.kind().length)
    }

    /// The same for a task: for batches it stays asleep, for it was no faster when it did not, and used more of the processor.
    pub(super) fn length_for_task(&self) -> Option<Duration> {
        self.length().filter(|_| !self.is_several())
    }

    /// Something was received, a single datagram or several.
    pub(super) fn on_received(&self, is_single: bool) {
        self.is_several.store(!is_single, Ordering::Relaxed);
    }

    /// One that reads has got what was received last, and has waited for so long.
    pub(super) fn on_found(&self, waited: Duration) {
        if self.is_several() {
            // Who sends several datagrams at once does not answer.
            self.answers.end();
        }
        self.credit().on_found(self.kind(), waited);
    }

    /// One that reads has waited for so long, and got nothing.
    pub(super) fn on_nothing(&self, waited: Duration) {
        self.credit().on_nothing(self.kind(), waited);
    }

    fn is_several(&self) -> bool {
        self.is_several.load(Ordering::Relaxed)
    }

    fn kind(&self) -> Kind {
        if self.is_several() { BATCH } else { ANSWER }
    }

    fn credit(&self) -> &Credit {
        if self.is_several() { &self.batches } else { &self.answers }
    }
}

/// What the latest answers to dials have shown.
#[derive(Debug, Default)]
pub(super) struct Confirmations(Credit);

impl Confirmations {
    /// How long a worker that has answered is to stay awake, if at all.
    pub(super) fn length(&self) -> Option<Duration> {
        self.0.is_left().then_some(CONFIRMATION.length)
    }

    /// It has waited for so long, and then got something.
    pub(super) fn on_found(&self, waited: Duration) {
        self.0.on_found(CONFIRMATION, waited);
    }

    /// It has waited for so long, and got nothing.
    pub(super) fn on_nothing(&self, waited: Duration) {
        self.0.on_nothing(CONFIRMATION, waited);
    }
}

/// Whether vigils for things of one kind are worth while.
#[derive(Debug, Default)]
struct Credit {
    /// That have come soon, since one did not.
    soon: AtomicU32,
    left: AtomicU32,
    doublings: AtomicU32,
}

impl Credit {
    fn is_left(&self) -> bool {
        self.left.load(Ordering::Relaxed) > 0
    }

    fn on_found(&self, Kind { soon, length, quick }: Kind, waited: Duration) {
        match waited > if self.is_left() { length } else { soon } {
            true => self.on_vain(),
            false => self.on_soon(waited <= quick),
        }
    }

    fn on_nothing(&self, kind: Kind, waited: Duration) {
        if waited > kind.length {
            self.on_vain();
        }
    }

    fn on_soon(&self, is_quick: bool) {
        let soon = self.soon.load(Ordering::Relaxed).saturating_add(1);
        self.soon.store(soon, Ordering::Relaxed);
        let needed = REPEATED << self.doublings.load(Ordering::Relaxed);
        if soon >= needed * WORTH {
            self.doublings.store(0, Ordering::Relaxed);
        }
        match self.left.load(Ordering::Relaxed) {
            0 if soon < needed => {}
            0 => self.left.store(CREDIT, Ordering::Relaxed),
            _ if !is_quick => self.pay(1),
            left => self.left.store((left + 1).min(CREDIT_MAX), Ordering::Relaxed),
        }
    }

    fn on_vain(&self) {
        match self.is_left() {
            true => self.pay(IN_VAIN),
            false => self.end(),
        }
    }

    fn pay(&self, price: u32) {
        let left = self.left.load(Ordering::Relaxed);
        if left > price {
            return self.left.store(left - price, Ordering::Relaxed);
        }
        let doublings = self.doublings.load(Ordering::Relaxed) + 1;
        self.doublings.store(doublings.min(DOUBLINGS), Ordering::Relaxed);
        self.end();
    }

    fn end(&self) {
        self.left.store(0, Ordering::Relaxed);
        self.soon.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [(bool, Kind); 2] = [(true, ANSWER), (false, BATCH)];

    /// After so many of a kind, each after so long.
    fn after(is_single: bool, count: u32, waited: Duration) -> Vigil {
        let vigil = Vigil::default();
        vigil.on_received(is_single);
        (0..count).for_each(|_| vigil.on_found(waited));
        vigil
    }

    fn in_vain(vigil: &Vigil) {
        vigil.on_nothing(vigil.kind().length * 2);
    }

    /// Begins vigils and has all of them be in vain. Returns how many answers it took to begin.
    fn needed(vigil: &Vigil) -> u32 {
        let mut answers = 0;
        while vigil.length().is_none() {
            vigil.on_found(vigil.kind().quick);
            answers += 1;
        }
        in_vain(vigil);
        assert_eq!(vigil.length(), None);
        answers
    }

    #[test]
    fn it_is_kept_where_datagrams_come_soon() {
        for (is_single, Kind { soon, length, .. }) in KINDS {
            assert_eq!(after(is_single, REPEATED - 1, soon).length(), None);
            assert_eq!(after(is_single, REPEATED, soon).length(), Some(length));
            assert_eq!(after(is_single, REPEATED * 9, soon * 2).length(), None);
        }
    }

    #[test]
    fn it_ends_where_they_are_not_quick_although_both_sides_are_awake() {
        for (is_single, Kind { length, .. }) in KINDS {
            assert_eq!(after(is_single, REPEATED + CREDIT - 1, length).length(), Some(length));
            assert_eq!(after(is_single, REPEATED + CREDIT, length).length(), None);
        }
    }

    #[test]
    fn one_vigil_in_vain_after_many_quick_ones_does_not_end_it_and_two_do() {
        for (is_single, Kind { length, quick, .. }) in KINDS {
            let vigil = after(is_single, REPEATED + CREDIT_MAX, quick);
            in_vain(&vigil);
            assert_eq!(vigil.length(), Some(length));
            vigil.on_found(length * 2);
            assert_eq!(vigil.length(), None);
        }
    }

    #[test]
    fn it_goes_on_where_four_of_five_are_answered() {
        for (is_single, Kind { length, quick, .. }) in KINDS {
            let vigil = after(is_single, REPEATED + CREDIT_MAX, quick);
            for _ in 0..100 {
                in_vain(&vigil);
                (0..4).for_each(|_| vigil.on_found(quick));
                assert_eq!(vigil.length(), Some(length));
            }
        }
    }

    #[test]
    fn a_wait_that_ends_early_without_anything_says_nothing() {
        let vigil = after(true, REPEATED, ANSWER.quick);
        (0..100).for_each(|_| vigil.on_nothing(ANSWER.length));
        assert_eq!(vigil.length(), Some(ANSWER.length));
    }

    #[test]
    fn several_datagrams_end_the_wait_for_answers_and_a_single_one_not_that_for_batches() {
        let vigil = after(true, REPEATED, ANSWER.quick);
        vigil.on_received(false);
        (0..REPEATED).for_each(|_| vigil.on_found(BATCH.quick));
        assert_eq!((vigil.length(), vigil.length_for_task()), (Some(BATCH.length), None));
        vigil.on_received(true);
        assert_eq!(vigil.length(), None);
        vigil.on_found(ANSWER.quick);
        vigil.on_received(false);
        assert_eq!(vigil.length(), Some(BATCH.length));
    }

    #[test]
    fn a_worker_stays_awake_once_dials_are_confirmed_soon_and_no_more_where_they_are_not() {
        let confirmations = Confirmations::default();
        for (late, needed) in [(false, REPEATED), (true, REPEATED * 2)] {
            assert_eq!(confirmations.length(), None, "late: {late}");
            (0..needed).for_each(|_| confirmations.on_found(CONFIRMATION.soon));
            assert_eq!(confirmations.length(), Some(CONFIRMATION.length), "late: {late}");
            confirmations.on_nothing(CONFIRMATION.length * 2);
        }
    }

    #[test]
    fn vigils_in_vain_make_the_next_ones_rarer_until_some_have_been_worth_it() {
        let vigil = after(true, 0, ANSWER.quick);
        assert_eq!([0; 3].map(|_| needed(&vigil)), [REPEATED, REPEATED * 2, REPEATED * 4]);
        for _ in 0..9 {
            needed(&vigil);
        }
        assert_eq!(needed(&vigil), REPEATED << DOUBLINGS);
        (0..(REPEATED << DOUBLINGS) * WORTH).for_each(|_| vigil.on_found(ANSWER.quick));
        vigil.answers.end();
        assert_eq!(needed(&vigil), REPEATED);
    }
}
