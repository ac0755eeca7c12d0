//! The four suites of SPEC §3.1 and the patterns behind them.

use crate::crypto::noise::pattern::{self, Pattern};

/// A Noise protocol by its number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Suite {
    /// The initiator knows the peer id; X25519 with ML-KEM-768.
    XkHybrid = 0x01,
    /// The initiator learns the peer id; X25519 with ML-KEM-768.
    XxHybrid = 0x02,
    /// The initiator knows the peer id; X25519 alone.
    XkClassical = 0x11,
    /// The initiator learns the peer id; X25519 alone.
    XxClassical = 0x12,
}

impl Suite {
    /// Whether the initiator names the responder (XK) or learns who it is (XX).
    pub(crate) fn names_responder(self) -> bool {
        matches!(self, Self::XkHybrid | Self::XkClassical)
    }

    pub(super) fn pattern(self) -> &'static Pattern {
        match self {
            Self::XkHybrid => &pattern::XK_HYBRID,
            Self::XxHybrid => &pattern::XX_HYBRID,
            Self::XkClassical => &pattern::XK_CLASSICAL,
            Self::XxClassical => &pattern::XX_CLASSICAL,
        }
    }
}
