//! When a request is sent again, and when nobody will answer any more (RFC 8489 §6.2).
//!
//! ```text
//!  sent ─500 ms─▶ 2nd ─1 s─▶ 3rd ─2 s─▶ … 7th ─8 s─▶ failed          over UDP, 39.5 s in all
//!  sent ──────────────────────── 39.5 s ────────────▶ failed          over TCP
//! ```

use std::time::Duration;

use crate::base::Instant;
use crate::base::limits::{
    STUN_LAST_WAIT, STUN_RETRY, STUN_RETRY_MIN, STUN_SENDS, STUN_STREAM_TIMEOUT,
};

/// How often and how long to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    first: Duration,
    sends: u8,
    last: Duration,
}

impl Patience {
    /// RFC 8489's defaults over UDP: seven times in 31.5 s, and 8 s more for the last answer.
    pub const UDP: Self = Self::new(STUN_RETRY, STUN_SENDS, STUN_LAST_WAIT);

    /// Over TCP: once, and 39.5 s for the answer.
    pub const TCP: Self = Self::new(STUN_STREAM_TIMEOUT, 1, 1);

    /// Sends `sends` times, the first two `first` apart and each further one twice as long after its predecessor as that was, and waits
    /// `last` times `first` after the last.
    ///
    /// Nobody asks more often than every 500 ms, more than seven times, or not at all: other values are moved to the nearest.
    pub const fn new(first: Duration, sends: u8, last: u32) -> Self {
        let short = first.as_nanos() < STUN_RETRY_MIN.as_nanos();
        let first = if short { STUN_RETRY_MIN } else { first };
        let sends = match sends {
            0 => 1,
            STUN_SENDS.. => STUN_SENDS,
            other => other,
        };
        Self { first, sends, last: first.saturating_mul(last) }
    }

    /// Time from the first send to giving up.
    pub const fn total(&self) -> Duration {
        let intervals = (1_u32 << (self.sends - 1)) - 1;
        self.first.saturating_mul(intervals).saturating_add(self.last)
    }
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::nat) enum Due {
    Nothing,
    Send,
    GiveUp,
}

/// The sends of one request.
#[derive(Clone, Copy, Debug)]
pub(in crate::nat) struct Schedule {
    patience: Patience,
    sent: u8,
    next: Instant,
}

impl Schedule {
    /// The first send is due at once.
    pub(in crate::nat) fn new(now: Instant, patience: Patience) -> Self {
        Self { patience, sent: 0, next: now }
    }

    /// Counts a send that falls due as made.
    pub(in crate::nat) fn poll(&mut self, now: Instant) -> Due {
        if now < self.next {
            return Due::Nothing;
        }
        if self.sent == self.patience.sends {
            return Due::GiveUp;
        }
        self.sent += 1;
        let wait = if self.sent == self.patience.sends {
            self.patience.last
        } else {
            self.patience.first * (1 << (self.sent - 1))
        };
        self.next = now + wait;
        Due::Send
    }

    /// When something falls due.
    pub(in crate::nat) fn next(&self) -> Instant {
        self.next
    }

    /// How often it was sent.
    pub(in crate::nat) fn sent(&self) -> u8 {
        self.sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds of all sends, and of giving up.
    fn run(patience: Patience) -> (Vec<u64>, u64) {
        let (mut schedule, mut sends) = (Schedule::new(Instant::ZERO, patience), Vec::new());
        loop {
            let now = schedule.next();
            let ms = now.as_nanos() / 1_000_000;
            match schedule.poll(now) {
                Due::Send => sends.push(ms),
                Due::GiveUp => return (sends, ms),
                Due::Nothing => unreachable!("it was due"),
            }
        }
    }

    #[test]
    fn over_udp_a_request_is_sent_seven_times_in_39_seconds() {
        let expected = vec![0, 500, 1500, 3500, 7500, 15_500, 31_500];
        assert_eq!(run(Patience::UDP), (expected, 39_500));
        assert_eq!(Patience::UDP.total(), Duration::from_millis(39_500));
    }

    #[test]
    fn over_tcp_it_is_sent_once() {
        assert_eq!(run(Patience::TCP), (vec![0], 39_500));
        assert_eq!(Patience::TCP.total(), Duration::from_millis(39_500));
    }

    #[test]
    fn nobody_is_more_impatient_than_the_rfc_allows() {
        assert_eq!(run(Patience::new(Duration::ZERO, 0, 1)), (vec![0], 500));
        assert_eq!(run(Patience::new(Duration::ZERO, 255, 1)).0.len(), 7);
    }
}
