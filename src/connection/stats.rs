//! What a connection counts.

use std::time::Duration;

use super::Connection;
use crate::vocab::Outcome;

/// Figures of a connection, from its beginning unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ConnectionStats {
    /// From the first handshake packet to the keys.
    pub handshake: Duration,
    /// Smoothed round-trip time.
    pub rtt: Duration,
    /// Smallest round-trip time.
    pub rtt_min: Duration,
    /// Variation of the round-trip time.
    pub rtt_variation: Duration,
    /// Congestion window, in bytes.
    pub congestion_window: u64,
    /// Bytes sent and neither acknowledged nor lost, at this moment.
    pub in_flight: u64,
    /// UDP payload of the largest datagrams, in bytes: the path MTU that was found.
    pub mtu: usize,
    /// Datagrams sent.
    pub datagrams_sent: u64,
    /// Bytes of UDP payload sent.
    pub bytes_sent: u64,
    /// Datagrams received.
    pub datagrams_received: u64,
    /// Bytes of UDP payload received.
    pub bytes_received: u64,
    /// Packets that were declared lost.
    pub packets_lost: u64,
    /// Bytes in packets that were declared lost; what they carried was sent again.
    pub bytes_lost: u64,
    /// Packets that were declared lost and arrived all the same.
    pub spurious_losses: u64,
    /// Path MTU probes that were lost; no sign of congestion.
    pub mtu_probes_lost: u64,
    /// Times that nothing was heard for a probe timeout.
    pub probe_timeouts: u64,
    /// Packets that did not open.
    pub undecodable: u64,
    /// Packets that came twice.
    pub duplicates: u64,
    /// ESTABLISH packets sent.
    pub handshake_packets: u64,
}

/// The counters behind the figures.
#[derive(Debug, Default)]
pub(super) struct Counters {
    handshake: Duration,
    datagrams_sent: u64,
    bytes_sent: u64,
    datagrams_received: u64,
    bytes_received: u64,
    packets_lost: u64,
    bytes_lost: u64,
    spurious_losses: u64,
    mtu_probes_lost: u64,
    pub(super) probe_timeouts: u64,
    pub(super) undecodable: u64,
    pub(super) duplicates: u64,
    pub(super) handshake_packets: u64,
}

impl Counters {
    pub(super) fn new(handshake: Duration) -> Self {
        Self { handshake, ..Self::default() }
    }

    pub(super) fn datagram_sent(&mut self, bytes: usize) {
        self.datagrams_sent += 1;
        self.bytes_sent += bytes as u64;
    }

    pub(super) fn datagram_received(&mut self, bytes: usize) {
        self.datagrams_received += 1;
        self.bytes_received += bytes as u64;
    }

    pub(super) fn settle(&mut self, outcome: &Outcome) {
        self.spurious_losses += outcome.spurious.len() as u64;
        for packet in &outcome.lost {
            if packet.mtu_probe {
                self.mtu_probes_lost += 1;
            } else {
                self.packets_lost += 1;
                self.bytes_lost += u64::from(packet.size);
            }
        }
    }
}

impl Connection {
    /// The figures at this moment.
    pub fn stats(&self) -> ConnectionStats {
        let path = self.paths.active();
        let rtt = path.rtt();
        let counters = &self.counters;
        ConnectionStats {
            handshake: counters.handshake,
            rtt: rtt.smoothed,
            rtt_min: rtt.minimum,
            rtt_variation: rtt.variation,
            congestion_window: path.window(),
            in_flight: self.recovery.in_flight(),
            mtu: path.datagram_size(),
            datagrams_sent: counters.datagrams_sent,
            bytes_sent: counters.bytes_sent,
            datagrams_received: counters.datagrams_received,
            bytes_received: counters.bytes_received,
            packets_lost: counters.packets_lost,
            bytes_lost: counters.bytes_lost,
            spurious_losses: counters.spurious_losses,
            mtu_probes_lost: counters.mtu_probes_lost,
            probe_timeouts: counters.probe_timeouts,
            undecodable: counters.undecodable,
            duplicates: counters.duplicates,
            handshake_packets: counters.handshake_packets,
        }
    }
}
