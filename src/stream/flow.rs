//! Flow control (RFC 9000 §4): how much the peer may send us, and how much we may send.
//!
//! A [`Window`] and a [`Credit`] exist once per stream, where they count offsets, and once per connection, where they
//! count the sum over all streams.
//!
//! The window grows by itself. A new limit is announced when half the window is consumed, and as soon as it grows: it doubles until it is
//! four times what a round trip brings the reader. So it holds at least four times the bandwidth-delay product, which a sender needs in
//! order to go on while a loss is repaired, and at most eight times, or sixteen if its start was steep.
//!
//! ```text
//!   ▒▒▒▒▒▒▒▒▒▒▒▒▒▒ ▓▓▓▓▓▓▓▓▓▓▓░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
//!   consumed      ▲ held       still allowed                limit
//!                 └─ lost; is repaired within a round trip or two
//! ```
//!
//! A sender that is still finding its pace sends twice as much every round trip, or a little more. It must not run into a limit, or it
//! takes that for the path's. When it hears of the limit that a round trip led to, it has sent twice as much again, and when it hears of
//! the next, four times as much: then the window is eight times what a round trip brings. And nothing is consumed while a loss is repaired:
//! the window doubles too as soon as a quarter of it is held because something before it is missing.

use std::time::Duration;

use super::pending::Pending;
use crate::base::Instant;
use crate::base::limits::OFFSET_MAX;
use crate::wire::TransportError;

/// Part of the window that may be held. While a loss is repaired, the sender goes on for a round trip until it hears of the limit, and
/// if it doubles its pace, that takes more than twice what is held.
const HELD: u64 = 4;

/// Round trips at the reader's pace that a window holds.
const TURNS: u64 = 4;

/// And while that pace doubles.
const TURNS_OF_STARTER: u64 = 8;

/// When the application consumed something, and the round trip then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) now: Instant,
    pub(super) rtt: Duration,
}

/// What the peer may send.
#[derive(Debug)]
pub(super) struct Window {
    limit: u64,
    received: u64,
    consumed: u64,
    size: u64,
    size_max: u64,
    pace: Measure,
    announcement: Pending<u64>,
}

impl Window {
    /// A window whose first limit, which is its size, goes to the peer by other means (parameters).
    pub(super) fn new(size: u64, size_max: u64) -> Self {
        let size = size.min(OFFSET_MAX);
        let size_max = size_max.clamp(size, OFFSET_MAX);
        Self {
            limit: size,
            received: 0,
            consumed: 0,
            size,
            size_max,
            pace: Measure::default(),
            announcement: Pending::Unset,
        }
    }

    /// May the peer send `growth` more bytes?
    pub(super) fn check(&self, growth: u64) -> Result<(), TransportError> {
        match self.received.checked_add(growth) {
            Some(received) if received <= self.limit => Ok(()),
            _ => Err(TransportError::FLOW_CONTROL),
        }
    }

    /// The peer sent `growth` more bytes, as far as its highest offsets tell. [`Self::check`] was asked before.
    pub(super) fn admit(&mut self, now: Instant, growth: u64) {
        self.received = self.received.saturating_add(growth);
        self.pace.since.get_or_insert(now);
    }

    /// The application consumed `bytes`, or they were discarded, which says nothing about its pace.
    pub(super) fn consume(&mut self, bytes: u64, pace: Option<Pace>) {
        self.consumed = self.consumed.saturating_add(bytes).min(self.received);
        if let Some(pace) = pace {
            let wanted = self.pace.update(pace, self.consumed);
            self.double_to(wanted);
        }
        if self.target().saturating_sub(self.limit) >= self.size.div_ceil(2).max(1) {
            self.announce();
        }
    }

    /// Doubles the window until it is as large as wanted.
    fn double_to(&mut self, wanted: u64) {
        let mut size = self.size.max(1);
        while size < wanted.min(self.size_max) {
            size = size.saturating_mul(2);
        }
        self.grow_to(size);
    }

    /// The reader has all there is, and waits for what is missing before the rest. Returns whether the window grew.
    pub(super) fn on_held(&mut self) -> bool {
        let held = self.received - self.consumed;
        let was = self.size;
        if held > self.size / HELD {
            self.grow_to(self.size.saturating_mul(2));
        }
        self.size > was
    }

    /// Makes the window at least this large, within its maximum, and says so.
    pub(super) fn grow_to(&mut self, size: u64) {
        let size = size.min(self.size_max);
        if size > self.size {
            self.size = size;
            self.announce();
        }
    }

    fn announce(&mut self) {
        self.limit = self.target().max(self.limit);
        self.announcement.set(self.limit);
    }

    fn target(&self) -> u64 {
        self.consumed.saturating_add(self.size).min(OFFSET_MAX)
    }

    /// Highest offset, or sum of offsets, that the peer used.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// What was received and not consumed will never be: forgets it, and returns how much it was.
    pub(super) fn discard(&mut self) -> u64 {
        let rest = self.received - self.consumed;
        self.consumed = self.received;
        rest
    }

    /// Its present size.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The limit that the peer has to hear of.
    pub(super) fn announcement(&mut self) -> &mut Pending<u64> {
        &mut self.announcement
    }

    /// The limit that is due in the next packet.
    pub(super) fn due(&self) -> Option<u64> {
        self.announcement.due()
    }
}

/// What a round trip brings the reader.
#[derive(Debug, Default)]
struct Measure {
    /// When the present round trip began, and what was consumed then.
    since: Option<Instant>,
    before: u64,
    /// What the one before brought.
    last: u64,
}

impl Measure {
    /// `consumed` is how much there ever was. Returns how large the window should be.
    fn update(&mut self, Pace { now, rtt }: Pace, consumed: u64) -> u64 {
        let Some(since) = self.since else { return 0 };
        let elapsed = now - since;
        let brought = consumed.saturating_sub(self.before);
        let turn = if elapsed > rtt { share(brought, rtt, elapsed) } else { brought };
        let doubles = self.last > 0 && turn / 3 >= self.last / 2 && consumed / 3 <= turn;
        if elapsed >= rtt {
            *self = Self { since: Some(now), before: consumed, last: turn };
        }
        turn.saturating_mul(if doubles { TURNS_OF_STARTER } else { TURNS })
    }
}

/// So much of `bytes` as `part` is of `whole`, which is longer.
fn share(bytes: u64, part: Duration, whole: Duration) -> u64 {
    let share = u128::from(bytes) * part.as_nanos() / whole.as_nanos().max(1);
    u64::try_from(share).unwrap_or(bytes)
}

/// What we may send.
#[derive(Debug)]
pub(super) struct Credit {
    limit: u64,
    used: u64,
    blocked: Pending<u64>,
}

impl Credit {
    /// Credit up to this limit.
    pub(super) fn new(limit: u64) -> Self {
        Self { limit, used: 0, blocked: Pending::Unset }
    }

    /// Bytes that may be sent.
    pub(super) fn available(&self) -> u64 {
        self.limit - self.used
    }

    /// Sent `bytes`, which were available.
    pub(super) fn spend(&mut self, bytes: u64) {
        self.used = self.used.saturating_add(bytes).min(self.limit);
    }

    /// The peer announced a limit; lower ones than the present are old news (RFC 9000 §4.1).
    pub(super) fn raise(&mut self, limit: u64) {
        if limit > self.limit {
            self.limit = limit;
            self.blocked.withdraw();
        }
    }

    /// There is data and no credit: the peer is told once per limit.
    pub(super) fn note_demand(&mut self) {
        if self.available() == 0 {
            self.blocked.set(self.limit);
        }
    }

    /// The limit that holds us back, as the peer has to hear.
    pub(super) fn blocked(&mut self) -> &mut Pending<u64> {
        &mut self.blocked
    }

    /// The limit to complain about in the next packet.
    pub(super) fn blocked_due(&self) -> Option<u64> {
        self.blocked.due()
    }
}

#[cfg(test)]
mod tests;
