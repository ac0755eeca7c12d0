//! Windows and credit at their bounds.

use std::collections::VecDeque;

use super::*;

const RTT: Duration = Duration::from_millis(100);

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

fn pace(millis: u64) -> Option<Pace> {
    Some(Pace { now: at(millis), rtt: RTT })
}

#[test]
fn the_limit_itself_is_allowed_and_one_byte_more_is_not() {
    let mut window = Window::new(100, 100);
    assert_eq!(window.check(101), Err(TransportError::FLOW_CONTROL));
    assert_eq!(window.check(100), Ok(()));
    window.admit(at(0), 100);
    assert_eq!(window.check(1), Err(TransportError::FLOW_CONTROL));
    assert_eq!(window.check(0), Ok(()));
    assert_eq!(window.check(u64::MAX), Err(TransportError::FLOW_CONTROL), "no overflow");
}

#[test]
fn a_new_limit_is_announced_when_half_the_window_is_consumed() {
    let mut window = Window::new(100, 100);
    window.admit(at(0), 100);
    window.consume(49, pace(1000));
    assert_eq!(window.due(), None);
    window.consume(1, pace(1000));
    assert_eq!(window.due(), Some(150));
}

#[test]
fn a_window_doubles_until_it_holds_four_round_trips_up_to_its_maximum() {
    let mut window = Window::new(100, 300);
    window.admit(at(0), 100);
    window.consume(25, pace(50));
    assert_eq!((window.size(), window.due()), (100, None));
    window.consume(1, pace(100));
    assert_eq!((window.size(), window.due()), (200, Some(226)));
    window.consume(51, pace(199));
    assert_eq!((window.size(), window.due()), (300, Some(377)));
}

#[test]
fn a_window_of_which_a_round_trip_brings_a_quarter_keeps_its_size() {
    let mut window = Window::new(100, 300);
    window.admit(at(0), 100);
    window.consume(50, pace(200));
    assert_eq!((window.size(), window.due()), (100, Some(150)));
    window.consume(25, pace(300));
    assert_eq!((window.size(), window.due()), (100, Some(150)));
}

#[test]
fn a_window_holds_eight_round_trips_while_they_bring_more_and_more() {
    let mut window = Window::new(1_000, 10_000);
    window.admit(at(0), 1_000);
    window.consume(50, pace(100));
    window.consume(99, pace(200));
    assert_eq!(window.size(), 1_000);
    window.consume(200, pace(300));
    assert_eq!((window.size(), window.due()), (2_000, Some(2_349)));
}

#[test]
fn a_sender_that_trebles_its_pace_until_it_has_found_it_meets_no_limit() {
    let mut window = Window::new(1_250_000, 64 << 20);
    let mut under_way = VecDeque::from([0; 100]);
    let (mut sent, mut limit) = (0, 1_250_000);
    let mut turn = 15_000.0;
    for millis in 0..1_000 {
        let now = at(millis);
        turn = f64::min(turn * 2.7_f64.powf(0.01), 3e6);
        let bytes = (turn / 100.0) as u64;
        sent += bytes;
        assert!(sent <= limit, "{sent} bytes after {millis} ms");
        under_way.push_back(bytes);
        let arrived = under_way.pop_front().unwrap();
        window.admit(now, arrived);
        window.consume(arrived, pace(millis));
        limit = limit.max(window.due().unwrap_or(0));
    }
    assert!(window.size() < 16 * 3_000_000);
}

#[test]
fn a_window_of_which_more_than_a_quarter_is_held_behind_a_gap_doubles_up_to_its_maximum() {
    let mut window = Window::new(100, 300);
    window.admit(at(0), 25);
    assert!(!window.on_held());
    window.admit(at(0), 1);
    assert!(window.on_held());
    assert_eq!((window.size(), window.due()), (200, Some(200)));
    assert!(!window.on_held());
    window.admit(at(0), 174);
    assert!(window.on_held());
    assert_eq!((window.size(), window.due()), (300, Some(300)));
    assert!(!window.on_held());
}

#[test]
fn discarded_data_returns_credit_without_growth() {
    let mut window = Window::new(100, 300);
    window.admit(at(0), 80);
    window.consume(80, None);
    assert_eq!((window.size(), window.due()), (100, Some(180)));
    assert_eq!(window.discard(), 0);
}

#[test]
fn more_than_was_received_cannot_be_consumed() {
    let mut window = Window::new(100, 100);
    window.admit(at(0), 10);
    window.consume(u64::MAX, None);
    assert_eq!(window.due(), None);
    assert_eq!(window.discard(), 0);
}

#[test]
fn a_limit_never_exceeds_what_a_varint_can_say() {
    let mut window = Window::new(u64::MAX, u64::MAX);
    window.admit(at(0), OFFSET_MAX);
    window.consume(OFFSET_MAX, pace(0));
    assert_eq!(window.check(1), Err(TransportError::FLOW_CONTROL));
}

#[test]
fn a_lower_limit_than_the_present_one_is_ignored() {
    let mut credit = Credit::new(100);
    credit.spend(60);
    credit.raise(50);
    assert_eq!(credit.available(), 40);
    credit.raise(101);
    assert_eq!(credit.available(), 41);
}

#[test]
fn a_blocked_sender_complains_once_per_limit() {
    let mut credit = Credit::new(10);
    credit.note_demand();
    assert_eq!(credit.blocked_due(), None);
    credit.spend(10);
    credit.note_demand();
    assert_eq!(credit.blocked_due(), Some(10));
    credit.blocked().written();
    credit.note_demand();
    assert_eq!(credit.blocked_due(), None);
    credit.raise(20);
    credit.spend(10);
    credit.note_demand();
    assert_eq!(credit.blocked_due(), Some(20));
}
