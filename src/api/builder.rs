//! How an endpoint comes to be.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use super::address::first_that_works;
use super::endpoint::Endpoint;
use super::servers::Servers;
use crate::base::limits::WORKERS;
use crate::connection::TransportConfig;
use crate::crypto::{Identity, PeerId};
use crate::driver::{self, DriverConfig, Place};
use crate::endpoint::EndpointConfig;
use crate::nat::turn::TurnConfig;

/// What the kernel is asked to buffer in each direction: 10 ms at 5 Gbit/s.
const KERNEL_BUFFER: usize = 6 << 20;

/// How long a connection that was dropped goes on to deliver what was written.
const LINGER: Duration = Duration::from_secs(10);

/// Chooses what an endpoint is like, and binds it.
///
/// ```
/// let endpoint = srudp::Endpoint::builder().accept(true).bind("127.0.0.1:0")?;
/// println!("{} at {}", endpoint.peer_id(), endpoint.local_addr());
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct EndpointBuilder {
    identity: Option<Identity>,
    config: EndpointConfig,
    driver: DriverConfig,
    servers: Servers,
}

impl Endpoint {
    /// Chooses what the endpoint is like.
    pub fn builder() -> EndpointBuilder {
        EndpointBuilder::new()
    }
}

impl EndpointBuilder {
    fn new() -> Self {
        let driver = DriverConfig {
            kernel_buffer: KERNEL_BUFFER,
            linger: LINGER,
            place: Place::Thread,
            workers: None,
        };
        Self {
            identity: None,
            config: EndpointConfig::default(),
            driver,
            servers: Servers::default(),
        }
    }

    /// Who this endpoint is. Default: an identity that is generated and lost with the endpoint.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Whether peers may dial this endpoint. Default no.
    pub fn accept(mut self, accept: bool) -> Self {
        self.config = self.config.accept(accept);
        self
    }

    /// Accepts dials, and only from these peers; others are refused with a reason.
    pub fn allow(mut self, peers: impl IntoIterator<Item = PeerId>) -> Self {
        self.config = self.config.accept(true).allow(peers);
        self
    }

    /// What is spoken over the streams, at most 255 bytes; both peers must name the same. Default empty.
    pub fn application_protocol(mut self, name: &[u8]) -> Self {
        self.config = self.config.application_protocol(name);
        self
    }

    /// What connections are like that say nothing else.
    pub fn transport(mut self, transport: TransportConfig) -> Self {
        self.config = self.config.transport(transport);
        self
    }

    /// Everything about the protocol at once. It replaces what was chosen before with [`accept`](Self::accept), [`allow`](Self::allow),
    /// [`application_protocol`](Self::application_protocol) and [`transport`](Self::transport).
    pub fn config(mut self, config: EndpointConfig) -> Self {
        self.config = config;
        self
    }

    /// How long a connection that was dropped goes on to deliver what was written. Default 10 s.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.driver.linger = linger;
        self
    }

    /// What the kernel is asked to buffer in each direction, in bytes; it may give less. Default 6 MiB.
    pub fn kernel_buffer(mut self, bytes: usize) -> Self {
        self.driver.kernel_buffer = bytes;
        self
    }

    /// How many workers share the connections, each with a socket of its own at the same address and port. Default 2 on hosts with several
    /// cores, unless [fewer than 1,024 connections](EndpointConfig::max_connections) are allowed, and else 1.
    ///
    /// Two suit most: ten connections together are half as fast again as with one worker, and a connection alone is nearly as fast. More are for hosts
    /// with more cores that serve or dial many peers at once, up to one for each core; beyond 64 none is added. A connection stays with its
    /// worker. Each worker has [kernel buffers](Self::kernel_buffer) of its own, and a thread unless it is [a task](Self::bind_in_tokio).
    ///
    /// Peers notice nothing. What was searched with [tickets](Endpoint::ticket), STUN, relays and gateways is all with the first worker.
    /// Only Linux can tell workers' datagrams apart, from 4.6 on; elsewhere there is one, whatever was asked for, and also where a sandbox forbids
    /// it: [`Endpoint::workers`] tells.
    ///
    /// ```
    /// let endpoint = srudp::Endpoint::builder().accept(true).workers(4).bind("127.0.0.1:0")?;
    /// assert_eq!(endpoint.workers(), if cfg!(target_os = "linux") { 4 } else { 1 });
    /// # std::io::Result::Ok(())
    /// ```
    pub fn workers(mut self, workers: usize) -> Self {
        self.driver.workers = u8::try_from(workers.clamp(1, WORKERS)).ok();
        self
    }

    /// STUN servers, the best first, which are asked for this endpoint's addresses before NATs when a [`ticket`](Endpoint::ticket) is made.
    /// Two of them, or one that has two addresses (RFC 5780), show what the NAT does. Default none: then only peers in the same network
    /// can be met.
    pub fn stun(mut self, servers: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.servers.stun = servers.into_iter().collect();
        self
    }

    /// TURN servers, the best first, which relay what comes from and goes to peers that are met and to which no direct path leads. The
    /// first four are asked for an address when a [`ticket`](Endpoint::ticket) is made: over UDP, and where no answer comes for half a
    /// second over TCP as well, so that hosts in networks without UDP are met by their own relays. TCP alone is used with
    /// [`Framing::Stream`](crate::nat::turn::Framing::Stream). There is no TLS to relays, which see nothing but sealed packets. Default none.
    pub fn turn(mut self, servers: impl IntoIterator<Item = TurnConfig>) -> Self {
        self.servers.turn = servers.into_iter().collect();
        self
    }

    /// Whether the gateway of this host's network is asked for a port when a [`ticket`](Endpoint::ticket) is made, by PCP, NAT-PMP or UPnP, so
    /// that everybody on the Internet can send to this endpoint there: what is not SRUDP goes no further. It is kept as long as the
    /// endpoint lives, and given back when it is [closed](Endpoint::close). A ticket waits 0.3 s for it where no gateway answers, and 1.5 s at most where one
    /// does; a port that comes later is in the next ticket. Needs the crate feature `interfaces`, or an address of this network to be
    /// bound to. Default false.
    pub fn port_mapping(mut self, asked: bool) -> Self {
        self.servers.gateway = asked;
        self
    }

    /// Whether it is measured how long the NAT before this endpoint keeps mappings, with the [STUN servers](Self::stun), once a peer was
    /// [met](Endpoint::meet). Connections to peers that were met are kept alive as often as that then, unless
    /// [`transport`](Self::transport) says how often: every 5 s at worst, and as seldom as every 120 s where the NAT allows it and the
    /// [idle timeout](TransportConfig::idle_timeout) is longer than twice that at both sides. Eleven more sockets ask one server some forty
    /// times in up to twelve minutes. Default false: then it is every 15 s, and more often after paths have died.
    pub fn measure_nat(mut self, measured: bool) -> Self {
        self.servers.lifetime = measured;
        self
    }

    /// Binds a UDP socket and starts the thread that serves it. `[::]:0` speaks IPv4 too, where the system can; `0.0.0.0:0` speaks IPv4 alone.
    ///
    /// # Errors
    /// When the address does not resolve or cannot be bound (the message names it), or when the system has no thread or no
    /// random bytes to give.
    pub fn bind(self, address: impl ToSocketAddrs) -> io::Result<Endpoint> {
        let Self { identity, config, driver, servers } = self;
        let identity = identity.unwrap_or_else(Identity::generate);
        let shards = first_that_works(address, |address| {
            driver::start(address, identity.clone(), config.clone(), driver)
        })?;
        Ok(Endpoint::new(shards, identity, driver, servers))
    }

    /// As [`bind`](Self::bind), but every worker is a task of the current tokio runtime, not a thread. Tasks of that runtime hear
    /// from their peers sooner: between the socket and them there is no other thread.
    ///
    /// Nothing moves unless the runtime runs: a call that blocks, made by a task of a runtime with a single thread, blocks the endpoint
    /// too. When the runtime ends, so does the endpoint, without a word to its peers.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// runtime.block_on(async {
    ///     let server = srudp::Endpoint::builder().accept(true).bind_in_tokio("127.0.0.1:0")?;
    ///     let client = srudp::Endpoint::builder().bind_in_tokio("127.0.0.1:0")?;
    ///     client.connect_async(server.peer_id(), server.local_addr()).await?;
    ///     server.accept_async().await?;
    ///     Ok::<_, Box<dyn std::error::Error>>(())
    /// })
    /// # .unwrap();
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// # Errors
    /// As [`bind`](Self::bind), and outside of a runtime.
    ///
    /// # Panics
    /// In a runtime that was built without I/O or without time.
    #[cfg(all(feature = "tokio", unix))]
    pub fn bind_in_tokio(mut self, address: impl ToSocketAddrs) -> io::Result<Endpoint> {
        self.driver.place = Place::Tokio;
        self.bind(address)
    }
}
