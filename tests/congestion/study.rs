//! Tables for reading, of more paths than tests have time for: how flows share a bottleneck, and what random losses cost.
//!
//! `cargo test --test congestion -- --ignored --nocapture study`

use srudp::CongestionAlgorithm::{self, Bbr, Cubic};
use srudp_links::{Burst, LinkConfig};

use super::dumbbell::{Race, Sender};
use super::{link, ms};

/// Queues in hundredths of the bandwidth-delay product.
const QUEUES: [u64; 4] = [50, 100, 200, 400];

/// The second's share and the queueing delay once both are there for 5 s.
fn cell(link: &LinkConfig, senders: &[Sender]) -> String {
    let mut race = Race::new(1, link, senders);
    race.run(ms(5_000));
    let stretch = race.run(ms(40_000));
    let sum: f64 = stretch.goodput.iter().sum();
    let queueing = stretch.queueing.as_secs_f64() * 1e3;
    format!(
        "{:.2} ({:3.0} Mbit/s, {queueing:4.1} ms, {:4.2} %)",
        stretch.goodput[1] / sum,
        sum / 1e6,
        stretch.dropped * 100.0
    )
}

fn table(title: &str, paths: &[(u64, u64)], senders: impl Fn(u64) -> [Sender; 2]) {
    println!("\n{title}: the second's share (sum, queueing, dropped)");
    println!(
        "{:>18} {}",
        "queue in BDP:",
        QUEUES.map(|q| format!("{:>36}", q as f64 / 100.0)).join(" ")
    );
    for (rtt, megabits) in paths {
        let bdp = rtt * megabits * 125;
        let cells = QUEUES.map(|queue| {
            let link = link(*rtt, *megabits).queue((bdp * queue / 100) as usize);
            format!("{:>36}", cell(&link, &senders(*rtt)))
        });
        println!("{rtt:3} ms, {megabits:3} Mbit/s {}", cells.join(" "));
    }
}

fn pair(first: CongestionAlgorithm, second: CongestionAlgorithm) -> [Sender; 2] {
    [first.into(), second.into()]
}

const PATHS: [(u64, u64); 6] = [(10, 20), (50, 20), (100, 20), (10, 100), (50, 100), (100, 100)];

#[test]
#[ignore = "prints tables and takes minutes"]
fn study_of_shares() {
    let late = |sender: Sender| sender.late(ms(7_000));
    table("BBR, CUBIC", &PATHS, |_| pair(Bbr, Cubic));
    table("BBR, then CUBIC", &PATHS, |_| {
        let [first, second] = pair(Bbr, Cubic);
        [first, late(second)]
    });
    table("CUBIC, then BBR", &PATHS, |_| {
        let [first, second] = pair(Cubic, Bbr);
        [first, late(second)]
    });
    table("BBR, then BBR", &PATHS, |_| {
        let [first, second] = pair(Bbr, Bbr);
        [first, late(second)]
    });
    table("BBR, CUBIC of twice the round trip", &PATHS, |rtt| {
        let [first, second] = pair(Bbr, Cubic);
        [first, second.detour(ms(rtt))]
    });
    table("BBR of twice the round trip, CUBIC", &PATHS, |rtt| {
        let [first, second] = pair(Bbr, Cubic);
        [first.detour(ms(rtt)), second]
    });
    table("CUBIC, then CUBIC", &PATHS, |_| {
        let [first, second] = pair(Cubic, Cubic);
        [first, late(second)]
    });
}

#[test]
#[ignore = "prints tables and takes minutes"]
fn study_of_losses() {
    let links = [
        ("20 ms, 1 Gbit/s", link(20, 1000)),
        ("20 ms, 200 Mbit/s", link(20, 200)),
        ("100 ms, 100 Mbit/s", link(100, 100)),
    ];
    println!("Goodput and queueing by random loss of 0, 0.1, 1, 2, 5 %");
    for (name, link) in links {
        let cells = [0.0, 0.001, 0.01, 0.02, 0.05].map(|loss| alone(&link.clone().loss(loss)));
        println!("{name:>20}: {}", cells.join(", "));
    }
    let burst = Burst::new(0.0066, 8.0);
    for (name, link) in [
        ("20 ms, 20 Mbit/s, 64 KB", link(20, 20).queue(64_000)),
        ("50 ms, 100 Mbit/s, burst", link(50, 100).burst(burst)),
        ("20 ms, 100 Mbit/s, 16 KB", link(20, 100).queue(16_000)),
        ("20 ms, 100 Mbit/s, reorder", link(20, 100).reorder(0.05, ms(10))),
        ("20 ms, 100 Mbit/s, 1 BDP, 1 %", link(20, 100).queue(250_000).loss(0.01)),
        ("1 ms, 1 Gbit/s", link(1, 1000)),
    ] {
        println!("{name:>30}: {}", alone(&link));
    }
}

fn alone(link: &LinkConfig) -> String {
    let mut goodput = 0.0;
    let mut queueing = 0.0;
    for seed in 1..=3 {
        let mut race = Race::new(seed, link, &[Bbr.into()]);
        race.run(ms(2_000));
        let stretch = race.run(ms(8_000));
        goodput += stretch.goodput[0] / 3e6;
        queueing += stretch.queueing.as_secs_f64() * 1e3 / 3.0;
    }
    format!("{goodput:6.1} ({queueing:4.1} ms)")
}
