//! Flows that share a bottleneck, in virtual time: a link of `srudp_links` towards the receiver, a delay for the way back.

use std::collections::{BTreeMap, VecDeque};

use srudp_links::{Link, LinkConfig, Packet};

use super::*;

pub(super) const SIZE: usize = 1200;

/// What a flow does besides sending all that it may.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    pub(super) algorithm: CongestionAlgorithm,
    pub(super) begins: Instant,
    /// Bytes per second that the application has to send; `None` is no limit.
    pub(super) application: Option<u64>,
    /// Packets that one acknowledgement answers, unless 5 ms pass first.
    pub(super) ack_every: usize,
    /// Acknowledgements arrive at multiples of this only: a radio link's turns.
    pub(super) ack_slot: Duration,
}

impl Habits {
    pub(super) fn of(algorithm: CongestionAlgorithm) -> Self {
        Self {
            algorithm,
            begins: ms(0),
            application: None,
            ack_every: 10,
            ack_slot: Duration::ZERO,
        }
    }
}

pub(super) struct Flow {
    pub(super) path: Path,
    habits: Habits,
    in_flight: u64,
    next_number: u64,
    open: VecDeque<Option<Settled>>,
    /// Number of the first in `open`.
    oldest: u64,
    /// Bytes that the application has handed over so far.
    handed: u64,
    /// Packets that the application still has, if it is about to fall silent.
    left: Option<u64>,
    unacked: Vec<u64>,
    ack_due: Option<Instant>,
    active_at: Instant,
    pub(super) sent: u64,
    pub(super) delivered: u64,
    pub(super) lost: u64,
}

impl Flow {
    fn new(habits: Habits) -> Self {
        let config = PathConfig {
            algorithm: habits.algorithm,
            max_datagram: SIZE,
            validated: true,
            ecn: false,
            seed: 1,
        };
        Self {
            path: Path::new(habits.begins, PathId(0), remote(1), None, &config),
            habits,
            in_flight: 0,
            next_number: 0,
            open: VecDeque::new(),
            oldest: 0,
            handed: 0,
            left: None,
            unacked: Vec::new(),
            ack_due: None,
            active_at: habits.begins,
            sent: 0,
            delivered: 0,
            lost: 0,
        }
    }

    pub(super) fn pause(&mut self) {
        self.left = Some(1);
    }

    pub(super) fn resume(&mut self) {
        self.left = None;
    }

    /// Bytes that wait, and when the next datagram will.
    fn supply(&self, now: Instant) -> (u64, Option<Instant>) {
        if let Some(left) = self.left {
            return (left * SIZE as u64, None);
        }
        let Some(rate) = self.habits.application else { return (u64::MAX, None) };
        let passed = (now - self.habits.begins).as_nanos();
        let made = u64::try_from(passed * u128::from(rate) / 1_000_000_000).unwrap();
        let next = (u128::from(self.handed) + SIZE as u128) * 1_000_000_000 / u128::from(rate) + 1;
        let next = self.habits.begins + Duration::from_nanos(u64::try_from(next).unwrap());
        (made.saturating_sub(self.handed), Some(next))
    }

    fn probe_at(&self) -> Option<Instant> {
        let view = self.path.rtt.view();
        (self.in_flight > 0).then(|| self.active_at + view.smoothed * 2 + Duration::from_millis(25))
    }

    fn push(&mut self, now: Instant, more: bool) -> u64 {
        let stamp = self.path.on_sent(now, SIZE, true, self.in_flight, !more);
        let number = self.next_number;
        self.next_number += 1;
        self.in_flight += SIZE as u64;
        self.sent += SIZE as u64;
        self.active_at = now;
        self.left = self.left.map(|left| left.saturating_sub(1));
        self.open.push_back(Some(Settled { stamp, ..packet(number, now, SIZE as u32, 0) }));
        number
    }

    fn take(&mut self, number: u64) -> Option<Settled> {
        let index = usize::try_from(number.checked_sub(self.oldest)?).unwrap();
        let settled = self.open.get_mut(index)?.take()?;
        self.in_flight -= u64::from(settled.size);
        Some(settled)
    }

    fn hear(&mut self, now: Instant, numbers: &[u64]) {
        let mut outcome = Outcome { prior_in_flight: self.in_flight, ..Outcome::default() };
        outcome.acked = numbers.iter().filter_map(|number| self.take(*number)).collect();
        let Some(newest) = outcome.acked.last().copied() else { return };
        let overtaken = self.oldest..(newest.number + 1).saturating_sub(3);
        outcome.lost = overtaken.filter_map(|number| self.take(number)).collect();
        while matches!(self.open.front(), Some(None)) {
            self.open.pop_front();
            self.oldest += 1;
        }
        self.active_at = now;
        self.delivered += (SIZE * outcome.acked.len()) as u64;
        self.lost += (SIZE * outcome.lost.len()) as u64;
        outcome.rtt = Some(RttSample {
            path: PathId(0),
            latest: now - newest.sent_at,
            ack_delay: Duration::ZERO,
        });
        self.path.on_outcome(now, &outcome);
    }
}

/// The flows, the bottleneck, and the way back.
pub(super) struct Bottleneck {
    pub(super) now: Instant,
    pub(super) link: Link,
    back: Duration,
    pub(super) flows: Vec<Flow>,
    /// Acknowledgements under way: when, in which order, of which flow, and what.
    acks: BTreeMap<(Instant, u64), (usize, Vec<u64>)>,
    order: u64,
}

fn passed(now: Instant) -> Duration {
    now - Instant::ZERO
}

impl Bottleneck {
    /// Half of the link's delay lies before the receiver, the other half behind.
    pub(super) fn new(link: LinkConfig, back: Duration, flows: &[Habits]) -> Self {
        Self {
            now: ms(0),
            link: Link::new(link, 7),
            back,
            flows: flows.iter().map(|habits| Flow::new(*habits)).collect(),
            acks: BTreeMap::new(),
            order: 0,
        }
    }

    pub(super) fn run(&mut self, end: Instant) {
        while self.now < end {
            let next = (0..self.flows.len()).filter_map(|flow| self.send(flow)).min();
            let arrival = self.link.next_deadline().map(|at| Instant::ZERO + at);
            let ack = self.acks.keys().next().map(|(at, _)| *at);
            let due = self.flows.iter().filter_map(|flow| flow.ack_due).min();
            let probe = self.flows.iter().filter_map(Flow::probe_at).min();
            let next = [next, arrival, ack, due, probe].into_iter().flatten().min();
            self.now = next.unwrap_or(end).max(self.now).min(end);
            self.receive();
            self.acknowledge_late();
            self.hear();
            self.probe();
        }
    }

    /// Runs for so long, and returns the bytes that each flow delivered meanwhile.
    pub(super) fn run_for(&mut self, millis: u64) -> Vec<u64> {
        let before: Vec<u64> = self.flows.iter().map(|flow| flow.delivered).collect();
        self.run(self.now + Duration::from_millis(millis));
        self.flows.iter().zip(before).map(|(flow, before)| flow.delivered - before).collect()
    }

    fn send(&mut self, index: usize) -> Option<Instant> {
        let flow = &mut self.flows[index];
        if self.now < flow.habits.begins {
            return Some(flow.habits.begins);
        }
        loop {
            let flow = &mut self.flows[index];
            let (waiting, next) = flow.supply(self.now);
            if waiting < SIZE as u64 {
                return next;
            }
            match flow.path.send_limit(self.now, flow.in_flight) {
                SendLimit::Open { .. } => {
                    flow.handed += SIZE as u64;
                    let number = flow.push(self.now, waiting >= 2 * SIZE as u64);
                    self.put(index, number);
                }
                SendLimit::Paced { until } => return Some(until),
                SendLimit::Congested | SendLimit::Amplified => return None,
            }
        }
    }

    fn put(&mut self, index: usize, number: u64) {
        let mut payload = vec![0; SIZE];
        payload[..8].copy_from_slice(&number.to_be_bytes());
        let from = remote(u16::try_from(index).unwrap());
        self.link.send(passed(self.now), Packet::new(from, remote(9), payload));
    }

    fn receive(&mut self) {
        while let Some(packet) = self.link.poll(passed(self.now)) {
            let number = u64::from_be_bytes(packet.payload[..8].try_into().unwrap());
            let index = usize::from(packet.from.port());
            let flow = &mut self.flows[index];
            flow.unacked.push(number);
            flow.ack_due.get_or_insert(self.now + Duration::from_millis(5));
            if flow.unacked.len() >= flow.habits.ack_every {
                self.acknowledge(index);
            }
        }
    }

    fn acknowledge(&mut self, index: usize) {
        let flow = &mut self.flows[index];
        flow.ack_due = None;
        let mut at = self.now + self.back;
        let slot = u64::try_from(flow.habits.ack_slot.as_nanos()).unwrap();
        if slot > 0 {
            at = Instant::from_nanos(at.as_nanos().next_multiple_of(slot));
        }
        self.order += 1;
        self.acks.insert((at, self.order), (index, std::mem::take(&mut flow.unacked)));
    }

    fn acknowledge_late(&mut self) {
        for index in 0..self.flows.len() {
            if self.flows[index].ack_due.is_some_and(|due| due <= self.now) {
                self.acknowledge(index);
            }
        }
    }

    fn hear(&mut self) {
        while let Some(entry) = self.acks.first_entry().filter(|entry| entry.key().0 <= self.now) {
            let (index, numbers) = entry.remove();
            self.flows[index].hear(self.now, &numbers);
        }
    }

    fn probe(&mut self) {
        for index in 0..self.flows.len() {
            if self.flows[index].probe_at().is_some_and(|at| at <= self.now) {
                let number = self.flows[index].push(self.now, true);
                self.put(index, number);
            }
        }
    }
}
