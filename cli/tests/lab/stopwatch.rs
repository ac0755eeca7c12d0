//! What time it is here.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Now, by the clock of the machine.
#[expect(clippy::disallowed_methods, reason = "the laboratory is not the core: it measures")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The time of day, since 1970.
#[expect(clippy::disallowed_methods, reason = "peers with tickets begin by the clock on the wall")]
pub(crate) fn unix() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}
