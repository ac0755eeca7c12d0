//! The patterns behind the four suites of SPEC §3.1.

use crate::crypto::noise::pattern::{self, Pattern};
use crate::wire::Suite;

pub(super) fn pattern_of(suite: Suite) -> &'static Pattern {
    match suite {
        Suite::XkHybrid => &pattern::XK_HYBRID,
        Suite::XxHybrid => &pattern::XX_HYBRID,
        Suite::XkClassical => &pattern::XK_CLASSICAL,
        Suite::XxClassical => &pattern::XX_CLASSICAL,
    }
}
