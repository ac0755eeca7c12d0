//! The program's one reading of the clock. The protocol is told the time; a program has to ask.

use std::time::Instant;

/// The time now.
#[expect(
    clippy::disallowed_methods,
    reason = "the core is told the time; this program measures it"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
