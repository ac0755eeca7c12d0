//! Windows of both algorithms, episodes and their undo, HyStart++ and the delivery rate.

use std::time::Duration;

use super::anchor::{Anchor, Point};
use super::hystart::{Growth, HyStart};
use super::*;
use crate::vocab::PathId;

const SIZE: u64 = 1200;
const ALL: [CongestionAlgorithm; 3] =
    [CongestionAlgorithm::NewReno, CongestionAlgorithm::Cubic, CongestionAlgorithm::Bbr];
const BOTH: [CongestionAlgorithm; 2] = [CongestionAlgorithm::NewReno, CongestionAlgorithm::Cubic];

fn ms(count: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(count)
}

fn packet(number: u64, sent_at: Instant) -> Settled {
    Settled {
        number,
        sent_at,
        size: 1200,
        path: PathId(0),
        ack_eliciting: true,
        mtu_probe: false,
        ecn_marked: false,
        stamp: SendStamp::default(),
    }
}

fn packets(numbers: std::ops::Range<u64>, sent_at: Instant) -> Vec<Settled> {
    numbers.map(|number| packet(number, sent_at)).collect()
}

fn rtt(count: u64) -> RttView {
    let time = Duration::from_millis(count);
    RttView { smoothed: time, variation: time / 2, minimum: time, latest: time, measured: true }
}

/// So much was in flight, and as much still is for all that CUBIC and NewReno care.
fn flight(bytes: u64) -> InFlight {
    InFlight { before: bytes, after: bytes }
}

fn controller(algorithm: CongestionAlgorithm) -> Controller {
    let mut controller = Controller::new(algorithm, ms(0), SIZE as usize, 1);
    controller.on_sent(ms(0), SIZE, 0, false);
    controller
}

/// Past slow start, with the window reduced at 100 ms.
fn reduced(algorithm: CongestionAlgorithm) -> Controller {
    let mut controller = controller(algorithm);
    controller.on_acked(ms(50), &packets(0..40, ms(0)), &rtt(50), flight(0));
    controller.on_lost(ms(100), &packets(40..43, ms(60)), false);
    controller
}

#[test]
fn the_initial_window_is_ten_datagrams_and_bounded() {
    let window = |size| Controller::new(CongestionAlgorithm::Cubic, ms(0), size, 1).window();
    assert_eq!(window(1200), 12_000);
    assert_eq!(window(1472), 14_720);
    assert_eq!(window(1500), 14_720);
    assert_eq!(window(8972), 17_944);
}

#[test]
fn the_initial_window_is_larger_where_it_can_be_spread_over_a_round_trip() {
    for algorithm in ALL {
        let mut controller = Controller::new(algorithm, ms(0), SIZE as usize, 1);
        controller.on_round_trip(SIZE as usize);
        assert_eq!(controller.window(), 32 * SIZE);
        controller.on_round_trip(SIZE as usize);
        assert_eq!(controller.window(), 32 * SIZE);
    }
}

#[test]
fn the_initial_window_follows_the_datagram_size_until_it_has_arrived() {
    for algorithm in ALL {
        let mut controller = controller(algorithm);
        controller.on_datagram_size(1452);
        assert_eq!(controller.window(), 14_520);
        controller.on_datagram_size(1200);
        assert_eq!(controller.window(), 14_520, "it never shrinks");
        controller.on_acked(ms(50), &packets(0..12, ms(0)), &rtt(50), flight(0));
        assert_eq!(controller.window(), 14_520 + 12 * SIZE);
        controller.on_datagram_size(1472);
        assert_eq!(controller.window(), 14_720 + 12 * SIZE);
        controller.on_acked(ms(51), &packets(12..13, ms(0)), &rtt(50), flight(0));
        let window = controller.window();
        controller.on_round_trip(1472);
        assert_eq!(controller.window(), window, "it is not the first any more");
    }
}

#[test]
fn a_window_that_was_reduced_is_not_the_first_any_more() {
    for algorithm in BOTH {
        let mut controller = controller(algorithm);
        controller.on_lost(ms(50), &packets(0..1, ms(0)), false);
        let window = controller.window();
        controller.on_round_trip(1452);
        assert_eq!(controller.window(), window);
    }
}

#[test]
fn slow_start_adds_what_is_acknowledged() {
    for algorithm in BOTH {
        let mut controller = controller(algorithm);
        controller.on_acked(ms(50), &packets(0..4, ms(0)), &rtt(50), flight(0));
        assert_eq!(controller.window(), 14 * SIZE);
        assert!(controller.is_in_slow_start());
    }
}

#[test]
fn a_window_that_is_not_used_does_not_grow() {
    for algorithm in BOTH {
        let mut controller = controller(algorithm);
        controller.on_sent(ms(1), SIZE, SIZE, true);
        controller.on_acked(ms(50), &packets(0..4, ms(0)), &rtt(50), flight(5 * SIZE - 1));
        assert_eq!(controller.window(), 10 * SIZE);
        controller.on_acked(ms(50), &packets(0..4, ms(0)), &rtt(50), flight(5 * SIZE));
        assert_eq!(controller.window(), 14 * SIZE);
    }
}

#[test]
fn one_episode_reduces_once_and_by_the_factor_of_the_algorithm() {
    for (algorithm, expected) in BOTH.into_iter().zip([25 * SIZE, 35 * SIZE]) {
        let mut controller = reduced(algorithm);
        assert_eq!(controller.window(), expected);
        assert!(!controller.is_in_slow_start());
        controller.on_lost(ms(110), &packets(43..50, ms(100)), false);
        assert_eq!(controller.window(), expected);
        assert_eq!(controller.events(), 1);
        controller.on_lost(ms(160), &packets(50..51, ms(101)), false);
        assert!(controller.window() < expected);
        assert_eq!(controller.events(), 2);
    }
}

#[test]
fn packets_from_before_the_reduction_do_not_raise_the_window() {
    for algorithm in BOTH {
        let mut controller = reduced(algorithm);
        let window = controller.window();
        controller.on_acked(ms(120), &packets(43..50, ms(90)), &rtt(50), flight(window));
        assert_eq!(controller.window(), window);
        controller.on_acked(ms(160), &packets(50..90, ms(101)), &rtt(50), flight(window));
        controller.on_acked(ms(210), &packets(90..130, ms(160)), &rtt(50), flight(window));
        assert!(controller.window() > window, "{algorithm:?}");
    }
}

#[test]
fn reno_grows_by_one_datagram_a_window() {
    let mut controller = reduced(CongestionAlgorithm::NewReno);
    for number in 50..75 {
        assert_eq!(controller.window(), 25 * SIZE);
        controller.on_acked(ms(160), &[packet(number, ms(101))], &rtt(50), flight(25 * SIZE));
    }
    assert_eq!(controller.window(), 26 * SIZE);
}

#[test]
fn the_window_never_falls_below_two_datagrams() {
    for algorithm in BOTH {
        let mut controller = controller(algorithm);
        for round in 1..20 {
            let lost = packet(round, ms(round * 100 - 10));
            controller.on_lost(ms(round * 100), &[lost], false);
        }
        assert_eq!(controller.window(), 2 * SIZE);
    }
}

#[test]
fn persistent_congestion_leaves_two_datagrams_and_slow_start_to_the_threshold() {
    for algorithm in BOTH {
        let mut controller = controller(algorithm);
        controller.on_acked(ms(50), &packets(0..40, ms(0)), &rtt(50), flight(0));
        let lost = packets(40..43, ms(60));
        controller.on_lost(ms(2000), &lost, true);
        controller.on_lost(ms(2000), &lost, true);
        assert_eq!((controller.window(), controller.events()), (2 * SIZE, 1));
        assert!(controller.is_in_slow_start());
        controller.on_spurious(&lost);
        assert_eq!(controller.window(), 2 * SIZE);
        controller.on_sent(ms(2001), SIZE, 0, false);
        controller.on_acked(ms(2100), &packets(50..150, ms(2001)), &rtt(50), flight(0));
        assert!(!controller.is_in_slow_start());
        assert!(controller.window() < 50 * SIZE);
    }
}

#[test]
fn lost_probes_and_lost_acknowledgements_are_no_congestion() {
    for algorithm in BOTH {
        let mut controller = controller(algorithm);
        let probe = Settled { mtu_probe: true, ..packet(1, ms(0)) };
        let bare_ack = Settled { ack_eliciting: false, ..packet(2, ms(0)) };
        controller.on_lost(ms(100), &[probe, bare_ack], false);
        assert_eq!((controller.window(), controller.events()), (10 * SIZE, 0));
    }
}

#[test]
fn the_window_comes_back_when_every_loss_was_spurious() {
    for algorithm in BOTH {
        let mut controller = reduced(algorithm);
        controller.on_spurious(&packets(40..42, ms(60)));
        assert!(controller.window() < 50 * SIZE);
        controller.on_spurious(&packets(42..43, ms(60)));
        assert_eq!(controller.window(), 50 * SIZE);
        assert!(controller.is_in_slow_start());
    }
}

#[test]
fn one_real_loss_keeps_the_reduction() {
    for algorithm in BOTH {
        let mut controller = reduced(algorithm);
        controller.on_lost(ms(101), &packets(43..44, ms(90)), false);
        controller.on_spurious(&packets(40..43, ms(60)));
        assert!(controller.window() < 50 * SIZE);
    }
}

#[test]
fn a_late_packet_of_an_older_episode_does_not_undo_the_newer_one() {
    for algorithm in BOTH {
        let mut controller = reduced(algorithm);
        controller.on_lost(ms(200), &[packet(60, ms(150))], false);
        let window = controller.window();
        controller.on_spurious(&packets(40..43, ms(60)));
        assert_eq!(controller.window(), window);
        controller.on_spurious(&[packet(60, ms(150))]);
        assert!(controller.window() > window);
    }
}

#[test]
fn a_loss_after_an_undo_reduces_again() {
    for algorithm in BOTH {
        let mut controller = reduced(algorithm);
        controller.on_spurious(&packets(40..43, ms(60)));
        controller.on_lost(ms(110), &[packet(45, ms(70))], false);
        assert!(controller.window() < 50 * SIZE);
        assert_eq!(controller.events(), 2);
    }
}

#[test]
fn a_congestion_mark_reduces_once_an_episode_and_is_never_undone() {
    for (algorithm, expected) in BOTH.into_iter().zip([5 * SIZE, 7 * SIZE]) {
        let mut controller = controller(algorithm);
        controller.on_ecn_ce(ms(100), ms(60));
        controller.on_ecn_ce(ms(101), ms(100));
        assert_eq!((controller.window(), controller.events()), (expected, 1));
        let lost = [packet(1, ms(70))];
        controller.on_lost(ms(102), &lost, false);
        controller.on_spurious(&lost);
        assert_eq!(controller.window(), expected);
    }
}

#[test]
fn a_mark_within_an_episode_of_losses_forbids_its_undo() {
    for algorithm in BOTH {
        let mut controller = reduced(algorithm);
        let window = controller.window();
        controller.on_ecn_ce(ms(104), ms(70));
        controller.on_spurious(&packets(40..43, ms(60)));
        assert_eq!(controller.window(), window);
    }
}

#[test]
fn larger_datagrams_raise_the_smallest_window() {
    let mut controller = controller(CongestionAlgorithm::Cubic);
    controller.on_datagram_size(65_507);
    assert_eq!(controller.window(), 131_014);
    controller.on_datagram_size(1200);
    assert_eq!(controller.window(), 131_014);
}

#[test]
fn the_pacing_rate_leaves_the_decision_to_the_window() {
    let mut controller = controller(CongestionAlgorithm::NewReno);
    let unmeasured = RttView { measured: false, ..rtt(100) };
    assert_eq!(controller.pacing_rate(&unmeasured), None);
    assert_eq!(controller.pacing_rate(&rtt(100)), Some(2 * 120_000));
    controller.on_ecn_ce(ms(1), ms(0));
    assert_eq!(controller.pacing_rate(&rtt(100)), Some(75_000));
}

#[test]
fn the_delivery_rate_is_what_arrived_and_not_how_acknowledgements_bunch() {
    let mut controller = Controller::new(CongestionAlgorithm::Cubic, ms(0), SIZE as usize, 1);
    let mut sent = Vec::new();
    for number in 0..200 {
        let at = ms(number);
        let stamp = controller.on_sent(at, SIZE, number.min(1) * 50 * SIZE, false);
        sent.push(Settled { stamp, ..packet(number, at) });
        // Ten packets are acknowledged at once, every ten milliseconds, 50 ms after they left.
        if number >= 60 && number % 10 == 0 {
            let end = number as usize - 50;
            controller.on_acked(at, &sent[end - 10..end], &rtt(50), flight(50 * SIZE));
        }
    }
    let rate = controller.delivery_rate();
    assert!((1_080_000..=1_320_000).contains(&rate), "{rate}");
}

#[test]
fn an_idle_sender_does_not_look_like_a_slow_path() {
    let mut controller = Controller::new(CongestionAlgorithm::Cubic, ms(0), SIZE as usize, 1);
    let mut exchange = |number: u64, at: Instant, count: u64, app_limited: bool| {
        let stamp = controller.on_sent(at, count * SIZE, 0, app_limited);
        let sent = Settled { stamp, size: (count * SIZE) as u32, ..packet(number, at) };
        controller.on_acked(
            at + Duration::from_millis(50),
            &[sent],
            &rtt(50),
            flight(count * SIZE),
        );
        controller.delivery_rate()
    };
    assert_eq!(exchange(1, ms(0), 10, false), 240_000);
    assert_eq!(exchange(2, ms(1000), 1, true), 240_000);
    assert_eq!(exchange(3, ms(2000), 20, true), 480_000);
}

/// Feeds rounds of ten acknowledged packets; `delay(round, index)` in milliseconds. Returns what the last one said.
fn rounds(hystart: &mut HyStart, count: u64, delay: impl Fn(u64, u64) -> u64) -> Vec<Growth> {
    let mut delivered = 0;
    let mut said = Vec::new();
    for round in 0..count {
        let before = delivered;
        let mut last = Growth::Divided(1);
        for index in 0..10 {
            let stamp = SendStamp { delivered: before, ..SendStamp::default() };
            let packet = Settled { stamp, ..packet(round * 10 + index, ms(1000)) };
            delivered += SIZE;
            last = hystart.on_acked(ms(1000 + delay(round, index)), &[packet], delivered);
            if last == Growth::Exit {
                break;
            }
        }
        said.push(last);
    }
    said
}

#[test]
fn hystart_slows_down_when_the_delay_rises_and_leaves_after_five_rounds() {
    let said = rounds(&mut HyStart::new(), 8, |round, _| if round < 2 { 40 } else { 46 });
    assert_eq!(said[..2], [Growth::Divided(1); 2]);
    assert_eq!(said[2..7], [Growth::Divided(4); 5]);
    assert_eq!(said[7], Growth::Exit);
}

#[test]
fn hystart_does_not_mind_a_rise_below_the_threshold() {
    let said = rounds(&mut HyStart::new(), 8, |round, _| if round < 2 { 40 } else { 44 });
    assert_eq!(said, [Growth::Divided(1); 8]);
}

#[test]
fn hystart_is_not_fooled_by_jitter() {
    // Most samples are late by up to 50 ms; the least of each round is not.
    let said = rounds(&mut HyStart::new(), 20, |round, index| {
        if index == round % 8 { 40 } else { 40 + (round * 31 + index * 17) % 50 }
    });
    assert_eq!(said, [Growth::Divided(1); 20]);
}

#[test]
fn hystart_resumes_when_the_delay_falls_again() {
    let said = rounds(&mut HyStart::new(), 6, |round, _| if round == 2 { 60 } else { 40 });
    assert_eq!(said[2], Growth::Divided(4));
    assert_eq!(said[3..], [Growth::Divided(1); 3]);
}

#[test]
fn the_first_slow_start_ends_without_loss_when_the_delay_rises() {
    let mut controller = controller(CongestionAlgorithm::Cubic);
    let mut number = 0;
    for round in 0..8_u64 {
        let sent_at = ms(round * 100);
        let burst: Vec<_> = (0..10)
            .map(|_| {
                number += 1;
                let stamp = controller.on_sent(sent_at, SIZE, SIZE, false);
                Settled { stamp, ..packet(number, sent_at) }
            })
            .collect();
        let delay = if round < 2 { 40 } else { 60 };
        for packet in burst {
            controller.on_acked(ms(round * 100 + delay), &[packet], &rtt(40), flight(0));
        }
    }
    assert!(!controller.is_in_slow_start());
    assert_eq!(controller.events(), 0);
}

#[test]
fn only_near_paths_get_whole_batches_whatever_their_rate() {
    let batch = |micros| near_batch(Duration::from_micros(micros));
    assert_eq!([100, 511, 512, 1100].map(batch), [65_536, 65_536, 32_768, 16_384]);
    assert_eq!([20_000, 333_000, u64::MAX].map(batch), [0; 3]);
}

/// The largest of the rates measured on a path of a million bytes per second and 100 ms: five packets leave in four milliseconds, and ten are
/// acknowledged every ten, so late as `late` says of the acknowledgement's number.
fn largest_rate(late: impl Fn(u64) -> u64) -> u64 {
    let mut sampler = RateSampler::new(ms(0));
    let mut sent = Vec::new();
    let mut largest = 0;
    for time in 0..600 {
        if let Some(tick) = (10..60).find(|tick| 10 * tick + late(*tick) == time) {
            let arrived = usize::try_from(10 * (tick - 9)).unwrap();
            let sample = sampler.on_acked(
                ms(time),
                &sent[arrived - 10..arrived],
                Duration::from_millis(100),
                1_000_000,
            );
            largest = largest.max(sample.and_then(|sample| sample.rate).unwrap_or(0));
        }
        while 4 * sent.len() as u64 <= 5 * time {
            let (number, in_flight) = (sent.len() as u64, 1000 * sent.len() as u64);
            let stamp = sampler.on_sent(ms(time), 1000, in_flight, false);
            sent.push(Settled { size: 1000, stamp, ..packet(number, ms(time)) });
        }
    }
    largest
}

#[test]
fn late_acknowledgements_do_not_make_the_path_look_faster() {
    assert_eq!(largest_rate(|_| 0), 1_000_000);
    assert_eq!(largest_rate(|tick| if tick == 32 { 7 } else { 0 }), 1_000_000);
    assert_eq!(largest_rate(|tick| if tick % 4 == 0 { 7 } else { 0 }), 1_000_000);
}

#[test]
fn lost_bytes_are_counted_across_the_end_of_their_32_bits() {
    let stamp = SendStamp { lost: u32::MAX - 9, ..SendStamp::default() };
    assert_eq!(stamp.lost_since((7 << 32) + 90), 100);
}

#[test]
fn the_anchor_is_the_last_acknowledgement_in_time_and_a_late_one_for_want_of_another() {
    let point = |at, delivered| Point { at: ms(at), delivered };
    let patience = Duration::from_millis(25);
    let mut anchor = Anchor::new(point(0, 0));
    let mut update = |at, delivered| {
        anchor.update(point(at, delivered), 1000, patience);
        anchor.point()
    };
    assert_eq!(update(10, 10), point(10, 10));
    assert_eq!(update(28, 20), point(10, 10), "late");
    assert_eq!(update(30, 30), point(30, 30));
    assert_eq!(update(41, 40), point(30, 30), "the path has become slower");
    assert_eq!(update(54, 45), point(30, 30));
    assert_eq!(update(56, 54), point(41, 40), "the less late of two");
    assert_eq!(update(56, 56), point(56, 56), "two at once");
}
