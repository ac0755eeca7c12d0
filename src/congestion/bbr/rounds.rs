//! Counts round trips of packets: a round is over when a packet arrives that left after it began (§5.5.1 of the draft).
//!
//! Time does not count: a silent sender's estimates do not grow old.

#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
    /// Delivered bytes when the round began.
    began: u64,
    count: u64,
    started: bool,
}

impl Rounds {
    /// A packet arrived that left when `prior` bytes were delivered; now it is `delivered`. True if a round begins.
    pub(super) fn update(&mut self, prior: u64, delivered: u64) -> bool {
        self.started = prior >= self.began;
        if self.started {
            self.began = delivered;
            self.count += 1;
        }
        self.started
    }

    /// A round begins here, and is not counted yet.
    pub(super) fn restart(&mut self, delivered: u64) {
        self.began = delivered;
    }

    /// The newest acknowledgement began a round.
    pub(super) fn has_started(&self) -> bool {
        self.started
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }
}
