//! The parts of the model, each alone; and the states that losses, marks and silence lead to.

use std::time::Duration;

use super::super::{CongestionAlgorithm, Controller, InFlight};
use super::bandwidth::Bandwidth;
use super::delay::Delay;
use super::losses::{LossyRound, RoundLosses, tolerated_part};
use super::pipe::Pipe;
use super::volume::Volume;
use super::*;
use crate::base::limits::{BUNCHED_NEAR, NEAR};
use crate::vocab::PathId;

const SIZE: u64 = 1200;
const ROUND: Duration = Duration::from_millis(20);

fn ms(count: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(count)
}

fn sample(rate: u64) -> Sample {
    Sample { rate: Some(rate), ..Sample::default() }
}

fn totals(delivered: u64, lost: u64) -> Totals {
    Totals { delivered, lost }
}

#[test]
fn bandwidth_is_the_maximum_of_this_cycle_and_the_one_before() {
    let mut bandwidth = Bandwidth::default();
    bandwidth.measure(&sample(100));
    bandwidth.measure(&sample(80));
    assert_eq!(bandwidth.maximum(), 100);
    bandwidth.advance();
    bandwidth.measure(&sample(60));
    assert_eq!(bandwidth.maximum(), 100);
    bandwidth.advance();
    assert_eq!(bandwidth.maximum(), 60);
    bandwidth.advance();
    assert_eq!(bandwidth.maximum(), 60, "a cycle without samples forgets nothing");
}

#[test]
fn application_limited_samples_only_raise_the_bandwidth() {
    let mut bandwidth = Bandwidth::default();
    let limited = |rate| Sample { app_limited: true, ..sample(rate) };
    bandwidth.measure(&limited(50));
    bandwidth.advance();
    bandwidth.measure(&limited(20));
    bandwidth.advance();
    assert_eq!(bandwidth.maximum(), 50);
    bandwidth.measure(&limited(70));
    assert_eq!(bandwidth.maximum(), 70);
}

#[test]
fn a_lossy_round_takes_at_most_three_tenths() {
    let mut bandwidth = Bandwidth::default();
    bandwidth.measure(&sample(100));
    bandwidth.note(95);
    bandwidth.reduce();
    assert_eq!(bandwidth.current(), 95);
    bandwidth.restart_note(10);
    bandwidth.reduce();
    assert_eq!(bandwidth.current(), 66);
    bandwidth.raise_short_term(None);
    assert_eq!(bandwidth.current(), 100);

    let mut volume = Volume::default();
    volume.note(500);
    volume.reduce(1000);
    assert_eq!(volume.short_term(), Some(700));
}

#[test]
fn headroom_is_left_below_the_long_term_volume() {
    let mut volume = Volume::default();
    assert_eq!(volume.with_headroom(SIZE, 4 * SIZE), None);
    volume.set_long_term(100 * SIZE);
    assert_eq!(volume.with_headroom(SIZE, 4 * SIZE), Some(85 * SIZE));
    volume.set_long_term(4 * SIZE);
    assert_eq!(volume.with_headroom(SIZE, 4 * SIZE), Some(4 * SIZE));
}

#[test]
fn the_smallest_round_trip_is_remembered_for_ten_seconds_and_looked_for_after_five() {
    let mut delay = Delay::new(ms(0));
    let rtt = Duration::from_millis;
    delay.update(ms(10), rtt(10));
    delay.update(ms(5_010), rtt(30));
    assert!(!delay.is_due());
    delay.update(ms(5_011), rtt(30));
    assert!(delay.is_due());
    assert_eq!(delay.minimum(), Some(rtt(10)));
    delay.update(ms(10_011), rtt(31));
    assert_eq!(delay.minimum(), Some(rtt(30)));
    delay.update(ms(10_012), rtt(5));
    assert_eq!(delay.minimum(), Some(rtt(5)));
}

#[test]
fn a_queue_stands_when_no_packet_of_a_round_found_it_short() {
    let mut delay = Delay::new(ms(0));
    delay.note(ROUND * 2);
    assert!(!delay.is_queue_standing(Duration::ZERO), "nothing to compare with");
    delay.update(ms(0), ROUND);
    assert!(delay.is_queue_standing(Duration::ZERO));
    delay.restart_note(ROUND * 3);
    delay.note(ROUND * 13 / 10);
    assert!(!delay.is_queue_standing(Duration::ZERO), "one packet passed quickly");
    delay.restart_note(ROUND * 13 / 10 + Duration::from_micros(1));
    assert!(delay.is_queue_standing(Duration::ZERO));
    assert!(delay.is_queue_standing(ROUND * 3 / 10));
    assert!(!delay.is_queue_standing(ROUND / 2), "half a round is in flight on purpose");
    delay.restart_note(ROUND * 2 + Duration::from_micros(1));
    assert!(delay.is_queue_standing(ROUND * 9), "and no more than one round");
}

/// The rate between probes on a path that carries a million bytes per second, when a round of that length follows the shortest one.
fn rate_between_probes(minimum: Duration, round: Duration) -> u64 {
    let mut bbr = Bbr::new(ms(0), SIZE, 1);
    bbr.phase = Phase::Cruise;
    bbr.pipe.set_known_full(true);
    bbr.bandwidth.measure(&sample(1_000_000));
    bbr.delay.update(ms(0), minimum);
    bbr.delay.restart_note(round);
    bbr.update_control(0);
    bbr.control.rate(&Drive::view())
}

#[test]
fn between_probes_the_line_is_full_and_a_queue_takes_a_quarter_of_its_length_off_the_rate() {
    assert_eq!(rate_between_probes(ROUND, ROUND), 1_000_000);
    assert_eq!(rate_between_probes(ROUND, ROUND * 108 / 100), 980_000);
    assert_eq!(rate_between_probes(ROUND, ROUND * 120 / 100), 950_000);
    assert_eq!(rate_between_probes(ROUND, ROUND * 9), 950_000);
    assert_eq!(rate_between_probes(NEAR, NEAR * 120 / 100), 990_000);
    assert_eq!(rate_between_probes(NEAR, NEAR * 9), 940_000);
}

#[test]
fn in_a_standing_queue_what_arrives_is_no_reason_to_keep_the_volume() {
    let mut volume = Volume::default();
    volume.note(1000);
    volume.yield_to_others(1000, 500);
    assert_eq!(volume.short_term(), Some(700));
    volume.yield_to_others(1000, 500);
    assert_eq!(volume.short_term(), Some(500), "no queue of our own is left");
    volume.yield_to_others(1000, 600);
    assert_eq!(volume.short_term(), Some(500), "nor is it a reason to send more");
}

#[test]
fn a_contested_volume_falls_by_the_headroom_but_not_below_what_the_path_carries() {
    let lowered = |product| {
        let mut volume = Volume::default();
        volume.set_long_term(1000);
        volume.lower_long_term(product);
        volume.long_term()
    };
    assert_eq!(lowered(500), Some(850));
    assert_eq!(lowered(765), Some(900));
    assert_eq!(lowered(2000), Some(1000));
}

#[test]
fn bunched_acknowledgements_show_as_extra_bytes_and_are_forgotten() {
    let mut aggregation = Aggregation::new(ms(0));
    // 1,000 bytes a millisecond are expected; 10,000 arrive every ten.
    for turn in 1..=5 {
        aggregation.update(ms(turn * 10), 10_000, 1_000_000, 1 << 20);
    }
    assert_eq!(aggregation.extra(), 10_000);
    for turn in 51..=400 {
        aggregation.on_round(true);
        aggregation.update(ms(turn), 900, 1_000_000, 1 << 20);
    }
    assert_eq!(aggregation.extra(), 900);
}

#[test]
fn the_pipe_is_full_after_three_rounds_without_a_quarter_more() {
    let mut pipe = Pipe::default();
    for rate in [100, 200, 300, 310, 374] {
        pipe.on_round(&sample(rate), false);
        assert!(!pipe.is_full());
    }
    pipe.on_round(&Sample { app_limited: true, ..sample(300) }, false);
    assert!(!pipe.is_full());
    pipe.on_round(&sample(300), false);
    assert!(pipe.is_full() && pipe.is_known_full());
    pipe.look_again(300);
    assert!(!pipe.is_full() && pipe.is_known_full());
}

#[test]
fn one_round_without_a_quarter_more_fills_the_pipe_in_a_queue() {
    let mut pipe = Pipe::default();
    for rate in [1000, 1250, 1563] {
        pipe.on_round(&sample(rate), true);
        assert!(!pipe.is_known_full(), "it grows");
    }
    pipe.on_round(&sample(1953), false);
    assert!(!pipe.is_known_full(), "no queue");
    pipe.on_round(&sample(1953), true);
    assert!(pipe.is_known_full());
}

#[test]
fn a_round_is_judged_by_its_share_of_losses() {
    let judge = |lost: u64| {
        let mut losses = RoundLosses::default();
        (0..lost).for_each(|number| losses.on_lost(number * 2, totals(0, 0)));
        losses.end_round(0, totals(100, lost), 20).expect("a round with losses")
    };
    let few = LossyRound { excessive: false, part: 19, mean: 2, stretches: 2, marked: false };
    assert_eq!(judge(2), few);
    let many = LossyRound { excessive: true, part: 29, mean: 3, stretches: 3, marked: false };
    assert_eq!(judge(3), many);
    let mut losses = RoundLosses::default();
    (5..9).for_each(|number| losses.on_lost(number, totals(10, 0)));
    assert_eq!(losses.end_round(9, totals(100, 4), 20), None, "its round is not over");
    assert_eq!(losses.end_round(10, totals(100, 4), 20).map(|round| round.stretches), Some(1));
    assert_eq!(losses.end_round(100, totals(200, 4), 20), None);
}

#[test]
fn one_round_with_many_losses_among_seven_with_none_weighs_little() {
    let (mut losses, mut delivered) = (RoundLosses::default(), 0);
    let mut round = |lost: u64| {
        losses.on_lost(delivered, totals(delivered, 0));
        delivered += 100 - lost;
        losses.end_round(delivered, totals(delivered, lost), 20).expect("a round with losses")
    };
    for _ in 0..5 {
        let bad = round(40);
        assert!(bad.excessive && bad.part == 400 && (50..100).contains(&bad.mean), "{bad:?}");
        for _ in 0..7 {
            round(0);
        }
    }
}

#[test]
fn the_part_of_a_flight_that_the_path_bears_ends_where_losses_reach_the_threshold() {
    assert_eq!(tolerated_part(1000, 20, 20), 1000);
    assert_eq!(tolerated_part(1000, 30, 20), 1000);
    assert_eq!(tolerated_part(4900, 0, 20), 5000);
}

#[test]
fn waits_between_probes_are_random_and_the_same_seed_gives_the_same() {
    let waits = |seed| {
        let mut cycle = Cycle::new(ms(0), seed);
        let mut next = || {
            cycle.choose_wait();
            cycle.wait()
        };
        (0..50).map(|_| next()).collect::<Vec<_>>()
    };
    let drawn = waits(1);
    assert_eq!(drawn, waits(1));
    assert_ne!(drawn, waits(2));
    let seconds = Duration::from_secs;
    assert!(drawn.iter().all(|wait| (seconds(2)..seconds(3)).contains(wait)));
    assert!(
        drawn.iter().max().unwrap().saturating_sub(*drawn.iter().min().unwrap()) > seconds(1) / 2
    );
}

fn at(flight: &[Settled], packet: &Settled) -> usize {
    usize::try_from(packet.number - flight[0].number).unwrap()
}

/// A path of 20 ms that delivers at most so many packets a round, told round by round.
struct Drive {
    controller: Controller,
    now: Instant,
    number: u64,
    /// Packets that the application writes for a round; nothing waits behind them.
    written: Option<u64>,
}

impl Drive {
    fn new() -> Self {
        let controller = Controller::new(CongestionAlgorithm::Bbr, ms(0), SIZE as usize, 1);
        Self { controller, now: ms(0), number: 0, written: None }
    }

    fn view() -> RttView {
        RttView {
            smoothed: ROUND,
            variation: ROUND / 2,
            minimum: ROUND,
            latest: ROUND,
            measured: true,
        }
    }

    /// Sends as many packets as the window and the pacing rate allow in a round, all at once.
    fn send(&mut self) -> Vec<Settled> {
        let rate = self.controller.pacing_rate(&Self::view()).unwrap();
        let paced = super::super::throughput::in_time(rate, ROUND);
        let allowed = self.controller.window().min(paced) / SIZE;
        let count = self.written.map_or(allowed, |written| written.min(allowed));
        let mut flight = Vec::new();
        for index in 0..count {
            let is_last = self.written.is_some() && index + 1 == count;
            let stamp = self.controller.on_sent(self.now, SIZE, index * SIZE, is_last);
            flight.push(Settled {
                number: self.number,
                sent_at: self.now,
                size: SIZE as u32,
                path: PathId(0),
                ack_eliciting: true,
                mtu_probe: false,
                ecn_marked: false,
                stamp,
            });
            self.number += 1;
        }
        flight
    }

    /// One round, in which `capacity` packets arrive in the time of a round trip, and those in `lost` do not. One
    /// acknowledgement answers for all.
    fn round(&mut self, capacity: u32, lost: &[usize]) -> Vec<Settled> {
        let flight = self.send();
        let (gone, arrived): (Vec<_>, Vec<_>) =
            flight.iter().partition(|packet| lost.contains(&at(&flight, packet)));
        let count = u32::try_from(flight.len()).unwrap();
        self.now += ROUND.max(ROUND * count / capacity);
        if !gone.is_empty() {
            self.controller.on_lost(self.now, &gone, false);
        }
        let in_flight = InFlight { before: flight.len() as u64 * SIZE, after: 0 };
        self.controller.on_acked(self.now, &arrived, &Self::view(), in_flight);
        gone
    }

    fn until_full(capacity: u32) -> Self {
        let mut drive = Self::new();
        for _ in 0..30 {
            drive.round(capacity, &[]);
        }
        assert!(!drive.controller.is_in_slow_start());
        drive
    }
}

#[test]
fn startup_ends_when_the_rate_stops_growing() {
    let mut drive = Drive::new();
    let mut rounds = 0;
    while drive.controller.is_in_slow_start() {
        drive.round(100, &[]);
        rounds += 1;
        assert!(rounds < 20);
    }
    assert!(rounds > 4, "{rounds}");
}

/// One packet of two, of the first `count`.
fn every_other(count: usize) -> Vec<usize> {
    (0..count).step_by(2).collect()
}

/// Startup has ended after thirty rounds, in each of which the application writes at most so much, and nothing waits behind it.
fn startup_ends_although_nothing_waits_behind(written: u64) -> bool {
    let mut drive = Drive::new();
    drive.written = Some(written);
    for _ in 0..30 {
        drive.round(100, &[]);
    }
    !drive.controller.is_in_slow_start()
}

#[test]
fn startup_ends_on_a_full_path_whose_writer_falls_behind_and_not_for_one_who_writes_little() {
    assert!(startup_ends_although_nothing_waits_behind(u64::MAX));
    assert!(!startup_ends_although_nothing_waits_behind(60));
}

/// Sends three rounds, loses these of the fourth, and tells whether Startup goes on.
fn startup_survives(lost: &[usize]) -> bool {
    let mut drive = Drive::new();
    for _ in 0..3 {
        drive.round(10_000, &[]);
    }
    let flight = drive.round(10_000, lost);
    assert_eq!(flight.len(), lost.len(), "all of them were sent");
    drive.round(10_000, &[]);
    drive.controller.is_in_slow_start()
}

#[test]
fn startup_survives_one_burst_of_losses_but_not_six_stretches() {
    let burst: Vec<usize> = (0..20).collect();
    assert!(startup_survives(&burst));
    assert!(!startup_survives(&every_other(40)));
}

#[test]
fn while_the_rate_grows_startup_survives_few_losses_in_however_many_stretches() {
    assert!(startup_survives(&every_other(12)));
}

#[test]
fn startup_comes_back_when_its_losses_were_reordering() {
    let mut drive = Drive::new();
    for _ in 0..3 {
        drive.round(10_000, &[]);
    }
    let lost = drive.round(10_000, &every_other(40));
    drive.round(10_000, &[]);
    assert!(!drive.controller.is_in_slow_start());
    let window = drive.controller.window();
    drive.controller.on_spurious(&lost);
    assert!(drive.controller.is_in_slow_start());
    assert!(drive.controller.window() >= window);
}

#[test]
fn the_window_settles_at_two_flights_and_what_bunches_and_the_rate_at_what_arrives() {
    let drive = Drive::until_full(100);
    let window = drive.controller.window() / SIZE;
    // One acknowledgement for a whole flight is as bunched as it gets.
    assert!((200..=500).contains(&window), "{window}");
    let rate = drive.controller.pacing_rate(&Drive::view()).unwrap();
    let line = 100 * SIZE * 50;
    assert!((line * 8 / 10..line * 13 / 10).contains(&rate), "{rate}");
}

#[test]
fn a_congestion_mark_counts_once_a_round_trip_and_ends_startup() {
    let mut drive = Drive::new();
    drive.round(100, &[]);
    let now = drive.now;
    drive.controller.on_ecn_ce(now, now);
    drive.controller.on_ecn_ce(now, now);
    assert_eq!(drive.controller.events(), 1);
    assert!(!drive.controller.is_in_slow_start());
}

#[test]
fn persistent_congestion_leaves_two_datagrams_and_the_model_bounds_the_way_back() {
    let mut drive = Drive::until_full(100);
    let window = drive.controller.window();
    let flight = drive.send();
    drive.now += Duration::from_secs(2);
    drive.controller.on_lost(drive.now, &flight, true);
    assert_eq!(drive.controller.window(), 2 * SIZE);
    drive.controller.on_spurious(&flight);
    assert_eq!(drive.controller.window(), 2 * SIZE, "it is not undone");
    for _ in 0..12 {
        drive.round(100, &[]);
    }
    assert!(drive.controller.window() > window / 3, "{} {window}", drive.controller.window());
}

#[test]
fn the_rate_before_the_first_sample_follows_the_initial_window() {
    let controller = Controller::new(CongestionAlgorithm::Bbr, ms(0), SIZE as usize, 1);
    let view = Drive::view();
    assert_eq!(controller.pacing_rate(&view), Some(10 * SIZE * 50 * 277 / 100));
    let unmeasured = RttView { measured: false, ..view };
    assert_eq!(controller.pacing_rate(&unmeasured), Some(10 * SIZE * 1000 * 277 / 100));
    assert_eq!(controller.quantum(), Some(10 * SIZE));
}

/// The window after ten of a first flight of 32 datagrams were acknowledged, the last of them so long after the first.
fn first_window(wait: Duration) -> u64 {
    let mut bbr = Bbr::new(ms(0), SIZE, 1);
    bbr.widen_initial_window(22 * SIZE);
    bbr.delay.update(ms(20), ROUND);
    bbr.bandwidth.measure(&sample(1_000));
    bbr.sample.rtt = ROUND + wait;
    bbr.totals.delivered = 10 * SIZE;
    bbr.update_control(10 * SIZE);
    bbr.control.window()
}

#[test]
fn the_first_window_grows_beyond_the_model_unless_it_waits_in_a_queue() {
    assert_eq!(first_window(ROUND * 3 / 10), 42 * SIZE);
    assert_eq!(first_window(ROUND * 4 / 10), 32 * SIZE);
}

#[test]
fn larger_datagrams_raise_the_smallest_window() {
    let mut controller = Controller::new(CongestionAlgorithm::Bbr, ms(0), SIZE as usize, 1);
    controller.on_datagram_size(9000);
    assert_eq!(controller.window(), 36_000);
}

#[test]
fn bunched_acknowledgements_widen_the_window_of_a_near_path_by_so_much_at_most() {
    let bunched = |minimum| {
        let mut bbr = Bbr::new(ms(0), SIZE, 1);
        bbr.delay.update(ms(1), minimum);
        bbr.aggregation.update(ms(1), 4 * BUNCHED_NEAR, 0, u64::MAX);
        bbr.bunched()
    };
    assert_eq!(bunched(NEAR), BUNCHED_NEAR);
    assert_eq!(bunched(2 * NEAR), 4 * BUNCHED_NEAR);
}
