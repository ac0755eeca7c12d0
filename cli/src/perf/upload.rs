//! Throughput: data on several streams at once, until enough is sent or the time is over.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use srudp::{Connection, ConnectionStats};

use super::CHUNK;
use super::control::Control;
use super::report::Report;
use crate::clock;
use crate::progress::Progress;
use crate::units;

/// How often the progress looks at the counter.
const GLANCE: Duration = Duration::from_millis(50);

/// When it is enough.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// So many bytes, over all streams.
    Bytes(u64),
    /// So much time.
    Time(Duration),
}

/// Sends, and waits until everything is acknowledged.
pub(super) fn run(connection: &Connection, streams: u16, until: Until) -> io::Result<Report> {
    let control = Control::begin(connection)?;
    let begin = clock::now();
    let sent = AtomicU64::new(0);
    thread::scope(|scope| {
        let quotas = (0..streams).map(|index| Quota::new(until, begin, index, streams));
        let senders: Vec<_> =
            quotas.map(|quota| scope.spawn(|| send(connection, quota, &sent))).collect();
        let mut progress = Progress::on_terminal();
        while senders.iter().any(|sender| !sender.is_finished()) {
            thread::sleep(GLANCE);
            let count = sent.load(Ordering::Relaxed);
            progress.show(|| {
                let time = clock::now().duration_since(begin);
                line(count, time, &connection.stats())
            });
        }
        for sender in senders {
            sender.join().map_err(|_| io::Error::other("a sending thread panicked"))??;
        }
        Ok::<_, io::Error>(())
    })?;
    let time = clock::now().duration_since(begin);
    let cpu = control.end()?;
    Ok(Report {
        test: "upload",
        bytes: sent.into_inner(),
        time,
        cpu_client: cpu.client,
        cpu_server: cpu.server,
        stats: Some(connection.stats()),
        ..Report::default()
    })
}

/// How it goes: what was sent so far, and what the connection makes of the path at this moment.
fn line(count: u64, time: Duration, stats: &ConnectionStats) -> String {
    let batch = stats.datagrams_sent.checked_div(stats.batches_sent).unwrap_or(0);
    format!(
        "{} at {}, rtt {}, window {}, lost {}, {batch} datagrams of {} bytes at once",
        units::bytes(count),
        units::rate(count, time),
        units::time(stats.rtt),
        units::bytes(stats.congestion_window),
        stats.packets_lost,
        stats.mtu,
    )
}

fn send(connection: &Connection, mut quota: Quota, sent: &AtomicU64) -> io::Result<()> {
    let chunk = vec![0x5a; CHUNK];
    let mut stream = connection.open_uni()?;
    while let Some(length) = quota.next(CHUNK) {
        let written = stream.write(chunk.get(..length).unwrap_or_default())?;
        quota.spend(written);
        sent.fetch_add(written as u64, Ordering::Relaxed);
    }
    stream.finish()
}

/// What one stream still has to send.
#[derive(Debug)]
enum Quota {
    Bytes(u64),
    Deadline(Instant),
}

impl Quota {
    /// The share of one stream of several.
    fn new(until: Until, begin: Instant, index: u16, streams: u16) -> Self {
        match until {
            Until::Bytes(bytes) => {
                let (index, streams) = (u64::from(index), u64::from(streams));
                Self::Bytes(bytes / streams + u64::from(index < bytes % streams))
            }
            Until::Time(time) => Self::Deadline(begin + time),
        }
    }

    /// How much to write next, at most `most`; none when it is enough.
    fn next(&self, most: usize) -> Option<usize> {
        match *self {
            Self::Bytes(0) => None,
            Self::Bytes(left) => Some(usize::try_from(left).unwrap_or(most).min(most)),
            Self::Deadline(deadline) => (clock::now() < deadline).then_some(most),
        }
    }

    fn spend(&mut self, written: usize) {
        if let Self::Bytes(left) = self {
            *left = left.saturating_sub(written as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_the_streams_add_up() {
        for (bytes, streams) in [(10, 3), (0, 4), (2, 4), (1 << 40, 7)] {
            let mut total = 0;
            for index in 0..streams {
                let Quota::Bytes(share) =
                    Quota::new(Until::Bytes(bytes), clock::now(), index, streams)
                else {
                    panic!("a share of bytes is a number of bytes");
                };
                total += share;
            }
            assert_eq!(total, bytes);
        }
    }

    #[test]
    fn a_quota_is_used_up_and_then_over() {
        let mut quota = Quota::Bytes(10);
        assert_eq!(quota.next(8), Some(8));
        quota.spend(7);
        assert_eq!(quota.next(8), Some(3));
        quota.spend(3);
        assert_eq!(quota.next(8), None);
    }

    #[test]
    fn the_progress_tells_what_the_path_is_like() {
        let mut stats = ConnectionStats::default();
        (stats.mtu, stats.packets_lost) = (1452, 7);
        (stats.datagrams_sent, stats.batches_sent) = (400, 10);
        let line = line(1_000_000, Duration::from_secs(1), &stats);
        for part in ["8.0 Mbit/s", "rtt", "window", "lost 7", "40 datagrams of 1452 bytes"] {
            assert!(line.contains(part), "{line}");
        }
    }

    #[test]
    fn a_deadline_ends_the_sending() {
        let quota = Quota::new(Until::Time(Duration::ZERO), clock::now(), 0, 1);
        assert_eq!(quota.next(8), None);
    }
}
