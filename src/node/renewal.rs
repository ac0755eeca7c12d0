//! What two connected peers have told each other of where they may be reached now, and whether a search is made of it (SPEC §18.7).
//!
//! ```text
//!   ours is another one ──▶ offered ── the peer's list answers it ──▶ searched, at the time that the peer has chosen
//!                              │ the peer offers too, and was dialled by us: it answers ours
//!                              ▼ else its offer counts
//!   the peer offers ─────▶ asked ── by relay, in time, and gathered not long ago ──▶ answered, and searched at the time that we choose
//! ```
//!
//! One that lies could aim one search after the other at somebody: see [`Renewal::on_searched`].

use std::time::Duration;

use crate::base::Instant;
use crate::base::limits::{
    NODE_LIST_INTERVAL, NODE_LISTS, NODE_RENEWAL_INTERVAL, NODE_RENEWAL_INTERVAL_MAX,
    NODE_RENEWAL_YIELD,
};
use crate::base::time::earliest;
use crate::nat::{Description, Gathered};

/// A list of ours.
#[derive(Debug)]
pub(super) struct Offered {
    pub(super) generation: u64,
    /// What it tells of.
    pub(super) gathered: Box<Gathered>,
    until: Instant,
}

/// A list of the peer's that is to be answered.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) generation: u64,
    pub(super) description: Description,
}

/// How far it has come with one connection.
#[derive(Debug)]
pub(super) struct Renewal {
    offered: Option<Offered>,
    asked: Option<Asked>,
    /// The peer's newest list was not looked at yet.
    has_mail: bool,
    /// Until when lists would have to come if they came as rarely as they should.
    mail_until: Instant,
    /// The same of what we have gathered.
    has_news: bool,
    /// It may be that our addresses have changed.
    is_doubtful: bool,
    /// A list is told although nothing has changed.
    is_wanted: bool,
    /// The last search was made of a list that we had offered.
    was_offerer: bool,
    /// No search that the peer asks for begins before.
    next: Instant,
    wait: Duration,
    /// When there is something to do.
    pub(super) due: Option<Instant>,
}

impl Default for Renewal {
    fn default() -> Self {
        Self {
            offered: None,
            asked: None,
            has_mail: false,
            mail_until: Instant::ZERO,
            has_news: false,
            is_doubtful: false,
            is_wanted: false,
            was_offerer: false,
            next: Instant::ZERO,
            wait: NODE_RENEWAL_INTERVAL,
            due: None,
        }
    }
}

impl Renewal {
    fn look(&mut self) {
        self.due = Some(Instant::ZERO);
    }

    /// A list has come.
    pub(super) fn on_mail(&mut self) {
        self.has_mail = true;
        self.look();
    }

    /// There is something new to tell, perhaps.
    pub(super) fn on_gathered(&mut self) {
        (self.has_news, self.is_doubtful) = (true, false);
        self.look();
    }

    /// The connection had to go by relay, for all that is known because our addresses have changed.
    pub(super) fn on_fallen(&mut self) {
        self.is_doubtful = true;
        self.look();
    }

    /// Whether a list is to be looked at now; otherwise the newest one is later, if there is any.
    pub(super) fn take_mail(&mut self, now: Instant) -> bool {
        if !self.has_mail {
            return false;
        }
        let ahead = self.mail_until.saturating_since(now);
        let too_far = (ahead + NODE_LIST_INTERVAL).saturating_sub(NODE_LIST_INTERVAL * NODE_LISTS);
        if !too_far.is_zero() {
            self.due = earliest(self.due, Some(now + too_far));
            return false;
        }
        self.mail_until = self.mail_until.max(now) + NODE_LIST_INTERVAL;
        std::mem::take(&mut self.has_mail)
    }

    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    pub(super) fn take_doubt(&mut self) -> bool {
        std::mem::take(&mut self.is_doubtful)
    }

    /// Whether what is gathered is to be told even if the peer knows it: it has asked, or an older one would be searched with.
    pub(super) fn wants_list(&mut self) -> bool {
        std::mem::take(&mut self.is_wanted) || self.offered.is_some()
    }

    /// The peer is told this.
    pub(super) fn offer(&mut self, now: Instant, generation: u64, gathered: Box<Gathered>) {
        let until = now + NODE_RENEWAL_YIELD;
        self.offered = Some(Offered { generation, gathered, until });
    }

    /// The list of ours that one of the peer's answers.
    pub(super) fn take_answered(&mut self, answers: u64) -> Option<Offered> {
        let answered = self.offered.take_if(|offered| offered.generation == answers);
        self.was_offerer |= answered.is_some();
        answered
    }

    /// The peer asks for an answer. If both have asked at the same time, one of them gives way: `yields`.
    pub(super) fn ask(&mut self, now: Instant, yields: bool, asked: Asked) {
        if !yields && self.offered.as_ref().is_some_and(|offered| now < offered.until) {
            return;
        }
        (self.offered, self.was_offerer) = (None, false);
        self.asked = Some(asked);
    }

    /// When the peer may be answered, if it has asked.
    pub(super) fn answer_at(&self) -> Option<Instant> {
        self.asked.as_ref().map(|_| self.next)
    }

    pub(super) fn take_asked(&mut self) -> Option<Asked> {
        self.asked.take()
    }

    /// A search begins. The next one that the peer asks for has to wait; twice as long each time, as long as nothing is found: who lies
    /// about its addresses aims it at somebody.
    pub(super) fn on_searched(&mut self, now: Instant) {
        self.next = now + self.wait;
        self.wait = (self.wait * 2).min(NODE_RENEWAL_INTERVAL_MAX);
    }

    pub(super) fn on_found(&mut self) {
        (self.wait, self.was_offerer) = (NODE_RENEWAL_INTERVAL, false);
    }

    /// Nothing was found. Who had offered does so again, a few times.
    pub(super) fn on_failed(&mut self) {
        if self.wait < NODE_RENEWAL_INTERVAL_MAX && std::mem::take(&mut self.was_offerer) {
            (self.is_wanted, self.is_doubtful) = (true, true);
            self.due = Some(self.next);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    fn asked(generation: u64) -> Asked {
        Asked { generation, description: Description::default() }
    }

    fn gathered() -> Box<Gathered> {
        Box::new(Gathered {
            description: Description::default(),
            behaviour: crate::nat::Behaviour::default(),
            sockets: Vec::new(),
            layers: 1,
            layers_max: 1,
            destinations: crate::nat::Destinations::default(),
        })
    }

    #[test]
    fn of_two_that_ask_at_the_same_time_one_gives_way_for_a_while() {
        for yields in [true, false] {
            let mut renewal = Renewal::default();
            renewal.offer(at(0), 1, gathered());
            renewal.ask(at(1), yields, asked(1));
            assert_eq!(renewal.answer_at().is_some(), yields);
            assert_eq!(renewal.take_answered(1).is_some(), !yields);
        }
        let mut renewal = Renewal::default();
        renewal.offer(at(0), 1, gathered());
        renewal.ask(at(0) + NODE_RENEWAL_YIELD, false, asked(1));
        assert!(renewal.answer_at().is_some(), "ours came to nothing");
    }

    #[test]
    fn lists_are_looked_at_one_per_second_however_many_come() {
        let (mut renewal, mut now, mut looks) = (Renewal::default(), at(100), 0);
        while now < at(120) {
            renewal.on_mail();
            looks += u32::from(renewal.take_mail(now));
            now += Duration::from_millis(10);
        }
        assert_eq!(looks, 20 + NODE_LISTS - 1);
        renewal.on_mail();
        while renewal.take_mail(now) {
            renewal.on_mail();
        }
        renewal.due = None;
        assert!(!renewal.take_mail(now));
        let due = renewal.due.expect("the last one is not forgotten");
        assert!(due <= now + NODE_LIST_INTERVAL && renewal.take_mail(due));
    }

    #[test]
    fn only_the_newest_list_can_be_answered_and_once() {
        let mut renewal = Renewal::default();
        renewal.offer(at(0), 1, gathered());
        renewal.offer(at(1), 2, gathered());
        assert!(renewal.take_answered(1).is_none());
        assert!(renewal.take_answered(2).is_some());
        assert!(renewal.take_answered(2).is_none());
    }

    #[test]
    fn searches_that_find_nothing_are_ever_rarer_however_often_the_peer_asks() {
        let (mut renewal, mut now, mut starts) = (Renewal::default(), at(0), Vec::new());
        while now < at(2000) {
            renewal.ask(now, true, asked(1));
            if renewal.answer_at().is_some_and(|at| at <= now) {
                renewal.take_asked();
                renewal.on_searched(now);
                renewal.on_failed();
                assert_eq!(renewal.due, None, "the peer may ask again, we do not");
                starts.push(now.as_nanos() / 1_000_000_000);
            }
            now += Duration::from_millis(500);
        }
        assert_eq!(starts, [0, 5, 15, 35, 75, 155, 315, 635, 955, 1275, 1595, 1915]);
        renewal.on_found();
        renewal.on_searched(now);
        renewal.ask(now, true, asked(2));
        assert_eq!(renewal.answer_at(), Some(now + NODE_RENEWAL_INTERVAL));
    }

    #[test]
    fn who_has_offered_in_vain_does_so_again_a_few_times() {
        let (mut renewal, mut times) = (Renewal::default(), Vec::new());
        let mut now = at(0);
        loop {
            renewal.offer(now, 1, gathered());
            assert!(renewal.take_answered(1).is_some());
            renewal.on_searched(now);
            renewal.on_failed();
            let Some(again) = renewal.due.take() else { break };
            assert!(renewal.take_doubt() && renewal.wants_list());
            times.push((again - now).as_secs());
            now = again;
        }
        assert_eq!(times, [5, 10, 20, 40, 80]);
    }
}
