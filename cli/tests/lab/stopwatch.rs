//! What time it is here.

use std::time::Instant;

/// Now, by the clock of the machine.
#[expect(clippy::disallowed_methods, reason = "the laboratory is not the core: it measures")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
