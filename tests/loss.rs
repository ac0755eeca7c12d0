//! What losses, reordering and silence cost, and that nothing else comes of them.

mod sim;

use std::time::Duration;

use sim::internet::Internet;
use sim::{Sim, closed, dialler, listener};
use srudp::Direction;
use srudp::proto::{ConnectionHandle, ConnectionStats, EndpointConfig, ReadError, WriteError};
use srudp_links::{Burst, LinkConfig};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// 20 ms one way, 20 Mbit/s, a queue of one round trip.
fn link() -> LinkConfig {
    LinkConfig::default().delay(ms(20)).rate(20_000_000).queue(100_000).mtu(1500)
}

/// A transfer from node 0 to node 1.
struct Transfer {
    sim: Sim<Internet>,
    handles: [ConnectionHandle; 2],
    id: srudp::StreamId,
    total: usize,
    sent: usize,
    got: usize,
}

impl Transfer {
    fn over(seed: u64, config: &LinkConfig, total: usize) -> Self {
        let endpoints: [EndpointConfig; 2] = [dialler(), listener()];
        let mut sim = Sim::new(seed, Internet::new(seed, 2, &link()), &endpoints);
        let (ours, theirs) = sim.connect(0, 1);
        let id = sim.connection(0, ours).open_stream(Direction::Unidirectional).unwrap();
        sim.network.reconfigure(config);
        Self { sim, handles: [ours, theirs], id, total, sent: 0, got: 0 }
    }

    fn pump(&mut self) {
        while self.sent < self.total {
            let data = vec![7; (self.total - self.sent).min(65_536)];
            match self.sim.connection(0, self.handles[0]).write(self.id, &data) {
                Ok(n) => self.sent += n,
                Err(WriteError::Blocked) => break,
                Err(error) => panic!("{error}"),
            }
        }
        let (now, mut out) = (self.sim.now, vec![0; 65_536]);
        loop {
            match self.sim.connection(1, self.handles[1]).read(now, self.id, &mut out) {
                Ok(n) => self.got += n,
                Err(ReadError::Blocked | ReadError::Unknown) => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Until so many bytes have arrived. Returns how long that took.
    fn run_until_got(&mut self, bytes: usize) -> Duration {
        let start = self.sim.now;
        let end = start + Duration::from_secs(120);
        self.pump();
        while self.got < bytes {
            assert!(self.sim.step(end), "{} of {bytes} bytes arrived", self.got);
            self.pump();
        }
        for node in [0, 1] {
            assert_eq!(self.sim.take(node, closed), None);
        }
        self.sim.now - start
    }

    fn run_for(&mut self, time: Duration) {
        let end = self.sim.now + time;
        while self.sim.step(end) {
            self.pump();
        }
    }

    fn stats(&mut self) -> ConnectionStats {
        self.sim.connection(0, self.handles[0]).stats()
    }
}

#[test]
fn without_losses_nothing_is_sent_twice() {
    let wide = link().queue(10_000_000);
    let mut transfer = Transfer::over(1, &wide, 2_000_000);
    transfer.run_until_got(2_000_000);
    let stats = transfer.stats();
    assert_eq!((stats.packets_lost, stats.probe_timeouts), (0, 0), "{stats:?}");
}

#[test]
fn bursts_of_losses_cost_about_what_was_lost() {
    let bad = link().burst(Burst::new(0.002, 20.0));
    let mut transfer = Transfer::over(2, &bad, 2_000_000);
    transfer.run_until_got(2_000_000);
    let stats = transfer.stats();
    assert!(stats.packets_lost > 20, "{stats:?}");
    let extra = stats.bytes_sent.saturating_sub(2_000_000 + stats.bytes_lost);
    assert!(extra < 200_000, "{extra} bytes more than data and losses: {stats:?}");
}

#[test]
fn reordering_is_told_from_loss_and_the_window_comes_back() {
    let reordering = link().queue(10_000_000).reorder(0.05, ms(15));
    let mut transfer = Transfer::over(3, &reordering, 10_000_000);
    let time = transfer.run_until_got(10_000_000);
    let stats = transfer.stats();
    assert!(stats.spurious_losses > 0, "{stats:?}");
    // Nothing is lost for good: what was declared lost was late.
    assert!(stats.packets_lost <= stats.spurious_losses + 5, "{stats:?}");
    assert!(stats.packets_lost < 200, "the threshold does not rise: {stats:?}");
    // 4 s at the rate of the link.
    assert!(time < Duration::from_secs(6), "{time:?}, {stats:?}");
}

#[test]
fn silence_is_probed_with_growing_patience_and_ends_at_once() {
    let mut transfer = Transfer::over(4, &link(), 20_000_000);
    transfer.run_until_got(1_000_000);
    let before = transfer.stats();
    transfer.sim.network.link(0, 1).set_up(false);
    transfer.run_for(Duration::from_secs(8));
    let during = transfer.stats();
    let probes = during.probe_timeouts - before.probe_timeouts;
    assert!((4..=9).contains(&probes), "{probes} probe timeouts in 8 s");
    let sent = during.datagrams_sent - before.datagrams_sent;
    assert!(sent < 200, "{sent} datagrams into the void");

    transfer.sim.network.link(0, 1).set_up(true);
    let got = transfer.got;
    // The next probe is at most as far off as the silence was long.
    transfer.run_for(Duration::from_secs(8));
    assert!(transfer.got > got + 1_000_000, "{} bytes more", transfer.got - got);
}

#[test]
fn losses_that_last_are_persistent_congestion_and_shorter_ones_are_not() {
    let window_after = |silence: Duration| {
        let mut transfer = Transfer::over(5, &link(), 50_000_000);
        transfer.run_until_got(5_000_000);
        transfer.sim.network.link(0, 1).set_up(false);
        transfer.run_for(silence);
        transfer.sim.network.link(0, 1).set_up(true);
        let mut least = u64::MAX;
        for _ in 0..300 {
            transfer.run_for(ms(10));
            let stats = transfer.stats();
            least = least.min(stats.congestion_window / stats.mtu as u64);
        }
        least
    };
    let (short, long) = (window_after(ms(60)), window_after(Duration::from_secs(4)));
    assert!(long <= 4, "{long} datagrams");
    assert!(short > 4 * long, "{short} after a short silence, {long} after a long one");
}

#[test]
fn a_lost_tail_is_sent_again_after_a_probe_timeout() {
    let mut transfer = Transfer::over(6, &link(), 100_000);
    transfer.run_until_got(100_000);
    transfer.run_for(ms(500));
    transfer.total += 1000;
    transfer.sim.network.link(0, 1).set_up(false);
    transfer.pump();
    transfer.run_for(ms(10));
    transfer.sim.network.link(0, 1).set_up(true);
    let time = transfer.run_until_got(101_000);
    assert!(time < ms(250), "{time:?}");
    assert!(transfer.stats().probe_timeouts >= 1);
}

#[test]
fn a_path_that_swallows_large_datagrams_is_noticed() {
    let mut transfer = Transfer::over(7, &link(), 20_000_000);
    transfer.run_until_got(2_000_000);
    assert!(transfer.stats().mtu > 1400);
    transfer.sim.network.reconfigure(&link().mtu(1300));
    let got = transfer.got;
    transfer.run_for(Duration::from_secs(15));
    let stats = transfer.stats();
    assert!(stats.mtu <= 1300, "{stats:?}");
    assert!(transfer.got > got + 5_000_000, "{} bytes more, {stats:?}", transfer.got - got);
}

#[test]
fn acknowledgements_may_be_lost_too() {
    let mut transfer = Transfer::over(8, &link(), 5_000_000);
    transfer.sim.network.link(1, 0).reconfigure(link().loss(0.3));
    let time = transfer.run_until_got(5_000_000);
    let stats = transfer.stats();
    assert!(time < Duration::from_secs(4), "{time:?}, {stats:?}");
}

#[test]
fn damaged_and_doubled_datagrams_are_only_counted() {
    let bad = link().queue(10_000_000).corrupt(0.02).truncate(0.02).duplicate(0.05);
    let mut transfer = Transfer::over(9, &bad, 2_000_000);
    transfer.run_until_got(2_000_000);
    let stats = transfer.sim.connection(1, transfer.handles[1]).stats();
    assert!(stats.undecodable > 10 && stats.duplicates > 10, "{stats:?}");
}
