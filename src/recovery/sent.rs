//! The ring of sent packets, indexed by number.

use std::collections::VecDeque;

use crate::base::limits;
use crate::vocab::{PathId, SentPacket};

/// What is known of one number.
#[derive(Debug)]
pub(super) enum Slot {
    /// No packet has this number.
    Skipped,
    /// Sent, and does not ask for an acknowledgement.
    AckOnly,
    /// In flight.
    Live(SentPacket),
    /// Declared lost; remembered for a while in case it arrives after all.
    Lost(SentPacket),
    /// Nothing is open about it any more.
    Settled,
}

/// Sent packets whose fate is open, and what is in flight.
#[derive(Debug, Default)]
pub(super) struct SentPackets {
    slots: VecDeque<Slot>,
    /// Number of the first slot; all below are settled.
    base: u64,
    /// No slot below this number is live.
    first_live: u64,
    in_flight: u64,
    paths: Vec<PathFlight>,
}

#[derive(Debug)]
struct PathFlight {
    path: PathId,
    in_flight: u64,
    largest_acked: Option<u64>,
}

impl SentPackets {
    pub(super) fn push(&mut self, number: u64, packet: SentPacket) {
        if self.slots.is_empty() && !packet.ack_eliciting {
            // Nothing is open: nothing has to be remembered of a packet that will not be acknowledged.
            self.base = number + 1;
            return;
        }
        if self.slots.is_empty() {
            self.base = number;
        }
        while self.base + (self.slots.len() as u64) < number {
            self.slots.push_back(Slot::Skipped);
        }
        if !packet.ack_eliciting {
            self.slots.push_back(Slot::AckOnly);
            return;
        }
        let size = u64::from(packet.size);
        self.in_flight += size;
        self.flight(packet.path).in_flight += size;
        self.slots.push_back(Slot::Live(packet));
    }

    /// Takes a number's slot out; what was live is not in flight any more. Numbers that are not in the ring are settled.
    pub(super) fn take(&mut self, number: u64) -> Slot {
        let Some(slot) = self.slot_mut(number) else {
            return Slot::Settled;
        };
        if matches!(slot, Slot::Skipped) {
            return Slot::Skipped;
        }
        let slot = std::mem::replace(slot, Slot::Settled);
        if let Slot::Live(packet) = &slot {
            self.land(packet.path, packet.size);
        }
        slot
    }

    /// Declares a live packet lost and shows it.
    pub(super) fn lose(&mut self, number: u64) -> Option<&SentPacket> {
        let Slot::Live(packet) = self.take(number) else {
            return None;
        };
        let slot = self.slot_mut(number)?;
        *slot = Slot::Lost(packet);
        match slot {
            Slot::Lost(packet) => Some(packet),
            _ => None,
        }
    }

    fn slot_mut(&mut self, number: u64) -> Option<&mut Slot> {
        let index = usize::try_from(number.checked_sub(self.base)?).ok()?;
        self.slots.get_mut(index)
    }

    fn land(&mut self, path: PathId, size: u32) {
        let size = u64::from(size);
        self.in_flight = self.in_flight.saturating_sub(size);
        let flight = self.flight(path);
        flight.in_flight = flight.in_flight.saturating_sub(size);
    }

    /// The live packets below `end`, by number. Cheap behind [`Self::advance_first_live`].
    pub(super) fn live_below(&self, end: u64) -> impl Iterator<Item = (u64, &SentPacket)> {
        let start = self.first_live.max(self.base);
        let skip = usize::try_from(start - self.base).unwrap_or(usize::MAX);
        let count = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
        self.slots.iter().skip(skip).take(count).zip(start..).filter_map(
            |(slot, number)| match slot {
                Slot::Live(packet) => Some((number, packet)),
                _ => None,
            },
        )
    }

    /// The oldest packets in flight.
    pub(super) fn oldest_live(&self, count: usize) -> impl Iterator<Item = &SentPacket> {
        self.live_below(u64::MAX).map(|(_, packet)| packet).take(count)
    }

    /// Finds the first live packet.
    pub(super) fn advance_first_live(&mut self) {
        self.first_live = self.first_live.max(self.base);
        while let Some(slot) = self.slot_mut(self.first_live) {
            if matches!(slot, Slot::Live(_)) {
                break;
            }
            self.first_live += 1;
        }
    }

    /// Settles the live packets of a path and shows them.
    pub(super) fn forget(&mut self, path: PathId, mut show: impl FnMut(&SentPacket)) {
        for slot in &mut self.slots {
            if let Slot::Live(packet) = slot
                && packet.path == path
            {
                show(packet);
                self.in_flight = self.in_flight.saturating_sub(u64::from(packet.size));
                *slot = Slot::Settled;
            }
        }
        self.paths.retain(|flight| flight.path != path);
    }

    /// Drops the front of the ring as far as nothing is open there.
    pub(super) fn trim(&mut self, largest_acked: Option<u64>) {
        let acked = largest_acked.unwrap_or(0);
        while let Some(front) = self.slots.front() {
            let over = match front {
                Slot::Live(_) => false,
                Slot::Settled => true,
                Slot::AckOnly | Slot::Skipped => self.base < acked || self.in_flight == 0,
                Slot::Lost(_) => {
                    self.base + limits::LOST_REMEMBERED < acked
                        || self.span() > limits::SENT_PACKETS / 2
                }
            };
            if !over {
                break;
            }
            self.slots.pop_front();
            self.base += 1;
        }
    }

    pub(super) fn note_acked(&mut self, path: PathId, number: u64) {
        let flight = self.flight(path);
        flight.largest_acked = flight.largest_acked.max(Some(number));
    }

    /// The largest acknowledged number among the packets of a path.
    pub(super) fn largest_acked(&self, path: PathId) -> Option<u64> {
        self.paths.iter().find(|flight| flight.path == path)?.largest_acked
    }

    fn flight(&mut self, path: PathId) -> &mut PathFlight {
        let index = match self.paths.iter().position(|flight| flight.path == path) {
            Some(index) => index,
            None => {
                self.paths.retain(|flight| flight.in_flight > 0);
                self.paths.push(PathFlight { path, in_flight: 0, largest_acked: None });
                self.paths.len() - 1
            }
        };
        &mut self.paths[index]
    }

    pub(super) fn base(&self) -> u64 {
        self.base
    }

    pub(super) fn span(&self) -> u64 {
        self.slots.len() as u64
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight
    }

    pub(super) fn in_flight_on(&self, path: PathId) -> u64 {
        self.paths.iter().find(|flight| flight.path == path).map_or(0, |flight| flight.in_flight)
    }
}
