//! Several paths at a time.

use super::*;

#[test]
fn a_slow_path_is_not_judged_by_a_fast_one() {
    let mut sender = Sender::new();
    sender.send_on(MAIN, 1).send_on(OTHER, 10).advance(1000);
    sender.ack(1..=10).want_lost([]).want_in_flight(1);
    assert_eq!(sender.recovery.in_flight_on(MAIN), u64::from(SIZE));
    assert_eq!(sender.recovery.in_flight_on(OTHER), 0);
}

#[test]
fn packets_of_another_path_between_two_numbers_are_no_reordering() {
    let mut sender = Sender::new();
    sender.send_on(MAIN, 1).send_on(OTHER, 5).send_on(MAIN, 2).advance(80);
    sender.ack([7]).want_lost([]);
    sender.send_on(MAIN, 1).ack([8]).want_lost([0]);
}

#[test]
fn a_skipped_number_is_no_reordering() {
    let mut sender = Sender::new();
    let mut numbers = vec![sender.send_as(|_| {})];
    while numbers.last().copied() < Some(numbers.len() as u64) {
        numbers.push(sender.send_as(|_| {}));
    }
    let [.., first, second, _] = numbers[..] else { panic!() };
    let last = sender.send_as(|_| {});
    assert_eq!(last - second, 3);
    sender.advance(80).ack([last]);
    assert!(of(&sender.out.lost).contains(&first) && !of(&sender.out.lost).contains(&second));
}

#[test]
fn the_round_trip_belongs_to_the_path_of_the_largest_number() {
    let mut sender = Sender::new();
    sender.send_on(MAIN, 1).send_on(OTHER, 1).advance(50).ack([0, 1]);
    assert_eq!(sender.out.rtt.map(|sample| sample.path), Some(OTHER));
}

#[test]
fn a_forgotten_path_gives_everything_back_without_a_word_on_congestion() {
    let mut sender = Sender::new();
    sender.send_on(MAIN, 2).send_on(OTHER, 2).send_on(MAIN, 1);
    sender.recovery.forget_path(MAIN, &mut sender.out);
    sender.want_lost([]).want_acked([]).want_in_flight(2);
    assert_eq!(sender.told(Fate::Lost), [0, 1, 4]);
    sender.advance(80).ack(0..5).want_acked([2, 3]).want_spurious([]).want_in_flight(0);
    assert_eq!(sender.deadline(), None);
}

#[test]
fn a_forgotten_path_takes_its_timers_with_it() {
    let mut sender = Sender::new();
    sender.send_on(MAIN, 2).advance(80).ack([1]).send_on(OTHER, 1);
    assert_eq!(sender.deadline(), Some(at(90)), "a loss on the old path");
    sender.recovery.forget_path(MAIN, &mut sender.out);
    assert_eq!(sender.deadline(), Some(at(80 + PTO)), "a probe on the new one");
}

#[test]
fn the_backoff_of_a_dead_path_is_not_that_of_the_next() {
    let mut sender = Sender::new();
    sender.send(1);
    assert_eq!((sender.wait(), sender.wait()), (Verdict::Probe, Verdict::Probe));
    sender.send_on(OTHER, 1);
    sender.recovery.forget_path(MAIN, &mut sender.out);
    assert_eq!(sender.deadline(), Some(sender.now + ms(PTO)));
    assert_eq!(sender.recovery.probes_owed(), 0);
}

#[test]
fn reordering_on_one_path_makes_no_other_patient() {
    let mut sender = Sender::new();
    sender.send(6).advance(80).ack([5]).ack([0]).want_spurious([0]);
    sender.send_on(OTHER, 4).ack([9]).want_lost([6]);
}
