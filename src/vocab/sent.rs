//! What recovery, path and congestion control tell each other about packets that were sent.

use std::time::Duration;

use super::record::{Fate, Record, Records};
use crate::base::Instant;
use crate::wire::EcnCounts;

/// Names one path of a connection. Paths are numbered as they appear; a number is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PathId(pub(crate) u32);

/// State of the delivery-rate sampler when a packet left (draft-ietf-ccwg-bbr §4.1). Written by
/// the path, kept by recovery, handed back when the packet is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SendStamp {
    /// Bytes delivered on the path when the packet left.
    pub(crate) delivered: u64,
    /// When all of those bytes but the last `since_anchor` were acknowledged.
    pub(crate) anchored_at: Instant,
    /// When the first packet of the current sampling interval left.
    pub(crate) first_sent_at: Instant,
    /// Bytes delivered between then and the packet's departure. Four bytes here, and in the next two, save eight in every open packet.
    pub(crate) since_anchor: u32,
    /// Bytes lost on the path when the packet left, modulo 2^32.
    pub(crate) lost: u32,
    /// Bytes in flight on the path once the packet had left.
    pub(crate) in_flight: u32,
    /// The sender had nothing more to send.
    pub(crate) app_limited: bool,
}

impl SendStamp {
    /// Bytes lost since the packet left, if now they are `lost`.
    pub(crate) fn lost_since(&self, lost: u64) -> u64 {
        u64::from((lost as u32).wrapping_sub(self.lost))
    }
}

/// A packet that was sent and whose fate is open.
#[derive(Debug)]
pub(crate) struct SentPacket {
    pub(crate) sent_at: Instant,
    /// UDP payload bytes.
    pub(crate) size: u32,
    pub(crate) path: PathId,
    /// Elicits an acknowledgement, and therefore counts as in flight.
    pub(crate) ack_eliciting: bool,
    /// A path MTU probe: its loss says nothing about congestion (RFC 8899 §3).
    pub(crate) mtu_probe: bool,
    /// Left with an ECN-capable mark.
    pub(crate) ecn_marked: bool,
    pub(crate) stamp: SendStamp,
    pub(crate) records: Records,
}

/// A packet whose fate is known; what the path and the congestion controller need of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) number: u64,
    pub(crate) sent_at: Instant,
    pub(crate) size: u32,
    pub(crate) path: PathId,
    pub(crate) ack_eliciting: bool,
    pub(crate) mtu_probe: bool,
    pub(crate) ecn_marked: bool,
    pub(crate) stamp: SendStamp,
}

/// A round-trip measurement (RFC 9002 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RttSample {
    pub(crate) path: PathId,
    pub(crate) latest: Duration,
    /// What the peer says that it waited, already capped.
    pub(crate) ack_delay: Duration,
}

/// All that an ACK or a deadline revealed. Owned by the connection and reused, so that a bulk transfer allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Newly acknowledged packets, by rising number.
    pub(crate) acked: Vec<Settled>,
    /// Newly lost packets, by rising number.
    pub(crate) lost: Vec<Settled>,
    /// Packets once declared lost that were acknowledged now.
    pub(crate) spurious: Vec<Settled>,
    /// What goes back to the components.
    pub(crate) fates: Vec<(Record, Fate)>,
    pub(crate) rtt: Option<RttSample>,
    /// The losses span more than the persistent congestion period (RFC 9002 §7.6).
    pub(crate) persistent_congestion: bool,
    /// The ECN counts of the ACK, if it raised the largest acknowledged number.
    pub(crate) ecn: Option<EcnCounts>,
    /// Bytes in flight on the connection's packets before this ACK was taken into account.
    pub(crate) prior_in_flight: u64,
}

impl Outcome {
    /// Empties it and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.acked.clear();
        self.lost.clear();
        self.spurious.clear();
        self.fates.clear();
        self.rtt = None;
        self.persistent_congestion = false;
        self.ecn = None;
        self.prior_in_flight = 0;
    }
}

/// The round-trip estimate of a path, as a value (RFC 9002 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RttView {
    pub(crate) smoothed: Duration,
    pub(crate) variation: Duration,
    pub(crate) minimum: Duration,
    pub(crate) latest: Duration,
    /// A sample has been taken; before that the values are the initial guesses.
    pub(crate) measured: bool,
}

/// May a packet leave now?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendLimit {
    /// Up to this many bytes.
    Open { bytes: u64 },
    /// Not before this instant.
    Paced { until: Instant },
    /// The congestion window is full.
    Congested,
    /// The peer's address is unproved and three times its bytes are used up.
    Amplified,
}
