//! How often, how fast and with how much each pair connects, as a table for people.

use std::time::Duration;

/// How often each pair is tried: as often as `SRUDP_LAB_RUNS` says, or else so often.
pub(crate) fn runs(otherwise: u16) -> u16 {
    let runs = std::env::var("SRUDP_LAB_RUNS").ok().and_then(|runs| runs.parse().ok());
    runs.unwrap_or(otherwise)
}

/// The value that so many per cent of the others do not exceed (the nearest rank).
pub(crate) fn percentile<T: Copy + Ord>(values: &[T], percent: usize) -> Option<T> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

/// What several runs of one pair have shown.
#[derive(Debug)]
pub(crate) struct Row {
    name: String,
    runs: u16,
    direct: u16,
    relayed: u16,
    times: Vec<Duration>,
    checks: Vec<u64>,
    packets: Vec<u64>,
}

impl Row {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            runs: 0,
            direct: 0,
            relayed: 0,
            times: Vec::new(),
            checks: Vec::new(),
            packets: Vec::new(),
        }
    }

    /// The first byte was there after this time.
    pub(crate) fn connected(&mut self, time: Duration, relayed: bool) {
        self.runs += 1;
        *(if relayed { &mut self.relayed } else { &mut self.direct }) += 1;
        self.times.push(time);
    }

    pub(crate) fn failed(&mut self) {
        self.runs += 1;
    }

    /// Checks that the busier side sent.
    pub(crate) fn checks(&mut self, count: u64) {
        self.checks.push(count);
    }

    /// Packets of whatever kind that the busier side sent.
    pub(crate) fn packets(&mut self, count: u64) {
        self.packets.push(count);
    }

    fn line(&self) -> String {
        let Self { name, runs, direct, relayed, .. } = self;
        let both = |values: &[u64]| {
            let at = |percent| percentile(values, percent).map(|value| value.to_string());
            [50, 95].map(|percent| at(percent).unwrap_or_else(|| "-".to_owned())).join(" / ")
        };
        let times: Vec<u64> = self.times.iter().map(|time| time.as_millis() as u64).collect();
        let (times, checks, packets) = (both(&times), both(&self.checks), both(&self.packets));
        format!("| {name} | {runs} | {direct} | {relayed} | {times} | {checks} | {packets} |")
    }
}

/// Prints them. Checks and packets are those of the side that sent more.
pub(crate) fn say(rows: impl IntoIterator<Item = Row>) {
    line(
        "| pair | runs | direct | by relay | ms to the first byte, p50 / p95 | checks, p50 / p95 | packets, p50 / p95 |",
    );
    line("|---|---|---|---|---|---|---|");
    rows.into_iter().for_each(|row| line(&row.line()));
}

fn line(text: &str) {
    crate::say::say(text);
}
