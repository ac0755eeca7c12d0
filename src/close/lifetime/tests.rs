//! The whole table of states and events, then what the table cannot show.

use super::*;
use crate::wire::ErrorCode;

const PTO: Duration = Duration::from_millis(100);
const LINGER: Duration = Duration::from_secs(10);
const CODE: ApplicationCode = ApplicationCode::new(7);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Lingering,
    Closing,
    Draining,
    Drained,
}

fn state(life: &Lifetime) -> State {
    let flags = (life.is_open(), life.accepts_work(), life.is_lingering(), life.is_drained());
    match (&life.phase, flags) {
        (Phase::Open, (true, true, false, false)) => State::Open,
        (Phase::Lingering { .. }, (true, false, true, false)) => State::Lingering,
        (Phase::Closing { .. }, (false, false, false, false)) => State::Closing,
        (Phase::Draining { .. }, (false, false, false, false)) => State::Draining,
        (Phase::Drained, (false, false, false, true)) => State::Drained,
        wrong => panic!("{wrong:?}"),
    }
}

fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

fn broken() -> TransportError {
    TransportError::new(ErrorCode::PROTOCOL_VIOLATION, "broken")
}

const BYE: Frame<'static> =
    Frame::CloseApplication { code: ApplicationCode::new(1), reason: b"bye" };

fn peer_closes(life: &mut Lifetime, now: u64) {
    assert!(life.on_peer_close(at(now), PTO, &BYE));
}

fn close(life: &mut Lifetime, now: u64, linger: Option<Duration>) {
    life.close(at(now), CODE, b"done", linger);
}

/// A connection that has reached a state at time zero.
fn in_state(wanted: State) -> Lifetime {
    let mut life = Lifetime::default();
    match wanted {
        State::Open => {}
        State::Lingering => close(&mut life, 0, Some(LINGER)),
        State::Closing => close(&mut life, 0, None),
        State::Draining => peer_closes(&mut life, 0),
        State::Drained => life.end(ConnectionError::TimedOut),
    }
    assert_eq!(state(&life), wanted);
    life
}

fn send(life: &mut Lifetime, now: u64, space: usize) -> Option<usize> {
    let mut buffer = vec![0; space];
    let mut packet = PacketBuilder::new(&mut buffer);
    let written = life.fill(&mut packet).then(|| packet.len());
    if written.is_some() {
        life.on_sent(at(now), PTO);
    }
    written
}

#[test]
fn every_event_in_every_state_leads_where_the_table_says() {
    use State::{Closing, Drained, Draining, Lingering, Open};
    type Event = (&'static str, fn(&mut Lifetime), [State; 5]);
    let states = [Open, Lingering, Closing, Draining, Drained];
    #[rustfmt::skip]
    let table: [Event; 10] = [
        ("close, linger", |l| close(l, 1, Some(LINGER)),               [Lingering, Lingering, Closing, Draining, Drained]),
        ("close now",     |l| close(l, 1, None),                       [Closing, Closing, Closing, Draining, Drained]),
        ("all delivered", |l| l.on_drained_streams(at(1)),             [Open, Closing, Closing, Draining, Drained]),
        ("failure",       |l| l.fail(at(1), broken()),                 [Closing, Closing, Closing, Draining, Drained]),
        ("peer's close",  |l| peer_closes(l, 1),    [Draining, Draining, Draining, Draining, Drained]),
        ("packet",        |l| l.on_packet_while_closing(),             [Open, Lingering, Closing, Draining, Drained]),
        ("sent",          |l| l.on_sent(at(1), PTO),                   [Open, Lingering, Closing, Draining, Drained]),
        ("early",         |l| l.on_deadline(at(1)),                    [Open, Lingering, Closing, Draining, Drained]),
        ("late",          |l| l.on_deadline(at(60_000)),               [Open, Closing, Drained, Drained, Drained]),
        ("end",           |l| l.end(ConnectionError::TimedOut),    [Drained, Drained, Drained, Drained, Drained]),
    ];
    for (name, event, after) in table {
        for (before, after) in states.into_iter().zip(after) {
            let mut life = in_state(before);
            let reason = life.reason().cloned();
            event(&mut life);
            assert_eq!(state(&life), after, "{name} in {before:?}");
            assert_eq!(
                life.reason().is_some(),
                !matches!(after, Open | Lingering),
                "{name} in {before:?}"
            );
            if reason.is_some() {
                assert_eq!(life.reason().cloned(), reason, "the first reason stays: {name}");
            }
            assert_eq!(life.wants_close_frame(), after == Closing, "{name} in {before:?}");
            assert_eq!(
                life.deadline().is_none(),
                matches!(after, Open | Drained),
                "{name} in {before:?}"
            );
        }
    }
}

#[test]
fn each_ending_has_its_reason() {
    let reason = |event: fn(&mut Lifetime)| {
        let mut life = in_state(State::Lingering);
        event(&mut life);
        life.reason().cloned()
    };
    assert_eq!(reason(|l| l.on_drained_streams(at(1))), Some(ConnectionError::LocalClosed));
    assert_eq!(reason(|l| close(l, 1, None)), Some(ConnectionError::LocalClosed));
    assert_eq!(reason(|l| l.on_deadline(at(10_000))), Some(ConnectionError::LingerTimedOut));
    assert_eq!(reason(|l| l.fail(at(1), broken())), Some(broken().into()));
    assert_eq!(reason(|l| peer_closes(l, 1)), ConnectionError::from_frame(&BYE));
    assert_eq!(reason(|l| l.end(ConnectionError::Reset)), Some(ConnectionError::Reset));
}

#[test]
fn a_second_close_can_only_shorten_the_linger() {
    let mut life = in_state(State::Lingering);
    close(&mut life, 0, Some(LINGER * 2));
    assert_eq!(life.deadline(), Some(at(10_000)));
    close(&mut life, 1000, Some(LINGER / 10));
    assert_eq!(life.deadline(), Some(at(2000)));
}

#[test]
fn the_closing_period_is_three_probe_timeouts_from_the_first_close_frame() {
    let mut life = in_state(State::Closing);
    assert!(send(&mut life, 50, 1200).is_some());
    assert_eq!(life.deadline(), Some(at(350)));
    life.on_packet_while_closing();
    assert!(send(&mut life, 200, 1200).is_some());
    assert_eq!(life.deadline(), Some(at(350)));
    peer_closes(&mut life, 300);
    assert_eq!(life.deadline(), Some(at(350)), "draining does not start anew");
}

#[test]
fn a_close_frame_that_can_never_be_sent_does_not_keep_the_connection() {
    let mut life = in_state(State::Closing);
    life.on_deadline(at(0) + CLOSE_UNSENT);
    assert_eq!(state(&life), State::Drained);
}

#[test]
fn the_close_frame_is_repeated_ever_more_rarely() {
    let mut life = in_state(State::Closing);
    assert!(send(&mut life, 0, 1200).is_some());
    let mut repeated = Vec::new();
    for packet in 1..=100 {
        life.on_packet_while_closing();
        if send(&mut life, packet, 1200).is_some() {
            repeated.push(packet);
        }
    }
    assert_eq!(repeated, [1, 3, 7, 15, 31, 63]);
}

#[test]
fn a_reason_is_cut_to_what_the_frame_and_the_packet_hold() {
    let mut life = Lifetime::default();
    life.close(at(0), CODE, &[b'x'; 5000], None);
    let written = send(&mut life, 0, 4000).unwrap();
    assert!((CLOSE_REASON_MAX..CLOSE_REASON_MAX + 10).contains(&written), "{written}");
    life.on_packet_while_closing();
    let written = send(&mut life, 0, 100).unwrap();
    assert!((95..=100).contains(&written), "{written}");
    life.on_packet_while_closing();
    life.on_packet_while_closing();
    assert_eq!(send(&mut life, 0, 2), None);
    assert!(life.wants_close_frame(), "it is still due");
}

#[test]
fn other_frames_of_the_peer_do_not_close() {
    let mut life = Lifetime::default();
    assert!(!life.on_peer_close(at(0), PTO, &Frame::Ping));
    assert!(life.is_open());
}

#[test]
fn a_peer_that_refuses_is_told_apart_from_one_that_complains() {
    let error = |code| {
        ConnectionError::from_frame(&Frame::CloseTransport {
            code,
            frame_type: 2,
            reason: b"\xffno",
        })
    };
    for code in [ErrorCode::REFUSED, ErrorCode::BUSY, ErrorCode::APPLICATION_PROTOCOL] {
        assert_eq!(error(code), Some(ConnectionError::Refused { code }));
    }
    let code = ErrorCode::PROTOCOL_VIOLATION;
    let reason = "\u{fffd}no".into();
    assert_eq!(error(code), Some(ConnectionError::PeerTransport { code, frame_type: 2, reason }));
}

#[test]
fn what_a_peer_said_cannot_break_the_line_of_a_log() {
    let frame = Frame::CloseApplication { code: CODE, reason: b"a\nforged line\x1b[2J" };
    let text = ConnectionError::from_frame(&frame).unwrap().to_string();
    assert!(text.contains("forged") && !text.chars().any(char::is_control), "{text}");
}
