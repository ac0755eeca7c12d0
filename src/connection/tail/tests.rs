//! What waits and what does not, between two connections that hand packets to each other.

use std::time::Duration;

use super::super::tests::{NOW, carry, connection_with};
use super::*;
use crate::base::Instant;
use crate::congestion::CongestionAlgorithm;
use crate::connection::TransportConfig;
use crate::wire::{Direction, Role, StreamId};

/// Bytes that are written at once while windows open.
const CHUNK: usize = 256 * 1024;

struct Pair {
    ours: Connection,
    theirs: Connection,
    id: StreamId,
    now: Instant,
    rtt: Duration,
}

impl Pair {
    /// Two whose windows are open, with nothing under way.
    fn new(rtt: Duration) -> Self {
        Self::with(rtt, &TransportConfig::default(), 200)
    }

    /// After so many round trips in which as much as may was sent.
    fn with(rtt: Duration, config: &TransportConfig, round_trips: usize) -> Self {
        let (mut ours, theirs) = (
            connection_with(Role::Initiator, rtt, config),
            connection_with(Role::Responder, rtt, config),
        );
        let id = ours.open_stream(Direction::Unidirectional).unwrap();
        let mut pair = Self { ours, theirs, id, now: NOW, rtt };
        for _ in 0..round_trips {
            pair.write(CHUNK);
            pair.round_trip();
        }
        pair.ours.expect_no_more();
        while !pair.ours.streams.is_drained() {
            pair.round_trip();
        }
        pair
    }

    fn write(&mut self, bytes: usize) {
        self.ours.expect_more();
        let _ = self.ours.write(self.id, &vec![7; bytes]);
    }

    /// Everything that may leaves, as the pacer lets it, and nothing comes back.
    fn send(&mut self) {
        for _ in 0..100 {
            carry(self.now, &mut self.ours, &mut self.theirs);
            self.now += Duration::from_micros(10);
        }
    }

    fn answer(&mut self) {
        let mut out = vec![0; CHUNK];
        while self.theirs.read(self.now, self.id, &mut out).is_ok_and(|read| read > 0) {}
        carry(self.now, &mut self.theirs, &mut self.ours);
    }

    fn round_trip(&mut self) {
        carry(self.now, &mut self.ours, &mut self.theirs);
        self.now += self.rtt;
        self.theirs.handle_timeout(self.now);
        self.answer();
        self.ours.handle_timeout(self.now);
    }

    fn unsent(&self) -> u64 {
        self.ours.streams.unsent()
    }

    /// What is left of the window.
    fn room(&self) -> u64 {
        self.ours.paths.active().window().saturating_sub(self.ours.in_flight())
    }

    /// Writes until something stays where it is, or half a window is under way.
    fn with_a_remainder(rtt: Duration) -> Self {
        let mut pair = Self::new(rtt);
        let window = pair.ours.paths.active().window();
        while pair.unsent() == 0 && pair.ours.in_flight() < window / 2 {
            pair.write(70_000);
            pair.send();
        }
        assert!(pair.ours.in_flight() + limits::BATCH_MAX < window, "the window is open");
        pair
    }
}

const NEAR: Duration = Duration::from_micros(100);

#[test]
fn a_remainder_waits_behind_much_that_is_under_way_until_that_is_acknowledged() {
    let mut pair = Pair::with_a_remainder(NEAR);
    let held = pair.unsent();
    assert!((1..limits::BATCH_MAX).contains(&held), "{held} bytes");
    pair.answer();
    pair.send();
    assert_eq!(pair.unsent(), 0);
}

#[test]
fn a_remainder_leaves_when_nothing_more_is_expected() {
    let mut pair = Pair::with_a_remainder(NEAR);
    assert!(pair.unsent() > 0);
    pair.ours.expect_no_more();
    pair.send();
    assert_eq!(pair.unsent(), 0);
}

#[test]
fn an_end_takes_the_remainder_along() {
    let mut pair = Pair::with_a_remainder(NEAR);
    pair.ours.finish(pair.id).unwrap();
    pair.send();
    assert_eq!(pair.unsent(), 0);
}

#[test]
fn nothing_waits_while_little_is_under_way() {
    let mut pair = Pair::new(NEAR);
    for _ in 0..4 {
        pair.write(1000);
        pair.send();
        assert_eq!(pair.unsent(), 0);
    }
}

#[test]
fn nothing_waits_on_a_long_way() {
    let pair = Pair::with_a_remainder(Duration::from_millis(5));
    assert_eq!(pair.unsent(), 0);
}

/// More is written than the window lets through.
fn with_a_full_window(rtt: Duration) -> Pair {
    let config = TransportConfig::default().congestion(CongestionAlgorithm::NewReno);
    let mut pair = Pair::with(rtt, &config, 3);
    for _ in 0..10 {
        pair.write(CHUNK);
        pair.send();
    }
    pair.ours.expect_no_more();
    assert!(pair.unsent() > pair.room(), "{} and {} bytes", pair.unsent(), pair.room());
    pair
}

#[test]
fn what_is_left_of_a_window_waits_until_it_is_worth_a_batch() {
    let mut pair = with_a_full_window(NEAR);
    let datagram = pair.ours.paths.active().datagram_size() as u64;
    assert!((datagram..limits::BATCH_MAX).contains(&pair.room()), "{} bytes", pair.room());
    let held = pair.unsent();
    pair.answer();
    pair.send();
    assert!(pair.unsent() < held, "the rest leaves when there is room for it");
}

#[test]
fn a_window_is_used_to_the_last_datagram_on_a_long_way() {
    let pair = with_a_full_window(Duration::from_millis(20));
    assert!(pair.room() < pair.ours.paths.active().datagram_size() as u64);
}

#[test]
fn a_control_frame_does_not_wait_for_the_window() {
    let mut pair = with_a_full_window(NEAR);
    let before = pair.ours.in_flight();
    pair.ours.controls.ask_ping();
    pair.send();
    assert!(pair.ours.in_flight() > before);
}
