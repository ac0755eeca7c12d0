//! Connection ids, handshake ids and stream ids.

use std::fmt;

/// Names a connection to the endpoint that chose it (SPEC §7.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct ConnectionId([u8; 8]);

/// Names a handshake to the endpoint that chose it (SPEC §3.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct HandshakeId([u8; 8]);

impl ConnectionId {
    pub(crate) fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl HandshakeId {
    /// Not known yet.
    pub(crate) const ZERO: Self = Self([0; 8]);

    pub(crate) fn as_bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl From<[u8; 8]> for ConnectionId {
    fn from(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

impl From<[u8; 8]> for HandshakeId {
    fn from(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for HandshakeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// A side of the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sent the first handshake message.
    Initiator,
    /// Answered it.
    Responder,
}

impl Role {
    /// The other side.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Initiator => Self::Responder,
            Self::Responder => Self::Initiator,
        }
    }
}

/// Who may send on a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// Both peers.
    Bidirectional,
    /// Only the one that opened it.
    Unidirectional,
}

/// Names a stream of a connection (SPEC §9.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(u64);

impl StreamId {
    /// The `index`-th stream of its kind, counted from zero.
    pub const fn new(initiator: Role, direction: Direction, index: u64) -> Self {
        Self((index << 2) | ((direction as u64) << 1) | initiator as u64)
    }

    /// Which stream of its kind it is, counted from zero.
    pub const fn index(self) -> u64 {
        self.0 >> 2
    }

    /// Who may send on it.
    pub const fn direction(self) -> Direction {
        if self.0 & 2 == 0 { Direction::Bidirectional } else { Direction::Unidirectional }
    }

    /// Who opened it.
    pub const fn initiator(self) -> Role {
        if self.0 & 1 == 0 { Role::Initiator } else { Role::Responder }
    }

    /// The number that stands on the wire.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    pub(crate) const fn from_wire(value: u64) -> Self {
        Self(value)
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_low_bits_tell_the_kind_of_a_stream() {
        let id = StreamId::new(Role::Responder, Direction::Unidirectional, 5);
        assert_eq!(id.as_u64(), 0b10111);
        assert_eq!((id.index(), id.initiator()), (5, Role::Responder));
        assert_eq!(id.direction(), Direction::Unidirectional);
    }
}
