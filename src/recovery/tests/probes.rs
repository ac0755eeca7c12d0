//! What happens when nothing is heard.

use super::*;
use crate::base::limits::{PROBE_PATIENCE, PROBE_TIMEOUT_MAX};

#[test]
fn silence_is_probed_after_a_probe_timeout_patiently_at_first_and_then_ever_more_rarely() {
    let mut sender = Sender::new();
    sender.send(1);
    let mut last = sender.now;
    for factor in [1, 1, 1, 1, 2, 4, 8, 16] {
        assert_eq!(sender.wait(), Verdict::Probe);
        assert_eq!(sender.now - last, ms(factor * PTO));
        last = sender.now;
        sender.send(1);
        sender.recovery.on_probe_sent();
    }
}

#[test]
fn a_silence_is_probed_patiently_for_longer_where_acknowledgements_are_often_lost() {
    let mut sender = Sender::new();
    sender.recovery.expect_losses(true);
    sender.send(1).advance(80).ack([0]);
    sender.send(1);
    let mut last = sender.now;
    for factor in [[1; 9].as_slice(), &[2, 4]].concat() {
        assert_eq!(sender.wait(), Verdict::Probe);
        assert_eq!(sender.now - last, ms(factor * PTO));
        last = sender.now;
    }
}

#[test]
fn the_timer_starts_at_the_last_packet_that_elicits_an_ack() {
    let mut sender = Sender::new();
    sender.send(1).advance(50).send(1).advance(50).send_bare();
    assert_eq!(sender.deadline(), Some(at(50 + PTO)));
}

#[test]
fn nothing_in_flight_needs_no_timer() {
    let mut sender = Sender::new();
    assert_eq!(sender.deadline(), None);
    sender.send(1).advance(80).ack([0]);
    assert_eq!(sender.deadline(), None);
}

#[test]
fn a_probe_timeout_is_long_but_not_endless() {
    let mut sender = Sender::new();
    sender.send(1);
    for _ in 0..40 {
        assert_eq!(sender.wait(), Verdict::Probe);
    }
    assert_eq!(sender.deadline(), Some(sender.now + PROBE_TIMEOUT_MAX));
}

#[test]
fn a_path_slower_than_the_longest_timeout_is_not_probed_faster_than_it_answers() {
    let mut sender = Sender::new();
    sender.rtt = rtt(100_000);
    sender.send(1);
    assert!(sender.deadline() > Some(at(100_000)));
}

/// A sender that may not send, by its credit or its pacer, must not be woken over and over.
#[test]
fn an_expired_timer_is_set_anew_though_no_probe_left() {
    let mut sender = Sender::new();
    sender.send(1).advance(10 * PTO);
    assert_eq!(sender.check_timer(), Verdict::Probe);
    assert_eq!(sender.deadline(), Some(sender.now + ms(PTO)));
}

#[test]
fn an_ack_for_something_new_ends_the_backoff_and_a_duplicate_does_not() {
    let mut sender = Sender::new();
    sender.send(2).advance(80).ack([0]);
    for _ in 0..=PROBE_PATIENCE {
        assert_eq!(sender.wait(), Verdict::Probe);
    }
    sender.send(1).ack([0]);
    assert_eq!(sender.deadline(), Some(sender.now + ms(2 * PTO)));
    assert_eq!(sender.recovery.probes_owed(), 2);
    sender.ack([2]);
    assert_eq!(sender.recovery.probes_owed(), 0);
    sender.send(1).ack([1]);
    assert_eq!(sender.deadline(), Some(sender.now + ms(PTO)));
}

#[test]
fn two_probes_are_owed_for_each_timeout() {
    let mut sender = Sender::new();
    sender.send(1);
    assert_eq!(sender.recovery.probes_owed(), 0);
    assert_eq!(sender.wait(), Verdict::Probe);
    assert_eq!(sender.recovery.probes_owed(), 2);
    for left in [1, 0, 0] {
        sender.recovery.on_probe_sent();
        assert_eq!(sender.recovery.probes_owed(), left);
    }
}

#[test]
fn the_two_oldest_packets_go_into_the_probes_and_stay_in_flight() {
    let mut sender = Sender::new();
    sender.send(4);
    assert_eq!(sender.wait(), Verdict::Probe);
    sender.want_lost([]).want_in_flight(4);
    assert_eq!(sender.told(Fate::Lost), [0, 1]);
    sender.ack([0]).want_acked([0]);
    assert_eq!(sender.told(Fate::Acked), [0], "it was not lost after all");
}

#[test]
fn each_timeout_sends_what_was_not_sent_again_yet() {
    let mut sender = Sender::new();
    sender.send(3);
    let models = [[0, 1].as_slice(), &[2, 3], &[4, 5]];
    for expected in models {
        assert_eq!(sender.wait(), Verdict::Probe);
        assert_eq!(sender.told(Fate::Lost), expected);
        sender.send(2);
    }
}

#[test]
fn what_a_probe_took_over_is_not_given_back_again_when_it_is_lost() {
    let mut sender = Sender::new();
    sender.send(3);
    assert_eq!(sender.wait(), Verdict::Probe);
    sender.send(2).advance(80).ack([4]).want_lost([0, 1, 2]);
    assert_eq!(sender.told(Fate::Lost), [2]);
}

#[test]
fn packets_without_contents_are_no_models() {
    let mut sender = Sender::new();
    sender.send_as(|packet| packet.mtu_probe = true);
    sender.send_bare().send(1);
    assert_eq!(sender.wait(), Verdict::Probe);
    assert_eq!(sender.told(Fate::Lost), [2]);
}
