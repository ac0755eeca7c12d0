//! Decides whether the peer receives at an address: PATH_CHALLENGE and its answer (SPEC §7.2, RFC 9000 §8.2).
//!
//! ```text
//!            start               answer
//!   Idle ────────────► Open ─────────────► Idle
//!    ▲                 │  └─ repeats 1, 3, 7… PTOs after the first, or half seconds if nothing was measured
//!    └─────────────────┘
//!      fails, after 3 PTOs
//! ```

use std::time::Duration;

use crate::base::Instant;
use crate::base::limits::{CHALLENGE_PTOS, CHALLENGE_SENDS, HANDSHAKE_RETRY, INITIAL_RTT};
use crate::base::time::earliest;
use crate::vocab::RttView;

/// What a deadline of a path means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathVerdict {
    /// Too early, or nothing is to be done.
    Nothing,
    /// Another PATH_CHALLENGE is due.
    Challenge,
    /// The peer did not answer in time.
    Failed,
}

/// The validation of one path.
#[derive(Clone, Debug)]
pub(super) enum Validation {
    Idle,
    Open(Challenge),
}

#[derive(Clone, Debug)]
pub(super) struct Challenge {
    data: [u8; 8],
    sends_left: u8,
    /// When to send again; `None` when that is overdue and only the caller can do something about it.
    next_send: Option<Instant>,
    /// Time between the next send and the one after it.
    interval: Duration,
    deadline: Instant,
}

impl Validation {
    /// Begins, or begins again with other data.
    pub(super) fn start(&mut self, now: Instant, data: [u8; 8], rtt: &RttView) {
        let pto = probe_timeout(rtt);
        // A path of which nothing is known is asked as often as a peer of which nothing is known (RFC 9000 §8.2.1).
        let interval = if rtt.measured { pto } else { HANDSHAKE_RETRY };
        // RFC 9000 §8.2.4: a new path may be slower than the one that the estimate comes from.
        let patience = pto.max(INITIAL_RTT * 3);
        *self = Self::Open(Challenge {
            data,
            sends_left: CHALLENGE_SENDS,
            next_send: None,
            interval,
            deadline: now + patience * CHALLENGE_PTOS,
        });
    }

    /// The data of a PATH_CHALLENGE to send now. Counts as sent.
    pub(super) fn poll_challenge(&mut self, now: Instant) -> Option<[u8; 8]> {
        let Self::Open(challenge) = self else { return None };
        if challenge.next_send.is_some_and(|at| now < at) || challenge.sends_left == 0 {
            return None;
        }
        challenge.sends_left -= 1;
        challenge.next_send = Some(now + challenge.interval);
        challenge.interval *= 2;
        Some(challenge.data)
    }

    /// A PATH_RESPONSE came. Returns whether it answers the open challenge.
    pub(super) fn on_response(&mut self, data: &[u8; 8]) -> bool {
        match self {
            Self::Open(challenge) if challenge.data == *data => {
                *self = Self::Idle;
                true
            }
            Self::Open(_) | Self::Idle => false,
        }
    }

    /// Time has passed. A challenge that falls due is named once: whether it can leave is not decided here.
    pub(super) fn on_deadline(&mut self, now: Instant) -> PathVerdict {
        let Self::Open(challenge) = self else { return PathVerdict::Nothing };
        if now >= challenge.deadline {
            *self = Self::Idle;
            return PathVerdict::Failed;
        }
        if challenge.sends_left > 0 && challenge.next_send.is_some_and(|at| now >= at) {
            challenge.next_send = None;
            return PathVerdict::Challenge;
        }
        PathVerdict::Nothing
    }

    /// When to call [`Self::on_deadline`].
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Idle => None,
            Self::Open(challenge) => {
                let next_send = challenge.next_send.filter(|_| challenge.sends_left > 0);
                earliest(next_send, Some(challenge.deadline))
            }
        }
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }
}

/// RFC 9002 §6.2.1, without the delay of acknowledgements: the answer to a challenge does not wait.
fn probe_timeout(rtt: &RttView) -> Duration {
    rtt.smoothed + (rtt.variation * 4).max(TIMER_GRANULARITY)
}

/// RFC 9002 §6.1.2.
const TIMER_GRANULARITY: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: [u8; 8] = *b"question";

    fn ms(count: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(count)
    }

    /// A path with a PTO of 100 ms.
    fn open() -> Validation {
        let rtt = RttView {
            smoothed: Duration::from_millis(60),
            variation: Duration::from_millis(10),
            minimum: Duration::from_millis(60),
            latest: Duration::from_millis(60),
            measured: true,
        };
        let mut validation = Validation::Idle;
        validation.start(ms(0), DATA, &rtt);
        validation
    }

    #[test]
    fn a_challenge_is_repeated_at_growing_intervals() {
        let mut validation = open();
        assert_eq!(validation.poll_challenge(ms(0)), Some(DATA));
        let mut sent = Vec::new();
        while let Some(at) = validation.deadline().filter(|at| *at < ms(2997)) {
            assert_eq!(validation.on_deadline(at), PathVerdict::Challenge);
            assert_eq!(validation.poll_challenge(at), Some(DATA));
            assert_eq!(validation.poll_challenge(at), None);
            sent.push(at);
        }
        assert_eq!(sent, [100, 300, 700, 1500].map(ms));
    }

    #[test]
    fn a_path_that_was_never_measured_is_asked_three_times() {
        let mut validation = Validation::Idle;
        validation.start(ms(0), DATA, &crate::path::rtt::Rtt::new().view());
        let sent: Vec<_> =
            (0..2997).filter(|at| validation.poll_challenge(ms(*at)).is_some()).collect();
        assert_eq!(sent, [0, 500, 1500]);
    }

    #[test]
    fn a_challenge_that_cannot_leave_is_not_asked_for_again_and_again() {
        let mut validation = open();
        assert_eq!(validation.deadline(), Some(ms(2997)));
        assert_eq!(validation.poll_challenge(ms(0)), Some(DATA));
        assert_eq!(validation.on_deadline(ms(100)), PathVerdict::Challenge);
        assert_eq!(validation.on_deadline(ms(100)), PathVerdict::Nothing);
        assert_eq!(validation.deadline(), Some(ms(2997)));
        assert_eq!(validation.poll_challenge(ms(1000)), Some(DATA));
    }

    #[test]
    fn the_number_of_challenges_is_bounded() {
        let rtt =
            RttView { smoothed: Duration::from_millis(1), ..crate::path::rtt::Rtt::new().view() };
        let rtt = RttView { variation: Duration::ZERO, measured: true, ..rtt };
        let mut validation = Validation::Idle;
        validation.start(ms(0), DATA, &rtt);
        let times = (0..2990).filter(|at| validation.poll_challenge(ms(*at)).is_some());
        assert_eq!(times.count(), usize::from(CHALLENGE_SENDS));
    }

    #[test]
    fn only_the_right_answer_ends_it_and_only_once() {
        let mut validation = open();
        assert!(!validation.on_response(b"nonsense"));
        assert!(validation.is_open());
        assert!(validation.on_response(&DATA));
        assert!(!validation.is_open());
        assert!(!validation.on_response(&DATA));
        assert_eq!(validation.deadline(), None);
    }

    #[test]
    fn it_fails_at_its_deadline_and_not_before() {
        // The guess of a new path's PTO, 999 ms, is longer than 100 ms.
        let mut validation = open();
        assert_ne!(validation.on_deadline(ms(2996)), PathVerdict::Failed);
        assert_eq!(validation.on_deadline(ms(2997)), PathVerdict::Failed);
        assert_eq!(validation.on_deadline(ms(2998)), PathVerdict::Nothing);
        assert!(!validation.on_response(&DATA));
    }

    #[test]
    fn other_data_replace_the_question() {
        let mut validation = open();
        let unmeasured = crate::path::rtt::Rtt::new().view();
        validation.start(ms(2), *b"another?", &unmeasured);
        assert_eq!(validation.poll_challenge(ms(2)), Some(*b"another?"));
        assert!(!validation.on_response(&DATA));
    }
}
