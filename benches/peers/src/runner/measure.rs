//! One measurement: a server, a client, what is between them, and the difference between two readings of their meters.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::process::Process;
use super::site::Site;
use super::suites::Case;
use crate::order::{Job, Order, Outcome, Sample};
use crate::report::{Figures, Metric};

/// Programs and settings that all measurements share.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    pub(super) peers: &'a Path,
    /// How long data is sent.
    pub(super) time: Duration,
    /// The cores of server and client.
    pub(super) pin: Option<[usize; 2]>,
}

/// How long the preparation may take: 10,000 connections, on a slow machine.
const PREPARATION: Duration = Duration::from_secs(120);

/// How long a job of so many repetitions may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Memory is read when the last acknowledgements have gone.
const SETTLE: Duration = Duration::from_millis(500);

/// How long connections are watched that are kept alive: twice the interval.
const WATCH: Duration = Duration::from_secs(30);

/// Both processes at one moment.
struct Reading {
    at: Instant,
    server: Sample,
    client: Sample,
}

impl Bench<'_> {
    pub(super) fn measure(&self, case: &Case, round: u32) -> Result<Figures> {
        let site = Site::build(case.place, self.peers, round)?;
        let [here, there] = site.spots()?;
        let mut order = Order {
            stack: case.contender.stack.to_owned(),
            setup: case.setup.clone(),
            job: case.job,
            target: None,
            core: self.pin.map(|[server, _]| server),
        };
        order.setup.at = there.address;
        let mut server = Process::start(self.peers, &order, there.namespace)?;
        order.target = Some(server.listening()?);
        order.core = self.pin.map(|[_, client]| client);
        order.setup.at = here.address;
        let mut client = Process::start(self.peers, &order, here.namespace)?;
        client.ready(PREPARATION)?;
        let before = read(&mut server, &mut client)?;
        client.go()?;
        if let Job::Bulk { .. } = case.job {
            client.leave_alone(self.time)?;
            let after = read(&mut server, &mut client)?;
            let mut figures = throughput(&before, &after)?;
            if let Some(wait) = site.close()? {
                figures.set(Metric::QueueMean, wait.mean);
                figures.set(Metric::QueueMax, wait.most);
            }
            return Ok(figures);
        }
        let outcome = client.done(PATIENCE)?;
        if let Job::Idle { connections } = case.job {
            thread::sleep(SETTLE);
            let after = read(&mut server, &mut client)?;
            let mut figures = memory(&before, &after, &outcome, connections)?;
            if case.setup.keep_alive.is_some() {
                client.leave_alone(WATCH)?;
                load(&after, &read(&mut server, &mut client)?, &mut figures);
            }
            return Ok(figures);
        }
        let after = read(&mut server, &mut client)?;
        Ok(repetitions(&before, &after, &outcome))
    }
}

fn read(server: &mut Process, client: &mut Process) -> Result<Reading> {
    let server = server.sample()?;
    let at = Instant::now();
    Ok(Reading { at, server, client: client.sample()? })
}

fn throughput(before: &Reading, after: &Reading) -> Result<Figures> {
    let seconds = after.at.duration_since(before.at).as_secs_f64();
    let earlier = before.server.received.iter().copied().chain(std::iter::repeat(0));
    let bytes: Vec<_> =
        after.server.received.iter().zip(earlier).map(|(now, then)| (now - then) as f64).collect();
    let total: f64 = bytes.iter().sum();
    ensure!(total > 0.0, "nothing arrived");
    let (client, server) = cpu(before, after);
    let slowest = bytes.iter().copied().fold(f64::INFINITY, f64::min);
    let mut figures = Figures::default();
    figures.set(Metric::Goodput, total * 8.0 / seconds / 1e9);
    figures.set(Metric::CpuBoth, (client + server) / (total / 1e9));
    figures.set(Metric::CpuClient, client / (total / 1e9));
    figures.set(Metric::CpuServer, server / (total / 1e9));
    figures.set(Metric::PeakClient, after.client.peak_kb / 1024.0);
    figures.set(Metric::PeakServer, after.server.peak_kb / 1024.0);
    figures.set(Metric::Fairness, slowest / (total / bytes.len() as f64));
    Ok(figures)
}

fn repetitions(before: &Reading, after: &Reading, outcome: &Outcome) -> Figures {
    let (client, server) = cpu(before, after);
    let mut figures = Figures::default();
    figures.set(Metric::P50, outcome.p50_us);
    figures.set(Metric::P99, outcome.p99_us);
    figures.set(Metric::PerSecond, f64::from(outcome.count) / outcome.seconds);
    figures.set(Metric::CpuEach, (client + server) * 1e6 / f64::from(outcome.count));
    figures
}

fn memory(
    before: &Reading,
    after: &Reading,
    outcome: &Outcome,
    connections: u32,
) -> Result<Figures> {
    let held = after.server.received.len();
    ensure!(held >= connections as usize, "the server holds {held} of {connections}");
    let growth = |before: &Sample, after: &Sample| {
        (after.resident_kb - before.resident_kb) / f64::from(connections)
    };
    let mut figures = Figures::default();
    figures.set(Metric::MemoryServer, growth(&before.server, &after.server));
    figures.set(Metric::MemoryClient, growth(&before.client, &after.client));
    figures.set(Metric::Seconds, outcome.seconds);
    Ok(figures)
}

fn load(before: &Reading, after: &Reading, figures: &mut Figures) {
    let (client, server) = cpu(before, after);
    let seconds = after.at.duration_since(before.at).as_secs_f64();
    figures.set(Metric::LoadClient, client * 100.0 / seconds);
    figures.set(Metric::LoadServer, server * 100.0 / seconds);
}

/// CPU seconds of client and server.
fn cpu(before: &Reading, after: &Reading) -> (f64, f64) {
    let spent = |before: &Sample, after: &Sample| after.cpu_seconds - before.cpu_seconds;
    (spent(&before.client, &after.client), spent(&before.server, &after.server))
}
