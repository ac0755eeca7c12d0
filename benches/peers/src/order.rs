//! What the runner orders its two child processes to do, and what these say.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What stacks are told about how to work.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Setup {
    /// The address that this end binds.
    pub(crate) at: Ipv4Addr,
    pub(crate) datagram: Datagram,
    pub(crate) key_exchange: KeyExchange,
    pub(crate) tuning: Tuning,
    /// Seconds between two signs of life of a silent connection; none if nothing is said.
    pub(crate) keep_alive: Option<u32>,
}

impl Setup {
    /// The time between two signs of life.
    pub(crate) fn keep_alive(&self) -> Option<Duration> {
        self.keep_alive.map(|seconds| Duration::from_secs(seconds.into()))
    }
}

/// The largest UDP payload. TCP takes it for its segment size.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum Datagram {
    /// What fits through an Ethernet, less the headers of IPv4 or IPv6 and UDP.
    Ethernet,
    /// What the stack uses best where the path carries everything.
    Largest,
}

/// UDP payload that fits through an Ethernet over IPv6.
pub(crate) const ETHERNET: u16 = 1452;

/// UDP payload that fits through the loopback interface over IPv4.
pub(crate) const LARGEST: u16 = 65_507;

/// How both sides agree on keys.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum KeyExchange {
    /// What the stack does when nothing is said.
    Default,
    X25519,
    X25519MlKem768,
}

/// How much was changed in the settings of a stack.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum Tuning {
    Defaults,
    /// Larger windows, and one thread where the runtime has several.
    Windows,
    /// Larger windows, and BBR where it is offered.
    WindowsAndBbr,
}

/// What one measurement is about. Every connection has one stream, and begins with one byte there and back.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) enum Job {
    /// Sends as much as it can, on so many connections at once, until the process ends.
    Bulk { connections: u32 },
    /// 64 bytes there and back, so often.
    Ping { count: u32 },
    /// Connects, one byte there and back, closes; for so long, so many at once.
    Handshakes { seconds: f64, at_once: u32 },
    /// Holds so many connections and does nothing with them.
    Idle { connections: u32 },
}

/// All that a child process has to know.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Order {
    pub(crate) stack: String,
    pub(crate) setup: Setup,
    pub(crate) job: Job,
    /// Where the server is; a server has none.
    pub(crate) target: Option<Target>,
    /// The core to stay on.
    pub(crate) core: Option<usize>,
}

/// Where a server is and how it is recognized: a certificate, a peer id or a key, as text.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
}

/// What a child process says, one line of JSON each.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) enum Say {
    /// The server can be dialled.
    Listening(Target),
    /// The client is prepared and waits for [`GO`].
    Ready,
    /// The client has done its job.
    Done(Outcome),
    /// The answer to [`SAMPLE`].
    Sample(Sample),
    /// It did not work.
    Failed(String),
}

/// The runner lets the client begin.
pub(crate) const GO: &str = "go";

/// The runner wants a [`Sample`].
pub(crate) const SAMPLE: &str = "sample";

/// What a process has used and got so far.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Sample {
    pub(crate) cpu_seconds: f64,
    pub(crate) resident_kb: f64,
    /// The most that was resident at once.
    pub(crate) peak_kb: f64,
    /// Bytes that the application has read, connection by connection.
    pub(crate) received: Vec<u64>,
}

/// What came of a job that has an end.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Outcome {
    pub(crate) count: u32,
    pub(crate) seconds: f64,
    /// Nearest-rank percentiles of the time that each took.
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

impl Outcome {
    /// Of times in microseconds.
    pub(crate) fn new(seconds: f64, mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let rank = |percent: usize| {
            let rank = (times.len() * percent).div_ceil(100).max(1);
            times.get(rank - 1).copied().unwrap_or(f64::NAN)
        };
        let count = u32::try_from(times.len()).unwrap_or(u32::MAX);
        Self { count, seconds, p50_us: rank(50), p99_us: rank(99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let outcome = Outcome::new(1.0, (1..=200).rev().map(f64::from).collect());
        assert_eq!((outcome.count, outcome.p50_us, outcome.p99_us), (200, 100.0, 198.0));
        let one = Outcome::new(1.0, vec![7.0]);
        assert_eq!((one.p50_us, one.p99_us), (7.0, 7.0));
    }
}
