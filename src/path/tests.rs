//! The facade: limits in their order, outcomes by path, migration; and whole transfers over a simulated bottleneck.

mod bbr;
mod flows;
mod simulation;

use super::*;
use crate::vocab::RttSample;

fn ms(count: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(count)
}

fn config() -> PathConfig {
    PathConfig {
        algorithm: CongestionAlgorithm::Cubic,
        max_datagram: 65_507,
        validated: true,
        ecn: true,
        seed: 1,
    }
}

fn remote(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

fn path(config: &PathConfig) -> Path {
    Path::new(ms(0), PathId(0), remote(1), None, config)
}

fn packet(number: u64, sent_at: Instant, size: u32, path: u32) -> Settled {
    Settled {
        number,
        sent_at,
        size,
        path: PathId(path),
        ack_eliciting: true,
        mtu_probe: false,
        ecn_marked: false,
        stamp: SendStamp::default(),
    }
}

fn measured(path: &mut Path, latest: u64) {
    let latest = Duration::from_millis(latest);
    let rtt = Some(RttSample { path: path.id(), latest, ack_delay: Duration::ZERO });
    path.on_outcome(ms(0), &Outcome { rtt, ..Outcome::default() });
}

#[test]
fn an_idle_path_is_small() {
    assert!(size_of::<Path>() < 768, "{}", size_of::<Path>());
}

#[test]
fn amplification_comes_before_the_window_and_the_window_before_the_pacer() {
    let mut path = path(&PathConfig { validated: false, ..config() });
    measured(&mut path, 100);
    assert_eq!(path.send_limit(ms(0), 1 << 30), SendLimit::Amplified);
    path.on_datagram_received(100_000);
    assert_eq!(path.send_limit(ms(0), 12_000), SendLimit::Congested);
    assert_eq!(path.send_limit(ms(0), 0), SendLimit::Open { bytes: 12_000 });
    path.on_sent(ms(0), 12_000, true, 0, false);
    assert!(matches!(path.send_limit(ms(0), 0), SendLimit::Paced { until } if until > ms(0)));
}

#[test]
fn what_is_lent_is_not_paced_and_what_is_left_of_it_is_no_more_than_that() {
    let mut path = path(&config());
    measured(&mut path, 100);
    assert_eq!(path.send_limit_within(ms(0), 0, 40_000), SendLimit::Open { bytes: 40_000 });
    path.on_sent(ms(0), 38_800, true, 0, false);
    assert!(matches!(path.send_limit(ms(0), 0), SendLimit::Paced { .. }));
    assert_eq!(path.send_limit_within(ms(0), 38_800, 40_000), SendLimit::Open { bytes: 1200 });
    assert_eq!(path.send_limit_within(ms(0), 38_801, 40_000), SendLimit::Congested);
    let wide = |path: &Path| path.send_limit_within(ms(0), 10_000, 11_000);
    assert!(
        matches!(wide(&path), SendLimit::Paced { .. }),
        "there is a window, and nothing is lent"
    );
}

#[test]
fn the_window_is_open_for_a_whole_datagram_and_not_for_less() {
    let path = path(&config());
    assert_eq!(path.send_limit(ms(0), 10_800), SendLimit::Open { bytes: 1200 });
    assert_eq!(path.send_limit(ms(0), 10_801), SendLimit::Congested);
}

#[test]
fn an_unproved_address_gets_three_times_its_bytes_and_not_one_more() {
    let mut path = path(&PathConfig { validated: false, ..config() });
    path.on_datagram_received(400);
    path.on_sent(ms(0), 1199, true, 0, false);
    assert_eq!(path.send_limit(ms(0), 0), SendLimit::Open { bytes: 1 });
    assert_eq!(path.probe_limit(), SendLimit::Open { bytes: 1 });
    path.on_sent(ms(0), 1, false, 0, false);
    assert_eq!(path.send_limit(ms(0), 0), SendLimit::Amplified);
    assert_eq!(path.probe_limit(), SendLimit::Amplified);
    assert_eq!(path.poll_mtu_probe(ms(0)), None);
}

#[test]
fn traffic_leaves_room_for_every_repetition_of_the_question() {
    let mut path = path(&PathConfig { validated: false, ..config() });
    path.start_validation(ms(0), *b"question");
    path.on_datagram_received(1200);
    assert_eq!(path.challenge_room(), Some(3600 - CHALLENGE_RESERVE));
    let SendLimit::Open { bytes } = path.send_limit(ms(0), 0) else { panic!("closed") };
    path.on_sent(ms(0), usize::try_from(bytes).unwrap(), true, 0, false);
    assert_eq!(path.send_limit(ms(0), 0), SendLimit::Amplified);
    assert_eq!(path.probe_limit(), SendLimit::Amplified);
    for _ in 0..CHALLENGE_SENDS {
        let room = path.challenge_room().expect("a question fits");
        path.on_sent(ms(0), usize::try_from(room).unwrap(), false, 0, false);
    }
    assert_eq!(path.challenge_room(), None);
}

#[test]
fn the_right_answer_proves_the_address() {
    let mut path = path(&PathConfig { validated: false, ..config() });
    path.start_validation(ms(0), *b"question");
    assert_eq!(path.poll_challenge(ms(0)), Some(*b"question"));
    assert!(!path.on_response(b"nonsense"));
    assert!(!path.is_validated());
    assert!(path.on_response(b"question"));
    assert!(path.is_validated() && !path.is_validating());
    assert_eq!(path.deadline(), None);
}

#[test]
fn silence_fails_the_validation() {
    let mut path = path(&PathConfig { validated: false, ..config() });
    path.start_validation(ms(0), *b"question");
    let mut verdict = PathVerdict::Nothing;
    while let Some(at) = path.deadline() {
        path.poll_challenge(at);
        verdict = path.on_deadline(at);
    }
    assert_eq!(verdict, PathVerdict::Failed);
    assert!(!path.is_validated());
}

#[test]
fn the_round_trip_of_the_handshake_replaces_the_guess() {
    let mut path = path(&config());
    assert_eq!(path.stats().rtt, Duration::from_millis(333));
    path.on_round_trip(Duration::from_millis(20));
    assert_eq!((path.rtt().smoothed, path.rtt().measured), (Duration::from_millis(20), true));
}

#[test]
fn bare_acknowledgements_are_neither_paced_nor_counted() {
    let mut path = path(&config());
    measured(&mut path, 100);
    path.on_sent(ms(0), 60_000, false, 0, true);
    assert_eq!(path.send_limit(ms(0), 0), SendLimit::Open { bytes: 12_000 });
}

#[test]
fn packets_of_other_paths_change_nothing() {
    let mut path = path(&config());
    let before = path.stats();
    let other = |number| packet(number, ms(0), 1452, 9);
    let outcome = Outcome {
        acked: vec![other(1), other(3)],
        lost: vec![other(2), other(4)],
        spurious: vec![other(5)],
        rtt: Some(RttSample {
            path: PathId(9),
            latest: Duration::from_millis(1),
            ack_delay: Duration::ZERO,
        }),
        persistent_congestion: true,
        ..Outcome::default()
    };
    path.on_outcome(ms(10), &outcome);
    assert_eq!(path.stats(), before);
}

#[test]
fn own_packets_count_wherever_they_stand_among_others() {
    let mut path = path(&config());
    path.on_sent(ms(0), 1200, true, 0, false);
    let acked = (0..6).map(|number| packet(number, ms(0), 1200, number as u32 % 2)).collect();
    path.on_outcome(ms(10), &Outcome { acked, ..Outcome::default() });
    assert_eq!(path.stats().congestion_window, 13 * 1200);
}

#[test]
fn a_found_datagram_size_reaches_the_window() {
    let mut path = path(&config());
    path.on_sent(ms(0), path.datagram_size(), true, 0, false);
    let mut number = 0;
    while let Some(size) = path.poll_mtu_probe(ms(0)) {
        path.on_mtu_probe_sent(number, size);
        let probe = Settled { mtu_probe: true, ..packet(number, ms(0), size as u32, 0) };
        path.on_outcome(ms(1), &Outcome { acked: vec![probe], ..Outcome::default() });
        number += 1;
    }
    assert_eq!(path.datagram_size(), 65_507);
    assert!(path.stats().congestion_window >= 2 * 65_507);
    path.on_too_large(65_507);
    assert_eq!(path.datagram_size(), 1200);
}

#[test]
fn ipv4_in_ipv6_clothes_is_searched_like_ipv4() {
    let mapped = "[::ffff:192.0.2.1]:1".parse().unwrap();
    assert_eq!(common_sizes(mapped), MTU_SIZES_V4);
    assert_eq!(common_sizes("[2001:db8::1]:1".parse().unwrap()), MTU_SIZES_V6);
}

#[test]
fn a_congestion_mark_reduces_the_window() {
    let mut path = path(&config());
    path.on_sent(ms(0), 1200, true, 0, false);
    let acked = vec![Settled { ecn_marked: true, ..packet(0, ms(0), 1200, 0) }];
    let ecn = Some(crate::wire::EcnCounts { ect0: 0, ect1: 0, ce: 1 });
    path.on_outcome(ms(10), &Outcome { acked, ecn, ..Outcome::default() });
    assert_eq!(path.stats().congestion_window, 8400);
    assert_eq!(path.stats().ecn, EcnState::Capable);
}

#[test]
fn a_change_of_port_keeps_what_was_learnt_and_a_change_of_address_does_not() {
    let mut path = path(&config());
    measured(&mut path, 40);
    path.on_sent(ms(0), 1200, true, 0, false);
    let acked = (0..9).map(|number| packet(number, ms(0), 1200, 0)).collect();
    path.on_outcome(ms(40), &Outcome { acked, ..Outcome::default() });
    let old = path.stats();
    assert!(old.congestion_window > 12_000);

    let rebound = path.migrated(ms(50), PathId(1), remote(2), None, true);
    assert_eq!((rebound.id(), rebound.remote()), (PathId(1), remote(2)));
    assert_eq!(rebound.stats().congestion_window, old.congestion_window);
    assert_eq!(rebound.rtt(), path.rtt());
    let moved = path.migrated(ms(50), PathId(2), remote(2), None, false);
    assert_eq!(moved.stats().congestion_window, 12_000);
    assert!(!moved.rtt().measured);
    for fresh in [rebound, moved] {
        assert!(!fresh.is_validated());
        assert_eq!(fresh.send_limit(ms(50), 0), SendLimit::Amplified);
    }
}
