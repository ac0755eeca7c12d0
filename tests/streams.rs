//! Streams between two endpoints over simulated links.

mod sim;

use std::time::Duration;

use sim::{Sim, Wire, closed, dialler, listener};
use srudp::Direction;
use srudp::proto::{Event, ReadError, StreamEvent, WriteError};

fn pair(seed: u64) -> Sim<Wire> {
    Sim::new(seed, Wire(Duration::from_millis(10)), &[dialler(), listener()])
}

#[test]
fn a_short_stream_arrives_with_its_end() {
    let mut sim = pair(1);
    let (ours, theirs) = sim.connect(0, 1);
    let id = sim.connection(0, ours).open_stream(Direction::Bidirectional).unwrap();
    sim.connection(0, ours).write(id, b"hello").unwrap();
    sim.connection(0, ours).finish(id).unwrap();
    sim.run_for(Duration::from_millis(100));
    assert_eq!(sim.connection(1, theirs).accept_stream(Direction::Bidirectional), Some(id));
    let mut out = [0; 100];
    let now = sim.now;
    assert_eq!(sim.connection(1, theirs).read(now, id, &mut out), Ok(5));
    assert_eq!(&out[..5], b"hello");
    assert_eq!(sim.connection(1, theirs).read(now, id, &mut out), Ok(0));
    assert!(sim.connection(0, ours).is_finished(id));
}

#[test]
fn a_dial_takes_one_round_trip_before_the_first_data() {
    let mut sim = pair(2);
    let start = sim.now;
    sim.dial(0, 1);
    sim.wait_for(0, "connected", sim::connected);
    assert_eq!(sim.now - start, Duration::from_millis(20));
}

#[test]
fn large_datagrams_are_looked_for_by_who_has_filled_one() {
    let mut sim = pair(3);
    let (ours, theirs) = sim.connect(0, 1);
    let id = sim.connection(0, ours).open_stream(Direction::Unidirectional).unwrap();
    sim.connection(0, ours).write(id, &[7; 1000]).unwrap();
    sim.run_for(Duration::from_secs(5));
    assert_eq!(sim.connection(0, ours).stats().mtu, 1200);
    sim.connection(0, ours).write(id, &[7; 2000]).unwrap();
    sim.run_for(Duration::from_secs(5));
    assert_eq!(sim.connection(0, ours).stats().mtu, 65_507);
    assert_eq!(sim.connection(1, theirs).stats().mtu, 1200);
}

/// Sends `total` bytes one way and returns how long that took.
fn transfer<N: sim::Network>(sim: &mut Sim<N>, total: usize) -> Duration {
    let (ours, theirs) = sim.connect(0, 1);
    let id = sim.connection(0, ours).open_stream(Direction::Unidirectional).unwrap();
    let start = sim.now;
    let data: Vec<u8> = (0..total).map(|i| (i * 7 + i / 251) as u8).collect();
    let (mut sent, mut got, mut out) = (0, Vec::new(), vec![0; 65_536]);
    let done = sim.run_until(Duration::from_secs(600), |sim| {
        while sent < total {
            match sim.connection(0, ours).write(id, &data[sent..]) {
                Ok(n) => sent += n,
                Err(WriteError::Blocked) => break,
                Err(error) => panic!("{error}"),
            }
            if sent == total {
                sim.connection(0, ours).finish(id).unwrap();
            }
        }
        let now = sim.now;
        loop {
            match sim.connection(1, theirs).read(now, id, &mut out) {
                Ok(0) => return true,
                Ok(n) => got.extend_from_slice(&out[..n]),
                Err(ReadError::Blocked | ReadError::Unknown) => return false,
                Err(error) => panic!("{error}"),
            }
        }
    });
    assert!(
        done,
        "{sent} written, {} of {total} read, {:?}",
        got.len(),
        sim.connection(0, ours).stats()
    );
    assert!(got == data, "what arrived is what was sent");
    sim.now - start
}

#[test]
fn a_bulk_transfer_arrives_whole() {
    let mut sim = pair(3);
    transfer(&mut sim, 20_000_000);
    let stats = sim.trace;
    assert!(stats.bytes < 21_000_000, "{} bytes for 20 MB", stats.bytes);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let trace = |seed| {
        let mut sim = pair(seed);
        transfer(&mut sim, 1_000_000);
        sim.trace
    };
    assert_eq!(trace(4), trace(4));
    assert_ne!(trace(4), trace(5));
}

#[test]
fn a_close_delivers_what_was_written() {
    let mut sim = pair(6);
    let (ours, theirs) = sim.connect(0, 1);
    let id = sim.connection(0, ours).open_stream(Direction::Unidirectional).unwrap();
    sim.connection(0, ours).write(id, &[7; 100_000]).unwrap();
    let now = sim.now;
    let code = srudp::ApplicationCode::new(9);
    sim.connection(0, ours).close(now, code, b"bye", Duration::from_secs(5));
    let (_, reason) = sim.wait_for(1, "closed", closed);
    assert!(
        matches!(reason, srudp::ConnectionError::PeerClosed { code: c, .. } if c == code),
        "{reason:?}"
    );
    let mut out = vec![0; 200_000];
    let (mut got, now) = (0, sim.now);
    while let Ok(n @ 1..) = sim.connection(1, theirs).read(now, id, &mut out) {
        got += n;
    }
    assert_eq!(got, 100_000);
    assert_eq!(sim.connection(1, theirs).read(now, id, &mut out), Err(ReadError::ConnectionClosed));
}

#[test]
fn the_opener_of_a_stream_is_announced() {
    let mut sim = pair(7);
    let (ours, _) = sim.connect(0, 1);
    let id = sim.connection(0, ours).open_stream(Direction::Bidirectional).unwrap();
    sim.connection(0, ours).write(id, b"x").unwrap();
    sim.wait_for(1, "a stream", |event| match event {
        Event::Stream(_, StreamEvent::Opened(Direction::Bidirectional)) => Some(()),
        _ => None,
    });
}
