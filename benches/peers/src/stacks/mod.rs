//! The stacks, and what each must be able to do.

mod blocking;
mod certificate;
mod seal;
mod srudp;
mod tcp;
mod tls;
mod udp;

#[cfg(feature = "iroh")]
mod iroh;
#[cfg(feature = "quiche")]
mod quiche;
#[cfg(any(feature = "noq", feature = "quinn"))]
mod quinn_like;
#[cfg(feature = "s2n")]
mod s2n;
#[cfg(feature = "srudp-async")]
mod srudp_async;
#[cfg(feature = "tokio")]
mod tasks;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use anyhow::Result;

use self::blocking::Threads;
use self::srudp::Srudp;
#[cfg(feature = "tokio")]
use self::tasks::Tokio;
use crate::child::{Gate, Meter, Never};
use crate::order::{Job, Outcome, Setup, Target};

/// How much is written and read at once.
const CHUNK: usize = 64 << 10;

/// The size of a ping.
const PING: usize = 64;

/// Pings that do not count.
const WARM_UP: u32 = 200;

/// Dials at the same time while many connections are prepared.
const DIALS: u32 = 32;

/// When to stop dialling.
#[derive(Clone, Copy, Debug)]
enum Until {
    Count(u32),
    Time(Instant),
}

/// Hands out dials, to several threads or tasks.
#[derive(Debug)]
struct Quota {
    until: Until,
    begun: AtomicU32,
}

impl Quota {
    fn new(until: Until) -> Self {
        Self { until, begun: AtomicU32::new(0) }
    }

    /// Whether another may begin.
    fn take(&self) -> bool {
        let before = self.begun.fetch_add(1, Ordering::Relaxed);
        match self.until {
            Until::Count(count) => before < count,
            Until::Time(end) => Instant::now() < end,
        }
    }

    /// Whether one that is complete now counts: a straggler does not spoil the rate of all.
    fn counts(&self) -> bool {
        match self.until {
            Until::Count(_) => true,
            Until::Time(end) => Instant::now() <= end,
        }
    }
}

/// A stack that can be measured.
pub(crate) trait Stack {
    /// Starts a server that serves this job in the background.
    fn serve(&self, setup: &Setup, job: Job, meter: Arc<Meter>) -> Result<Target>;

    /// Does the job. Returns only when that does not work.
    fn run(&self, setup: &Setup, job: Job, target: &Target, gate: &Gate) -> Result<Never>;
}

/// Times pings, once the runner lets it; `once` does one.
fn time_pings(count: u32, gate: &Gate, mut once: impl FnMut() -> Result<()>) -> Result<Never> {
    let mut timed = || {
        let begin = Instant::now();
        once()?;
        Ok(begin.elapsed().as_secs_f64() * 1e6)
    };
    for _ in 0..WARM_UP {
        timed()?;
    }
    gate.wait()?;
    let begin = Instant::now();
    let times = (0..count).map(|_| timed()).collect::<Result<Vec<_>>>()?;
    gate.done_forever(Outcome::new(begin.elapsed().as_secs_f64(), times))
}

/// The stack of this name, if it is built in.
pub(crate) fn by_name(name: &str) -> Option<Box<dyn Stack>> {
    Some(match name {
        "srudp" => Box::new(Threads(Srudp::<false>::default())),
        "srudp-zero-copy" => Box::new(Threads(Srudp::<true>::default())),
        "srudp-1" => Box::new(Threads(Srudp::<false> { workers: Some(1), ..Default::default() })),
        "srudp-gcm" => {
            Box::new(Threads(Srudp::<false> { aegis: Some(false), ..Default::default() }))
        }
        "tcp" => Box::new(Threads(tcp::Tcp)),
        "tls" => Box::new(Threads(tls::Tls)),
        "udp" => Box::new(udp::Udp { sealed: None }),
        "sealed" => Box::new(udp::Udp { sealed: Some(seal::Cipher::Aes256Gcm) }),
        "sealed-aegis" => Box::new(udp::Udp { sealed: Some(seal::Cipher::Aegis256X4) }),
        #[cfg(feature = "srudp-async")]
        "srudp-async" => Box::new(Tokio(srudp_async::Srudp)),
        #[cfg(feature = "quinn")]
        "quinn" => Box::new(Tokio(quinn_like::quinn::Quic)),
        #[cfg(feature = "quiche")]
        "quiche" => Box::new(quiche::Quiche),
        #[cfg(feature = "noq")]
        "noq" => Box::new(Tokio(quinn_like::noq::Quic)),
        #[cfg(feature = "s2n")]
        "s2n" => Box::new(Tokio(s2n::S2n)),
        #[cfg(feature = "iroh")]
        "iroh" => Box::new(Tokio(iroh::Iroh)),
        _ => return None,
    })
}
