//! What a search has shown about the two networks that it was between. Whoever searches there again begins with that.

/// What has led to a path where ports may have to be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lesson {
    /// An address that was told: no guess was needed.
    Told,
    /// A guess: ours, or the peer's, for which one of our many sockets had opened our NATs with this TTL, if that is certain.
    Guessed(Option<u8>),
    /// Nothing. Only the way by relay was found.
    Relayed,
}

impl Lesson {
    /// Whether guesses may wait: something else worked.
    pub(super) fn spares_guesses(self) -> bool {
        matches!(self, Self::Told | Self::Relayed)
    }
}
