//! One bulk transfer over a bottleneck with a tail-drop queue, in virtual time.

use std::collections::VecDeque;

use super::*;

const SIZE: u32 = 1200;

struct Link {
    bytes_per_second: u64,
    /// Both ways together.
    delay: Duration,
    /// Bytes that wait at most.
    queue: u64,
}

/// A sender that always has data, the link, and a receiver that acknowledges every packet.
struct Transfer {
    now: Instant,
    link: Link,
    path: Path,
    in_flight: u64,
    next_number: u64,
    open: VecDeque<Settled>,
    /// When the link has sent all that it holds.
    idle_at: Instant,
    /// Numbers on their way, with the time when their acknowledgement comes.
    acks: VecDeque<(Instant, u64)>,
    delivered: u64,
    drops: u64,
    window_max: u64,
}

impl Transfer {
    fn new(algorithm: CongestionAlgorithm, link: Link) -> Self {
        let config =
            PathConfig { algorithm, max_datagram: 1200, validated: true, ecn: false, seed: 1 };
        Self {
            now: ms(0),
            link,
            path: path(&config),
            in_flight: 0,
            next_number: 0,
            open: VecDeque::new(),
            idle_at: ms(0),
            acks: VecDeque::new(),
            delivered: 0,
            drops: 0,
            window_max: 0,
        }
    }

    fn run(&mut self, end: Instant) {
        while self.now < end {
            let woken = self.send();
            let ack_at = self.acks.front().map(|(at, _)| *at);
            self.now = crate::base::time::earliest(woken, ack_at).expect("the transfer stalled");
            while self.acks.front().is_some_and(|(at, _)| *at <= self.now) {
                let (_, number) = self.acks.pop_front().unwrap();
                self.hear(number);
            }
            self.window_max = self.window_max.max(self.path.stats().congestion_window);
        }
    }

    /// Sends what may be sent; returns when to try again if the pacer says so.
    fn send(&mut self) -> Option<Instant> {
        loop {
            match self.path.send_limit(self.now, self.in_flight) {
                SendLimit::Open { .. } => self.send_one(),
                SendLimit::Paced { until } => return Some(until),
                SendLimit::Congested | SendLimit::Amplified => return None,
            }
        }
    }

    fn send_one(&mut self) {
        let size = u64::from(SIZE);
        let stamp = self.path.on_sent(self.now, SIZE as usize, true, self.in_flight, false);
        let number = self.next_number;
        self.next_number += 1;
        self.in_flight += size;
        self.open.push_back(Settled { stamp, ..packet(number, self.now, SIZE, 0) });

        let start = self.idle_at.max(self.now);
        let waiting = (start - self.now).as_nanos() * u128::from(self.link.bytes_per_second);
        if waiting / 1_000_000_000 > u128::from(self.link.queue) {
            self.drops += 1;
            return;
        }
        let nanos = size * 1_000_000_000 / self.link.bytes_per_second;
        self.idle_at = start + Duration::from_nanos(nanos);
        self.acks.push_back((self.idle_at + self.link.delay, number));
    }

    /// An acknowledgement of one packet; those three below it that are still open are lost.
    fn hear(&mut self, number: u64) {
        let mut outcome = Outcome { prior_in_flight: self.in_flight, ..Outcome::default() };
        while let Some(front) = self.open.front().copied().filter(|front| front.number <= number) {
            if front.number < number && front.number + 3 > number {
                break;
            }
            self.open.pop_front();
            self.in_flight -= u64::from(front.size);
            let fate = if front.number == number { &mut outcome.acked } else { &mut outcome.lost };
            fate.push(front);
        }
        if let Some(at) = self.open.iter().position(|packet| packet.number == number) {
            let packet = self.open.remove(at).unwrap();
            self.in_flight -= u64::from(packet.size);
            outcome.acked.push(packet);
        }
        self.delivered += u64::from(SIZE) * outcome.acked.len() as u64;
        outcome.rtt = outcome.acked.last().map(|packet| RttSample {
            path: PathId(0),
            latest: self.now - packet.sent_at,
            ack_delay: Duration::ZERO,
        });
        self.path.on_outcome(self.now, &outcome);
    }
}

/// 20 Mbit/s, 40 ms, and a queue of one bandwidth-delay product: 100,000 bytes.
fn home() -> Link {
    Link { bytes_per_second: 2_500_000, delay: Duration::from_millis(40), queue: 100_000 }
}

#[test]
fn both_algorithms_fill_a_home_line_without_flooding_it() {
    for algorithm in [CongestionAlgorithm::NewReno, CongestionAlgorithm::Cubic] {
        let mut transfer = Transfer::new(algorithm, home());
        transfer.run(ms(30_000));
        let utilisation = transfer.delivered as f64 / (2_500_000.0 * 30.0);
        let loss = transfer.drops as f64 / transfer.next_number as f64;
        assert!(utilisation > 0.9, "{algorithm:?}: {utilisation}");
        assert!(transfer.window_max < 400_000, "{algorithm:?}: {}", transfer.window_max);
        assert!(loss < 0.01, "{algorithm:?}: {loss}");
        let rate = transfer.path.stats().delivery_rate;
        assert!((2_300_000..2_600_000).contains(&rate), "{algorithm:?}: {rate}");
    }
}

#[test]
fn slow_start_ends_before_it_overflows_a_deep_queue() {
    let link = Link { queue: 1_500_000, ..home() };
    let mut transfer = Transfer::new(CongestionAlgorithm::Cubic, link);
    transfer.run(ms(3_000));
    assert_eq!(transfer.drops, 0);
    assert!(!transfer.path.stats().slow_start);
}

#[test]
fn cubic_fills_a_long_fat_path_where_reno_needs_minutes() {
    let link =
        || Link { bytes_per_second: 25_000_000, delay: Duration::from_millis(100), queue: 500_000 };
    let delivered = |algorithm| {
        let mut transfer = Transfer::new(algorithm, link());
        transfer.run(ms(20_000));
        transfer.delivered
    };
    let reno = delivered(CongestionAlgorithm::NewReno);
    let cubic = delivered(CongestionAlgorithm::Cubic);
    assert!(cubic > reno, "{cubic} {reno}");
    assert!(cubic as f64 > 0.8 * 12_500_000.0 * 20.0, "{cubic}");
}
