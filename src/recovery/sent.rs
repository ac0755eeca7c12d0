//! Holds the packets whose fate is open, by rising number.
//!
//! ```text
//!  number   12   13   14   17   18   19   20
//!          [■]  [·]  [■]  [■]  [·]  [·]  [■]     ■ open   · settled, cleared up later
//! ```
//!
//! Numbers need not be contiguous, so memory follows the open packets and not the distance between the oldest and the
//! newest: a peer that acknowledges every other packet, or a packet forgotten on a path that nobody uses any more, costs nothing.

use std::collections::VecDeque;

use crate::base::limits::{BARE_TRACKED, SETTLED_SLACK};
use crate::vocab::{SentPacket, Settled};

/// A packet whose fate is open.
#[derive(Debug)]
pub(super) struct Open {
    /// How many packets left on the same path before this one.
    pub(super) place: u64,
    /// A probe has taken over its contents.
    pub(super) resent: bool,
    pub(super) packet: SentPacket,
}

impl Open {
    pub(super) fn settled(&self, number: u64) -> Settled {
        let packet = &self.packet;
        Settled {
            number,
            sent_at: packet.sent_at,
            size: packet.size,
            path: packet.path,
            ack_eliciting: packet.ack_eliciting,
            mtu_probe: packet.mtu_probe,
            ecn_marked: packet.ecn_marked,
            stamp: packet.stamp,
        }
    }
}

/// Where a walk over open packets stands. Any other change than [`SentPackets::take`] makes it worthless.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor(usize);

impl Cursor {
    pub(super) fn advance(&mut self) {
        self.0 += 1;
    }
}

#[derive(Debug, Default)]
pub(super) struct SentPackets {
    slots: VecDeque<(u64, Option<Open>)>,
    /// Open packets that elicit an acknowledgement.
    eliciting: usize,
    /// Open packets that do not.
    bare: usize,
}

impl SentPackets {
    /// Adds a packet with a larger number than all before.
    #[inline]
    pub(super) fn push(&mut self, number: u64, open: Open) {
        debug_assert!(self.slots.back().is_none_or(|(newest, _)| *newest < number));
        *self.counter(open.packet.ack_eliciting) += 1;
        self.slots.push_back((number, Some(open)));
        if self.bare > BARE_TRACKED {
            // Half, so that the walk is rare.
            self.forget_bare(self.bare - BARE_TRACKED / 2);
        }
    }

    /// The smallest open number.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.slots.front().map(|(number, _)| *number)
    }

    /// How many packets are open.
    pub(super) fn len(&self) -> usize {
        self.eliciting + self.bare
    }

    /// Some open packet elicits an acknowledgement.
    pub(super) fn has_eliciting(&self) -> bool {
        self.eliciting > 0
    }

    /// The place of the first number that is not below this one.
    pub(super) fn seek(&self, number: u64) -> Cursor {
        let (Some((first, _)), Some((last, _))) = (self.slots.front(), self.slots.back()) else {
            return Cursor::default();
        };
        // Numbers rise: the place is at most the distance from the first number, and less by at most the numbers without a slot.
        let distance =
            |number: u64| usize::try_from(number.saturating_sub(*first)).unwrap_or(usize::MAX);
        let absent = distance(*last).saturating_sub(self.slots.len() - 1);
        let mut high = distance(number).min(self.slots.len());
        let mut low = distance(number).saturating_sub(absent).min(high);
        while low < high {
            let middle = low.midpoint(high);
            if self.slots.get(middle).is_some_and(|(other, _)| *other < number) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Cursor(low)
    }

    /// Moves on to an open packet with a number up to `last`, and shows it.
    pub(super) fn peek(&self, cursor: &mut Cursor, last: u64) -> Option<&Open> {
        loop {
            match self.slots.get(cursor.0)? {
                (number, _) if *number > last => return None,
                (_, Some(open)) => return Some(open),
                (_, None) => cursor.advance(),
            }
        }
    }

    /// Settles the open packets from the cursor up to `last`: shows each where it lies, for it is large, and forgets it.
    pub(super) fn settle(&mut self, cursor: Cursor, last: u64, mut show: impl FnMut(u64, &Open)) {
        let Self { slots, eliciting, bare } = self;
        for (number, slot) in slots.range_mut(cursor.0.min(slots.len())..) {
            if *number > last {
                break;
            }
            let Some(open) = slot else { continue };
            show(*number, open);
            *if open.packet.ack_eliciting { &mut *eliciting } else { &mut *bare } -= 1;
            *slot = None;
        }
    }

    /// Moves on like [`Self::peek`], takes the packet out, and steps behind it.
    pub(super) fn take(&mut self, cursor: &mut Cursor, last: u64) -> Option<(u64, Open)> {
        self.peek(cursor, last)?;
        let (number, slot) = self.slots.get_mut(cursor.0)?;
        let (number, open) = (*number, slot.take()?);
        cursor.advance();
        *self.counter(open.packet.ack_eliciting) -= 1;
        Some((number, open))
    }

    /// The open packets, by number.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Open> {
        self.slots.iter_mut().filter_map(|(_, slot)| slot.as_mut())
    }

    /// Clears up behind [`Self::take`]: at either end always, in between when it pays.
    pub(super) fn clear_settled(&mut self) {
        let settled = self.slots.iter().take_while(|(_, slot)| slot.is_none()).count();
        self.slots.drain(..settled);
        while self.slots.back().is_some_and(|(_, slot)| slot.is_none()) {
            self.slots.pop_back();
        }
        if self.slots.len() > self.len() + self.len() / 4 + SETTLED_SLACK {
            self.slots.retain(|(_, slot)| slot.is_some());
        }
    }

    /// Forgets the packets that elicit nothing, and gives back memory that no packet is in.
    pub(super) fn rest(&mut self) {
        self.forget_bare(self.bare);
        self.slots.shrink_to_fit();
    }

    /// Forgets the oldest packets that elicit nothing.
    fn forget_bare(&mut self, mut surplus: usize) {
        self.bare -= surplus;
        for (_, slot) in &mut self.slots {
            if surplus == 0 {
                break;
            }
            if slot.as_ref().is_some_and(|open| !open.packet.ack_eliciting) {
                *slot = None;
                surplus -= 1;
            }
        }
        self.clear_settled();
    }

    fn counter(&mut self, ack_eliciting: bool) -> &mut usize {
        if ack_eliciting { &mut self.eliciting } else { &mut self.bare }
    }

    /// Slots in memory, settled ones included.
    #[cfg(test)]
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }
}
