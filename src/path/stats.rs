//! What a user may see of a path.

use std::time::Duration;

use super::ecn::EcnState;
use crate::congestion::{CongestionAlgorithm, Controller};
use crate::vocab::RttView;

/// The state of a network path at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathStats {
    /// Smoothed round-trip time; a guess of 333 ms until [`Self::rtt_measured`].
    pub rtt: Duration,
    /// Mean deviation of the round-trip time.
    pub rtt_variation: Duration,
    /// Smallest round-trip time seen.
    pub rtt_minimum: Duration,
    /// A round trip has been measured.
    pub rtt_measured: bool,
    /// The congestion controller.
    pub congestion: CongestionAlgorithm,
    /// Bytes that may be in flight.
    pub congestion_window: u64,
    /// The window still doubles every round trip.
    pub slow_start: bool,
    /// Times that the window was reduced.
    pub congestion_events: u64,
    /// Bytes per second at which packets leave; zero while no round trip was measured.
    pub pacing_rate: u64,
    /// Bytes per second that arrived lately; zero before the first sample.
    pub delivery_rate: u64,
    /// Largest UDP payload in bytes that the path is known to carry.
    pub datagram_size: usize,
    /// Whether congestion marks are in use.
    pub ecn: EcnState,
}

impl PathStats {
    pub(super) fn new(
        rtt: &RttView,
        congestion: &Controller,
        datagram_size: usize,
        ecn: EcnState,
    ) -> Self {
        Self {
            rtt: rtt.smoothed,
            rtt_variation: rtt.variation,
            rtt_minimum: rtt.minimum,
            rtt_measured: rtt.measured,
            congestion: congestion.algorithm(),
            congestion_window: congestion.window(),
            slow_start: congestion.is_in_slow_start(),
            congestion_events: congestion.events(),
            pacing_rate: congestion.pacing_rate(rtt).unwrap_or(0),
            delivery_rate: congestion.delivery_rate(),
            datagram_size,
            ecn,
        }
    }
}
