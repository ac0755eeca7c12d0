//! What arrived.

use super::*;
use crate::base::limits::{BARE_TRACKED, SETTLED_SLACK};

#[test]
fn acknowledged_packets_leave_the_flight_and_their_records_come_back() {
    let mut sender = Sender::new();
    sender.send(5).want_in_flight(5).advance(80).ack([0, 1, 3]);
    sender.want_acked([0, 1, 3]).want_lost([]).want_in_flight(2);
    assert_eq!(sender.told(Fate::Acked), [0, 1, 3]);
    assert_eq!(sender.out.prior_in_flight, 5 * u64::from(SIZE));
}

#[test]
fn a_duplicate_ack_changes_nothing() {
    let mut sender = Sender::new();
    sender.send(4).advance(80).ack([0, 1]).advance(5).ack([0, 1]);
    sender.want_acked([]).want_lost([]).want_in_flight(2);
    assert_eq!((sender.out.rtt, sender.out.fates.len()), (None, 0));
}

#[test]
fn an_ack_that_was_overtaken_still_acknowledges() {
    let mut sender = Sender::new();
    sender.send(4).advance(80).ack([0, 2, 3]).ack([0, 1]).want_acked([1]).want_in_flight(0);
}

#[test]
fn a_filled_gap_measures_nothing() {
    let mut sender = Sender::new();
    sender.send(3).advance(80).ack([0, 2]).advance(5).ack([0, 1, 2]).want_acked([1]);
    assert_eq!(sender.out.rtt, None, "the largest number is not new");
}

#[test]
fn a_number_that_was_never_sent_is_a_violation_and_the_last_sent_is_not() {
    let mut sender = Sender::new();
    assert_eq!(sender.try_ack([0]), Err(ErrorCode::PROTOCOL_VIOLATION));
    sender.send(3);
    assert_eq!(sender.try_ack([2]), Ok(()));
    assert_eq!(sender.try_ack([0, 3]), Err(ErrorCode::PROTOCOL_VIOLATION));
}

#[test]
fn a_skipped_number_is_a_violation_and_nothing_of_that_ack_counts() {
    let mut sender = Sender::new();
    let mut expected = 0;
    let number = loop {
        let number = sender.send_as(|_| {});
        if number != expected {
            break number;
        }
        expected = number + 1;
    };
    assert_eq!(sender.try_ack(0..=number), Err(ErrorCode::PROTOCOL_VIOLATION));
    sender.want_acked([]).want_in_flight(number);
    let honest = (0..number - 1).chain([number]);
    assert_eq!(sender.try_ack(honest), Ok(()));
    sender.want_in_flight(0);
    assert_eq!(sender.try_ack([number - 1]), Err(ErrorCode::PROTOCOL_VIOLATION), "still known");
}

#[test]
fn the_round_trip_is_that_of_the_largest_number() {
    let mut sender = Sender::new();
    sender.send(1).advance(20).send(1).advance(80).ack([0, 1]);
    let sample = RttSample { path: MAIN, latest: ms(80), ack_delay: ms(10) };
    assert_eq!(sender.out.rtt, Some(sample));
}

#[test]
fn the_peers_delay_counts_only_as_far_as_it_promised() {
    let mut sender = Sender::new();
    sender.send(1).advance(80);
    let Sender { recovery, now, rtt, out } = &mut sender;
    let ack = |ack: &AckFrame<'_>| recovery.on_ack(*now, ack, rtt, MAX_ACK_DELAY, out);
    with_ack([0], ms(60), None, ack).unwrap();
    assert_eq!(sender.out.rtt.map(|sample| sample.ack_delay), Some(MAX_ACK_DELAY));
}

/// RFC 9002 §5.1: at least one of the newly acknowledged packets must be ack-eliciting.
#[test]
fn packets_that_elicit_nothing_measure_nothing_unless_one_that_does_comes_with_them() {
    let mut sender = Sender::new();
    sender.send(1).send_bare().advance(80).ack([1]);
    assert_eq!(sender.out.rtt, None);
    sender.send_bare().advance(80).ack([0, 2]);
    assert!(sender.out.rtt.is_some());
}

#[test]
fn packets_that_elicit_nothing_are_not_in_flight_but_their_records_come_back() {
    let mut sender = Sender::new();
    sender.send_bare().want_in_flight(0);
    assert_eq!(sender.deadline(), None);
    sender.send(1).advance(80).ack([0, 1]).want_acked([0, 1]).want_in_flight(0);
    assert_eq!(sender.told(Fate::Acked), [0, 1]);
}

#[test]
fn counts_of_marks_are_passed_on_if_the_largest_number_rose() {
    let mut sender = Sender::new();
    sender.send(3);
    let mut ack = |numbers: &[u64], ect0| {
        let Sender { recovery, now, rtt, out } = &mut sender;
        let counts = Some(EcnCounts { ect0, ..EcnCounts::default() });
        let numbers = numbers.iter().copied();
        with_ack(numbers, ms(0), counts, |ack| recovery.on_ack(*now, ack, rtt, MAX_ACK_DELAY, out))
            .unwrap();
        out.ecn.map(|counts| counts.ect0)
    };
    assert_eq!(ack(&[1], 1), Some(1));
    assert_eq!(ack(&[0], 2), None);
    assert_eq!(ack(&[2], 3), Some(3));
}

#[test]
fn ranges_below_what_is_open_are_skipped() {
    let mut sender = Sender::new();
    sender.send(50).advance(80).ack((0..40).filter(|number| number % 2 == 0));
    sender.ack((0..40).filter(|number| number % 2 == 0).chain([40]));
    sender.want_acked([40]);
}

/// A receiver that acknowledges every other packet keeps the rest open for a moment only.
#[test]
fn memory_follows_the_open_packets_under_sparse_acks() {
    let mut sender = Sender::new();
    let mut numbers: Vec<u64> = Vec::new();
    for _ in 0..2000 {
        for _ in 0..4 {
            numbers.push(sender.send_as(|_| {}));
        }
        sender.advance(1);
        let recent = numbers.len().saturating_sub(100);
        let sparse: Vec<u64> = numbers[recent..].iter().copied().step_by(2).collect();
        sender.ack(sparse);
        let open = sender.recovery.sent.len();
        assert!(open < 10, "{open} open");
        assert!(sender.recovery.sent.slots() <= open + open / 4 + SETTLED_SLACK);
    }
}

#[test]
fn memory_follows_the_open_packets_behind_one_that_stays_open() {
    let mut sender = Sender::new();
    sender.send_on(OTHER, 1);
    for _ in 0..10_000 {
        let number = sender.send_as(|_| {});
        sender.advance(1).ack([number]);
    }
    sender.want_in_flight(1);
    assert!(sender.recovery.sent.slots() <= 1 + SETTLED_SLACK + 1);
}

/// CVE-2026-63075: a peer that never acknowledges what it need not acknowledge.
#[test]
fn packets_that_elicit_nothing_do_not_pile_up() {
    let mut sender = Sender::new();
    sender.send(1);
    for _ in 0..10_000 {
        sender.send_bare();
    }
    assert!(sender.recovery.sent.len() <= 1 + BARE_TRACKED);
    sender.advance(80).ack([0]).want_acked([0]).want_in_flight(0);
}
