//! `srudp demo --nat`: two peers behind NATs find a path, and use it.
//!
//! ```text
//!  gathering ─▶ tickets ─▶ search ──a path──▶ connection ─▶ transfer ─▶ checksums
//!  what the NATs do           └──none──▶ the reason
//! ```

mod kind;
mod peer;
mod relay;
mod report;
mod work;
mod world;

use std::time::Duration;

use srudp::nat::{PunchConfig, Ticket};
use srudp::proto::Instant;
use srudp::{Identity, SystemEntropy};
use srudp_links::LinkConfig;

use super::payload::Sum;
use super::{BYTES, DELAY, LOSS, MTU, PROTOCOL, STREAMS};
use crate::clock;
use crate::exit::{Code, Failure};
use crate::progress::Progress;
use crate::units;
use peer::{Peer, Trouble, Work};
use work::{Download, Upload};
use world::World;

use kind::Kind;
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
    let mut peers = gather(&mut world, &identities)?;
    let start = exchange(&world, &identities, &mut peers)?;
    search(&mut world, &mut peers, start).map_err(|failure| with_hint(failure, pair))?;
    let begin = clock::now();
    let sums = transfer(&mut world, &mut peers, seed)?;
    let time = clock::now().duration_since(begin);
    let stats = peers[0].stats();
    finish(&mut world, &mut peers);
    report::transfer(time, stats.as_ref(), &world);
    super::verdict(&sums)
}

/// Both find out what to tell.
fn gather(world: &mut World, identities: &[Identity; 2]) -> Result<[Peer; 2], Failure> {
    println!("asking       a STUN server what the NATs do, and a relay for an address");
    let new = |host: usize| -> Result<Peer, Failure> {
        let (identity, network) = (identities[host].clone(), world.network(host));
        Ok(Peer::new(world.now(), identity, &network, PROTOCOL, [entropy()?, entropy()?]))
    };
    let mut peers = [new(0)?, new(1)?];
    world.run(&mut peers, |_, peers| peers.iter().all(|peer| peer.gathered.is_some()));
    report::gathered(&peers);
    Ok(peers)
}

/// Each prints its ticket, and reads the other's. Returns when the search begins.
fn exchange(
    world: &World,
    identities: &[Identity; 2],
    peers: &mut [Peer; 2],
) -> Result<Instant, Failure> {
    let expiry = clock::unix().as_secs() + TICKET_LIFE;
    let mut random = entropy()?;
    let ours = [0, 1].map(|host: usize| {
        let gathered = peers[host].gathered.as_ref();
        let text = gathered.map(|gathered| gathered.description.clone()).unwrap_or_default();
        Ticket::new(&identities[host], expiry, text, &mut *random)
    });
    let texts = ours.each_ref().map(Ticket::to_string);
    report::tickets(&texts);
    let start = world.now() + START;
    for (host, peer) in peers.iter_mut().enumerate() {
        let theirs: Ticket =
            texts[1 - host].parse().map_err(|error| failed("the ticket", error))?;
        let config = PunchConfig::from_tickets(&identities[host], &ours[host], &theirs, start);
        let config =
            config.ok_or_else(|| Failure::new(Code::Here, "both peers have the same identity"))?;
        let gathered = peer.gathered.as_ref();
        let config = gathered.map(|gathered| gathered.prepare(config.clone())).unwrap_or(config);
        peer.search(config).map_err(|error| failed("the search", error))?;
    }
    Ok(start)
}

/// Until both have a connection, and it goes directly or is going to stay with the relay.
fn search(world: &mut World, peers: &mut [Peer; 2], start: Instant) -> Result<(), Failure> {
    world.count_anew();
    let mut progress = Progress::on_terminal();
    world.run(peers, |world, peers| {
        progress.show(|| {
            let [left, right] = world.efforts().map(|effort| effort.datagrams);
            format!("searching: {left} and {right} datagrams sent")
        });
        peers.iter_mut().all(Peer::has_settled)
    });
    progress.clear();
    report::search(peers, world.efforts(), start);
    if let Some(Trouble::NotFound(failure)) = peers.iter().find_map(|peer| peer.trouble.as_ref()) {
        return Err(Failure::new(Code::Unreached, format!("no path: {failure}")));
    }
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

/// Says what the demonstration leaves out.
fn with_hint(failure: Failure, pair: Pair) -> Failure {
    if !pair.0.contains(&Kind::Blocked) {
        return failure;
    }
    let hint = "srudp itself reaches relays over TCP then, but the one of this demonstration speaks UDP alone";
    Failure::new(failure.code(), format!("{failure} ({hint})"))
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
