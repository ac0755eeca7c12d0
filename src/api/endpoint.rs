//! A socket, an identity, and the connections between it and others.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use parking_lot::Mutex;

use super::address::first_that_works;
use super::attempt;
use super::connection::Connection;
use super::error::{DialError, EndpointClosed, elapsed};
use super::link::{Dialling, Link};
use super::servers::Servers;
use super::told::Told;
use crate::close::ConnectionError;
use crate::crypto::{Identity, PeerId};
use crate::driver::{DriverConfig, Key, Notice, Shards, Shared, Topic};
use crate::endpoint::{ConnectError, ConnectionHandle, Dial, EndpointStats};
use crate::wire::ApplicationCode;

/// One UDP port with one identity; it dials peers and, if it was told to, accepts those that dial it.
///
/// Clones are the same endpoint, and any thread may use them. When the last one is dropped nothing can be accepted or
/// dialled any more; connections that are still held go on. A process that ends does not wait for anything: [`close`](Self::close)
/// does.
#[derive(Clone, Debug)]
pub struct Endpoint {
    owner: Arc<Owner>,
}

/// What the clones share.
#[derive(Debug)]
struct Owner {
    shards: Shards,
    identity: Identity,
    driver: DriverConfig,
    servers: Servers,
    told: Mutex<Option<Told>>,
}

impl Endpoint {
    pub(crate) fn new(
        shards: Shards,
        identity: Identity,
        driver: DriverConfig,
        servers: Servers,
    ) -> Self {
        let told = Mutex::new(None);
        Self { owner: Arc::new(Owner { shards, identity, driver, servers, told }) }
    }

    /// Our own peer id, which others dial.
    pub fn peer_id(&self) -> PeerId {
        self.owner.identity.peer_id()
    }

    /// The address of the socket.
    pub fn local_addr(&self) -> SocketAddr {
        self.shared().look(|core| core.local_addr())
    }

    /// The figures at this moment.
    pub fn stats(&self) -> EndpointStats {
        self.shards().stats()
    }

    /// How many workers serve it: as many as were [asked for](super::EndpointBuilder::workers) or suit the host, or one where the system does not support
    /// several.
    pub fn workers(&self) -> usize {
        self.shards().count()
    }

    /// Dials a peer, and waits until it has proved its identity. If the name stands for several addresses they are tried in turn.
    ///
    /// # Errors
    /// When the address does not resolve, the dial cannot start, or no peer of this id answers in the handshake timeout.
    pub fn connect(&self, peer: PeerId, addr: impl ToSocketAddrs) -> Result<Connection, DialError> {
        self.first_that_answers(addr, |addr| Dial::new(peer, addr))
    }

    /// As [`connect`](Self::connect), but waits for at most `timeout`, and tries one address.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_timeout(
        &self,
        peer: PeerId,
        addr: SocketAddr,
        timeout: Duration,
    ) -> Result<Connection, DialError> {
        let dialling = self.start(&Dial::new(peer, addr))?;
        let handle = dialling.handle();
        let key = Key::Connection(handle, Topic::Established);
        let shared = dialling.shared();
        let result = shared.wait_for(key, timeout, |core, _| attempt::established(core, handle));
        result.unwrap_or(Err(ConnectionError::HandshakeTimedOut))?;
        connected(dialling)
    }

    /// Dials whoever answers at this address and believes that it is the right peer. **Nothing proves it**: someone in the middle can answer
    /// instead. Compare [`Connection::peer_id`] with what is known, or store it for the next time.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_trusting_on_first_use(
        &self,
        addr: impl ToSocketAddrs,
    ) -> Result<Connection, DialError> {
        self.first_that_answers(addr, Dial::trusting_on_first_use)
    }

    fn first_that_answers(
        &self,
        addr: impl ToSocketAddrs,
        dial: impl Fn(SocketAddr) -> Dial,
    ) -> Result<Connection, DialError> {
        let mut last = DialError::Address(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the name stands for no address",
        ));
        for addr in addr.to_socket_addrs().map_err(DialError::Address)? {
            match self.dial(&dial(addr)) {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Dials as described, and waits for the outcome.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn dial(&self, dial: &Dial) -> Result<Connection, DialError> {
        let dialling = self.start(dial)?;
        let handle = dialling.handle();
        let key = Key::Connection(handle, Topic::Established);
        dialling.shared().wait(key, |core, _| attempt::established(core, handle))?;
        connected(dialling)
    }

    pub(crate) fn start(&self, dial: &Dial) -> Result<Dialling, ConnectError> {
        let shared = self.shards().dialler(dial);
        let handle = shared.dial(dial)?;
        Ok(Dialling::new(Arc::clone(shared), handle))
    }

    /// Waits for the next peer that dials this endpoint. An endpoint that was not built with
    /// [`accept(true)`](super::EndpointBuilder::accept) waits until it is closed.
    ///
    /// # Errors
    /// When the endpoint is closed.
    pub fn accept(&self) -> Result<Connection, EndpointClosed> {
        accepted(self.shards().wait(Key::Accept, |core, _| attempt::accept(core)))
    }

    /// As [`accept`](Self::accept), for a limited time.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`], or [`io::ErrorKind::WouldBlock`] if the time is zero; and when the endpoint is closed.
    pub fn accept_timeout(&self, timeout: Duration) -> io::Result<Connection> {
        let given = self.shards().wait_for(Key::Accept, timeout, |core, _| attempt::accept(core));
        Ok(accepted(given.ok_or_else(|| elapsed(timeout))?)?)
    }

    /// The peers that dial this endpoint, until it is closed.
    pub fn incoming(&self) -> impl Iterator<Item = Connection> + '_ {
        std::iter::from_fn(|| self.accept().ok())
    }

    /// Moves to a new socket: connections go on from there, once their peers have answered to the new address. What was on
    /// its way to the old address is sent again.
    ///
    /// # Errors
    /// When the address does not resolve or cannot be bound; then the old socket stays. Or when the endpoint is closed.
    pub fn rebind(&self, address: impl ToSocketAddrs) -> io::Result<()> {
        let kernel_buffer = self.owner.driver.kernel_buffer;
        let shards = self.shards();
        let sockets = first_that_works(address, |address| shards.bind(address, kernel_buffer))?;
        shards.rebind(sockets)
    }

    /// Closes all connections, delivers what was written on them within the linger time, and waits until nothing is left to
    /// send. All waits on this endpoint, its connections and their streams end.
    pub fn close(&self, code: ApplicationCode, reason: &[u8]) {
        let (shards, notice) = (self.shards(), Notice { code, reason });
        let linger = self.owner.driver.linger;
        for shared in shards.iter() {
            shared.with(|core, now| core.begin_close(now, notice, linger));
        }
        for shared in shards.iter() {
            shared.wait(Key::AllClosed, |core, _| ready_if(core.are_all_closed()));
            shared.with(|core, now| core.finish_close(now, notice));
            shared.check_end();
        }
        for shared in shards.iter() {
            shared.wait(Key::Drained, |core, now| ready_if(core.is_drained(now)));
        }
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.owner.identity
    }

    pub(crate) fn servers(&self) -> &Servers {
        &self.owner.servers
    }

    /// What was told of this endpoint last.
    pub(crate) fn told(&self) -> &Mutex<Option<Told>> {
        &self.owner.told
    }

    pub(crate) fn shards(&self) -> &Shards {
        &self.owner.shards
    }

    /// The worker that has to do with NATs, and with all connections that were searched.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        self.shards().first()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shards.iter().for_each(|shared| shared.retire());
    }
}

/// The worker that had one to accept, and which, unless it is closed.
pub(crate) type Accepted = (Arc<Shared>, Result<ConnectionHandle, EndpointClosed>);

pub(crate) fn accepted((shared, handle): Accepted) -> Result<Connection, EndpointClosed> {
    let link = Link::new(shared, handle?).ok_or(EndpointClosed)?;
    Ok(Connection::new(link))
}

pub(crate) fn connected(dialling: Dialling) -> Result<Connection, DialError> {
    let link = dialling.into_link().ok_or(ConnectionError::LocalClosed)?;
    Ok(Connection::new(link))
}

fn ready_if(condition: bool) -> Poll<()> {
    if condition { Poll::Ready(()) } else { Poll::Pending }
}
