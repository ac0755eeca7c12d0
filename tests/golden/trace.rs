//! Every datagram of a short connection: handshake, 100 kB one way, close.

use std::fmt::Write;
use std::time::Duration;

use srudp::proto::{Event, Instant, ReadError, StreamEvent, TransportConfig};
use srudp::{ApplicationCode, Direction};

use crate::golden;
use crate::sim::{Datagram, Network, Sim, address, closed, dialler, listener};

const DELAY: Duration = Duration::from_millis(10);

/// A wire that writes down what passes.
struct Recorder {
    start: Instant,
    lines: String,
}

impl Network for Recorder {
    fn carry(&mut self, now: Instant, datagram: Datagram, out: &mut Vec<(Instant, Datagram)>) {
        let at = (now - self.start).as_nanos() as f64 / 1e6;
        let way = if datagram.from == address(0) { "-->" } else { "<--" };
        let (size, kind) = (datagram.payload.len(), kind(&datagram.payload));
        writeln!(self.lines, "{at:>11.6} {way} {size:>6} {kind}").unwrap();
        out.push((now + DELAY, datagram));
    }
}

/// What the first byte says (SPEC §2, §3).
fn kind(datagram: &[u8]) -> &'static str {
    match datagram.first() {
        Some(0x60..=0x7f) => "short",
        Some(0xc0) => "PUNCH",
        Some(0xc8) => "PUBLIC_KEY",
        Some(0xd0) => "SHARED_KEY",
        Some(0xd8) => "ESTABLISH",
        _ => "?",
    }
}

#[test]
fn a_whole_connection() {
    let recorder = Recorder { start: Instant::ZERO, lines: String::new() };
    // Whether AEGIS is offered depends on the processor.
    let transport = TransportConfig::default().aegis(false);
    let config = [dialler(), listener()].map(|config| config.transport(transport.clone()));
    let mut sim = Sim::new(7, recorder, &config);
    sim.network.start = sim.now;
    let (ours, theirs) = sim.connect(0, 1);
    let id = sim.connection(0, ours).open_stream(Direction::Unidirectional).unwrap();
    assert_eq!(sim.connection(0, ours).write(id, &[1; 100_000]), Ok(100_000));
    sim.connection(0, ours).finish(id).unwrap();
    let (mut out, mut read) = (vec![0; 65_536], 0);
    let ended = sim.run_until(Duration::from_secs(10), |sim| {
        let now = sim.now;
        loop {
            match sim.connection(1, theirs).read(now, id, &mut out) {
                Ok(0) => return true,
                Ok(more) => read += more,
                Err(ReadError::Blocked | ReadError::Unknown) => return false,
                Err(error) => panic!("{error}"),
            }
        }
    });
    assert!(ended && read == 100_000, "{read} bytes came");
    sim.wait_for(0, "finished", |event| {
        matches!(event, Event::Stream(_, StreamEvent::Finished(_))).then_some(())
    });
    let now = sim.now;
    sim.connection(0, ours).close(now, ApplicationCode::ZERO, b"done", Duration::ZERO);
    sim.wait_for(1, "closed", closed);
    sim.run_for(Duration::from_secs(10));
    assert!(sim.nodes.iter().all(|node| node.endpoint.is_idle()));
    golden("trace", &format!("         ms       bytes\n{}", sim.network.lines));
}
