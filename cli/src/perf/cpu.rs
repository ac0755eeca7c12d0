//! CPU time of this process.

use std::time::Duration;

/// User and system time of all threads so far; none where the system does not tell.
#[cfg(unix)]
pub(super) fn time() -> Option<Duration> {
    use rustix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::ProcessCPUTime).try_into().ok()
}

/// User and system time of all threads so far; none where the system does not tell.
#[cfg(not(unix))]
pub(super) fn time() -> Option<Duration> {
    None
}

/// CPU seconds since an earlier reading.
pub(super) fn seconds_since(earlier: Option<Duration>) -> Option<f64> {
    Some(time()?.saturating_sub(earlier?).as_secs_f64())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn work_takes_cpu_time() {
        let before = time();
        let mut value = 1_u64;
        while seconds_since(before).is_none_or(|spent| spent == 0.0) {
            value = std::hint::black_box(value.wrapping_mul(3));
        }
        assert!(seconds_since(before).unwrap() > 0.0);
    }
}
