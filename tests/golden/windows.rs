//! The congestion window over time.

use std::fmt::Write;
use std::time::Duration;

use srudp::proto::{EndpointConfig, ReadError, TransportConfig, WriteError};
use srudp::{CongestionAlgorithm, Direction};
use srudp_links::LinkConfig;

use crate::golden;
use crate::sim::internet::Internet;
use crate::sim::{Sim, dialler, listener};

/// Lines of a table.
const SAMPLES: u32 = 100;

/// What is read from a connection at each sample.
struct Sample {
    window: u64,
    reductions: u64,
    delivered: u64,
}

/// Sends as fast as the connection lets it, and looks at it `SAMPLES` times.
fn samples(algorithm: CongestionAlgorithm, link: &LinkConfig, every: Duration) -> Vec<Sample> {
    // Whether AEGIS is offered depends on the processor.
    let transport =
        TransportConfig::default().congestion(algorithm).max_udp_payload(1452).aegis(false);
    let config = |config: EndpointConfig| config.transport(transport.clone());
    let mut sim = Sim::new(7, Internet::new(7, 2, link), &[config(dialler()), config(listener())]);
    let (ours, theirs) = sim.connect(0, 1);
    let id = sim.connection(0, ours).open_stream(Direction::Unidirectional).unwrap();
    let (data, mut out) = (vec![1; 65_536], vec![0; 65_536]);
    let (start, mut delivered) = (sim.now, 0);
    let mut samples = Vec::new();
    for sample in 1..=SAMPLES {
        let end = start + every * sample;
        sim.run_until(end - sim.now, |sim| {
            let (now, sender) = (sim.now, sim.connection(0, ours));
            while sender.write(id, &data) != Err(WriteError::Blocked) {}
            loop {
                match sim.connection(1, theirs).read(now, id, &mut out) {
                    Ok(read) => delivered += read as u64,
                    Err(ReadError::Blocked | ReadError::Unknown) => return false,
                    Err(error) => panic!("{error}"),
                }
            }
        });
        let stats = sim.connection(0, ours).stats();
        let (window, reductions) = (stats.congestion_window, stats.congestion_events);
        samples.push(Sample { window, reductions, delivered });
    }
    samples
}

/// Both algorithms side by side.
fn table(name: &str, link: &LinkConfig, every: Duration) {
    let cubic = samples(CongestionAlgorithm::Cubic, link, every);
    let reno = samples(CongestionAlgorithm::NewReno, link, every);
    let mut text = String::from(
        "          CUBIC                               NewReno\n      ms      window  reductions   delivered      window  reductions   delivered\n",
    );
    for (at, (cubic, reno)) in (1..).zip(cubic.iter().zip(&reno)) {
        write!(text, "{:>8}", (every * at).as_millis()).unwrap();
        for Sample { window, reductions, delivered } in [cubic, reno] {
            write!(text, " {window:>11} {reductions:>11} {delivered:>11}").unwrap();
        }
        text.push('\n');
    }
    golden(name, &text);
}

#[test]
fn a_clean_fast_link() {
    let link = LinkConfig::default().delay(Duration::from_millis(10));
    let link = link.rate(1_000_000_000).queue(1 << 20);
    table("windows-20ms-1gbit", &link, Duration::from_millis(10));
}

#[test]
fn a_long_link_that_loses_one_packet_of_a_hundred() {
    let link = LinkConfig::default().delay(Duration::from_millis(50));
    let link = link.rate(100_000_000).queue(1 << 20).loss(0.01);
    table("windows-100ms-100mbit-1percent", &link, Duration::from_millis(200));
}
