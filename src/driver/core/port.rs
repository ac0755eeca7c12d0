//! What the workers of one port do for each other: each for those that have read what is not theirs (SPEC §7.5).

use std::net::SocketAddr;

use super::Core;
use crate::base::Instant;
use crate::endpoint::Received;
use crate::nat::SocketId;

impl Core {
    /// Datagrams that name this worker. Returns whether any belonged to nothing here.
    pub(in crate::driver) fn take_in(&mut self, now: Instant, received: Received<'_>) -> bool {
        let before = self.node.endpoint().stats().dropped;
        self.handle_datagram(now, SocketId::MAIN, received);
        self.node.endpoint().stats().dropped != before
    }

    /// Datagrams that belonged to nothing where they went: they may be resets of connections here.
    pub(in crate::driver) fn take_resets(&mut self, now: Instant, received: Received<'_>) {
        self.node.endpoint().handle_resets(now, received);
    }

    /// Whether a handshake that a peer begins may belong to something here: a dial, or a search.
    pub(in crate::driver) fn may_expect_peers(&mut self) -> bool {
        self.node.endpoint().is_dialling() || self.is_searching()
    }

    /// Whether this first message of a handshake does. Whom a search will find is not known before.
    pub(in crate::driver) fn expects(&mut self, remote: SocketAddr, message: &[u8]) -> bool {
        self.is_searching() || self.node.endpoint().expects(remote, message)
    }

    fn is_searching(&self) -> bool {
        self.node.is_searching() || !self.has_no_meetings()
    }
}
