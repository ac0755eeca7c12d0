//! The curve against RFC 9438's formulas in floating point.

use super::*;

const DATAGRAM: u64 = 1200;

fn seconds(time: f64) -> Duration {
    Duration::from_secs_f64(time)
}

fn ground(now: Duration, window: u64, rtt: Duration) -> Ground {
    Ground { now: Instant::ZERO + now, window, datagram: DATAGRAM, rtt }
}

/// Runs congestion avoidance for `time`, acknowledging a whole window every `rtt`, and returns the window.
fn run(cubic: &mut Cubic, mut window: u64, rtt: Duration, time: Duration) -> u64 {
    let mut now = Duration::ZERO;
    while now <= time {
        window = cubic.grow(&ground(now, window, rtt), window);
        now += rtt;
    }
    window
}

#[test]
fn the_cube_root_is_exact_at_and_around_cubes() {
    for root in [1_u64, 2, 3, 1000, 2_097_151, 4_294_967_296] {
        let cube = u128::from(root).pow(3);
        assert_eq!(cube_root(cube), root);
        assert_eq!(cube_root(cube - 1), root - 1);
        assert_eq!(cube_root(cube + 1), root);
    }
    assert_eq!(cube_root(0), 0);
}

#[test]
fn the_curve_and_the_time_to_its_plateau_are_those_of_rfc_9438() {
    let plateau = 1000 * DATAGRAM;
    let mut cubic = Cubic::default();
    let window = cubic.reduce(plateau);
    assert_eq!(window, 700 * DATAGRAM);
    let epoch =
        Epoch::new(&ground(Duration::ZERO, window, Duration::from_millis(50)), cubic.plateau);

    let k = (300.0_f64 / 0.4).cbrt();
    assert!((epoch.rise.as_secs_f64() - k).abs() < 1e-5, "{:?} {k}", epoch.rise);
    for time in [0.0, 1.0, 4.5, k, 10.0, 20.0] {
        let expected = (0.4 * (time - k).powi(3) + 1000.0) * DATAGRAM as f64;
        let actual = epoch.window_at(seconds(time), DATAGRAM) as f64;
        assert!((actual - expected).abs() < 5.0, "at {time}: {actual} not {expected}");
    }
}

#[test]
fn the_window_follows_the_curve_of_a_long_fat_path() {
    let rtt = Duration::from_millis(100);
    let mut cubic = Cubic::default();
    let window = cubic.reduce(10_000 * DATAGRAM);
    let k = (3000.0_f64 / 0.4).cbrt();
    let expected = |time: f64| (0.4 * (time - k).powi(3) + 10_000.0) * DATAGRAM as f64;
    for time in [5.0, k, 25.0] {
        let actual = run(&mut cubic.clone(), window, rtt, seconds(time)) as f64;
        let ratio = actual / expected(time);
        assert!((0.99..1.01).contains(&ratio), "at {time}: {actual}, {}", expected(time));
    }
}

#[test]
fn on_a_short_path_it_takes_the_share_of_reno() {
    // The cubic hardly moves in 200 ms; 9/17 of a datagram a round trip is fair at a decrease of 0.7.
    let rtt = Duration::from_millis(10);
    let mut cubic = Cubic::default();
    let window = cubic.reduce(100 * DATAGRAM);
    let rounds = 20.0;
    let actual = run(&mut cubic, window, rtt, rtt * 19) as f64 / DATAGRAM as f64;
    let expected = 70.0 + rounds * 9.0 / 17.0;
    assert!((actual - expected).abs() < 1.0, "{actual} not {expected}");
}

#[test]
fn beyond_the_last_limit_the_estimate_grows_like_reno() {
    let ground = ground(Duration::ZERO, 100 * DATAGRAM, Duration::from_millis(10));
    let mut epoch = Epoch::new(&ground, 100 * DATAGRAM);
    let slow = epoch.grow_estimate(&ground, 100 * DATAGRAM, 101 * DATAGRAM);
    assert_eq!(slow - ground.window, DATAGRAM * 9 / 17);
    let fast = epoch.grow_estimate(&ground, 100 * DATAGRAM, 0);
    assert_eq!(fast - slow, DATAGRAM);
}

#[test]
fn a_limit_that_falls_is_undercut_to_make_room() {
    let mut cubic = Cubic::default();
    cubic.reduce(1_000_000);
    assert_eq!(cubic.plateau, 1_000_000);
    assert_eq!(cubic.reduce(900_000), 630_000);
    assert_eq!(cubic.plateau, 765_000);
    cubic.reduce(800_000);
    assert_eq!(cubic.plateau, 800_000);
}

#[test]
fn growth_too_small_for_a_byte_is_not_lost() {
    let rtt = Duration::from_millis(100);
    let window = 10_000 * DATAGRAM;
    let at = |window| ground(seconds(1.0), window, rtt);
    let mut whole = Cubic::default();
    let mut pieces = Cubic::default();
    for cubic in [&mut whole, &mut pieces] {
        cubic.reduce(window * 10 / 7);
        cubic.grow(&ground(Duration::ZERO, window, rtt), 1);
    }
    let expected = whole.grow(&at(window), 1000 * DATAGRAM);
    let mut grown = window;
    for _ in 0..10_000 {
        grown = pieces.grow(&at(grown), DATAGRAM / 10);
    }
    let (expected, grown) = (expected - window, grown - window);
    assert!(grown.abs_diff(expected) * 10 < expected, "{grown} not {expected}");
}

#[test]
fn an_idle_time_does_not_count_as_time_to_grow() {
    let rtt = Duration::from_millis(100);
    let window = 7000 * DATAGRAM;
    let grow_after = |pause: Duration, told: bool| {
        let mut cubic = Cubic::default();
        cubic.reduce(10_000 * DATAGRAM);
        cubic.grow(&ground(Duration::ZERO, window, rtt), 1);
        if told {
            cubic.skip(Instant::ZERO + pause);
        }
        cubic.grow(&ground(pause + rtt, window, rtt), window)
    };
    let busy = grow_after(Duration::ZERO, false);
    assert_eq!(grow_after(Duration::from_secs(60), true), busy);
    assert!(grow_after(Duration::from_secs(60), false) > busy);
}

#[test]
fn the_longer_a_window_was_the_longer_it_takes_to_return() {
    let time = |datagrams: u64| time_to_return(datagrams * DATAGRAM, DATAGRAM).as_secs_f64();
    for (datagrams, expected) in [(10, 1.957), (86, 4.010), (862, 8.647)] {
        assert!((time(datagrams) - expected).abs() < 0.01, "{datagrams}: {}", time(datagrams));
    }
    assert_eq!(time_to_return(0, DATAGRAM), Duration::ZERO);
}

#[test]
fn extreme_inputs_do_not_overflow() {
    let mut cubic = Cubic::default();
    cubic.reduce(CONGESTION_WINDOW_MAX);
    let ground = Ground {
        now: Instant::from_nanos(u64::MAX),
        window: CONGESTION_WINDOW_MAX,
        datagram: 65_507,
        rtt: Duration::from_secs(3600),
    };
    let window = cubic.grow(&Ground { now: Instant::ZERO, window: 131_014, ..ground }, u64::MAX);
    assert!(window >= 131_014);
    assert!(cubic.grow(&ground, CONGESTION_WINDOW_MAX) >= CONGESTION_WINDOW_MAX);
}
