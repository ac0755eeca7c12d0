//! Decides when a silent connection is given up, and when to break the silence (SPEC §13.1, RFC 9000 §10.1).
//!
//! ```text
//!             received                      first ack-eliciting packet since
//!  last ──────────┴──────────────────────────────┴─────────────── restarts the silence
//!
//!  silence = 0 ··· max(REST_AFTER, PTO) ··· min(keep-alive, limit / 2) ··· limit = max(timeout, 3 PTO)
//!                   Rest, once       KeepAlive, once per silence    Expired
//! ```
//!
//! A flow that breaks off is asked after sooner. Who only receives sends nothing by itself; if a NAT on the way has forgotten the
//! mapping, nothing comes in any more until something goes out.
//!
//! Rests are late and keep-alives are early by up to a [`SILENCE_TICK`], so that those of many connections come together. On the side
//! that yields keep-alives are late: mostly it has heard the other one before.
//!
//! After one keep-alive the loss recovery repeats the PING; so one request per silence is enough.

use std::time::Duration;

use crate::base::Instant;
use crate::base::limits::{FLOW_BROKEN, FLOW_GAP, FLOW_PACKETS, REST_AFTER, SILENCE_TICK};
use crate::base::time::earliest;

/// What a deadline means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdleVerdict {
    /// Too early, or nothing is to be done.
    Nothing,
    /// Send a PING now.
    KeepAlive,
    /// Memory that only a busy connection needs can go.
    Rest,
    /// The connection is over; nothing is sent (RFC 9000 §10.1).
    Expired,
}

/// The silence of one connection.
#[derive(Debug)]
pub(crate) struct Idle {
    /// The smaller of the two peers' timeouts; `None` if neither has one.
    timeout: Option<Duration>,
    keep_alive: Option<Duration>,
    /// When the silence began.
    since: Instant,
    /// An ack-eliciting packet left after the last packet came: later ones do not restart the silence, for otherwise a
    /// sender that nobody hears would keep itself alive.
    awaiting: bool,
    /// A keep-alive was asked for in this silence.
    asked: bool,
    /// The connection was sent to rest in this silence.
    rested: bool,
    /// When it was last too busy for that.
    awake: Instant,
    /// When the last packet came.
    received: Instant,
    /// Packets that came soon after the one before them, in a row.
    flow: u8,
    /// The peer should be the first to break the silence.
    yields: bool,
}

impl Idle {
    /// Zero timeouts mean "none", and so does a keep-alive of zero.
    pub(crate) fn new(
        now: Instant,
        ours: Duration,
        peers: Duration,
        keep_alive: Option<Duration>,
    ) -> Self {
        Self {
            timeout: [ours, peers].into_iter().filter(|timeout| !timeout.is_zero()).min(),
            keep_alive: keep_alive.filter(|interval| !interval.is_zero()),
            since: now,
            awaiting: false,
            asked: false,
            rested: false,
            awake: now,
            received: now,
            flow: 0,
            yields: false,
        }
    }

    /// From now on the silence is broken after this time.
    pub(crate) fn keep_alive_every(&mut self, interval: Duration) {
        self.keep_alive = Some(interval);
    }

    /// Where both sides keep the connection alive, the peer is to be the first: two signs of life at once are one too many.
    pub(crate) fn yielding(self, yields: bool) -> Self {
        Self { yields, ..self }
    }

    /// A packet that comes now breaks a silence of the peer in which a flow would have counted as broken off.
    pub(crate) fn is_broken_by(&self, now: Instant) -> bool {
        now - self.received >= FLOW_BROKEN
    }

    /// A packet of the peer was opened.
    pub(crate) fn on_received(&mut self, now: Instant) {
        let soon = now - self.received < FLOW_GAP;
        self.flow = if soon { self.flow.saturating_add(1) } else { 0 };
        self.received = now;
        self.since = now;
        self.awaiting = false;
        self.asked = false;
        self.rested = false;
    }

    /// It was sent to rest, but something waits to be sent.
    pub(crate) fn stay_awake(&mut self, now: Instant) {
        self.rested = false;
        self.awake = now;
    }

    /// What was received was no more than a sign of life, which interrupts the silence but not the rest.
    pub(crate) fn stay_at_rest(&mut self) {
        self.rested = true;
    }

    /// A packet left.
    pub(crate) fn on_sent(&mut self, now: Instant, ack_eliciting: bool) {
        if ack_eliciting && !self.awaiting {
            self.since = now;
            self.awaiting = true;
        }
        // What answers a keep-alive is a sign of life again.
        self.rested &= !ack_eliciting || self.asked;
    }

    /// When [`Self::on_deadline`] wants to be called. `pto` is the current probe timeout.
    pub(crate) fn deadline(&self, pto: Duration) -> Option<Instant> {
        [self.rest_at(pto), self.keep_alive_at(pto), self.expires_at(pto)]
            .into_iter()
            .fold(None, earliest)
    }

    /// Tells what is due.
    pub(crate) fn on_deadline(&mut self, now: Instant, pto: Duration) -> IdleVerdict {
        if self.expires_at(pto).is_some_and(|at| at <= now) {
            return IdleVerdict::Expired;
        }
        if self.keep_alive_at(pto).is_some_and(|at| at <= now) {
            self.asked = true;
            return IdleVerdict::KeepAlive;
        }
        if self.rest_at(pto).is_some_and(|at| at <= now) {
            self.rested = true;
            return IdleVerdict::Rest;
        }
        IdleVerdict::Nothing
    }

    /// The connection was sent to rest, and nothing was received since.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.rested
    }

    /// Within a probe timeout the silence may be that of the path, between one flight of packets and the next; that of a flow, one in
    /// which others have their turns.
    fn rest_at(&self, pto: Duration) -> Option<Instant> {
        let least = if self.flow < FLOW_PACKETS { REST_AFTER } else { FLOW_BROKEN };
        (!self.rested).then(|| next_tick(self.since.max(self.awake) + least.max(pto)))
    }

    /// At least three PTOs, so that a probe can be lost twice (RFC 9000 §10.1).
    fn limit(&self, pto: Duration) -> Option<Duration> {
        self.timeout.map(|timeout| timeout.max(pto.saturating_mul(3)))
    }

    fn expires_at(&self, pto: Duration) -> Option<Instant> {
        self.limit(pto).map(|limit| self.since + limit)
    }

    /// `None` while an ack-eliciting packet waits for its answer: recovery probes for that one.
    fn keep_alive_at(&self, pto: Duration) -> Option<Instant> {
        if self.asked || self.awaiting {
            return None;
        }
        // A keep-alive that comes after the timeout would keep nothing alive.
        let latest = self.limit(pto).map_or(Duration::MAX, |limit| limit / 2);
        let broken = FLOW_BROKEN.max(pto.saturating_mul(3));
        let latest = if self.flow < FLOW_PACKETS { latest } else { latest.min(broken) };
        self.keep_alive.map(|interval| {
            let interval = interval.min(latest);
            let due = self.since + interval;
            // Too early or too late by a sixteenth at most.
            match interval < SILENCE_TICK * 16 {
                true => due,
                false if self.yields => next_tick(due),
                false => last_tick(due),
            }
        })
    }
}

/// The last multiple of the tick up to this instant.
fn last_tick(at: Instant) -> Instant {
    let tick = Instant::ZERO + SILENCE_TICK;
    Instant::from_nanos(at.as_nanos() - at.as_nanos() % tick.as_nanos())
}

/// The first multiple of the tick from this instant on.
fn next_tick(at: Instant) -> Instant {
    let last = last_tick(at);
    if last < at { last + SILENCE_TICK } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PTO: Duration = Duration::from_millis(100);
    /// After a silence that began on a tick.
    const RESTS_AFTER: Duration = SILENCE_TICK;

    fn at(millis: u64) -> Instant {
        Instant::from_nanos(millis * 1_000_000)
    }

    fn idle(ours: u64, peers: u64, keep_alive: Option<u64>) -> Idle {
        let millis = Duration::from_millis;
        Idle::new(at(0), millis(ours), millis(peers), keep_alive.map(millis))
    }

    /// The next deadline beside the rest.
    fn deadline(idle: &Idle) -> Option<Instant> {
        earliest(idle.keep_alive_at(PTO), idle.expires_at(PTO))
    }

    /// After the first rest, which is due before most timeouts.
    fn rested(mut idle: Idle) -> Idle {
        let due = at(0) + RESTS_AFTER;
        assert_eq!(idle.on_deadline(due, PTO), IdleVerdict::Rest);
        assert_eq!(idle.on_deadline(due, PTO), IdleVerdict::Nothing);
        idle
    }

    #[test]
    fn memory_is_given_back_once_per_silence() {
        let mut idle = rested(idle(60_000, 0, None));
        assert_eq!(idle.deadline(PTO), Some(at(60_000)));
        idle.on_received(at(50_000));
        assert_eq!(idle.deadline(PTO), Some(at(50_000) + RESTS_AFTER));
        assert_eq!(idle.on_deadline(at(50_001), PTO), IdleVerdict::Nothing);
    }

    #[test]
    fn rests_and_keep_alives_of_many_connections_come_together() {
        let mut idle = idle(0, 0, Some(15_000));
        for now in [10_001, 10_078, 10_149] {
            idle.on_received(at(now));
            assert_eq!(idle.rest_at(PTO), Some(at(10_250)));
            assert_eq!(idle.keep_alive_at(PTO), Some(at(25_000)));
        }
        let mut second = idle.yielding(true);
        second.on_received(at(10_001));
        assert_eq!(second.keep_alive_at(PTO), Some(at(25_250)));
    }

    #[test]
    fn a_flight_on_a_long_path_is_no_silence() {
        let idle = idle(0, 0, None);
        assert_eq!(idle.rest_at(PTO * 3), Some(at(500)));
    }

    #[test]
    fn a_flow_and_one_that_has_something_to_send_rest_later() {
        let mut idle = idle(0, 0, None);
        (0..=FLOW_PACKETS).for_each(|_| idle.on_received(at(0)));
        assert_eq!(idle.rest_at(PTO), Some(at(1000)));
        assert_eq!(idle.on_deadline(at(1000), PTO), IdleVerdict::Rest);
        idle.stay_awake(at(1000));
        assert!(!idle.is_at_rest());
        assert_eq!(idle.rest_at(PTO), Some(at(2000)));
    }

    #[test]
    fn a_sign_of_life_does_not_end_the_rest_and_work_does() {
        let mut idle = rested(idle(0, 0, Some(15_000)));
        assert_eq!(idle.on_deadline(at(15_000), PTO), IdleVerdict::KeepAlive);
        idle.on_sent(at(15_000), true);
        assert!(idle.is_at_rest());
        idle.on_received(at(15_001));
        idle.stay_at_rest();
        assert_eq!(idle.deadline(PTO), Some(at(30_000)));
        idle.on_sent(at(20_000), true);
        assert!(!idle.is_at_rest());
        assert_eq!(idle.deadline(PTO), Some(at(20_000) + RESTS_AFTER));
    }

    #[test]
    fn only_what_comes_after_a_second_breaks_a_silence() {
        let mut idle = idle(0, 0, None);
        idle.on_received(at(500));
        assert!(!idle.is_broken_by(at(1499)));
        assert!(idle.is_broken_by(at(1500)));
    }

    #[test]
    fn the_smaller_timeout_counts_and_zero_means_none() {
        assert_eq!(rested(idle(5000, 3000, None)).deadline(PTO), Some(at(3000)));
        assert_eq!(rested(idle(0, 3000, None)).deadline(PTO), Some(at(3000)));
        assert_eq!(rested(idle(5000, 0, None)).deadline(PTO), Some(at(5000)));
        assert_eq!(rested(idle(0, 0, None)).deadline(PTO), None);
    }

    #[test]
    fn a_connection_never_expires_before_three_probe_timeouts() {
        let mut idle = rested(idle(50, 50, None));
        assert_eq!(idle.deadline(PTO), Some(at(300)));
        assert_eq!(idle.on_deadline(at(299), PTO), IdleVerdict::Nothing);
        assert_eq!(idle.on_deadline(at(300), PTO), IdleVerdict::Expired);
    }

    #[test]
    fn a_received_packet_restarts_the_silence() {
        let mut idle = idle(1000, 0, None);
        idle.on_received(at(900));
        assert_eq!(idle.on_deadline(at(1000), PTO), IdleVerdict::Rest);
        assert_eq!(idle.deadline(PTO), Some(at(1900)));
    }

    #[test]
    fn only_the_first_ack_eliciting_packet_since_the_last_receipt_restarts_the_silence() {
        let mut idle = idle(1000, 0, None);
        idle.on_sent(at(100), false);
        assert_eq!(deadline(&idle), Some(at(1000)));
        idle.on_sent(at(200), true);
        assert_eq!(deadline(&idle), Some(at(1200)));
        idle.on_sent(at(700), true);
        assert_eq!(deadline(&idle), Some(at(1200)));
        idle.on_received(at(800));
        idle.on_sent(at(900), true);
        assert_eq!(deadline(&idle), Some(at(1900)));
    }

    #[test]
    fn a_keep_alive_is_asked_for_once_per_silence() {
        let mut idle = idle(1000, 0, Some(200));
        assert_eq!(idle.on_deadline(at(199), PTO), IdleVerdict::Nothing);
        assert_eq!(idle.on_deadline(at(200), PTO), IdleVerdict::KeepAlive);
        assert_eq!(idle.on_deadline(at(200), PTO), IdleVerdict::Nothing);
        assert_eq!(deadline(&idle), Some(at(1000)));
        idle.on_received(at(250));
        assert_eq!(deadline(&idle), Some(at(450)));
    }

    #[test]
    fn a_flow_that_breaks_off_is_asked_after_soon_and_once() {
        let flowing = |packets: u8, gap: u64| {
            let mut idle = idle(60_000, 0, Some(15_000));
            (0..=packets).for_each(|number| idle.on_received(at(u64::from(number) * gap)));
            (idle, u64::from(packets) * gap)
        };
        let (mut broken, last) = flowing(FLOW_PACKETS, 10);
        let due = at(last) + FLOW_BROKEN;
        assert_eq!(deadline(&broken), Some(due));
        assert_eq!(broken.on_deadline(due, PTO), IdleVerdict::KeepAlive);
        broken.on_received(due + PTO);
        assert_eq!(broken.keep_alive_at(PTO), Some(last_tick(due + PTO + Duration::from_secs(15))));
        // A few packets are no flow, and neither are many that come one by one.
        for (packets, gap) in [(FLOW_PACKETS - 2, 10), (FLOW_PACKETS, 300)] {
            let (idle, last) = flowing(packets, gap);
            assert_eq!(
                idle.keep_alive_at(PTO),
                Some(last_tick(at(last + 15_000))),
                "{packets} {gap}"
            );
        }
    }

    #[test]
    fn no_keep_alive_is_asked_for_while_an_answer_is_awaited() {
        let mut idle = idle(1000, 0, Some(200));
        idle.on_sent(at(100), true);
        assert_eq!(deadline(&idle), Some(at(1100)));
        assert_eq!(idle.on_deadline(at(500), PTO), IdleVerdict::Rest);
        assert_eq!(idle.on_deadline(at(500), PTO), IdleVerdict::Nothing);
    }

    #[test]
    fn a_keep_alive_longer_than_the_timeout_comes_at_half_of_it() {
        assert_eq!(rested(idle(1000, 0, Some(60_000))).deadline(PTO), Some(at(500)));
        assert_eq!(rested(idle(0, 0, Some(60_000))).deadline(PTO), Some(at(60_000)));
        assert_eq!(rested(idle(0, 0, Some(0))).deadline(PTO), None);
    }

    #[test]
    fn a_tiny_timeout_of_the_peer_does_not_make_us_send_more_often_than_its_round_trips() {
        assert_eq!(idle(0, 1, Some(60_000)).deadline(PTO), Some(at(150)));
    }
}
