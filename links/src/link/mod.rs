//! One direction of a link, from the sender's socket to the receiver's.
//!
//! ```text
//!  send ─▶ up? ─▶ MTU ─▶ queue ─▶ rate ─▶ loss ─▶ damage, ECN ─▶ delay + jitter ─┬▶ poll
//!                                                                 held back ─────┤
//!                                                                 duplicate ─────┘
//! ```
//!
//! Losses happen on the line, behind the queue: a lost packet has used its share of the rate.

mod config;
mod damage;
mod jitter;
mod line;
mod loss;
mod stats;
#[cfg(test)]
mod tests;
mod transit;

use std::time::Duration;

pub use config::{Burst, LinkConfig};
pub use stats::LinkStats;

use crate::packet::{Ecn, Packet};
use crate::random::Generator;
use jitter::Jitter;
use line::{Admission, Line};
use loss::Loss;
use transit::Transit;

/// A generator for each kind of mishap, so that none changes the pattern of another.
#[derive(Debug)]
struct Dice {
    reorder: Generator,
    duplicate: Generator,
    corrupt: Generator,
    truncate: Generator,
}

/// A model of one direction of a link.
#[derive(Debug)]
pub struct Link {
    config: LinkConfig,
    up: bool,
    now: Duration,
    line: Line,
    loss: Loss,
    jitter: Jitter,
    dice: Dice,
    transit: Transit,
    last_arrival: Duration,
    /// The highest number that was delivered.
    newest: u64,
    stats: LinkStats,
}

impl Link {
    /// A link that is up and empty. All that happens on it follows from the seed and the calls.
    pub fn new(config: LinkConfig, seed: u64) -> Self {
        let part = |number| Generator::for_part(seed, number);
        Self {
            config,
            up: true,
            now: Duration::ZERO,
            line: Line::default(),
            loss: Loss::new(part(0), part(1)),
            jitter: Jitter::new(part(2)),
            dice: Dice {
                reorder: part(3),
                duplicate: part(4),
                corrupt: part(5),
                truncate: part(6),
            },
            transit: Transit::default(),
            last_arrival: Duration::ZERO,
            newest: 0,
            stats: LinkStats::default(),
        }
    }

    /// Puts a packet in. A `now` before that of an earlier call counts as the earlier one: time never goes back.
    pub fn send(&mut self, now: Duration, packet: Packet) {
        self.now = self.now.max(now);
        self.stats.sent += 1;
        let size = packet.payload.len();
        if !self.is_up() {
            self.stats.blackholed += 1;
        } else if self.config.mtu.is_some_and(|mtu| size > mtu) {
            self.stats.oversized += 1;
        } else if let Some(admission) = self.admit(size) {
            self.stats.record_wait(admission.wait);
            self.transmit(admission, packet);
        } else {
            self.stats.queue_dropped += 1;
        }
    }

    /// The next packet that has arrived by `now`. Call it until it returns `None`.
    pub fn poll(&mut self, now: Duration) -> Option<Packet> {
        self.now = self.now.max(now);
        let (number, packet) = self.transit.take(self.now)?;
        self.stats.delivered += 1;
        self.stats.delivered_bytes += packet.payload.len() as u64;
        self.stats.reordered += u64::from(number < self.newest);
        self.newest = self.newest.max(number);
        Some(packet)
    }

    /// When [`poll`](Self::poll) will have the next packet.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.transit.next_arrival()
    }

    /// What became of the packets so far.
    pub fn stats(&self) -> LinkStats {
        self.stats
    }

    /// Packets that were sent and have not arrived yet.
    pub fn in_flight(&self) -> usize {
        self.transit.len()
    }

    /// Cuts the link, or mends it. While it is cut, what is sent vanishes; what is under way still arrives.
    pub fn set_up(&mut self, up: bool) {
        self.up = up;
    }

    /// Gives the link another configuration from now on. Packets under way keep their arrival.
    pub fn reconfigure(&mut self, config: LinkConfig) {
        if config.jitter != self.config.jitter {
            self.jitter.restart();
        }
        self.config = config;
    }

    fn is_up(&self) -> bool {
        self.up && !self.config.blackholes.iter().any(|hole| hole.contains(&self.now))
    }

    fn admit(&mut self, size: usize) -> Option<Admission> {
        if !self.transit.has_room(size) {
            return None;
        }
        match self.config.rate {
            Some(rate) => self.line.admit(self.now, size, rate, self.config.queue_at(rate)),
            None => Some(Admission { wait: Duration::ZERO, departs: self.now, backlog: 0 }),
        }
    }

    fn transmit(&mut self, admission: Admission, mut packet: Packet) {
        if self.loss.next(self.config.loss, self.config.burst) {
            self.stats.lost += 1;
            return;
        }
        self.mark(admission.backlog, &mut packet);
        let copies = self.dice.duplicate.chance(self.config.duplicate);
        if copies {
            self.stats.duplicated += 1;
            self.deliver(admission.departs, packet.clone());
        }
        self.deliver(admission.departs, packet);
    }

    fn mark(&mut self, backlog: usize, packet: &mut Packet) {
        if self.config.bleach {
            packet.ecn = Ecn::NotEct;
        }
        let congested = self.config.mark_above.is_some_and(|threshold| backlog > threshold);
        if congested && packet.ecn.is_capable() && packet.ecn != Ecn::Ce {
            packet.ecn = Ecn::Ce;
            self.stats.marked += 1;
        }
    }

    /// Each copy has its own damage and its own luck.
    fn deliver(&mut self, departs: Duration, mut packet: Packet) {
        if self.dice.corrupt.chance(self.config.corrupt) {
            let flipped = damage::flip(&mut self.dice.corrupt, &mut packet.payload);
            self.stats.corrupted += u64::from(flipped);
        }
        if self.dice.truncate.chance(self.config.truncate) {
            let cut = damage::cut(&mut self.dice.truncate, &mut packet.payload);
            self.stats.truncated += u64::from(cut);
        }
        let arrives = self.arrival(departs);
        self.transit.insert(arrives, self.stats.sent, packet);
    }

    fn arrival(&mut self, departs: Duration) -> Duration {
        let extra = self.jitter.at(departs, self.config.jitter);
        let due = departs.saturating_add(self.config.delay).saturating_add(extra);
        // A shorter delay after `reconfigure` must not reorder either.
        let in_order = due.max(self.last_arrival);
        if self.dice.reorder.chance(self.config.reorder) {
            // Held back beside the FIFO: those behind it do not wait for it.
            return in_order.saturating_add(self.dice.reorder.span(self.config.reorder_by));
        }
        self.last_arrival = in_order;
        in_order
    }
}
