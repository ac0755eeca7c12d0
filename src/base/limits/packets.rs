//! Packets and the keys that seal them.

/// Largest handshake message accepted (SPEC §3.2): two fragments of 1144 bytes.
pub(crate) const HANDSHAKE_MESSAGE_MAX: usize = 2 * HANDSHAKE_FRAGMENT;

/// Payload of every handshake fragment but the last (SPEC §3.2): a 1200-byte datagram less the 56-byte header.
pub(crate) const HANDSHAKE_FRAGMENT: usize = 1144;

/// UDP payload that every path is assumed to carry (RFC 9000 §14).
pub(crate) const BASE_DATAGRAM: usize = 1200;

/// Largest UDP payload over IPv4; nothing larger is ever sent or accepted.
pub(crate) const DATAGRAM_MAX: usize = 65_507;

/// Packets that may be sent under one key before a key update (SPEC §6.2).
pub(crate) const KEY_UPDATE_PACKETS: u64 = 1 << 22;

/// Packets under one key after which nothing more is sealed (RFC 9001 §6.6, appendix B.1).
pub(crate) const CONFIDENTIALITY_LIMIT: u64 = 1 << 23;

/// Packets that failed to open after which the connection closes (SPEC §6.2).
pub(crate) const INTEGRITY_LIMIT: u64 = 1 << 36;

/// How far below the largest received number a packet may lie (SPEC §6.1).
pub(crate) const REPLAY_WINDOW: u64 = 16_384;

/// The first packet number that is never used (SPEC §6.1).
pub(crate) const PACKET_NUMBER_END: u64 = (1 << 62) - 1;
