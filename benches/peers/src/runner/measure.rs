//! One measurement: a server, a client, or some of each, what is between them, and the difference between two readings of their meters.

use std::iter;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::Contender;
use super::pair::{Pair, Reading};
use super::site::Site;
use super::suites::Case;
use crate::order::{Job, Outcome, Sample};
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

impl Bench<'_> {
    pub(super) fn measure(&self, case: &Case, round: u32) -> Result<Figures> {
        let site = Site::build(case.place, self.peers, round)?;
        let mut pair = self.prepare(case, case.contender, &site)?;
        if !case.rivals.is_empty() {
            let rivals = case.rivals.iter().map(|rival| self.prepare(case, rival, &site));
            let pairs = iter::once(Ok(pair)).chain(rivals).collect::<Result<_>>()?;
            return self.share(pairs, site);
        }
        let before = pair.read()?;
        pair.client.go()?;
        if let Job::Bulk { .. } = case.job {
            pair.client.leave_alone(self.time)?;
            let mut figures = throughput(&before, &pair.read()?)?;
            tell_of_the_queue(site, &mut figures)?;
            return Ok(figures);
        }
        let outcome = pair.client.done(PATIENCE)?;
        if let Job::Idle { connections } = case.job {
            thread::sleep(SETTLE);
            let after = pair.read()?;
            let mut figures = memory(&before, &after, &outcome, connections)?;
            if case.setup.keep_alive.is_some() {
                pair.client.leave_alone(WATCH)?;
                load(&after, &pair.read()?, &mut figures);
            }
            return Ok(figures);
        }
        Ok(repetitions(&before, &pair.read()?, &outcome))
    }

    /// A client that has what it needs to begin, and its server.
    fn prepare(&self, case: &Case, contender: &Contender, site: &Site) -> Result<Pair> {
        let setup = case.setup_of(contender);
        let pair = Pair::start(self.peers, contender.stack, &setup, case.job, site, self.pin)?;
        pair.client.ready(PREPARATION)?;
        Ok(pair)
    }

    /// Streams that begin together. What they get is counted when half as long has passed: by then their slow starts are over.
    fn share(&self, mut pairs: Vec<Pair>, site: Site) -> Result<Figures> {
        pairs.iter_mut().try_for_each(|pair| pair.client.go())?;
        thread::sleep(self.time / 2);
        let before = pairs.iter_mut().map(Pair::read).collect::<Result<Vec<_>>>()?;
        thread::sleep(self.time);
        let after = pairs.iter_mut().map(Pair::read).collect::<Result<Vec<_>>>()?;
        let each: Vec<_> =
            before.iter().zip(&after).map(|(before, after)| goodput(before, after)).collect();
        let mut figures = shares(&each)?;
        tell_of_the_queue(site, &mut figures)?;
        Ok(figures)
    }
}

/// What the first got of all, and the slowest of the mean.
fn shares(each: &[f64]) -> Result<Figures> {
    let first = each.first().context("nobody sends")?;
    let total: f64 = each.iter().sum();
    ensure!(total > 0.0, "nothing arrived");
    let mut figures = Figures::default();
    figures.set(Metric::Total, total);
    figures.set(Metric::Share, first / total);
    figures.set(Metric::Fairness, slowest_over_mean(each));
    Ok(figures)
}

fn slowest_over_mean(each: &[f64]) -> f64 {
    let slowest = each.iter().copied().fold(f64::INFINITY, f64::min);
    slowest * each.len() as f64 / each.iter().sum::<f64>()
}

/// Takes the site down; its link, if there was one, tells what packets waited.
fn tell_of_the_queue(site: Site, figures: &mut Figures) -> Result<()> {
    if let Some(wait) = site.close()? {
        figures.set(Metric::QueueMean, wait.mean);
        figures.set(Metric::QueueMax, wait.most);
    }
    Ok(())
}

fn throughput(before: &Reading, after: &Reading) -> Result<Figures> {
    let bytes = received(before, after);
    let total: f64 = bytes.iter().sum();
    ensure!(total > 0.0, "nothing arrived");
    let (client, server) = cpu(before, after);
    let mut figures = Figures::default();
    figures.set(Metric::Goodput, goodput(before, after));
    figures.set(Metric::CpuBoth, (client + server) / (total / 1e9));
    figures.set(Metric::CpuClient, client / (total / 1e9));
    figures.set(Metric::CpuServer, server / (total / 1e9));
    figures.set(Metric::PeakClient, after.client.peak_kb / 1024.0);
    figures.set(Metric::PeakServer, after.server.peak_kb / 1024.0);
    figures.set(Metric::Fairness, slowest_over_mean(&bytes));
    Ok(figures)
}

/// Bytes that the server's application has read, connection by connection.
fn received(before: &Reading, after: &Reading) -> Vec<f64> {
    let earlier = before.server.received.iter().copied().chain(iter::repeat(0));
    after.server.received.iter().zip(earlier).map(|(now, then)| (now - then) as f64).collect()
}

/// Gbit/s.
fn goodput(before: &Reading, after: &Reading) -> f64 {
    let seconds = after.at.duration_since(before.at).as_secs_f64();
    received(before, after).iter().sum::<f64>() * 8.0 / seconds / 1e9
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_has_a_share_and_the_slowest_is_compared_with_the_mean() {
        let figures = shares(&[3.0, 1.0, 2.0]).unwrap();
        let of = |metric| figures.get(metric).unwrap();
        assert_eq!((of(Metric::Share), of(Metric::Fairness), of(Metric::Total)), (0.5, 0.5, 6.0));
        shares(&[0.0, 0.0]).unwrap_err();
    }
}
