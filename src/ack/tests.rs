//! A receiver, as a script: what comes, and when it answers.

use proptest::prelude::*;

use super::*;
use crate::base::limits::ACK_RANGES;
use crate::wire::{AckFrame, Frame, Frames};

const MAX_DELAY: Duration = Duration::from_millis(25);

fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

struct Receiver {
    acks: AckTracker,
    now: Instant,
}

impl Receiver {
    fn new() -> Self {
        Self { acks: AckTracker::new(MAX_DELAY), now: at(0) }
    }

    /// One that was asked to acknowledge only every hundredth packet, and reordering from this distance on.
    fn lazy(reordering: u64) -> Self {
        let mut receiver = Self::new();
        receiver.acks.on_ack_frequency(0, 99, MAX_DELAY, reordering);
        receiver
    }

    fn get(&mut self, number: u64) -> &mut Self {
        self.acks.on_packet(self.now, number, true, None);
        self
    }

    fn get_all(&mut self, numbers: impl IntoIterator<Item = u64>) -> &mut Self {
        for number in numbers {
            self.get(number);
        }
        self
    }

    fn get_bare(&mut self, number: u64) -> &mut Self {
        self.acks.on_packet(self.now, number, false, None);
        self
    }

    fn get_marked(&mut self, number: u64, mark: EcnMark) -> &mut Self {
        self.acks.on_packet(self.now, number, true, Some(mark));
        self
    }

    fn advance(&mut self, millis: u64) -> &mut Self {
        self.now += Duration::from_millis(millis);
        self
    }

    fn is_due(&self) -> bool {
        self.acks.is_due(self.now)
    }

    /// Sends an ACK and lets `look` at it.
    fn ack<T>(&mut self, look: impl FnOnce(&AckFrame<'_>) -> T) -> T {
        let mut buffer = [0; 1200];
        let mut packet = PacketBuilder::new(&mut buffer);
        assert!(self.acks.fill(self.now, &mut packet));
        assert!(!packet.is_ack_eliciting());
        let (length, _, records) = packet.finish();
        let Some(Ok(Frame::Ack(frame))) = Frames::new(&buffer[..length]).next() else {
            panic!("no ACK")
        };
        let record = Record::Ack { largest: frame.largest };
        assert_eq!(records.iter().collect::<Vec<_>>(), [record]);
        look(&frame)
    }

    /// Sends an ACK; the numbers that it names.
    fn acked(&mut self) -> Vec<u64> {
        let mut numbers: Vec<_> = self.ack(|frame| frame.ranges().flatten().collect());
        numbers.sort_unstable();
        numbers
    }
}

#[test]
fn the_second_packet_brings_an_ack() {
    let mut receiver = Receiver::new();
    assert!(!receiver.get(0).is_due());
    assert!(receiver.get(1).is_due());
    assert_eq!(receiver.acked(), [0, 1]);
    assert!(!receiver.is_due());
    assert!(!receiver.get(2).is_due());
}

#[test]
fn a_single_packet_is_acknowledged_after_the_delay() {
    let mut receiver = Receiver::new();
    receiver.advance(5).get(0);
    assert_eq!(receiver.acks.deadline(), Some(at(30)));
    assert!(!receiver.advance(24).is_due());
    assert!(receiver.advance(1).is_due());
    assert_eq!(receiver.acked(), [0]);
    assert_eq!(receiver.acks.deadline(), None);
}

#[test]
fn the_delay_counts_from_the_first_packet_and_is_not_extended_by_later_ones() {
    let mut receiver = Receiver::lazy(1);
    receiver.get(0).advance(20).get(1);
    assert_eq!(receiver.acks.deadline(), Some(at(25)));
}

#[test]
fn a_deadline_that_passed_leaves_no_timer_behind() {
    let mut receiver = Receiver::new();
    receiver.get(0).advance(24);
    receiver.acks.on_deadline(receiver.now);
    assert_eq!(receiver.acks.deadline(), Some(at(25)));
    receiver.advance(1);
    receiver.acks.on_deadline(receiver.now);
    assert_eq!(receiver.acks.deadline(), None);
    assert!(receiver.is_due());
}

#[test]
fn a_gap_and_its_filling_are_acknowledged_at_once() {
    let mut receiver = Receiver::new();
    receiver.get_all([0, 1]).acked();
    assert!(receiver.get(3).is_due(), "a gap");
    assert_eq!(receiver.acked(), [0, 1, 3]);
    assert!(!receiver.get(4).is_due(), "no new gap");
    receiver.acked();
    assert!(receiver.get(2).is_due(), "the gap is filled");
    assert_eq!(receiver.acked(), [0, 1, 2, 3, 4]);
}

#[test]
fn packets_that_elicit_nothing_are_never_a_reason_to_send() {
    let mut receiver = Receiver::new();
    receiver.get_bare(0).get_bare(1).get_bare(7);
    receiver.acks.on_packet(receiver.now, 9, false, Some(EcnMark::Ce));
    assert!(!receiver.is_due() && !receiver.acks.has_news());
    assert_eq!(receiver.acks.deadline(), None);
    receiver.get(10);
    assert!(receiver.acks.has_news());
    assert_eq!(receiver.acked(), [0, 1, 7, 9, 10]);
}

#[test]
fn congestion_is_acknowledged_at_once_and_other_marks_are_not() {
    let mut receiver = Receiver::new();
    assert!(!receiver.get_marked(0, EcnMark::Ect0).is_due());
    receiver.acked();
    assert!(receiver.get_marked(1, EcnMark::Ce).is_due());
}

#[test]
fn marks_are_counted_and_only_reported_once_seen() {
    let mut receiver = Receiver::new();
    assert_eq!(receiver.get(0).ack(|frame| frame.ecn), None);
    receiver.get_marked(1, EcnMark::Ect0).get_marked(2, EcnMark::Ect0);
    receiver.get_marked(3, EcnMark::Ect1).get_marked(4, EcnMark::Ce).get(5);
    let counts = EcnCounts { ect0: 2, ect1: 1, ce: 1 };
    assert_eq!(receiver.ack(|frame| frame.ecn), Some(counts));
    assert_eq!(receiver.acks.ecn(), Some(counts));
}

#[test]
fn a_duplicate_is_not_fresh_and_counts_for_nothing() {
    let mut receiver = Receiver::new();
    receiver.get_marked(0, EcnMark::Ect0);
    assert!(!receiver.acks.is_fresh(0) && receiver.acks.is_fresh(1));
    receiver.get_marked(0, EcnMark::Ect0);
    assert!(!receiver.is_due());
    assert_eq!(receiver.acks.ecn(), Some(EcnCounts { ect0: 1, ect1: 0, ce: 0 }));
}

#[test]
fn an_immediate_ack_is_sent_even_without_anything_new() {
    let mut receiver = Receiver::lazy(1);
    receiver.get(0).acked();
    receiver.acks.on_immediate_ack();
    assert!(receiver.is_due());
}

#[test]
fn the_peer_chooses_the_threshold_and_the_delay() {
    let mut receiver = Receiver::new();
    receiver.acks.on_ack_frequency(3, 2, Duration::from_millis(100), 1);
    assert!(!receiver.get_all([0, 1]).is_due());
    assert_eq!(receiver.acks.deadline(), Some(at(100)));
    assert!(receiver.get(2).is_due());
}

#[test]
fn a_threshold_of_zero_acknowledges_every_packet() {
    let mut receiver = Receiver::new();
    receiver.acks.on_ack_frequency(0, 0, MAX_DELAY, 1);
    assert!(receiver.get(0).is_due());
}

#[test]
fn an_overtaken_policy_is_ignored() {
    let mut receiver = Receiver::new();
    receiver.acks.on_ack_frequency(5, 9, MAX_DELAY, 1);
    receiver.acks.on_ack_frequency(4, 0, MAX_DELAY, 1);
    receiver.acks.on_ack_frequency(5, 0, MAX_DELAY, 1);
    assert!(!receiver.get(0).is_due());
}

/// The examples of draft-ietf-quic-ack-frequency §6.2.1.
#[test]
fn reordering_is_reported_from_the_threshold_on() {
    let mut receiver = Receiver::lazy(3);
    assert!(!receiver.get_all([0, 1, 3, 4]).is_due());
    assert!(receiver.get(5).is_due(), "2 is missing, and 3 below 5");
    receiver.acked();
    assert!(!receiver.get(8).is_due(), "2 was reported; 6 is 2 below");
    assert!(receiver.get(9).is_due(), "6 is 3 below");
    receiver.acked();
    assert!(receiver.get(10).is_due(), "7 is 3 below");
    receiver.acked();
    assert!(!receiver.get_all([11, 12, 13]).is_due(), "all was reported");
}

#[test]
fn a_reordering_threshold_of_zero_is_never_reached() {
    let mut receiver = Receiver::lazy(0);
    assert!(!receiver.get_all([9, 3, 50]).is_due());
}

#[test]
fn the_delay_is_that_of_the_largest_number() {
    let mut receiver = Receiver::new();
    receiver.get(5).advance(4).get(3).advance(6);
    assert_eq!(receiver.ack(|frame| frame.delay), Duration::from_millis(10));
    receiver.get(6).advance(1);
    assert_eq!(receiver.ack(|frame| frame.delay), Duration::from_millis(1));
}

#[test]
fn what_the_peer_knows_to_be_acknowledged_is_forgotten() {
    let mut receiver = Receiver::new();
    receiver.get_all([0, 1, 3, 5]).acked();
    receiver.get(6);
    receiver.acks.on_fate(3, Fate::Lost);
    assert_eq!(receiver.acked(), [0, 1, 3, 5, 6]);
    receiver.acks.on_fate(5, Fate::Acked);
    assert_eq!(receiver.acked(), [5, 6]);
}

#[test]
fn what_was_forgotten_is_not_missing() {
    let mut receiver = Receiver::lazy(8);
    receiver.get_all(0..=5).acked();
    receiver.acks.on_fate(5, Fate::Acked);
    assert!(!receiver.get_all(6..20).is_due());
}

#[test]
fn a_straggler_below_what_was_forgotten_is_still_acknowledged() {
    let mut receiver = Receiver::new();
    receiver.get_all([0, 5]).acked();
    receiver.acks.on_fate(5, Fate::Acked);
    receiver.get(2);
    assert_eq!(receiver.acked(), [2, 5]);
}

#[test]
fn ranges_are_bounded_and_the_oldest_go() {
    let mut receiver = Receiver::new();
    let limit = ACK_RANGES as u64;
    receiver.get_all((0..limit).map(|n| 2 * n));
    assert_eq!(receiver.acked().first(), Some(&0));
    receiver.get(2 * limit);
    let acked = receiver.acked();
    assert_eq!((acked.len(), acked.first()), (ACK_RANGES, Some(&2)));
}

#[test]
fn nothing_is_written_before_anything_came_or_where_it_does_not_fit() {
    let mut receiver = Receiver::new();
    let mut buffer = [0; 4];
    assert!(!receiver.acks.fill(at(0), &mut PacketBuilder::new(&mut buffer)));
    receiver.get_all([0, 1]);
    let mut packet = PacketBuilder::new(&mut buffer);
    assert!(!receiver.acks.fill(at(0), &mut packet) && packet.is_empty());
    assert!(receiver.is_due());
}

proptest! {
    /// Whatever comes in whatever order: an ACK names nothing that did not come, always the largest, and everything as
    /// long as the ranges suffice.
    #[test]
    fn an_ack_tells_the_truth(numbers in prop::collection::vec(0_u64..200, 1..150)) {
        let mut receiver = Receiver::new();
        receiver.get_all(numbers.iter().copied());
        let mut expected = numbers;
        expected.sort_unstable();
        expected.dedup();
        let acked = receiver.acked();
        prop_assert_eq!(acked.last(), expected.last());
        prop_assert!(acked.iter().all(|number| expected.contains(number)));
        let runs = expected.chunk_by(|a, b| a + 1 == *b).count();
        prop_assert!(runs > ACK_RANGES || acked == expected);
    }

    /// An ack-eliciting packet never waits longer than the delay.
    #[test]
    fn no_ack_is_late(steps in prop::collection::vec((0_u64..30, any::<bool>(), 0_u64..40), 1..60)) {
        let mut receiver = Receiver::lazy(3);
        let mut waiting_since = None;
        for (pause, eliciting, number) in steps {
            receiver.advance(pause);
            if receiver.is_due() {
                receiver.acked();
                waiting_since = None;
            }
            prop_assert!(waiting_since.is_none_or(|since| receiver.now - since < MAX_DELAY));
            if eliciting && receiver.acks.is_fresh(number) {
                waiting_since = waiting_since.or(Some(receiver.now));
            }
            receiver.acks.on_packet(receiver.now, number, eliciting, None);
        }
    }
}

#[test]
fn a_way_that_loses_one_packet_in_twenty_is_found_out() {
    let mut receiver = Receiver::new();
    receiver.get_all((0..60).filter(|number| number % 20 != 0));
    assert!(!receiver.acks.misses_often(), "too few to tell");
    receiver.get_all((60..200).filter(|number| number % 20 != 0));
    assert!(receiver.acks.misses_often());
    receiver.get_all(200..2_000);
    assert!(!receiver.acks.misses_often());
}
