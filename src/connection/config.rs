//! What a user may choose about a connection.

use std::time::Duration;

use crate::base::limits;
use crate::congestion::CongestionAlgorithm;
use crate::crypto::fast_ciphers;
use crate::stream::StreamConfig;
use crate::wire::{CipherMap, PacketCipher, Parameters};

/// Everything that can be chosen about one connection. The default suits the internet (100 ms at 1 Gbit/s) as
/// much as a local network.
///
/// ```
/// use srudp::proto::TransportConfig;
/// use std::time::Duration;
///
/// let config = TransportConfig::default()
///     .idle_timeout(Duration::from_secs(60))
///     .keep_alive(Some(Duration::from_secs(20)));
/// ```
#[derive(Clone, Debug)]
pub struct TransportConfig {
    pub(crate) idle_timeout: Duration,
    pub(crate) keep_alive: Option<Duration>,
    pub(crate) handshake_timeout: Duration,
    pub(crate) stream_window: u64,
    pub(crate) connection_window: u64,
    pub(crate) window_max: u64,
    pub(crate) streams_bidirectional: u64,
    pub(crate) streams_unidirectional: u64,
    pub(crate) send_buffer: u64,
    pub(crate) datagram_max: u64,
    pub(crate) congestion: CongestionAlgorithm,
    pub(crate) payload_max: usize,
    pub(crate) max_ack_delay: Duration,
    pub(crate) ack_frequency: bool,
    pub(crate) aegis: bool,
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            idle_timeout: Duration::from_secs(30),
            keep_alive: None,
            handshake_timeout: limits::HANDSHAKE_TIMEOUT,
            stream_window: 1 << 20,
            connection_window: 3 << 19,
            window_max: 64 << 20,
            streams_bidirectional: 100,
            streams_unidirectional: 100,
            send_buffer: 64 << 20,
            datagram_max: limits::DATAGRAM_MAX as u64,
            congestion: CongestionAlgorithm::default(),
            payload_max: limits::DATAGRAM_MAX,
            max_ack_delay: Duration::from_millis(25),
            ack_frequency: true,
            aegis: true,
        }
    }
}

impl TransportConfig {
    /// The connection is given up after this long without a packet from the peer; zero means never. The smaller of both
    /// peers' values counts. Default 30 s.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sends something when the connection was silent for this long, so that NAT mappings and the idle timeout
    /// stay alive. Default off.
    #[must_use]
    pub fn keep_alive(mut self, interval: Option<Duration>) -> Self {
        self.keep_alive = interval;
        self
    }

    /// The same with keep-alives, if it says nothing about them.
    pub(crate) fn kept_alive(mut self, interval: Duration) -> Self {
        self.keep_alive.get_or_insert(interval);
        self
    }

    /// Whether it leaves keep-alives to whoever knows the NAT.
    pub(crate) fn is_kept_alive_by_others(&self) -> bool {
        self.keep_alive.is_none()
    }

    /// How long a dial may take. Default 10 s.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Bytes that the peer may send on a stream, and on all streams together, before the application
    /// has read any. Both grow with the path up to [`Self::max_window`]. Default 1 MiB and 1.5 MiB.
    #[must_use]
    pub fn initial_windows(mut self, stream: u64, connection: u64) -> Self {
        (self.stream_window, self.connection_window) = (stream, connection);
        self
    }

    /// The most memory, in bytes, that received and unread data of one stream may take; a connection may take one and a half
    /// times as much. Default 64 MiB, enough for 5 Gbit/s at 100 ms.
    #[must_use]
    pub fn max_window(mut self, bytes: u64) -> Self {
        self.window_max = bytes;
        self
    }

    /// The most memory, in bytes, that written and unacknowledged data of the connection may take. Default 64 MiB.
    #[must_use]
    pub fn send_buffer(mut self, bytes: u64) -> Self {
        self.send_buffer = bytes;
        self
    }

    /// How many streams the peer may have open at once. Default 100 of each direction.
    #[must_use]
    pub fn max_streams(mut self, bidirectional: u64, unidirectional: u64) -> Self {
        self.streams_bidirectional = bidirectional;
        self.streams_unidirectional = unidirectional;
        self
    }

    /// Whether the peer may send unreliable datagrams. Default yes.
    #[must_use]
    pub fn datagrams(mut self, accepted: bool) -> Self {
        self.datagram_max = if accepted { limits::DATAGRAM_MAX as u64 } else { 0 };
        self
    }

    /// The congestion controller. Default BBR.
    #[must_use]
    pub fn congestion(mut self, algorithm: CongestionAlgorithm) -> Self {
        self.congestion = algorithm;
        self
    }

    /// The largest UDP payload to send and to accept, in bytes; path MTU discovery stops there. At least 1200,
    /// default 65,507.
    #[must_use]
    pub fn max_udp_payload(mut self, bytes: usize) -> Self {
        self.payload_max = bytes.clamp(limits::BASE_DATAGRAM, limits::DATAGRAM_MAX);
        self
    }

    /// Whether packets are sealed with AEGIS-256X4 where the peer wants that as well, instead of AES-256-GCM: faster, and as strong
    /// (RFC 10032), but younger, and no choice of NIST. Default yes; it needs the feature `aegis` and a processor with instructions for AES.
    #[must_use]
    pub fn aegis(mut self, wanted: bool) -> Self {
        self.aegis = wanted;
        self
    }

    /// The same, but for what the other has told the peer: that holds.
    pub(crate) fn promising(self, told: &Self) -> Self {
        Self {
            idle_timeout: told.idle_timeout,
            payload_max: told.payload_max,
            stream_window: told.stream_window,
            connection_window: told.connection_window,
            streams_bidirectional: told.streams_bidirectional,
            streams_unidirectional: told.streams_unidirectional,
            max_ack_delay: told.max_ack_delay,
            datagram_max: told.datagram_max,
            aegis: told.aegis,
            ..self
        }
    }

    /// What packets are sealed with if the peer has said this (SPEC §6.4).
    pub(crate) fn cipher(&self, peer: &Parameters) -> PacketCipher {
        self.record_ciphers().common(peer.record_ciphers)
    }

    fn record_ciphers(&self) -> CipherMap {
        if self.aegis { fast_ciphers() } else { CipherMap::NONE }
    }

    /// The parameters that tell the peer about this configuration, without ids and tokens (SPEC §10).
    pub(crate) fn parameters(&self) -> Parameters {
        Parameters {
            max_idle_timeout: self.idle_timeout,
            max_udp_payload: self.payload_max as u64,
            initial_max_data: self.connection_window,
            initial_max_stream_data_bidi_local: self.stream_window,
            initial_max_stream_data_bidi_remote: self.stream_window,
            initial_max_stream_data_uni: self.stream_window,
            initial_max_streams_bidi: self.streams_bidirectional,
            initial_max_streams_uni: self.streams_unidirectional,
            max_ack_delay: self.max_ack_delay,
            active_cid_limit: limits::ACTIVE_CIDS,
            max_datagram_frame: self.datagram_max,
            min_ack_delay: Some(limits::MIN_ACK_DELAY),
            record_ciphers: self.record_ciphers(),
            ..Parameters::default()
        }
    }

    /// What the streams are told; [`Self::parameters`] promises the same to the peer.
    pub(crate) fn streams(&self) -> StreamConfig {
        StreamConfig {
            stream_window: self.stream_window,
            stream_window_max: self.window_max,
            connection_window: self.connection_window,
            connection_window_max: self.window_max.saturating_add(self.window_max / 2),
            max_streams_bidi: self.streams_bidirectional,
            max_streams_uni: self.streams_unidirectional,
            send_buffer: self.send_buffer,
        }
    }
}
