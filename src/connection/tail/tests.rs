//! What waits and what does not, between two connections that hand packets to each other.

use std::time::Duration;

use super::super::tests::{NOW, carry, connection_over};
use super::*;
use crate::base::Instant;
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
        let (mut ours, theirs) =
            (connection_over(Role::Initiator, rtt), connection_over(Role::Responder, rtt));
        let id = ours.open_stream(Direction::Unidirectional).unwrap();
        let mut pair = Self { ours, theirs, id, now: NOW, rtt };
        for _ in 0..200 {
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
