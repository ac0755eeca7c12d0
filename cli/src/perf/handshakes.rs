//! Handshakes per second: dial, one byte there and back, close; several dialers at once.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use srudp::proto::TransportConfig;
use srudp::{ApplicationCode, Endpoint, Identity, PeerId};

use super::report::Report;
use super::samples::Samples;
use super::{ECHO, PROTOCOL};
use crate::clock;
use crate::exit::Failure;
use crate::options;
use crate::progress::Progress;

/// How often the progress looks at the counter.
const GLANCE: Duration = Duration::from_millis(50);

/// Whom to dial, and how.
#[derive(Clone, Debug)]
pub(super) struct Dials {
    pub(super) peer: PeerId,
    pub(super) address: SocketAddr,
    pub(super) transport: TransportConfig,
}

/// Dials for as long as `time`.
pub(super) fn run(dials: &Dials, concurrency: u16, time: Duration) -> Result<Report, Failure> {
    let begin = clock::now();
    let done = AtomicU64::new(0);
    let times = thread::scope(|scope| {
        let workers: Vec<_> =
            (0..concurrency).map(|_| scope.spawn(|| work(dials, begin + time, &done))).collect();
        let mut progress = Progress::on_terminal();
        while workers.iter().any(|worker| !worker.is_finished()) {
            thread::sleep(GLANCE);
            progress.show(|| format!("{} handshakes", done.load(Ordering::Relaxed)));
        }
        let mut times = Vec::new();
        for worker in workers {
            let result = worker
                .join()
                .unwrap_or_else(|_| Err(Failure::of("cannot dial", "a dialling thread panicked")));
            times.extend(result?);
        }
        Ok(times)
    })?;
    Ok(Report {
        test: "handshakes",
        time: clock::now().duration_since(begin),
        handshakes: Some(times.len() as u64),
        latency: Samples::from_iter(times),
        ..Report::default()
    })
}

/// One dialler with a socket and an identity of its own, so that diallers do not wait for each other.
fn work(dials: &Dials, deadline: Instant, done: &AtomicU64) -> Result<Vec<Duration>, Failure> {
    let builder = Endpoint::builder()
        .identity(Identity::generate())
        .application_protocol(PROTOCOL)
        .transport(dials.transport.clone());
    let endpoint = options::bind(builder, options::any_port(dials.address.ip()))?;
    let mut times = Vec::new();
    loop {
        let begin = clock::now();
        if begin >= deadline {
            return Ok(times);
        }
        once(&endpoint, dials).map_err(|error| Failure::of("a handshake failed", error))?;
        times.push(clock::now().duration_since(begin));
        done.fetch_add(1, Ordering::Relaxed);
    }
}

fn once(endpoint: &Endpoint, dials: &Dials) -> std::io::Result<()> {
    let connection = endpoint.connect(dials.peer, dials.address)?;
    let mut stream = connection.open_stream()?;
    stream.write_all(&[ECHO, 0x5a])?;
    stream.read_exact(&mut [0])?;
    connection.close_now(ApplicationCode::ZERO, b"");
    Ok(())
}
