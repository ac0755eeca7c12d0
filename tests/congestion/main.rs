//! What BBR makes of good and bad paths, in virtual time: how much of the path it uses, how long it makes others wait, and what
//! it leaves to them.

mod dumbbell;
#[path = "../sim/mod.rs"]
mod sim;
mod study;

use std::time::Duration;

use dumbbell::{Race, Sender, Stretch};
use srudp::CongestionAlgorithm::{Bbr, Cubic};
use srudp_links::{Burst, LinkConfig};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn link(rtt: u64, megabits: u64) -> LinkConfig {
    LinkConfig::default().delay(ms(rtt) / 2).rate(megabits * 1_000_000)
}

/// One race is a matter of luck: each is run with these seeds, and judged by their mean.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=3;

/// What the senders reach in `time`, `settle` after the first began.
fn race(link: &LinkConfig, senders: &[Sender], settle: u64, time: u64) -> Stretch {
    let stretches = SEEDS.map(|seed| {
        let mut race = Race::new(seed, link, senders);
        race.run(ms(settle));
        race.run(ms(time))
    });
    Stretch::mean(&stretches.collect::<Vec<_>>())
}

/// One flow, when it has found its pace.
fn steady(link: &LinkConfig) -> Stretch {
    race(link, &[Bbr.into()], 4_000, 5_000)
}

/// Fails if less than this share of `megabits` arrived.
fn expect_share(stretch: &Stretch, megabits: f64, least: f64) {
    let share = stretch.goodput[0] / megabits / 1e6;
    assert!(share >= least, "{share:.3} of the rate, less than {least}: {stretch:?}");
}

#[test]
fn one_loss_in_a_hundred_costs_a_tenth_at_most() {
    for loss in [0.0, 0.001, 0.01] {
        expect_share(&steady(&link(20, 200).loss(loss)), 200.0, 0.9);
        expect_share(&steady(&link(100, 100).loss(loss)), 100.0, 0.85);
    }
}

#[test]
fn a_few_losses_do_not_end_startup_far_below_the_rate_of_the_path() {
    let link = link(100, 100).loss(0.01);
    for seed in 1..=14 {
        let mut race = Race::new(seed, &link, &[Bbr.into()]);
        race.run(ms(1_500));
        expect_share(&race.run(ms(1_000)), 100.0, 0.8);
    }
}

#[test]
fn five_losses_in_a_hundred_cost_a_third_at_most() {
    expect_share(&steady(&link(20, 200).loss(0.05)), 200.0, 0.75);
    expect_share(&steady(&link(100, 100).loss(0.05)), 100.0, 0.65);
    expect_share(&steady(&link(50, 100).burst(Burst::new(0.0066, 8.0))), 100.0, 0.65);
}

#[test]
fn losses_in_bursts_are_known_for_what_they_are_after_a_second() {
    let line = link(50, 100).burst(Burst::new(0.0066, 8.0));
    let stretch = race(&line, &[Bbr.into()], 1_000, 9_000);
    expect_share(&stretch, 100.0, 0.8);
    assert!(stretch.queueing < ms(10), "{stretch:?}");
}

#[test]
fn queues_stay_short() {
    let stretch = steady(&link(20, 20).queue(64_000));
    expect_share(&stretch, 20.0, 0.9);
    assert!(stretch.queueing < ms(10) && stretch.dropped < 0.01, "{stretch:?}");
    let stretch = steady(&link(20, 200));
    assert!(stretch.queueing < ms(5), "{stretch:?}");
}

#[test]
fn a_queue_that_is_too_short_is_not_taken_for_a_path_that_loses() {
    let stretch = steady(&link(20, 100).queue(16_000));
    expect_share(&stretch, 100.0, 0.5);
    assert!(stretch.dropped < 0.03, "{stretch:?}");
}

#[test]
fn reordering_is_no_congestion() {
    let stretch = steady(&link(20, 100).reorder(0.05, ms(10)));
    expect_share(&stretch, 100.0, 0.92);
    assert!(stretch.queueing < ms(15), "{stretch:?}");
}

#[test]
fn many_flows_do_not_flood_a_thin_path() {
    let senders: Vec<_> = (0..8).map(|n| Sender::from(Bbr).late(ms(120 * n))).collect();
    let stretch = race(&link(20, 20).queue(50_000), &senders, 3_000, 12_000);
    let sum: f64 = stretch.goodput.iter().sum();
    let least = stretch.goodput.iter().copied().fold(f64::INFINITY, f64::min) * 8.0 / sum;
    eprintln!("least {least:.2} of the mean, {stretch:?}");
    assert!(sum > 19e6 && stretch.dropped < 0.06 && least > 0.4, "{least:.2} {stretch:?}");
}

/// Everybody has at least this share, whoever came first; and the line is used.
fn expect_fair(rtt: u64, megabits: u64, queue_in_bdp: u64, senders: &[Sender]) {
    let queue = usize::try_from(rtt * megabits * 125 * queue_in_bdp).unwrap();
    let stretch = race(&link(rtt, megabits).queue(queue), senders, 10_000, 30_000);
    let sum: f64 = stretch.goodput.iter().sum();
    let least = stretch.goodput.iter().copied().fold(f64::INFINITY, f64::min) / sum;
    let cell = format!("{rtt} ms, {megabits} Mbit/s, {queue_in_bdp} BDP: {least:.2}, {stretch:?}");
    eprintln!("{cell}");
    assert!(sum > megabits as f64 * 0.93e6 && least >= 0.35, "{cell}");
}

#[test]
fn bbr_and_cubic_share_a_bottleneck() {
    for (rtt, megabits, queue) in
        [(20, 100, 1), (20, 100, 2), (50, 20, 1), (50, 20, 2), (100, 20, 1)]
    {
        expect_fair(rtt, megabits, queue, &[Bbr.into(), Cubic.into()]);
    }
}

#[test]
fn bbr_shares_a_bottleneck_with_another_that_comes_later() {
    for (rtt, megabits, queue) in [(20, 100, 1), (20, 100, 2), (50, 20, 1), (50, 20, 2)] {
        expect_fair(rtt, megabits, queue, &[Bbr.into(), Sender::from(Bbr).late(ms(5_000))]);
    }
}
