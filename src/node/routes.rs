//! By which socket an address is reached. Everything that is not named here is reached by the main one.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::base::limits::NODE_ROUTES;
use crate::nat::SocketId;

/// Addresses that are not reached by the main socket.
#[derive(Debug, Default)]
pub(super) struct Routes(BTreeMap<SocketAddr, SocketId>);

impl Routes {
    pub(super) fn socket_for(&self, remote: SocketAddr) -> SocketId {
        self.0.get(&remote).copied().unwrap_or(SocketId::MAIN)
    }

    /// From now on the address is reached by this socket.
    pub(super) fn add(&mut self, remote: SocketAddr, socket: SocketId) {
        if socket == SocketId::MAIN {
            self.0.remove(&remote);
        } else {
            self.0.insert(remote, socket);
        }
    }

    /// A datagram came in. A peer whose NAT has given it another port is answered by the socket that it reached; strangers move nothing:
    /// they could otherwise draw our datagrams to a socket that the peer's NAT lets nothing in from.
    pub(super) fn learn(&mut self, socket: SocketId, remote: SocketAddr) {
        if socket == SocketId::MAIN || self.0.contains_key(&remote) || self.0.len() >= NODE_ROUTES {
            return;
        }
        let same_host =
            |(known, by): (&SocketAddr, &SocketId)| *by == socket && known.ip() == remote.ip();
        if self.0.iter().any(same_host) {
            self.0.insert(remote, socket);
        }
    }

    /// The socket is gone.
    pub(super) fn remove(&mut self, socket: SocketId) {
        self.0.retain(|_, by| *by != socket);
    }

    pub(super) fn uses(&self, socket: SocketId) -> bool {
        self.0.values().any(|by| *by == socket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_the_host_that_was_found_moves_its_route() {
        let (mut routes, spare) = (Routes::default(), SocketId::new(7));
        let peer = address("203.0.113.7:4000");
        routes.add(peer, spare);
        let (moved, stranger) = (address("203.0.113.7:4001"), address("192.0.2.1:4000"));
        for remote in [moved, stranger] {
            assert_eq!(routes.socket_for(remote), SocketId::MAIN);
            routes.learn(spare, remote);
        }
        assert_eq!(
            (routes.socket_for(moved), routes.socket_for(stranger)),
            (spare, SocketId::MAIN)
        );
        routes.learn(SocketId::new(8), peer);
        assert_eq!(routes.socket_for(peer), spare);
        routes.remove(spare);
        assert_eq!(routes.socket_for(moved), SocketId::MAIN);
    }

    #[test]
    fn a_host_with_many_ports_does_not_fill_the_memory() {
        let (mut routes, spare) = (Routes::default(), SocketId::new(7));
        routes.add(address("203.0.113.7:4000"), spare);
        for port in 1..=u16::MAX {
            routes.learn(spare, SocketAddr::from(([203, 0, 113, 7], port)));
        }
        assert_eq!(routes.0.len(), NODE_ROUTES);
    }
}
