//! Windows and credit at their bounds.

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
fn a_window_consumed_within_two_round_trips_doubles_up_to_its_maximum() {
    let mut window = Window::new(100, 300);
    window.admit(at(0), 50);
    window.consume(50, pace(199));
    assert_eq!((window.size(), window.due()), (200, Some(250)));
    window.admit(at(200), 100);
    window.consume(100, pace(398));
    assert_eq!((window.size(), window.due()), (300, Some(450)));
}

#[test]
fn a_window_consumed_slowly_keeps_its_size() {
    let mut window = Window::new(100, 300);
    window.admit(at(0), 50);
    window.consume(50, pace(200));
    assert_eq!((window.size(), window.due()), (100, Some(150)));
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
