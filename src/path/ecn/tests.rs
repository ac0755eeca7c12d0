//! Honest, bleaching and mangling paths.

use std::time::Duration;

use super::*;
use crate::vocab::SendStamp;

const PATH: PathId = PathId(1);

fn packet(number: u64, marked: bool) -> Settled {
    Settled {
        number,
        sent_at: Instant::from_nanos(number),
        size: 1200,
        path: PATH,
        ack_eliciting: true,
        mtu_probe: false,
        ecn_marked: marked,
        stamp: SendStamp::default(),
    }
}

fn counts(ect0: u64, ect1: u64, ce: u64) -> Option<EcnCounts> {
    Some(EcnCounts { ect0, ect1, ce })
}

fn acked(numbers: std::ops::Range<u64>, ecn: Option<EcnCounts>) -> Outcome {
    let acked = numbers.map(|number| packet(number, true)).collect();
    Outcome { acked, ecn, ..Outcome::default() }
}

fn tested() -> Ecn {
    let mut ecn = Ecn::new(true);
    while ecn.mark().is_some() {
        ecn.on_sent();
    }
    ecn
}

#[test]
fn ten_packets_are_marked_and_then_none_until_the_verdict() {
    let mut ecn = Ecn::new(true);
    for _ in 0..10 {
        assert_eq!(ecn.mark(), Some(EcnMark::Ect0));
        ecn.on_sent();
    }
    assert_eq!((ecn.mark(), ecn.state()), (None, EcnState::Unknown));
    assert_eq!(ecn.on_outcome(PATH, &acked(0..5, counts(5, 0, 0))), None);
    assert_eq!((ecn.mark(), ecn.state()), (Some(EcnMark::Ect0), EcnState::Capable));
}

#[test]
fn a_disabled_test_marks_nothing() {
    assert_eq!(Ecn::new(false).mark(), None);
}

#[test]
fn a_path_that_bleaches_is_left_unmarked() {
    for ecn_of_ack in [None, counts(0, 0, 0), counts(4, 0, 0)] {
        let mut ecn = tested();
        ecn.on_outcome(PATH, &acked(0..5, ecn_of_ack));
        assert_eq!(ecn.state(), EcnState::Failed, "{ecn_of_ack:?}");
        ecn.on_outcome(PATH, &acked(5..10, counts(10, 0, 0)));
        assert_eq!(ecn.state(), EcnState::Failed);
    }
}

#[test]
fn a_path_that_mangles_marks_is_left_unmarked() {
    let mut ecn = tested();
    ecn.on_outcome(PATH, &acked(0..5, counts(5, 1, 0)));
    assert_eq!(ecn.state(), EcnState::Failed);
}

#[test]
fn a_capable_path_that_begins_to_bleach_or_to_count_back_fails() {
    for later in [counts(5, 0, 0), counts(4, 0, 9), None] {
        let mut ecn = tested();
        ecn.on_outcome(PATH, &acked(0..5, counts(5, 0, 0)));
        ecn.on_outcome(PATH, &acked(5..7, later));
        assert_eq!(ecn.state(), EcnState::Failed, "{later:?}");
    }
}

#[test]
fn counts_may_run_ahead_when_acknowledgements_were_lost() {
    let mut ecn = tested();
    ecn.on_outcome(PATH, &acked(0..2, counts(9, 0, 0)));
    assert_eq!(ecn.state(), EcnState::Capable);
}

#[test]
fn an_acknowledgement_that_was_overtaken_changes_nothing() {
    let mut ecn = tested();
    ecn.on_outcome(PATH, &acked(5..10, counts(8, 0, 0)));
    ecn.on_outcome(PATH, &acked(0..5, None));
    assert_eq!(ecn.state(), EcnState::Capable);
}

#[test]
fn unmarked_packets_need_no_counts() {
    let mut ecn = tested();
    let acked = vec![packet(20, false)];
    ecn.on_outcome(PATH, &Outcome { acked, ..Outcome::default() });
    assert_eq!(ecn.state(), EcnState::Unknown);
}

#[test]
fn a_path_that_drops_all_marked_packets_is_left_unmarked() {
    let lose = |numbers: std::ops::Range<u64>| Outcome {
        lost: numbers.map(|number| packet(number, true)).collect(),
        ..Outcome::default()
    };
    let mut ecn = tested();
    ecn.on_outcome(PATH, &lose(0..9));
    assert_eq!(ecn.state(), EcnState::Unknown);
    ecn.on_outcome(PATH, &lose(9..10));
    assert_eq!(ecn.state(), EcnState::Failed);
}

#[test]
fn more_congestion_marks_name_the_newest_packet_and_equal_counts_nothing() {
    let mut ecn = tested();
    let sent_at = ecn.on_outcome(PATH, &acked(0..3, counts(2, 0, 1)));
    assert_eq!(sent_at, Some(Instant::ZERO + Duration::from_nanos(2)));
    assert_eq!(ecn.on_outcome(PATH, &acked(3..6, counts(5, 0, 1))), None);
}

#[test]
fn another_path_counts_from_where_the_connection_stands() {
    let mut first = tested();
    first.on_outcome(PATH, &acked(0..10, counts(10, 0, 0)));
    let mut second = first.for_another_path(true);
    assert_eq!(second.state(), EcnState::Testing);
    // A packet of the first path must not prove the second.
    second.on_outcome(PathId(2), &acked(10..11, counts(11, 0, 1)));
    assert_eq!(second.state(), EcnState::Testing);
    let acked = vec![Settled { path: PathId(2), ..packet(11, true) }];
    second.on_outcome(PathId(2), &Outcome { acked, ecn: counts(12, 0, 1), ..Outcome::default() });
    assert_eq!(second.state(), EcnState::Capable);
}
