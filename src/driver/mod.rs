//! Floor 10: the only one that does I/O. It drives the sans-I/O node, and the endpoint in it, with sockets, a clock and a thread.
//!
//! What a replacement has to provide, for a runtime, an embedded stack or another kind of socket:
//!
//! 1. **Time**: a monotonic clock mapped to [`Instant`](crate::base::Instant); every call takes `now`.
//! 2. **Entropy**: an [`Entropy`](crate::base::Entropy) that is good enough for keys.
//! 3. **Sockets**: a main one, and spare ones that `Node::poll_request` asks for by number: at the same address, with ports of their own.
//!    Whoever never searches for peers behind NATs is never asked. And TCP connections by number, which never make the sockets wait,
//!    for those whose network has no UDP to relays: `Node::handle_connected`, `handle_stream`, `handle_disconnected`.
//! 4. **Input**: every datagram, with the sender's address and the number of the socket, goes to `Node::handle_datagram`. ECN marks and
//!    the local address too, if the socket knows them.
//! 5. **Output**: after every input `Node::poll_transmit` until it returns `None`; datagrams leave in that order, unfragmented, from the
//!    socket that is named, and no farther than is said. Those larger than the interface takes are reported to `Node::on_too_large`.
//! 6. **Timeouts**: `Node::handle_timeout` when the instant of `Node::poll_timeout` has come.
//! 7. **Events**: `Node::poll_event` until it returns `None`, to whoever waits.
//!
//! Where there are no NATs, the `Endpoint` alone has the same verbs, but for the sockets.
//!
//! This driver does it with one worker thread per endpoint. Threads of the application do not talk to the worker: they
//! take the lock of the [`Core`], change the protocol's state, and send what comes of it themselves ([`transmit`]). One that has
//! to wait reads the main socket itself ([`reception`]). The worker keeps time, reads the spare sockets ([`spares`]), and the main one
//! while nobody waits. It can be a task of tokio instead ([`task`]). Several sockets of one port would be several workers with a core each; nothing here is process-wide.

mod attention;
mod clock;
mod core;
mod entropy;
mod guarded;
#[cfg(feature = "interfaces")]
mod interfaces;
mod missed;
mod park;
mod patrol;
mod receive;
mod reception;
mod shared;
mod socket;
mod spares;
mod streams;
#[cfg(all(feature = "tokio", unix))]
mod task;
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
use crate::node::Node;

pub(crate) use clock::unix_time;
pub(crate) use core::{Core, Found, Notice, Plan, networks};
pub(crate) use shared::Shared;
pub(crate) use wait::{Key, MeetingHandle, Topic};

pub use entropy::SystemEntropy;
use guarded::Guarded;
#[cfg(feature = "interfaces")]
pub use interfaces::{NetworkWatch, default_gateway, local_networks};
pub use missed::MeetError;
use reception::Reception;
use socket::Socket;
use spares::Spares;
use streams::Streams;
use transmit::Transmitter;
use worker::Worker;

/// What the driver needs to know beside the protocol's configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DriverConfig {
    /// Bytes to ask the kernel for, in each direction.
    pub(crate) kernel_buffer: usize,
    /// How long a connection that was dropped goes on to deliver what was written.
    pub(crate) linger: Duration,
    pub(crate) place: Place,
}

/// Where the worker runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// A thread of its own.
    Thread,
    /// A task of the current runtime of tokio.
    #[cfg(all(feature = "tokio", unix))]
    Tokio,
}

/// Binds a socket and starts the worker that serves it.
pub(crate) fn start(
    address: SocketAddr,
    identity: Identity,
    config: EndpointConfig,
    driver: DriverConfig,
) -> io::Result<Arc<Shared>> {
    let socket = Arc::new(Socket::bind(address, driver.kernel_buffer)?);
    let entropy = SystemEntropy::hedged_by(&identity)?;
    let search_entropy = SystemEntropy::hedged_by(&identity)?;
    let endpoint = Endpoint::new(config, identity, Box::new(entropy));
    let node = Node::new(endpoint, Box::new(search_entropy));
    let poll = mio::Poll::new()?;
    let waker = mio::Waker::new(poll.registry(), worker::WAKER)?;
    let (commands, inbox) = unbounded();
    let core = Core::new(node, socket.local_addr(), driver.linger);
    let reception = Reception::new(&socket, poll.registry().try_clone()?, worker::SOCKET)?;
    let guarded = Guarded::new(core, waker);
    let spares = Arc::new(Spares::new(poll.registry().try_clone()?, driver.kernel_buffer));
    let streams = Arc::new(Streams::new(poll.registry().try_clone()?));
    let transmitter = Transmitter::new(socket, Arc::clone(&spares), Arc::clone(&streams));
    let shared = Shared::new(guarded, transmitter, reception, (spares, streams), commands);
    let shared = Arc::new(shared);
    let worker = Worker::new(Arc::clone(&shared), inbox);
    match driver.place {
        Place::Thread => {
            thread::Builder::new().name("srudp".to_owned()).spawn(move || worker.run(poll))?;
        }
        #[cfg(all(feature = "tokio", unix))]
        Place::Tokio => task::spawn(worker, poll)?,
    }
    Ok(shared)
}
