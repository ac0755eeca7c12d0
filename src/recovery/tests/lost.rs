//! What did not arrive, or seemed not to.

use super::*;
use crate::base::limits::{LOST_REMEMBERED, PACKET_THRESHOLD_MAX, REORDERING_CALM};

#[test]
fn a_packet_is_open_after_two_later_acks_and_lost_after_the_third() {
    let mut sender = Sender::new();
    sender.send(4).advance(80).ack([1, 2]).want_lost([]).want_in_flight(2);
    sender.ack([1, 2, 3]).want_lost([0]).want_in_flight(0);
    assert_eq!(sender.told(Fate::Lost), [0]);
}

#[test]
fn one_ack_far_above_says_as_much_as_several() {
    let mut sender = Sender::new();
    sender.send(6).advance(80).ack([5]).want_lost([0, 1, 2]).want_in_flight(2);
}

#[test]
fn a_packet_is_open_at_nine_eighths_of_the_round_trip_less_a_little_and_lost_then() {
    let mut sender = Sender::new();
    sender.send(2).advance(80).ack([1]).want_lost([]);
    assert_eq!(sender.deadline(), Some(at(90)));
    sender.advance(9);
    assert_eq!(sender.check_timer(), Verdict::Nothing);
    sender.advance(1);
    assert_eq!(sender.check_timer(), Verdict::Lost);
    sender.want_lost([0]).want_in_flight(0);
    assert_eq!(sender.deadline(), None);
}

#[test]
fn an_ack_finds_packets_that_are_too_old() {
    let mut sender = Sender::new();
    sender.send(1).advance(30).send(1).advance(60).ack([1]).want_lost([0]);
}

/// RFC 9002 §6.1.2: the larger of the smoothed and the latest round trip, and the latest one is that of this very ACK.
#[test]
fn a_round_trip_that_just_grew_delays_the_verdict() {
    let mut sender = Sender::new();
    sender.send(2).advance(160).ack([1]).want_lost([]);
    assert_eq!(sender.deadline(), Some(at(180)));
}

#[test]
fn on_a_short_path_the_granularity_of_timers_delays_the_verdict() {
    let mut sender = Sender::new();
    sender.rtt = RttView { variation: ms(0), ..rtt(0) };
    sender.send(2).ack([1]).want_lost([]);
    assert_eq!(sender.deadline(), Some(at(1)));
}

#[test]
fn nothing_is_lost_above_the_largest_acknowledged_number() {
    let mut sender = Sender::new();
    sender.send(8).advance(80).ack([3]).want_lost([0]);
    sender.advance(1000);
    assert_eq!(sender.check_timer(), Verdict::Lost);
    sender.want_lost([1, 2]).want_in_flight(4);
}

/// The probe timer takes over when no loss is pending, and does not fire before.
#[test]
fn a_pending_loss_comes_before_the_probe() {
    let mut sender = Sender::new();
    sender.send(3).advance(80).ack([1]);
    assert_eq!(sender.wait(), Verdict::Lost);
    assert_eq!(sender.deadline(), Some(at(PTO)));
}

#[test]
fn a_lost_packet_that_arrives_is_spurious_and_its_records_hear_of_it() {
    let mut sender = Sender::new();
    sender.send(4).advance(80).ack([1, 2, 3]).want_lost([0]);
    sender.advance(5).ack([0, 1, 2, 3]).want_spurious([0]).want_acked([]).want_lost([]);
    assert_eq!(sender.told(Fate::Acked), [0]);
    sender.ack([0, 1, 2, 3]).want_spurious([]);
}

#[test]
fn a_spurious_loss_raises_the_threshold_just_above_what_was_seen() {
    let mut sender = Sender::new();
    sender.send(6).advance(80).ack([5]).want_lost([0, 1, 2]);
    sender.ack([0, 5]).want_spurious([0]);
    let first = sender.send_as(|_| {});
    sender.send(6).advance(80).ack([first + 5]);
    sender.want_lost([3, 4]).ack([first + 6]).want_lost([first]);
}

#[test]
fn a_packet_that_was_merely_late_buys_later_ones_as_much_time_but_a_round_trip_at_most() {
    for (late, slack) in [(35, 40), (500, 80)] {
        let mut sender = Sender::new();
        sender.send(2).advance(80).ack([1]).advance(10);
        assert_eq!(sender.check_timer(), Verdict::Lost);
        sender.advance(late - 10).ack([0]).want_spurious([0]);
        sender.send(2).advance(80).ack([3]).want_lost([]);
        sender.advance(slack - 1);
        assert_eq!(sender.check_timer(), Verdict::Nothing);
        sender.advance(1);
        assert_eq!(sender.check_timer(), Verdict::Lost);
    }
}

#[test]
fn the_threshold_has_a_ceiling() {
    let mut sender = Sender::new();
    let first = sender.send_as(|_| {});
    let mut last = first;
    for _ in 0..2 * PACKET_THRESHOLD_MAX {
        last = sender.send_as(|_| {});
    }
    sender.advance(80).ack([last]).ack([first]).want_spurious([first]);
    let first = sender.send_as(|_| {});
    for _ in 1..PACKET_THRESHOLD_MAX {
        last = sender.send_as(|_| {});
    }
    sender.ack([last]);
    assert!(!of(&sender.out.lost).contains(&first));
    last = sender.send_as(|_| {});
    sender.ack([last]);
    assert!(of(&sender.out.lost).contains(&first));
}

#[test]
fn the_threshold_falls_back_after_calm_round_trips_with_losses() {
    let mut sender = Sender::new();
    let is_patient = |sender: &mut Sender| {
        let first = sender.send_as(|_| {});
        let last = (0..3).map(|_| sender.send_as(|_| {})).last().unwrap();
        sender.advance(80).ack([last]);
        let patient = !of(&sender.out.lost).contains(&first);
        sender.advance(200).ack([last - 1, last]);
        let rest = last + 1;
        assert_eq!(sender.send_as(|_| {}), rest);
        sender.advance(200).ack([rest]);
        patient
    };
    assert!(!is_patient(&mut sender));
    sender.send(6).ack([10]).ack([5, 10]);
    assert_eq!(of(&sender.out.spurious), [5]);
    sender.advance(1);
    let calm = (0..100).take_while(|_| is_patient(&mut sender)).count();
    assert_eq!(calm, usize::from(REORDERING_CALM));
}

#[test]
fn lost_packets_are_remembered_for_three_probe_timeouts() {
    let late_by = |millis: u64| {
        let mut sender = Sender::new();
        sender.send(4).advance(80).ack([1, 2, 3]).want_lost([0]);
        sender.advance(millis).send(1).ack([4]).ack([0]);
        sender.out.spurious.len()
    };
    assert_eq!((late_by(3 * PTO), late_by(3 * PTO + 1)), (1, 0));
}

#[test]
fn only_so_many_lost_packets_are_remembered() {
    let mut sender = Sender::new();
    let numbers: Vec<u64> = (0..LOST_REMEMBERED + 1 + 3).map(|_| sender.send_as(|_| {})).collect();
    let last = *numbers.last().unwrap();
    sender.advance(80).ack([last]);
    sender.ack([numbers[0]]).want_spurious([]);
    sender.ack([numbers[1]]).want_spurious([numbers[1]]);
}

/// A packet, its round trip, then nothing for this long between the first and the last of some lost packets.
fn losses_spanning(millis: u64, between: impl Fn(&mut Sender)) -> bool {
    let mut sender = Sender::new();
    sender.send(1).advance(80).ack([0]).advance(1);
    sender.send(1);
    sender.advance(millis / 2);
    between(&mut sender);
    sender.advance(millis - millis / 2).send(1);
    sender.advance(1).send(3);
    let last = sender.recovery.next_number() - 1;
    sender.advance(80).ack([last]);
    sender.out.persistent_congestion
}

#[test]
fn losses_over_more_than_three_probe_timeouts_are_persistent_congestion() {
    assert!(!losses_spanning(3 * PTO, |_| {}));
    assert!(losses_spanning(3 * PTO + 1, |_| {}));
}

#[test]
fn a_packet_acknowledged_in_between_ends_the_congestion() {
    let deliver = |sender: &mut Sender| {
        let number = sender.send_as(|_| {});
        sender.ack([number]);
    };
    assert!(!losses_spanning(3 * PTO + 1, deliver));
}

#[test]
fn losses_found_one_after_the_other_add_up() {
    let mut sender = Sender::new();
    sender.send(1).advance(80).ack([0]).advance(1);
    sender.send(3).advance(3 * PTO + 1).send(3).advance(80).ack([6]).want_lost([1, 2, 3]);
    assert!(!sender.out.persistent_congestion);
    assert_eq!(sender.wait(), Verdict::Lost);
    sender.want_lost([4, 5]);
    assert!(sender.out.persistent_congestion);
}

/// RFC 9002 §7.6.2: a sender that knew no round trip had no means to know the period.
#[test]
fn losses_before_the_first_round_trip_are_no_persistent_congestion() {
    let mut sender = Sender::new();
    sender.send(1).advance(10 * PTO).send(1).advance(1).send(4).ack([5]).want_lost([0, 1, 2]);
    assert!(!sender.out.persistent_congestion);
}

#[test]
fn path_mtu_probes_and_bare_packets_neither_span_nor_end_persistent_congestion() {
    let probe = |sender: &mut Sender| {
        sender.send_as(|packet| packet.mtu_probe = true);
        sender.send_bare();
    };
    assert!(losses_spanning(3 * PTO + 1, probe));
    let mut sender = Sender::new();
    sender.send(1).advance(80).ack([0]).advance(1);
    sender.send_as(|packet| packet.mtu_probe = true);
    sender.send_bare().advance(4 * PTO).send(3).advance(1).send(3).advance(80).ack([8]);
    sender.want_lost([1, 2, 3, 4, 5]);
    assert!(!sender.out.persistent_congestion);
}
