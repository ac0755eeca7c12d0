//! The states of BBR, and what each multiplies the model's rate and volume with (draft-ietf-ccwg-bbr §5.6.1).

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Startup,
    Drain,
    Down,
    Cruise,
    Refill,
    Up,
    ProbeRtt,
}

impl Phase {
    /// Percent of the bandwidth at which packets leave.
    pub(super) fn rate_gain(self) -> u64 {
        match self {
            Self::Startup => 277,
            Self::Drain => 50,
            Self::Down => 90,
            Self::Cruise | Self::Refill | Self::ProbeRtt => 100,
            Self::Up => 125,
        }
    }

    /// Percent of the bandwidth-delay product that may be in flight.
    pub(super) fn window_gain(self) -> u64 {
        match self {
            Self::Startup | Self::Drain | Self::Down | Self::Cruise | Self::Refill => 200,
            Self::Up => 225,
            Self::ProbeRtt => 50,
        }
    }

    /// Sends more than the path is known to carry, or is about to. Losses are then expected.
    pub(super) fn is_probing(self) -> bool {
        matches!(self, Self::Startup | Self::Refill | Self::Up)
    }

    /// Belongs to the cycle of bandwidth probes.
    pub(super) fn is_in_cycle(self) -> bool {
        matches!(self, Self::Down | Self::Cruise | Self::Refill | Self::Up)
    }
}

/// `percent` of `value`.
pub(super) fn share(value: u64, percent: u64) -> u64 {
    value.saturating_mul(percent) / 100
}
