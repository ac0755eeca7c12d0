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
//! This driver does it with one worker thread per endpoint, or with several ([`shards`]). Threads of the application do not talk to the worker: they
//! take the lock of the [`Core`], change the protocol's state, and send what comes of it themselves ([`transmit`]). One that has
//! to wait reads the main socket itself ([`reception`]), and tasks do in passing while answers come fast ([`lookout`]). The worker keeps time, reads the spare sockets ([`spares`]), and the main one
//! while nobody waits. It can be a task of tokio instead ([`task`]). Who has read a handshake message also does the
//! work with public keys that it asks for, without the lock.
//! Nothing here is process-wide.

mod attention;
mod clock;
mod core;
mod crowd;
mod entropy;
mod guarded;
#[cfg(feature = "interfaces")]
mod interfaces;
mod lookout;
mod missed;
mod park;
mod patrol;
mod port;
mod receive;
mod reception;
mod shards;
mod shared;
mod socket;
mod spares;
mod start;
mod steering;
mod streams;
#[cfg(all(feature = "tokio", unix))]
mod task;
mod transmit;
mod vigil;
mod wait;
mod watch;
mod worker;

use std::time::Duration;

pub(crate) use clock::unix_time;
pub(crate) use core::{Core, Found, Notice, Plan, networks};
pub(crate) use lookout::Lookout;
pub(crate) use shards::Shards;
pub(crate) use shared::Shared;
pub(crate) use start::start;
pub(crate) use wait::{Key, MeetingHandle, Topic};

pub use entropy::SystemEntropy;
#[cfg(feature = "interfaces")]
pub use interfaces::{NetworkWatch, default_gateway, local_networks};
pub use missed::MeetError;

/// What the driver needs to know beside the protocol's configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DriverConfig {
    /// Bytes to ask the kernel for, in each direction.
    pub(crate) kernel_buffer: usize,
    /// How long a connection that was dropped goes on to deliver what was written.
    pub(crate) linger: Duration,
    pub(crate) place: Place,
    /// How many there are to be, if somebody has said so.
    pub(crate) workers: Option<u8>,
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

impl Place {
    /// Threads of the application come for the lock while the worker runs; tasks mostly run in its place.
    fn is_thread(self) -> bool {
        matches!(self, Self::Thread)
    }
}
