//! `srudp demo --nat`: two peers behind NATs find a path, and use it.
//!
//! ```text
//!  discovery ─▶ addresses ─▶ tickets ─▶ search ──a path──▶ connection ─▶ transfer ─▶ checksums
//!  what the NATs do                        └──none──▶ the reason
//! ```

mod kind;
mod peer;
mod report;
mod survey;
mod work;
mod world;

use std::time::Duration;

use srudp::nat::{Behaviour, Description, Destinations, PunchConfig, SocketId, Ticket};
use srudp::{Identity, SystemEntropy};
use srudp_links::LinkConfig;

use super::payload::Sum;
use super::{BYTES, DELAY, LOSS, MTU, PROTOCOL, STREAMS};
use crate::clock;
use crate::exit::{Code, Failure};
use crate::progress::Progress;
use crate::units;
use peer::{Peer, Trouble, Work};
use survey::Addresses;
use work::{Download, Upload};
use world::World;

pub(super) use kind::{HELP, Pair};

/// How long a ticket is good, in seconds.
const TICKET_LIFE: u64 = 600;

/// From the exchange of the tickets to the search. People would wait for the next multiple of ten seconds of their clocks.
const START: Duration = Duration::from_millis(200);

/// How the two are called.
const NAMES: [&str; 2] = ["left", "right"];

/// Lets the peers meet.
pub(super) fn run(pair: Pair, seed: u64) -> Result<(), Failure> {
    // A path between the two has two halves.
    let half = LinkConfig::default().delay(DELAY / 2).loss(LOSS / 2.0).mtu(MTU);
    let mut world = World::new(pair.0, &half, seed, &mut *entropy()?);
    let identities = [Identity::generate(), Identity::generate()];
    report::introduce(&identities, pair.0);
    let behaviours = discover(&mut world)?;
    NAMES.iter().zip(&behaviours).for_each(|(name, seen)| report::behaviour(name, seen));
    let descriptions = describe(&mut world, &behaviours)?;
    let mut peers = exchange(&world, &identities, descriptions)?;
    search(&mut world, &mut peers)?;
    let begin = clock::now();
    let sums = transfer(&mut world, &mut peers, seed)?;
    let time = clock::now().duration_since(begin);
    let stats = peers[0].stats();
    finish(&mut world, &mut peers);
    report::transfer(time, stats.as_ref(), &world);
    super::verdict(&sums)
}

fn discover(world: &mut World) -> Result<[Behaviour; 2], Failure> {
    println!(
        "asking       a STUN server what the NATs do: some seconds, as silence is an answer too"
    );
    let mut machines =
        [survey::discovery(world, 0, entropy()?), survey::discovery(world, 1, entropy()?)];
    world.run(&mut machines, |_, machines| machines.iter().all(|machine| machine.is_finished()));
    Ok(machines.map(|machine| machine.report().clone()))
}

fn describe(world: &mut World, behaviours: &[Behaviour; 2]) -> Result<[Description; 2], Failure> {
    let [left, right] = behaviours;
    let mut machines = [Addresses::new(left, entropy()?), Addresses::new(right, entropy()?)];
    world.run(&mut machines, |_, machines| machines.iter().all(Addresses::is_done));
    let local = |host| world.local(host, SocketId::MAIN);
    let [a, b] = machines;
    Ok([a.describe(left, local(0)), b.describe(right, local(1))])
}

/// Each prints its ticket, and reads the other's.
fn exchange(
    world: &World,
    identities: &[Identity; 2],
    descriptions: [Description; 2],
) -> Result<[Peer; 2], Failure> {
    let expiry = clock::unix().as_secs() + TICKET_LIFE;
    let [left, right] = descriptions;
    let mut random = entropy()?;
    let ours = [(0, left), (1, right)]
        .map(|(host, text)| Ticket::new(&identities[host], expiry, text, &mut *random));
    let texts = ours.each_ref().map(Ticket::to_string);
    report::tickets(&texts);
    let start = world.now() + START;
    let meet = |host: usize| -> Result<Peer, Failure> {
        let theirs: Ticket =
            texts[1 - host].parse().map_err(|error| failed("the ticket", error))?;
        let identity = identities[host].clone();
        let config = PunchConfig::from_tickets(&identity, &ours[host], &theirs, start);
        let config = config
            .ok_or_else(|| Failure::new(Code::Here, "both peers have the same identity"))?
            .sockets(&std::array::from_fn::<_, { survey::SOCKETS as usize }, _>(|number| {
                SocketId::new(u16::try_from(number).unwrap_or_default())
            }))
            .layers(world.layers(host))
            .destinations(Destinations::new(&[world.network(host)]));
        Peer::new(identity, PROTOCOL, config, [entropy()?, entropy()?])
            .map_err(|error| failed("the search", error))
    };
    Ok([meet(0)?, meet(1)?])
}

/// Until both know the path and have a connection, or one of them gives up.
fn search(world: &mut World, peers: &mut [Peer; 2]) -> Result<(), Failure> {
    let before = [0, 1].map(|host| world.sent(host));
    let mut progress = Progress::on_terminal();
    world.run(peers, |world, peers| {
        progress.show(|| {
            let sent = [0, 1].map(|host| world.sent(host) - before[host]);
            format!("searching: {} and {} datagrams sent", sent[0], sent[1])
        });
        let found = |peer: &Peer| peer.winner.is_some() || peer.trouble.is_some();
        peers.iter().all(found)
    });
    progress.clear();
    report::search(peers);
    if let Some(Trouble::NotFound(failure)) = peers.iter().find_map(|peer| peer.trouble.as_ref()) {
        return Err(Failure::new(Code::Unreached, format!("no direct path: {failure}")));
    }
    world.run(peers, |_, peers| {
        let done = |peer: &mut Peer| peer.connection().is_some() || peer.trouble.is_some();
        peers.iter_mut().all(done)
    });
    lost(peers).map_or(Ok(()), Err)
}

fn transfer(
    world: &mut World,
    peers: &mut [Peer; 2],
    seed: u64,
) -> Result<Vec<(Sum, Sum)>, Failure> {
    let [left, right] = &mut *peers;
    let upload = left.connection().and_then(|left| Upload::new(left, STREAMS, BYTES, seed));
    left.work = upload.map_or(Work::None, Work::Upload);
    right.work = Work::Download(Download::default());
    let mut progress = Progress::on_terminal();
    let mut sums = None;
    let all = units::bytes((STREAMS * BYTES) as u64);
    world.run(peers, |_, [left, right]| {
        if let Work::Download(download) = &right.work {
            progress.show(|| format!("{} of {all}", units::bytes(download.bytes)));
        }
        if let Work::Upload(upload) = &left.work {
            sums = upload.sums();
        }
        sums.is_some() || left.trouble.is_some() || right.trouble.is_some()
    });
    progress.clear();
    sums.ok_or_else(|| {
        lost(peers).unwrap_or_else(|| Failure::new(Code::Broken, "the peer allows no streams"))
    })
}

/// Says goodbye.
fn finish(world: &mut World, peers: &mut [Peer; 2]) {
    peers[0].close(world.now());
    world.run(peers, |_, peers| peers.iter().all(|peer| peer.closed));
}

/// The connection is over too soon.
fn lost(peers: &mut [Peer; 2]) -> Option<Failure> {
    let trouble = peers.iter_mut().find_map(|peer| peer.trouble.take())?;
    Some(match trouble {
        Trouble::Lost(error) => Failure::of("the connection over the path failed", error),
        Trouble::NotFound(failure) => failed("the search", failure),
    })
}

fn failed(what: &str, error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::of(format!("{what} failed"), error)
}

fn entropy() -> Result<Box<SystemEntropy>, Failure> {
    SystemEntropy::new().map(Box::new).map_err(|error| Failure::of("no entropy", error))
}
