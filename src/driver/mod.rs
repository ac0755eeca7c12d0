//! Floor 10: the only one that does I/O. It drives the sans-I/O endpoint with a socket, a clock and a thread.
//!
//! What a replacement has to provide, for a runtime, an embedded stack or another kind of socket:
//!
//! 1. **Time**: a monotonic clock mapped to [`Instant`](crate::base::Instant); every call takes `now`.
//! 2. **Entropy**: an [`Entropy`](crate::base::Entropy) that is good enough for keys.
//! 3. **Input**: every datagram, with the sender's address, goes to `Endpoint::handle_datagram`. ECN marks and the local address
//!    too, if the socket knows them.
//! 4. **Output**: after every input `Endpoint::poll_transmit` until it returns `None`; datagrams leave in that order, unfragmented. Those
//!    larger than the interface takes are reported to `Endpoint::on_too_large`.
//! 5. **Timeouts**: `Endpoint::handle_timeout` when the instant of `Endpoint::poll_timeout` has come.
//! 6. **Events**: `Endpoint::poll_event` until it returns `None`, to whoever waits.
//!
//! This driver does it with one worker thread per endpoint. Threads of the application do not talk to the worker: they
//! take the lock of the [`Core`], change the protocol's state, and send what comes of it themselves ([`transmit`]). One that has
//! to wait reads the socket itself ([`reception`]). The worker keeps time, and receives while nobody waits. Several sockets of one port would be several workers with a core each; nothing here
//! is process-wide.

mod attention;
mod clock;
mod core;
mod entropy;
mod guarded;
#[cfg(feature = "interfaces")]
mod interfaces;
mod park;
mod patrol;
mod receive;
mod reception;
mod shared;
mod socket;
mod transmit;
mod wait;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::unbounded;

use crate::crypto::Identity;
use crate::endpoint::{Endpoint, EndpointConfig};

pub(crate) use core::{Core, Notice};
pub(crate) use shared::Shared;
pub(crate) use wait::{Key, Topic};

pub use entropy::SystemEntropy;
use guarded::Guarded;
#[cfg(feature = "interfaces")]
pub use interfaces::{NetworkWatch, default_gateway, local_networks};
use reception::Reception;
use socket::Socket;
use transmit::Transmitter;
use worker::Worker;

/// What the driver needs to know beside the protocol's configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DriverConfig {
    /// Bytes to ask the kernel for, in each direction.
    pub(crate) kernel_buffer: usize,
    /// How long a connection that was dropped goes on to deliver what was written.
    pub(crate) linger: Duration,
}

/// Binds a socket and starts the thread that serves it.
pub(crate) fn start(
    address: SocketAddr,
    identity: Identity,
    config: EndpointConfig,
    driver: DriverConfig,
) -> io::Result<Arc<Shared>> {
    let socket = Arc::new(Socket::bind(address, driver.kernel_buffer)?);
    let entropy = SystemEntropy::hedged_by(&identity)?;
    let endpoint = Endpoint::new(config, identity, Box::new(entropy));
    let poll = mio::Poll::new()?;
    let waker = mio::Waker::new(poll.registry(), worker::WAKER)?;
    let (commands, inbox) = unbounded();
    let core = Core::new(endpoint, socket.local_addr(), driver.linger);
    let reception = Reception::new(&socket, poll.registry().try_clone()?, worker::SOCKET)?;
    let guarded = Guarded::new(core, waker);
    let shared = Shared::new(guarded, Transmitter::new(socket), reception, commands);
    let shared = Arc::new(shared);
    let worker = Worker::new(Arc::clone(&shared), poll, inbox);
    thread::Builder::new().name("srudp".to_owned()).spawn(move || worker.run())?;
    Ok(shared)
}
