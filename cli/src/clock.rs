//! The program's one reading of the clocks. The protocol is told the time; a program has to ask.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The time now.
#[expect(
    clippy::disallowed_methods,
    reason = "the core is told the time; this program measures it"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The time of day, since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the core is told the time; this program measures it"
)]
pub(crate) fn unix() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
