//! What a connection may send, beside others to the same address that take turns with it.

use crate::base::limits;

/// What the other connections to the same address leave to this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Share {
    /// What congestion control allows.
    #[default]
    Own,
    /// The same, but at least [`limits::TURN_WINDOW`] bytes may be in flight: it is its turn, and the others lend it
    /// theirs. These are not paced.
    Lent,
    /// No data: it is not its turn.
    Nothing,
}

impl Share {
    /// Bytes that may be in flight, if congestion control allows less.
    pub(super) fn lent(self) -> u64 {
        match self {
            Self::Lent => limits::TURN_WINDOW,
            Self::Own | Self::Nothing => 0,
        }
    }
}
