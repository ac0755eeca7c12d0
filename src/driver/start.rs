//! How the workers of an endpoint come to be.

use std::io;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::{Arc, Weak};
use std::thread;

use crossbeam_channel::unbounded;
use mio::Poll;

use super::clock::Clock;
use super::core::Core;
use super::entropy::{SharedEntropy, SystemEntropy};
use super::guarded::Guarded;
use super::port::{Group, Neighbour, Port};
use super::reception::Reception;
use super::shards::Shards;
use super::shared::Shared;
use super::socket::Socket;
use super::spares::Spares;
use super::streams::Streams;
use super::transmit::Transmitter;
use super::worker::{self, Worker};
use super::{DriverConfig, Place, steering};
use crate::base::Entropy;
use crate::base::limits::{CONNECTIONS_DIVIDED, WORKERS_USUAL};
use crate::crypto::{CookieKey, Identity};
use crate::endpoint::{Endpoint, EndpointConfig};
use crate::node::Node;
use crate::wire::Shard;

/// What all workers of an endpoint have in common. Cookies, which tell the time, are good with each of them.
struct Common {
    identity: Identity,
    config: EndpointConfig,
    driver: DriverConfig,
    clock: Clock,
    cookies: CookieKey,
    /// If there are several.
    group: Option<Arc<Group>>,
}

/// A worker that does not run yet.
struct Prepared {
    worker: Worker,
    poll: Poll,
}

/// Binds a socket for each worker, and starts them.
pub(crate) fn start(
    address: SocketAddr,
    identity: Identity,
    config: EndpointConfig,
    driver: DriverConfig,
) -> io::Result<Shards> {
    let workers = driver.workers.unwrap_or_else(|| usual_workers(&config));
    let sockets = steering::bind(address, driver.kernel_buffer, workers)?;
    let mut master = [0; 32];
    SystemEntropy::hedged_by(&identity)?.fill(&mut master);
    let cookies = CookieKey::new(master);
    let group = (sockets.len() > 1).then(Arc::<Group>::default);
    let common = Common { identity, config, driver, clock: Clock::new(), cookies, group };
    let count = u8::try_from(sockets.len()).unwrap_or(u8::MAX);
    let mut prepared = Vec::new();
    let mut all = Vec::new();
    for (shard, socket) in Shard::all(count).zip(&sockets) {
        let (shared, worker) = prepare(&common, shard, socket)?;
        all.push(shared);
        prepared.push(worker);
    }
    if let Some(group) = &common.group {
        let neighbour = |shared| -> Weak<dyn Neighbour> { Arc::downgrade(shared) as Weak<_> };
        group.introduce(all.iter().map(neighbour).collect());
        group.keep(sockets);
    }
    for prepared in prepared {
        if let Err(error) = run(prepared, driver.place) {
            all.iter().for_each(|shared| shared.retire());
            return Err(error);
        }
    }
    let mut all = all.into_iter();
    let first = all.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
    Ok(Shards::new(first, all.collect()))
}

/// As many as can run at the same time, up to [`WORKERS_USUAL`], and one if few connections are allowed.
fn usual_workers(config: &EndpointConfig) -> u8 {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let workers = match config.connections_max() {
        0..CONNECTIONS_DIVIDED => 1,
        _ => cores.min(WORKERS_USUAL),
    };
    u8::try_from(workers).unwrap_or(1)
}

fn prepare(
    common: &Common,
    shard: Shard,
    socket: &Arc<Socket>,
) -> io::Result<(Arc<Shared>, Prepared)> {
    let Common { identity, config, driver, clock, cookies, group } = common;
    let entropy = SystemEntropy::hedged_by(identity)?;
    let search_entropy = SystemEntropy::hedged_by(identity)?;
    let names = (shard, cookies.clone());
    let endpoint = Endpoint::one_of(names, config.clone(), identity.clone(), Box::new(entropy));
    let mut node = Node::new(endpoint, Box::new(search_entropy));
    if driver.place.is_thread() {
        node.leave_work();
    }
    let poll = Poll::new()?;
    let waker = mio::Waker::new(poll.registry(), worker::WAKER)?;
    let (commands, inbox) = unbounded();
    let mut core = Core::new(node, socket.local_addr(), driver.linger);
    let reception = Reception::new(socket, poll.registry().try_clone()?, worker::SOCKET)?;
    core.set_reader(reception.waker().clone());
    let port = group.as_ref().map(|group| Port::new(shard, group));
    let guarded = Guarded::new(core, *clock, waker, port);
    let spares = Arc::new(Spares::new(poll.registry().try_clone()?, driver.kernel_buffer));
    let streams = Arc::new(Streams::new(poll.registry().try_clone()?));
    let transmitter =
        Transmitter::new(Arc::clone(socket), Arc::clone(&spares), Arc::clone(&streams));
    let entropy = SharedEntropy::new(SystemEntropy::hedged_by(identity)?);
    let aside = (spares, streams);
    let shared =
        Shared::new(guarded, transmitter, reception, aside, commands, (identity.clone(), entropy));
    let shared = Arc::new(shared);
    let worker = Worker::new(Arc::clone(&shared), inbox);
    Ok((shared, Prepared { worker, poll }))
}

fn run(prepared: Prepared, place: Place) -> io::Result<()> {
    let Prepared { worker, poll } = prepared;
    match place {
        Place::Thread => {
            thread::Builder::new().name("srudp".to_owned()).spawn(move || worker.run(poll))?;
        }
        #[cfg(all(feature = "tokio", unix))]
        Place::Tokio => super::task::spawn(worker, poll)?,
    }
    Ok(())
}

/// An endpoint on loopback with a thread for its only worker.
#[cfg(test)]
pub(super) fn started() -> Arc<Shared> {
    let identity = Identity::generate();
    let driver = DriverConfig {
        kernel_buffer: 65_536,
        linger: std::time::Duration::ZERO,
        place: Place::Thread,
        workers: Some(1),
    };
    let any = "127.0.0.1:0".parse().unwrap();
    let shards = start(any, identity, EndpointConfig::default(), driver).unwrap();
    Arc::clone(shards.first())
}
