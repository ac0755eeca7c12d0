//! What this process takes of the machine.

use std::fs;

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// Allows as many open files as the system lets it, and stays on one core if it is told to.
pub(super) fn prepare(core: Option<usize>) -> Result<()> {
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most })
        .context("cannot raise the number of open files")?;
    if let Some(core) = core {
        let mut cores = CpuSet::new();
        cores.set(core);
        sched_setaffinity(None, &cores).with_context(|| format!("cannot stay on core {core}"))?;
    }
    Ok(())
}

/// User and system time of all threads so far.
pub(super) fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Resident memory; NaN where the system does not tell.
pub(super) fn resident_kb() -> f64 {
    status_kb("VmRSS:")
}

/// The most resident memory so far; NaN where the system does not tell.
pub(super) fn peak_kb() -> f64 {
    status_kb("VmHWM:")
}

fn status_kb(field: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or(f64::NAN)
}
