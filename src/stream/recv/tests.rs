//! Every event in every state of the receiving half.

use std::time::Duration;

use super::*;

const CODE: ApplicationCode = ApplicationCode::new(7);
const NOW: Instant = Instant::ZERO;

fn pace() -> Pace {
    Pace { now: NOW, rtt: Duration::from_millis(10) }
}

struct Fixture {
    receive: ReceiveHalf,
    pages: Pages,
}

impl Fixture {
    fn new(window: u64) -> Self {
        Self { receive: ReceiveHalf::new(Window::new(window, window)), pages: Pages::default() }
    }

    fn data(&mut self, offset: u64, bytes: &[u8], fin: bool) -> Result<Effect, TransportError> {
        self.receive.check(offset, bytes.len() as u64, fin)?;
        self.receive.on_data(NOW, Data { offset, bytes, fin }, &mut self.pages)
    }

    fn reset(&mut self, size: u64) -> Result<Effect, TransportError> {
        self.receive.check(size, 0, true)?;
        Ok(self.receive.on_reset(NOW, CODE, size, &mut self.pages))
    }

    fn read(&mut self, length: usize) -> Result<Vec<u8>, ReadError> {
        let mut out = vec![0; length];
        let length = self.receive.read(pace(), &mut out, &mut self.pages)?;
        out.truncate(length);
        Ok(out)
    }

    /// A half in this state, with a stream of ten bytes.
    fn in_state(state: State) -> Self {
        let mut fixture = Self::new(100);
        match state {
            State::Recv => fixture.data(2, b"cd", false),
            State::SizeKnown => fixture.data(8, b"ij", true),
            State::DataRecvd | State::DataRead => fixture.data(0, b"abcdefghij", true),
            State::ResetRecvd(_) | State::ResetRead(_) => fixture.reset(10),
        }
        .unwrap();
        if state == State::DataRead {
            fixture.read(10).unwrap();
            assert_eq!(fixture.read(10), Ok(vec![]));
        }
        if state == State::ResetRead(CODE) {
            assert_eq!(fixture.read(10), Err(ReadError::Reset(CODE)));
        }
        assert_eq!(fixture.receive.state, state);
        fixture
    }
}

const ALL: [State; 6] = [
    State::Recv,
    State::SizeKnown,
    State::DataRecvd,
    State::DataRead,
    State::ResetRecvd(CODE),
    State::ResetRead(CODE),
];

fn transitions(event: impl Fn(&mut Fixture)) -> [State; 6] {
    ALL.map(|state| {
        let mut fixture = Fixture::in_state(state);
        event(&mut fixture);
        fixture.receive.state
    })
}

#[test]
fn a_fin_with_missing_data_makes_the_size_known_and_changes_nothing_later() {
    let after = transitions(|fixture| {
        fixture.data(10, b"", true).unwrap();
    });
    let mut expected = ALL;
    expected[0] = State::SizeKnown;
    assert_eq!(after, expected);
}

#[test]
fn all_data_with_the_fin_leads_to_data_recvd_from_both_receiving_states() {
    let after = transitions(|fixture| {
        fixture.data(0, b"abcdefghij", true).unwrap();
    });
    let mut expected = ALL;
    (expected[0], expected[1]) = (State::DataRecvd, State::DataRecvd);
    assert_eq!(after, expected);
}

#[test]
fn a_reset_discards_incomplete_data_and_leaves_complete_data_alone() {
    let after = transitions(|fixture| {
        fixture.reset(10).unwrap();
    });
    let mut expected = ALL;
    (expected[0], expected[1]) = (State::ResetRecvd(CODE), State::ResetRecvd(CODE));
    assert_eq!(after, expected);
}

#[test]
fn stopping_ends_every_state_whose_size_is_known() {
    let after = transitions(|fixture| {
        fixture.receive.stop(CODE, &mut fixture.pages);
    });
    let read = State::DataRead;
    let reset = State::ResetRead(CODE);
    assert_eq!(after, [State::Recv, read, read, read, reset, reset]);
}

#[test]
fn reading_to_the_end_closes_only_what_is_complete() {
    let after = transitions(|fixture| {
        let _ = fixture.read(100);
        let _ = fixture.read(100);
    });
    let (read, reset) = (State::DataRead, State::ResetRead(CODE));
    assert_eq!(after, [State::Recv, State::SizeKnown, read, read, reset, reset]);
}

#[test]
fn the_end_and_a_reset_are_read_again_and_again() {
    let mut fixture = Fixture::in_state(State::DataRead);
    assert_eq!(fixture.read(10), Ok(vec![]));
    let mut fixture = Fixture::in_state(State::ResetRead(CODE));
    assert_eq!(fixture.read(10), Err(ReadError::Reset(CODE)));
}

#[test]
fn the_end_is_read_only_after_the_last_byte() {
    let mut fixture = Fixture::in_state(State::DataRecvd);
    assert_eq!(fixture.read(9), Ok(b"abcdefghi".to_vec()));
    assert_eq!(fixture.read(9), Ok(b"j".to_vec()));
    assert!(!fixture.receive.is_closed());
    assert_eq!(fixture.read(9), Ok(vec![]));
    assert!(fixture.receive.is_closed());
}

#[test]
fn the_window_itself_may_be_filled_and_one_byte_more_may_not() {
    let mut fixture = Fixture::new(10);
    assert_eq!(fixture.data(1, &[0; 10], false), Err(TransportError::FLOW_CONTROL));
    assert!(fixture.data(0, &[0; 10], false).is_ok());
    assert_eq!(fixture.data(10, &[0], false), Err(TransportError::FLOW_CONTROL));
    assert_eq!(fixture.reset(11), Err(TransportError::FLOW_CONTROL));
    assert!(fixture.reset(10).is_ok());
}

#[test]
fn an_offset_beyond_all_numbers_is_a_flow_control_error() {
    let fixture = Fixture::new(OFFSET_MAX);
    assert_eq!(fixture.receive.check(OFFSET_MAX, 1, false), Err(TransportError::FLOW_CONTROL));
    assert_eq!(fixture.receive.check(u64::MAX, 1, false), Err(TransportError::FLOW_CONTROL));
    assert_eq!(fixture.receive.check(OFFSET_MAX - 1, 1, false), Ok(OFFSET_MAX));
}

#[test]
fn a_final_size_below_received_data_is_an_error() {
    let mut fixture = Fixture::new(100);
    fixture.data(0, b"12345", false).unwrap();
    assert_eq!(fixture.data(0, b"1234", true), Err(TransportError::FINAL_SIZE));
    assert_eq!(fixture.reset(4), Err(TransportError::FINAL_SIZE));
    assert!(fixture.data(0, b"12345", true).is_ok());
}

#[test]
fn a_final_size_cannot_change_in_any_state() {
    for state in ALL.into_iter().skip(1) {
        let mut fixture = Fixture::in_state(state);
        assert_eq!(fixture.data(0, b"", true), Err(TransportError::FINAL_SIZE), "{state:?}");
        assert_eq!(fixture.data(11, b"", true), Err(TransportError::FINAL_SIZE), "{state:?}");
        assert_eq!(fixture.data(10, b"x", false), Err(TransportError::FINAL_SIZE), "{state:?}");
        assert_eq!(fixture.reset(9), Err(TransportError::FINAL_SIZE), "{state:?}");
        assert_eq!(fixture.reset(11), Err(TransportError::FINAL_SIZE), "{state:?}");
        assert!(fixture.data(9, b"j", true).is_ok(), "{state:?}");
    }
}

#[test]
fn a_reset_returns_the_credit_of_unread_and_of_missing_data() {
    let mut fixture = Fixture::new(100);
    fixture.data(0, b"12345", false).unwrap();
    fixture.read(2).unwrap();
    assert_eq!(
        fixture.reset(50).unwrap(),
        Effect { discarded: 48, readable: true, ..Effect::default() }
    );
    assert_eq!(fixture.pages.used(), 0);
}

#[test]
fn a_stopped_stream_discards_data_and_returns_its_credit() {
    let mut fixture = Fixture::new(100);
    fixture.data(0, b"12345", false).unwrap();
    assert_eq!(fixture.receive.stop(CODE, &mut fixture.pages).discarded, 5);
    assert_eq!(
        fixture.data(5, b"6789", false).unwrap(),
        Effect { discarded: 4, ..Effect::default() }
    );
    assert_eq!(fixture.read(10), Err(ReadError::Stopped));
    assert_eq!(fixture.pages.used(), 0);
    assert!(!fixture.receive.is_closed());
    assert_eq!(fixture.data(10, b"", true).unwrap().discarded, 1);
    assert!(fixture.receive.is_closed());
    assert!(!fixture.receive.wants_control(), "nobody needs STOP_SENDING any more");
}

#[test]
fn stop_sending_is_repeated_until_it_arrived() {
    let mut fixture = Fixture::new(100);
    fixture.receive.stop(CODE, &mut fixture.pages);
    assert!(fixture.receive.wants_control());
    fixture.receive.stop.written();
    fixture.receive.on_stop_fate(Fate::Lost);
    assert!(fixture.receive.wants_control());
    fixture.receive.stop.written();
    fixture.receive.on_stop_fate(Fate::Acked);
    assert!(!fixture.receive.wants_control());
}

#[test]
fn no_credit_is_announced_once_the_size_is_known() {
    let mut fixture = Fixture::new(10);
    fixture.data(0, b"123456", false).unwrap();
    fixture.read(6).unwrap();
    assert!(fixture.receive.wants_control());
    fixture.data(6, b"7", true).unwrap();
    assert!(!fixture.receive.wants_control());
    let mut fixture = Fixture::new(10);
    fixture.data(0, b"123456", false).unwrap();
    fixture.read(6).unwrap();
    fixture.reset(6).unwrap();
    assert!(!fixture.receive.wants_control());
}

#[test]
fn the_application_is_told_once_until_it_looks() {
    let mut fixture = Fixture::new(100);
    assert!(fixture.data(0, b"1", false).unwrap().readable);
    assert!(!fixture.data(1, b"2", false).unwrap().readable);
    fixture.read(1).unwrap();
    assert!(!fixture.data(1, b"2", false).unwrap().readable, "no news");
    assert!(!fixture.data(3, b"4", false).unwrap().readable, "behind a gap");
    assert!(fixture.data(2, b"3", false).unwrap().readable);
    fixture.read(10).unwrap();
    assert!(fixture.data(4, b"", true).unwrap().readable, "the end is news");
}

#[test]
fn a_reset_is_news_unless_reading_was_stopped() {
    assert!(Fixture::new(100).reset(0).unwrap().readable);
    let mut fixture = Fixture::new(100);
    fixture.receive.stop(CODE, &mut fixture.pages);
    assert!(!fixture.reset(0).unwrap().readable);
    assert!(fixture.receive.is_closed());
}

#[test]
fn what_was_peeked_and_consumed_counts_as_read() {
    let mut fixture = Fixture::new(10);
    fixture.data(0, b"123456", false).unwrap();
    assert_eq!(fixture.receive.peek(), Ok(&b"123456"[..]));
    assert_eq!(fixture.receive.consume(pace(), 5, &mut fixture.pages), 5);
    assert_eq!(fixture.receive.peek(), Ok(&b"6"[..]));
    assert_eq!(fixture.receive.window.due(), Some(15));
}

#[test]
fn who_peeks_says_that_it_saw_the_end_by_consuming_nothing() {
    let mut fixture = Fixture::new(10);
    fixture.data(0, b"12", true).unwrap();
    assert_eq!(fixture.receive.consume(pace(), 2, &mut fixture.pages), 2);
    assert_eq!((fixture.receive.peek(), fixture.receive.is_closed()), (Ok(&[][..]), false));
    fixture.receive.consume(pace(), 0, &mut fixture.pages);
    assert!(fixture.receive.is_closed());
}
