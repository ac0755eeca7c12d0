//! BBR over bottlenecks of many kinds. Utilisation is what was delivered, as a share of what the line carries.

use srudp_links::LinkConfig;

use super::flows::{Bottleneck, Habits};
use super::*;

const BBR: CongestionAlgorithm = CongestionAlgorithm::Bbr;

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A line of so many Mbit/s and a round trip of so many milliseconds, with a queue of one bandwidth-delay product.
fn line(megabits: u64, round_trip: u64) -> LinkConfig {
    let product = megabits * 125 * round_trip;
    LinkConfig::default()
        .rate(megabits * 1_000_000)
        .delay(millis(round_trip) / 2)
        .queue(usize::try_from(product).unwrap().max(32 * 1024))
}

fn bulk(link: LinkConfig, round_trip: u64) -> Bottleneck {
    Bottleneck::new(link, millis(round_trip) / 2, &[Habits::of(BBR)])
}

/// The share of `megabits` that a lone flow delivers in `duration` after `warm_up`.
fn utilisation(bottleneck: &mut Bottleneck, megabits: u64, warm_up: u64, duration: u64) -> f64 {
    bottleneck.run_for(warm_up);
    bottleneck.run_for(duration)[0] as f64 / (megabits * 125 * duration) as f64
}

#[test]
fn a_gigabit_over_20_ms_is_filled_without_loss_and_with_up_to_1_percent() {
    for (loss, least) in [(0.0, 0.95), (0.001, 0.95), (0.01, 0.90)] {
        let mut bottleneck = bulk(line(1000, 20).loss(loss), 20);
        let share = utilisation(&mut bottleneck, 1000, 500, 7_000);
        assert!(share > least, "{loss}: {share}");
    }
}

#[test]
fn a_long_lossy_line_is_filled() {
    let mut bottleneck = bulk(line(100, 100).loss(0.01), 100);
    let share = utilisation(&mut bottleneck, 100, 2_000, 20_000);
    assert!(share > 0.9, "{share}");
}

#[test]
fn a_gigabit_over_1_ms_is_filled() {
    let mut bottleneck = bulk(line(1000, 1).queue(256 * 1024), 1);
    let share = utilisation(&mut bottleneck, 1000, 500, 5_000);
    assert!(share > 0.9, "{share}");
}

#[test]
fn a_home_line_is_filled_and_its_queue_stays_short() {
    let mut bottleneck = bulk(line(20, 20).queue(64 * 1024), 20);
    let share = utilisation(&mut bottleneck, 20, 2_000, 20_000);
    let waiting = bottleneck.link.stats().mean_queueing();
    assert!(share > 0.9, "{share}");
    assert!(waiting < millis(6), "{waiting:?} of 26 ms that the queue holds");
}

#[test]
fn a_change_of_bandwidth_is_followed_both_ways() {
    let mut bottleneck = bulk(line(100, 20), 20);
    let before = utilisation(&mut bottleneck, 100, 1_000, 3_000);
    bottleneck.link.reconfigure(line(10, 20));
    let slow = utilisation(&mut bottleneck, 10, 3_000, 5_000);
    let waiting = bottleneck.flows[0].path.stats().rtt;
    bottleneck.link.reconfigure(line(100, 20));
    let fast = utilisation(&mut bottleneck, 100, 6_000, 5_000);
    assert!(before > 0.9 && slow > 0.8 && fast > 0.8, "{before} {slow} {fast}");
    assert!(waiting < millis(60), "{waiting:?}");
}

#[test]
fn now_and_then_the_queue_is_emptied_for_a_fifth_of_a_second() {
    let mut bottleneck = bulk(line(20, 20).queue(64 * 1024), 20);
    bottleneck.run_for(3_000);
    let product = 20 * 125 * 20;
    let mut low = Vec::new();
    for tick in 0..1_200 {
        bottleneck.run_for(10);
        if bottleneck.flows[0].path.stats().congestion_window <= product * 6 / 10 {
            low.push(tick);
        }
    }
    let episodes = low.chunk_by(|a, b| a + 1 == *b).collect::<Vec<_>>();
    assert_eq!(episodes.len(), 2, "{low:?}");
    assert!(episodes.iter().all(|episode| (18..40).contains(&episode.len())), "{low:?}");
}

#[test]
fn a_pause_is_as_good_as_an_emptied_queue() {
    let mut bottleneck = bulk(line(20, 20), 20);
    bottleneck.run_for(3_000);
    let steady = bottleneck.flows[0].path.stats().congestion_window;
    bottleneck.flows[0].pause();
    bottleneck.run_for(8_000);
    bottleneck.flows[0].resume();
    bottleneck.run_for(100);
    let share = bottleneck.run_for(400)[0] as f64 / (20 * 125 * 400) as f64;
    let window = bottleneck.flows[0].path.stats().congestion_window;
    assert!(window * 10 > steady * 6 && share > 0.8, "{window} {steady} {share}");
}

#[test]
fn two_bbr_flows_share() {
    let habits = [Habits::of(BBR), Habits { begins: ms(2_000), ..Habits::of(BBR) }];
    let mut bottleneck = Bottleneck::new(line(50, 30), millis(15), &habits);
    bottleneck.run_for(12_000);
    let shares = bottleneck.run_for(20_000);
    let whole = (50 * 125 * 20_000) as f64;
    let (first, second) = (shares[0] as f64 / whole, shares[1] as f64 / whole);
    assert!(first > 0.1 && second > 0.1 && first + second > 0.9, "{first} {second}");
}

#[test]
fn bbr_and_cubic_leave_each_other_room() {
    for queue in [1, 4] {
        let link = line(50, 30).queue(queue * 50 * 125 * 30);
        let habits = [Habits::of(BBR), Habits::of(CongestionAlgorithm::Cubic)];
        let mut bottleneck = Bottleneck::new(link, millis(15), &habits);
        bottleneck.run_for(10_000);
        let shares = bottleneck.run_for(30_000);
        let whole = (50 * 125 * 30_000) as f64;
        let (bbr, cubic) = (shares[0] as f64 / whole, shares[1] as f64 / whole);
        assert!(bbr > 0.1 && cubic > 0.1 && bbr + cubic > 0.9, "{queue}: {bbr} {cubic}");
    }
}

#[test]
fn an_application_limited_sender_neither_forgets_nor_inflates_its_bandwidth() {
    let modest = Habits { application: Some(250_000), ..Habits::of(BBR) };
    let mut bottleneck = Bottleneck::new(line(100, 20), millis(10), &[modest]);
    bottleneck.run_for(10_000);
    let stats = bottleneck.flows[0].path.stats();
    assert!(stats.delivery_rate < 14_000_000, "{stats:?}");
    assert_eq!(bottleneck.flows[0].lost, 0);
}

#[test]
fn acknowledgements_that_bunch_do_not_slow_it_down() {
    let bunched = Habits { ack_slot: millis(10), ..Habits::of(BBR) };
    let link = line(100, 20).jitter(millis(4));
    let mut bottleneck = Bottleneck::new(link, millis(10), &[bunched]);
    let share = utilisation(&mut bottleneck, 100, 2_000, 10_000);
    assert!(share > 0.9, "{share}");
}

#[test]
fn what_pours_past_a_policer_is_lost_for_a_while_only() {
    // A line with room for ten packets: like a token bucket, it soon drops what comes faster than its rate.
    let mut bottleneck = bulk(line(20, 60).queue(12_000), 60);
    let share = utilisation(&mut bottleneck, 20, 3_000, 15_000);
    let stats = bottleneck.link.stats();
    assert!(share > 0.5, "{share}");
    assert!(stats.queue_dropped * 20 < stats.sent, "{stats:?}");
}

#[test]
fn a_line_almost_without_a_queue_is_used() {
    let mut bottleneck = bulk(line(50, 40).queue(16 * 1024), 40);
    let share = utilisation(&mut bottleneck, 50, 2_000, 10_000);
    let stats = bottleneck.link.stats();
    assert!(share > 0.7, "{share}");
    assert!(stats.queue_dropped * 20 < stats.sent, "{stats:?}");
}
