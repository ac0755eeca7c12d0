//! Latency: one small request after another, each answered before the next.

use std::io::{self, Read, Write};
use std::time::Duration;

use srudp::Connection;

use super::ECHO;
use super::report::Report;
use super::samples::Samples;
use crate::clock;
use crate::progress::Progress;
use crate::units;

/// Bytes of a request and of its answer.
const REQUEST: usize = 64;

/// Requests before those that count: they find the peer's caches cold.
const WARM_UP: usize = 20;

/// Asks for as long as `time`.
pub(super) fn run(connection: &Connection, time: Duration) -> io::Result<Report> {
    let mut stream = connection.open_stream()?;
    stream.write_all(&[ECHO])?;
    let mut request = || -> io::Result<Duration> {
        let begin = clock::now();
        stream.write_all(&[0x5a; REQUEST])?;
        stream.read_exact(&mut [0; REQUEST])?;
        Ok(clock::now().duration_since(begin))
    };
    for _ in 0..WARM_UP {
        request()?;
    }
    let begin = clock::now();
    let mut progress = Progress::on_terminal();
    let mut times = Vec::new();
    while times.is_empty() || clock::now().duration_since(begin) < time {
        let latest = request()?;
        times.push(latest);
        progress
            .show(|| format!("{} requests, the last took {}", times.len(), units::time(latest)));
    }
    let time = clock::now().duration_since(begin);
    stream.finish()?;
    Ok(Report {
        test: "ping",
        time,
        latency: Samples::from_iter(times),
        stats: Some(connection.stats()),
        ..Report::default()
    })
}
