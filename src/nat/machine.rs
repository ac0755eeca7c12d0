//! What the machines that ask the network have in common, so that one loop drives any of them.

use std::net::SocketAddr;

use super::portmap::PortMapper;
use super::{Discovery, Gathering, LifetimeProbe, SocketId, Transmit};
use crate::base::Instant;

/// Four of the five verbs: what there is to report differs from machine to machine.
///
/// Each is the method of the same name of the machine itself.
pub trait Machine {
    /// A datagram came from `from` to socket number `socket`. Returns whether it was for this machine.
    fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        from: SocketAddr,
        datagram: &[u8],
    ) -> bool;

    /// Time has passed.
    fn handle_timeout(&mut self, now: Instant);

    /// What to send now.
    fn poll_transmit(&mut self) -> Option<Transmit>;

    /// When to call [`Self::handle_timeout`]; `None` at the end.
    fn poll_timeout(&self) -> Option<Instant>;
}

/// All but the datagrams, which not every machine wants to know the socket of.
macro_rules! verbs {
    () => {
        fn handle_timeout(&mut self, now: Instant) {
            Self::handle_timeout(self, now);
        }

        fn poll_transmit(&mut self) -> Option<Transmit> {
            Self::poll_transmit(self)
        }

        fn poll_timeout(&self) -> Option<Instant> {
            Self::poll_timeout(self)
        }
    };
}

impl Machine for Discovery {
    fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        from: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        Self::handle_datagram(self, now, socket, from, datagram)
    }

    verbs!();
}

impl Machine for LifetimeProbe {
    fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        from: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        Self::handle_datagram(self, now, socket, from, datagram)
    }

    verbs!();
}

impl Machine for Gathering {
    fn handle_datagram(
        &mut self,
        now: Instant,
        socket: SocketId,
        from: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        Self::handle_datagram(self, now, socket, from, datagram)
    }

    verbs!();
}

impl Machine for PortMapper {
    /// It has one socket, whatever its number.
    fn handle_datagram(
        &mut self,
        now: Instant,
        _: SocketId,
        from: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        Self::handle_datagram(self, now, from, datagram)
    }

    verbs!();
}
