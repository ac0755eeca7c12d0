//! What a connection counts.

use std::time::Duration;

use super::Connection;
use crate::congestion::CongestionAlgorithm;
use crate::path::EcnState;
use crate::vocab::Outcome;
use crate::wire::PacketCipher;

/// Figures of a connection, from its beginning unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionStats {
    /// From the first handshake packet to the keys.
    pub handshake: Duration,
    /// What seals the packets.
    pub cipher: PacketCipher,
    /// Smoothed round-trip time.
    pub rtt: Duration,
    /// Smallest round-trip time.
    pub rtt_min: Duration,
    /// Variation of the round-trip time.
    pub rtt_variation: Duration,
    /// The congestion controller of the path.
    pub congestion: CongestionAlgorithm,
    /// Congestion window, in bytes.
    pub congestion_window: u64,
    /// The window still doubles every round trip.
    pub slow_start: bool,
    /// Times that the window was reduced.
    pub congestion_events: u64,
    /// Bytes per second at which packets leave; zero while no round trip was measured.
    pub pacing_rate: u64,
    /// Bytes per second that arrived lately; zero before the first sample.
    pub delivery_rate: u64,
    /// Whether congestion marks are in use.
    pub ecn: EcnState,
    /// Bytes sent and neither acknowledged nor lost, at this moment.
    pub in_flight: u64,
    /// UDP payload of the largest datagrams, in bytes: the path MTU that was found.
    pub mtu: usize,
    /// Datagrams sent.
    pub datagrams_sent: u64,
    /// Batches of datagrams sent: those that left together count once.
    pub batches_sent: u64,
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
    /// Key updates so far.
    pub key_updates: u64,
    /// Streams that are not closed.
    pub streams: usize,
    /// Bytes written and not acknowledged.
    pub send_buffered: u64,
    /// What the peer may send on all streams together before more is read, in bytes.
    pub receive_window: u64,
    /// Bytes of memory that stream data takes.
    pub stream_memory: usize,
    /// Pages of stream data ever allocated: does not rise in a steady transfer.
    pub stream_pages_allocated: u64,
    /// Unreliable datagrams dropped before they were sent, because packets became too small for them.
    pub datagrams_outgrown: u64,
    /// Unreliable datagrams received and dropped, because the application did not read them in time.
    pub datagrams_unread: u64,
}

/// The counters behind the figures.
#[derive(Debug, Default)]
pub(super) struct Counters {
    handshake: Duration,
    datagrams_sent: u64,
    pub(super) batches_sent: u64,
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
        self.datagrams_sent(1, bytes);
    }

    /// So many datagrams of so many bytes in all.
    pub(super) fn datagrams_sent(&mut self, datagrams: usize, bytes: usize) {
        self.datagrams_sent += datagrams as u64;
        self.bytes_sent += bytes as u64;
    }

    pub(super) fn datagrams_received(&mut self, datagrams: usize, bytes: usize) {
        self.datagrams_received += datagrams as u64;
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
        let path = self.paths.active().stats();
        let (streams, drops) = (self.streams.stats(), self.datagrams.drops());
        let counters = &self.counters;
        ConnectionStats {
            handshake: counters.handshake,
            cipher: self.keys.cipher(),
            rtt: path.rtt,
            rtt_min: path.rtt_minimum,
            rtt_variation: path.rtt_variation,
            congestion: path.congestion,
            congestion_window: path.congestion_window,
            slow_start: path.slow_start,
            congestion_events: path.congestion_events,
            pacing_rate: path.pacing_rate,
            delivery_rate: path.delivery_rate,
            ecn: path.ecn,
            in_flight: self.recovery.in_flight(),
            mtu: path.datagram_size,
            datagrams_sent: counters.datagrams_sent,
            batches_sent: counters.batches_sent,
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
            key_updates: self.keys.updates(),
            streams: streams.open,
            send_buffered: streams.send_buffered,
            receive_window: streams.receive_window,
            stream_memory: streams.page_bytes,
            stream_pages_allocated: streams.pages_allocated,
            datagrams_outgrown: drops.outgrown,
            datagrams_unread: drops.unread,
        }
    }
}
