//! What BBR makes of good and bad paths, in virtual time: how much of the path it uses, how long it makes others wait, and what
//! it leaves to them.

mod dumbbell;
#[path = "../sim/mod.rs"]
mod sim;

use std::time::Duration;

use dumbbell::{Race, Stretch};
use srudp::CongestionAlgorithm::{Bbr, Cubic};
use srudp_links::{Burst, LinkConfig};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn link(rtt: u64, megabits: u64) -> LinkConfig {
    LinkConfig::default().delay(ms(rtt) / 2).rate(megabits * 1_000_000)
}

/// One flow, when it has found its pace.
fn steady(link: &LinkConfig) -> Stretch {
    let mut race = Race::new(1, link, &[Bbr]);
    race.run(ms(4_000));
    race.run(ms(5_000))
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
fn five_losses_in_a_hundred_cost_a_third_at_most() {
    expect_share(&steady(&link(20, 200).loss(0.05)), 200.0, 0.75);
    expect_share(&steady(&link(100, 100).loss(0.05)), 100.0, 0.65);
    expect_share(&steady(&link(50, 100).burst(Burst::new(0.0066, 8.0))), 100.0, 0.65);
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
    expect_share(&steady(&link(20, 100).reorder(0.05, ms(10))), 100.0, 0.85);
}

#[test]
fn flows_share_a_bottleneck() {
    let bdp = 20 * 100 * 125;
    for algorithms in [[Bbr, Bbr], [Bbr, Cubic]] {
        let mut race = Race::new(1, &link(20, 100).queue(bdp), &algorithms);
        race.run(ms(5_000));
        let stretch = race.run(ms(15_000));
        let sum: f64 = stretch.goodput.iter().sum();
        assert!(sum > 90e6, "{stretch:?}");
        assert!(stretch.goodput.iter().all(|goodput| *goodput > 0.15 * sum), "{stretch:?}");
    }
}
