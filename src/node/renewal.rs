//! What two connected peers have told each other of where they may be reached now, and whether a search is made of it (SPEC §18.7).
//!
//! ```text
//!   ours is another one ──▶ offered ── the peer's list answers it ──▶ searched, at the time that the peer has chosen
//!                              │ the peer offers too, and was dialled by us: it answers ours
//!                              ▼ else its offer counts
//!   the peer offers ─────▶ asked ── by relay, in time, and gathered not long ago ──▶ answered, and searched at the time that we choose
//!   a search that both began, or that followed our offer, finds nothing ──▶ after 5, 10, 20 s … 1 h ours is offered though it is no other
//! ```
//!
//! One that lies could aim one search after the other at somebody: see [`Renewal::on_searched`]. What we begin ourselves is bounded by our
//! own waits, which nothing that a peer says makes shorter.

use std::time::Duration;

use crate::base::Instant;
use crate::base::limits::{
    NODE_LIST_INTERVAL, NODE_LISTS, NODE_RENEWAL_INTERVAL, NODE_RENEWAL_INTERVAL_MAX,
    NODE_RENEWAL_REPEAT_MAX, NODE_RENEWAL_WIDE, NODE_RENEWAL_YIELD,
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
    /// When the last one began.
    begun: Instant,
    /// When we offer once more because it came to nothing.
    again: Option<Instant>,
    patience: Duration,
    /// When there is something to do.
    pub(super) due: Option<Instant>,
}

/// A search that has found nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vain {
    /// Nothing will come of another one as long as addresses and NATs are the same.
    pub(super) is_final: bool,
    /// It made guesses, or opened many sockets, which is dear.
    pub(super) is_wide: bool,
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
            begun: Instant::ZERO,
            again: None,
            patience: NODE_RENEWAL_INTERVAL,
            due: None,
        }
    }
}

impl Renewal {
    fn look(&mut self) {
        self.due = Some(Instant::ZERO);
    }

    /// When there is something to do.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        earliest(self.due, self.again)
    }

    /// Whether there is something to do now.
    pub(super) fn take_due(&mut self, now: Instant) -> bool {
        let is_due = self.poll_timeout().is_some_and(|at| at <= now);
        self.due.take_if(|at| *at <= now);
        is_due
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
        (self.again, self.is_wanted) = (None, false);
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
        (self.begun, self.next) = (now, now + self.wait);
        self.wait = (self.wait * 2).min(NODE_RENEWAL_INTERVAL_MAX);
    }

    pub(super) fn on_found(&mut self) {
        self.wait = NODE_RENEWAL_INTERVAL;
        self.on_direct();
    }

    /// The connection needs no relay.
    pub(super) fn on_direct(&mut self) {
        (self.was_offerer, self.again) = (false, None);
        self.patience = NODE_RENEWAL_INTERVAL;
    }

    /// Our addresses have changed: what came to nothing before may not now.
    pub(super) fn on_changed(&mut self) {
        (self.patience, self.again) = (NODE_RENEWAL_INTERVAL, None);
    }

    /// The search with which both have met has found no direct path. One of them offers as soon as may be, the other one later if it does
    /// not.
    pub(super) fn on_met(&mut self, now: Instant, begun: Instant, (vain, yields): (Vain, bool)) {
        self.begun = begun;
        self.repeat(now, vain);
        let later = now + NODE_RENEWAL_YIELD * 2;
        self.again = self.again.map(|at| if yields { at.max(later) } else { at });
    }

    /// Nothing was found. Who had offered does so again.
    pub(super) fn on_failed(&mut self, now: Instant, vain: Vain) {
        if std::mem::take(&mut self.was_offerer) {
            self.repeat(now, vain);
        }
    }

    /// Each time after twice as long a wait.
    fn repeat(&mut self, now: Instant, vain: Vain) {
        if vain.is_final {
            return;
        }
        let wait = if vain.is_wide { self.patience * NODE_RENEWAL_WIDE } else { self.patience };
        self.again = Some(now.max(self.begun + wait));
        self.patience = (self.patience * 2).min(NODE_RENEWAL_REPEAT_MAX);
    }

    /// Whether to offer once more now.
    pub(super) fn take_again(&mut self, now: Instant) -> bool {
        self.again.take_if(|at| *at <= now).is_some()
    }

    /// What is known is told, as soon as it is certain: `is_fresh` if it is already.
    pub(super) fn want(&mut self, is_fresh: bool) {
        self.is_wanted = true;
        self.has_news |= is_fresh;
        self.is_doubtful |= !is_fresh;
    }
}

#[cfg(test)]
mod tests;
