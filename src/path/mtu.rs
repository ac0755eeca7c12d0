//! Finds the largest datagram that a path carries (RFC 8899, DPLPMTUD).
//!
//! ```text
//!              next size                 size acknowledged: good = size
//!   Searching ──────────► probe in flight ──────────────────────────────► Searching
//!      │                        │
//!      │                        └─ lost 3 times, or too large for the interface: bad = size ──► Searching
//!      │ bad - good ≤ 20, or good = limit
//!      ▼
//!   Resting ── 600 s ──► Searching, upwards from good
//!
//!   any state ── 3 loss events of large packets, none delivered between ──► good = 1200, Resting 60 s
//! ```
//!
//! The sizes of common networks are tried first, upwards: each success costs one round trip, so loopback is found in
//! five. The first failure bounds the search. A size that is common is likely the limit itself, so a step just above it
//! comes next; only then is the gap halved.

use crate::base::Instant;
use crate::base::limits::{
    BASE_DATAGRAM, DATAGRAM_MAX, MTU_BLACK_HOLE_EVENTS, MTU_BLACK_HOLE_REST, MTU_GRANULARITY,
    MTU_PROBES, MTU_RAISE_INTERVAL,
};
use crate::vocab::Settled;

#[derive(Clone, Debug)]
pub(super) struct MtuSearch {
    /// Sizes to try first, rising.
    common: &'static [usize],
    limit: usize,
    /// A datagram of the full size was sent: larger ones are of use.
    is_wanted: bool,
    /// The largest size known to arrive.
    good: usize,
    /// The smallest size known not to arrive.
    bad: Option<usize>,
    phase: Phase,
    /// How often the present size was lost.
    losses: u8,
    /// The newest packet above the base size that arrived.
    largest_delivered: Option<u64>,
    /// Loss events of large packets since then.
    suspicions: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Searching,
    Probing { number: u64, size: usize },
    Resting { until: Instant },
}

impl MtuSearch {
    /// A search from the base size up to `limit`.
    pub(super) fn new(common: &'static [usize], limit: usize) -> Self {
        Self {
            common,
            limit: limit.clamp(BASE_DATAGRAM, DATAGRAM_MAX),
            is_wanted: false,
            good: BASE_DATAGRAM,
            bad: None,
            phase: Phase::Searching,
            losses: 0,
            largest_delivered: None,
            suspicions: 0,
        }
    }

    /// The search goes on under another path id: nobody will hear what became of a probe in flight.
    pub(super) fn for_rebound_path(&self) -> Self {
        let phase = match self.phase {
            Phase::Probing { .. } => Phase::Searching,
            phase @ (Phase::Searching | Phase::Resting { .. }) => phase,
        };
        Self { phase, suspicions: 0, ..self.clone() }
    }

    /// The largest datagram to send.
    pub(super) fn size(&self) -> usize {
        self.good
    }

    /// A datagram was sent. The search begins with the first of full size: a connection that sends less gains nothing by it.
    pub(super) fn on_sent(&mut self, size: u64) {
        self.is_wanted |= size >= self.good as u64;
    }

    /// The size of a probe to send now.
    pub(super) fn poll_probe(&mut self, now: Instant) -> Option<usize> {
        match self.phase {
            _ if !self.is_wanted => return None,
            Phase::Probing { .. } => return None,
            Phase::Resting { until } if now < until => return None,
            Phase::Resting { .. } => self.restart(),
            Phase::Searching => {}
        }
        let next = self.next_size();
        if next.is_none() {
            self.phase = Phase::Resting { until: now + MTU_RAISE_INTERVAL };
        }
        next
    }

    /// The probe left as this packet.
    pub(super) fn on_probe_sent(&mut self, number: u64, size: usize) {
        self.phase = Phase::Probing { number, size };
    }

    /// Packets of this path arrived, late ones included.
    pub(super) fn on_acked(&mut self, packets: &[Settled]) {
        for packet in packets {
            let size = packet.size as usize;
            if size <= BASE_DATAGRAM {
                continue;
            }
            self.suspicions = 0;
            self.largest_delivered = self.largest_delivered.max(Some(packet.number));
            if packet.mtu_probe {
                self.on_probe_acked(packet.number, size);
            }
        }
    }

    /// Packets of this path were lost.
    pub(super) fn on_lost(&mut self, now: Instant, packets: &[Settled]) {
        let mut suspicious = false;
        for packet in packets {
            if packet.mtu_probe {
                self.on_probe_lost(packet.number);
            } else if packet.size as usize > BASE_DATAGRAM {
                suspicious |= Some(packet.number) > self.largest_delivered;
            }
        }
        if suspicious {
            self.suspicions += 1;
            if self.suspicions >= MTU_BLACK_HOLE_EVENTS {
                self.on_black_hole(now);
            }
        }
    }

    /// The interface refused a datagram of this size.
    pub(super) fn on_too_large(&mut self, size: usize) {
        // Whoever forges this can at most bring back the base size.
        if size <= BASE_DATAGRAM {
            return;
        }
        if size <= self.good {
            self.good = BASE_DATAGRAM;
        }
        self.on_bad(size);
    }

    fn next_size(&self) -> Option<usize> {
        let common = self.common.iter().copied().find(|size| *size > self.good);
        let Some(bad) = self.bad else {
            return (self.good < self.limit)
                .then(|| common.map_or(self.limit, |size| size.min(self.limit)));
        };
        if bad <= self.good + MTU_GRANULARITY {
            return None;
        }
        if let Some(size) = common.filter(|size| *size < bad) {
            return Some(size);
        }
        if self.common.contains(&self.good) {
            return Some(self.good + MTU_GRANULARITY);
        }
        Some(self.good + (bad - self.good) / 2)
    }

    /// Looks for larger sizes again.
    fn restart(&mut self) {
        self.phase = Phase::Searching;
        self.bad = None;
        self.losses = 0;
    }

    fn on_probe_acked(&mut self, number: u64, size: usize) {
        match self.phase {
            Phase::Probing { number: awaited, .. } if awaited == number => {
                self.phase = Phase::Searching;
            }
            // Given up as lost, it still proves its size if it arrives late.
            Phase::Probing { .. } | Phase::Searching => {}
            // It may be from before a black hole.
            Phase::Resting { .. } => return,
        }
        if size > self.good && size <= self.limit {
            self.good = size;
            self.bad = self.bad.filter(|bad| *bad > size);
            self.losses = 0;
        }
    }

    fn on_probe_lost(&mut self, number: u64) {
        let Phase::Probing { number: awaited, size } = self.phase else { return };
        if awaited != number {
            return;
        }
        self.phase = Phase::Searching;
        self.losses += 1;
        if self.losses >= MTU_PROBES {
            self.on_bad(size);
        }
    }

    fn on_bad(&mut self, size: usize) {
        self.bad = Some(self.bad.map_or(size, |bad| bad.min(size)));
        self.phase = Phase::Searching;
        self.losses = 0;
    }

    fn on_black_hole(&mut self, now: Instant) {
        self.good = BASE_DATAGRAM;
        self.bad = None;
        self.losses = 0;
        self.suspicions = 0;
        self.phase = Phase::Resting { until: now + MTU_BLACK_HOLE_REST };
    }
}

#[cfg(test)]
mod tests;
