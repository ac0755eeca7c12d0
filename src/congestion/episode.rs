//! Decides which losses belong to one congestion event, and when all of them prove spurious.
//!
//! ```text
//!  sent at:  ───────┬──────────────────┬───────────────►
//!               previous            start (loss seen)
//!                   └ of this episode ─┘└ a loss here starts the next episode
//! ```
//!
//! One reduction answers for all packets that were in flight when it happened (RFC 9002 §7.3.2). If every one of them
//! that was called lost arrives after all, it was reordering, and the state from before comes back (RFC 9438 §4.9).

use crate::base::Instant;
use crate::vocab::Settled;

/// `S` is what a controller needs to undo its reduction.
#[derive(Clone, Debug)]
pub(super) struct Episode<S> {
    start: Option<Instant>,
    previous: Option<Instant>,
    /// Lost packets of this episode that have not arrived since.
    missing: u64,
    /// `None` if there is evidence of congestion beyond the losses.
    before: Option<S>,
}

impl<S> Episode<S> {
    pub(super) fn new() -> Self {
        Self { start: None, previous: None, missing: 0, before: None }
    }

    /// A packet sent then was answered for by the last reduction.
    pub(super) fn covers(&self, sent_at: Instant) -> bool {
        self.start.is_some_and(|start| sent_at <= start)
    }

    /// A reduction happens.
    pub(super) fn begin(&mut self, now: Instant, before: Option<S>) {
        self.previous = self.start;
        self.start = Some(now);
        self.missing = 0;
        self.before = before;
    }

    /// Losses that [`Self::covers`] them all, by a reduction just begun or earlier.
    pub(super) fn on_lost(&mut self, packets: &[Settled]) {
        self.missing += self.count(packets);
    }

    /// What would be restored, to add to it.
    pub(super) fn before_mut(&mut self) -> Option<&mut S> {
        self.before.as_mut()
    }

    /// There is evidence of congestion that reordering does not explain.
    pub(super) fn confirm(&mut self) {
        self.before = None;
    }

    /// Packets called lost arrived. Returns what to restore if that leaves no loss in this episode.
    pub(super) fn on_spurious(&mut self, packets: &[Settled]) -> Option<S> {
        let found = self.count(packets);
        if found == 0 {
            return None;
        }
        self.missing = self.missing.saturating_sub(found);
        if self.missing > 0 {
            return None;
        }
        let before = self.before.take()?;
        // Real losses among the same packets must still be able to start an episode.
        self.start = self.previous;
        Some(before)
    }

    fn count(&self, packets: &[Settled]) -> u64 {
        let own = |packet: &&Settled| {
            is_signal(packet)
                && self.covers(packet.sent_at)
                && self.previous.is_none_or(|previous| packet.sent_at > previous)
        };
        packets.iter().filter(own).count() as u64
    }
}

/// The loss of this packet says something about congestion: it was in flight and no path MTU probe.
pub(super) fn is_signal(packet: &Settled) -> bool {
    packet.ack_eliciting && !packet.mtu_probe
}
