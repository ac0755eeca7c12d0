//! The clients of the proxy, each with a socket of its own toward the far side.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};

use super::socket;

/// Clients at once; the datagrams of more are dropped. Each costs a file descriptor, of which 1,024 is a usual limit.
const CLIENTS_MAX: usize = 1_024;

/// How long a client may be silent in both directions before its socket is closed.
const IDLE_MAX: Duration = Duration::from_secs(120);

#[derive(Debug)]
struct Client {
    address: SocketAddr,
    upstream: UdpSocket,
    last_used: Duration,
}

#[derive(Debug)]
pub(super) struct Clients {
    to: SocketAddr,
    registry: Registry,
    /// A client's token is its place.
    places: Vec<Option<Client>>,
    by_address: HashMap<SocketAddr, usize>,
}

impl Clients {
    pub(super) fn new(to: SocketAddr, registry: Registry) -> Self {
        Self { to, registry, places: Vec::new(), by_address: HashMap::new() }
    }

    /// Notes that a client sent something. `Ok(true)` if it is new.
    ///
    /// # Errors
    ///
    /// When it is new and there is no room, or no socket to be had.
    pub(super) fn heard(&mut self, now: Duration, address: SocketAddr) -> io::Result<bool> {
        if let Some(client) = self.find(address) {
            client.last_used = now;
            return Ok(false);
        }
        let place = self.places.iter().position(Option::is_none).unwrap_or(self.places.len());
        if place >= CLIENTS_MAX {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let upstream = self.open(place)?;
        if place == self.places.len() {
            self.places.push(None);
        }
        if let Some(slot) = self.places.get_mut(place) {
            *slot = Some(Client { address, upstream, last_used: now });
            self.by_address.insert(address, place);
        }
        Ok(true)
    }

    /// The socket toward the far side of a client.
    pub(super) fn upstream(&self, address: SocketAddr) -> Option<&UdpSocket> {
        let place = *self.by_address.get(&address)?;
        self.places.get(place)?.as_ref().map(|client| &client.upstream)
    }

    /// The client behind a token, with its socket; it counts as used.
    pub(super) fn by_token(
        &mut self,
        now: Duration,
        token: Token,
    ) -> Option<(SocketAddr, &UdpSocket)> {
        let client = self.places.get_mut(token.0)?.as_mut()?;
        client.last_used = now;
        Some((client.address, &client.upstream))
    }

    /// Replaces every socket by one with another port. The old ones are closed at once: what was on the way to them is
    /// lost, as with a NAT that forgot its mappings.
    pub(super) fn rebind(&mut self) -> io::Result<()> {
        for place in 0..self.places.len() {
            if self.places.get(place).is_some_and(Option::is_some) {
                // Opened while the old one still holds its port, so that it gets another.
                let fresh = self.open(place)?;
                self.replace(place, fresh);
            }
        }
        Ok(())
    }

    /// Closes the sockets of clients that have been silent for too long.
    pub(super) fn expire(&mut self, now: Duration) {
        for slot in &mut self.places {
            let idle = |client: &mut Client| now.saturating_sub(client.last_used) >= IDLE_MAX;
            if let Some(client) = slot.take_if(idle) {
                self.by_address.remove(&client.address);
            }
        }
    }

    fn find(&mut self, address: SocketAddr) -> Option<&mut Client> {
        let place = *self.by_address.get(&address)?;
        self.places.get_mut(place)?.as_mut()
    }

    fn replace(&mut self, place: usize, fresh: UdpSocket) {
        if let Some(Some(client)) = self.places.get_mut(place) {
            client.upstream = fresh;
        }
    }

    fn open(&self, place: usize) -> io::Result<UdpSocket> {
        let mut upstream = socket::connected(self.to)?;
        self.registry.register(&mut upstream, Token(place), Interest::READABLE)?;
        Ok(upstream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients() -> Clients {
        let poll = mio::Poll::new().unwrap();
        Clients::new(([127, 0, 0, 1], 9).into(), poll.registry().try_clone().unwrap())
    }

    fn address(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn source(clients: &Clients, port: u16) -> SocketAddr {
        clients.upstream(address(port)).unwrap().local_addr().unwrap()
    }

    #[test]
    fn each_client_has_a_socket_of_its_own() {
        let mut clients = clients();
        assert!(clients.heard(Duration::ZERO, address(1)).unwrap());
        assert!(clients.heard(Duration::ZERO, address(2)).unwrap());
        assert!(!clients.heard(Duration::ZERO, address(1)).unwrap());
        assert_ne!(source(&clients, 1), source(&clients, 2));
    }

    #[test]
    fn a_rebind_changes_every_source_port() {
        let mut clients = clients();
        for port in [1, 2] {
            clients.heard(Duration::ZERO, address(port)).unwrap();
        }
        let before = [source(&clients, 1), source(&clients, 2)];
        clients.rebind().unwrap();
        let after = [source(&clients, 1), source(&clients, 2)];
        assert!(before.iter().all(|old| !after.contains(old)), "{before:?} {after:?}");
    }

    #[test]
    fn a_silent_client_is_forgotten_and_its_place_used_again() {
        let mut clients = clients();
        clients.heard(Duration::ZERO, address(1)).unwrap();
        clients.heard(Duration::from_secs(1), address(2)).unwrap();
        clients.expire(IDLE_MAX);
        assert!(clients.upstream(address(1)).is_none() && clients.upstream(address(2)).is_some());
        assert!(clients.heard(IDLE_MAX, address(3)).unwrap());
        let (found, _) = clients.by_token(IDLE_MAX, Token(0)).unwrap();
        assert_eq!(found, address(3));
    }
}
