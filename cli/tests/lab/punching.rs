//! Two peers meet with tickets, as `srudp listen` and `srudp connect` do: which pairs of kinds find a direct path, how fast, and with how
//! many packets.
//!
//! Every pair is tried three times, or as often as `SRUDP_LAB_RUNS` says: 20 runs of all pairs take six minutes. `SRUDP_LAB_PAIRS` names the
//! pairs to try, or parts of their names with commas between them.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use srudp::nat::Failure;
use srudp::nat::turn::TurnConfig;
use srudp::node::Route;
use srudp::{Connection, Endpoint, MeetError, Ticket};

use crate::meeting::Servers;
use crate::net::{Gateway, Input, Lab};
use crate::peer::{Access, Peer};
use crate::say::say;
use crate::table::{self, Row};
use crate::{servers, stopwatch};

/// One search, once it has begun. The next one is there for clocks that differ, which those of one machine do not.
const PATIENCE: Duration = Duration::from_secs(8);

/// How often each pair is tried, if nobody says.
const RUNS: u16 = 3;

const HOME: Access = Access::Behind(Gateway::home());
const REJECT: Access = Access::Behind(Gateway::home().input(Input::Reject));
const ACCEPT: Access = Access::Behind(Gateway::home().input(Input::Accept));
const SYMMETRIC: Access = Access::Behind(Gateway::symmetric());
const SEQUENTIAL: Access = Access::Behind(Gateway::sequential());
const BLOCK: Access = Access::Behind(Gateway::block());
const CARRIER: Access =
    Access::Carrier { home: Gateway::home(), carrier: Gateway::home().carrier() };
const NO_UDP: Access = Access::Behind(Gateway::udp_blocked());
const MOBILE: Access =
    Access::Carrier { home: Gateway::home(), carrier: Gateway::symmetric().carrier() };

/// What becomes of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// A direct path, every time.
    Direct,
    /// The same, but ports are guessed, and the guesses of one of two sockets alone can be right: that of 1280 guesses none is at one of 256 ports
    /// out of 64,512 happens once in 160 searches. Then another one is made, and has to find a path; the table counts both.
    Guessed,
    /// A direct path by IPv6, every time.
    Direct6,
    /// Another port for every peer on both sides, by chance.
    BothSymmetric,
    /// The first one has a relay, and all goes by that.
    Relayed,
    /// Both have one.
    RelayedTwice,
}

const V4: &str = "0.0.0.0";
const BOTH: &str = "::";

struct Pair(&'static str, &'static str, [Access; 2], Fate);

const PAIRS: &[Pair] = &[
    Pair("home x home", V4, [HOME, HOME], Fate::Direct),
    Pair("home x home, both reject", V4, [REJECT, REJECT], Fate::Direct),
    Pair("home x home, both accept", V4, [ACCEPT, ACCEPT], Fate::Direct),
    Pair("home x accept", V4, [HOME, ACCEPT], Fate::Direct),
    Pair("home x carrier", V4, [HOME, CARRIER], Fate::Direct),
    Pair("carrier x carrier", V4, [CARRIER, CARRIER], Fate::Direct),
    Pair("home x symmetric", V4, [HOME, SYMMETRIC], Fate::Direct),
    Pair("accept x symmetric", V4, [ACCEPT, SYMMETRIC], Fate::Guessed),
    Pair("home x symmetric carrier", V4, [HOME, MOBILE], Fate::Guessed),
    Pair("carrier x block", V4, [CARRIER, BLOCK], Fate::Direct),
    Pair("sequential x sequential", V4, [SEQUENTIAL, SEQUENTIAL], Fate::Direct),
    Pair("symmetric x symmetric", V4, [SYMMETRIC, SYMMETRIC], Fate::BothSymmetric),
    Pair("the same with a relay (coturn)", V4, [SYMMETRIC, SYMMETRIC], Fate::Relayed),
    Pair("the same with IPv6 firewalls", BOTH, [SYMMETRIC, SYMMETRIC], Fate::Direct6),
    Pair("no UDP x home, by coturn over TCP", V4, [NO_UDP, HOME], Fate::Relayed),
    Pair("no UDP x symmetric, by coturn over TCP", V4, [NO_UDP, SYMMETRIC], Fate::Relayed),
    Pair("no UDP x no UDP, by coturn twice", V4, [NO_UDP, NO_UDP], Fate::RelayedTwice),
];

/// How one peer fared.
#[derive(Debug)]
struct Met {
    /// From the start of the search to the first byte.
    time: Duration,
    route: Route,
    /// Checks that were sent.
    checks: u32,
    /// The other one may still need it.
    _connection: Connection,
}

/// One peer's part: it gives its ticket away, takes the other's, and exchanges a byte.
fn take_part(
    endpoint: &Endpoint,
    give: &Sender<Ticket>,
    take: &Receiver<Ticket>,
) -> Result<Met, MeetError> {
    give.send(endpoint.ticket().unwrap()).unwrap();
    let theirs = take.recv().unwrap();
    let (began, wait) = (stopwatch::now(), Ticket::wait(stopwatch::unix()));
    let met = endpoint.meet_timeout(&theirs, wait + PATIENCE)?;
    let mut byte = [7];
    if endpoint.peer_id() > theirs.peer_id() {
        let mut stream = met.connection.open_stream().unwrap();
        stream.write_all(&byte).unwrap();
        stream.read_exact(&mut byte).unwrap();
    } else {
        let mut stream = met.connection.accept_stream().unwrap();
        stream.read_exact(&mut byte).unwrap();
        stream.write_all(&byte).unwrap();
    }
    Ok(Met {
        time: began.elapsed().saturating_sub(wait),
        route: met.connection.route().map_err(MeetError::Failed)?,
        checks: met.path.map_or(0, |(_, report)| report.sent),
        _connection: met.connection,
    })
}

/// Both meet; they may have relays.
fn meet(
    peers: &[Peer; 2],
    any: &str,
    stun: SocketAddr,
    relays: [Option<SocketAddr>; 2],
) -> [Result<Met, MeetError>; 2] {
    let ((to_b, from_a), (to_a, from_b)) = (channel(), channel());
    let part = |peer: &Peer, relay, give: Sender<Ticket>, take: Receiver<Ticket>| {
        peer.host.enter(move || {
            let relays = Option::map(relay, |at| TurnConfig::new(at, "user", "secret"));
            let builder = Endpoint::builder().accept(true).stun([stun]).turn(relays);
            take_part(&builder.bind((any, 0)).unwrap(), &give, &take)
        })
    };
    let [a, b] = peers;
    thread::scope(|scope| {
        let at_a = scope.spawn(|| part(a, relays[0], to_b, from_b));
        let at_b = scope.spawn(|| part(b, relays[1], to_a, from_a));
        [at_a.join().unwrap(), at_b.join().unwrap()]
    })
}

/// Tries a pair; returns its row of the table, and what was wrong.
fn try_pair(
    lab: &Lab,
    number: usize,
    pair: &Pair,
    servers: Servers,
    runs: u16,
) -> (Option<Row>, Vec<String>) {
    let Pair(name, any, accesses, fate) = pair;
    let relays = match fate {
        Fate::Relayed => [servers.relay, None],
        Fate::RelayedTwice => [servers.relay; 2],
        _ => [None; 2],
    };
    if matches!(fate, Fate::Relayed | Fate::RelayedTwice) && servers.relay.is_none() {
        say(&format!("{name}: not run, as coturn is not installed"));
        return (None, Vec::new());
    }
    let sides = [("a", accesses[0]), ("b", accesses[1])];
    let peers = sides.map(|(side, access)| Peer::new(lab, &format!("{number}{side}"), &access));
    let (mut row, mut wrong) = (Row::new(name), Vec::new());
    for _ in 0..runs {
        peers.iter().for_each(Peer::forget);
        let before = peers.each_ref().map(|peer| peer.packets(lab));
        let mut outcome = meet(&peers, any, servers.stun, relays);
        if *fate == Fate::Guessed && outcome.iter().all(is_silence) {
            row.failed();
            peers.iter().for_each(Peer::forget);
            outcome = meet(&peers, any, servers.stun, relays);
        }
        let sent = [0, 1].map(|side: usize| peers[side].packets(lab) - before[side]);
        if !is_as_expected(*fate, &outcome) {
            let flows: Vec<String> =
                peers.iter().flat_map(|peer| &peer.routers).map(|router| router.flows()).collect();
            wrong.push(format!("{name}: {outcome:?}\n{}", flows.join("\n")));
        }
        row.packets(sent.into_iter().max().unwrap_or(0));
        match outcome {
            [Ok(a), Ok(b)] => {
                row.checks(a.checks.max(b.checks).into());
                row.connected(a.time.max(b.time), a.route.relayed || b.route.relayed);
            }
            _ => row.failed(),
        }
    }
    (Some(row), wrong)
}

/// Whether it was asked for.
fn is_chosen(pair: &Pair) -> bool {
    let chosen = std::env::var("SRUDP_LAB_PAIRS");
    chosen.map_or(true, |names| names.split(',').any(|name| pair.0.contains(name.trim())))
}

fn is_as_expected(fate: Fate, outcome: &[Result<Met, MeetError>; 2]) -> bool {
    outcome.iter().all(|outcome| match (fate, outcome) {
        (Fate::Direct | Fate::Guessed, Ok(met)) => !met.route.relayed && !is_ipv6(&met.route),
        (Fate::Direct6, Ok(met)) => !met.route.relayed && is_ipv6(&met.route),
        (Fate::Relayed | Fate::RelayedTwice, Ok(met)) => met.route.relayed,
        (Fate::BothSymmetric, Err(MeetError::NotFound { failure, .. })) => {
            *failure == Failure::BothSymmetric
        }
        _ => false,
    })
}

fn is_silence(outcome: &Result<Met, MeetError>) -> bool {
    matches!(outcome, Err(MeetError::NotFound { failure: Failure::Silence, .. }))
}

fn is_ipv6(route: &Route) -> bool {
    route.remote.ip().to_canonical().is_ipv6()
}

#[test]
fn peers_with_tickets_find_the_direct_path_that_there_is() {
    let Some(lab) = Lab::new() else { return };
    let (server, relay) = (lab.public("server"), lab.public("relay"));
    let (stun, relay) = (servers::own(&server), servers::coturn(&relay));
    let runs = table::runs(RUNS);
    let tried: Vec<_> = thread::scope(|scope| {
        let lab = &lab;
        let servers = Servers { stun: stun.address, relay: relay.as_ref().map(|it| it.address) };
        let tried =
            PAIRS.iter().enumerate().filter(|(_, pair)| is_chosen(pair)).map(|(number, pair)| {
                scope.spawn(move || try_pair(lab, number, pair, servers, runs))
            });
        let tried: Vec<_> = tried.collect();
        tried.into_iter().map(|pair| pair.join().unwrap()).collect()
    });
    let (rows, wrong): (Vec<_>, Vec<_>) = tried.into_iter().unzip();
    table::say(rows.into_iter().flatten());
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What opens the own NAT passes it and goes no further: a router on the way counts it, and the other side's never sees any. So nothing comes
/// in there unasked, and no router takes a flow of the peer's for its own.
#[test]
fn what_opens_the_own_nat_dies_behind_it_and_nothing_arrives_unasked() {
    let Some(lab) = Lab::new() else { return };
    let server = lab.public("server");
    let stun = servers::own(&server);
    let cases = [("homes", [HOME, HOME]), ("racy", [ACCEPT, ACCEPT])];
    thread::scope(|scope| {
        for (name, accesses) in cases {
            let (lab, stun) = (&lab, stun.address);
            scope.spawn(move || {
                let sides = [("a", accesses[0]), ("b", accesses[1])];
                let peers = sides.map(|(side, access)| Peer::new(lab, &format!("{name}{side}"), &access));
                let [a, b] = peers.each_ref().map(|peer| &peer.routers[0]);
                let crossings = [lab.watch(a, b), lab.watch(b, a)];
                let outcome = meet(&peers, V4, stun, [None, None]);
                assert!(is_as_expected(Fate::Direct, &outcome), "{name}: {outcome:?}");
                // Until nobody sends any more.
                thread::sleep(Duration::from_millis(500));
                for crossing in crossings {
                    let (low, full) = (crossing.low(), crossing.full());
                    let (arrived, unasked) = (crossing.arrived(), crossing.unasked());
                    say(&format!(
                        "{name}: {low} of low TTL and {full} others sent, {arrived} arrived, {unasked} of them unasked"
                    ));
                    // Two of the first round at least; nothing is lost here.
                    assert!(low >= 2 && full >= 2, "{name}");
                    assert_eq!((arrived, unasked), (full, 0), "{name}");
                }
            });
        }
    });
}

/// A network without UDP has nothing to tell without a relay: its host says so, instead of handing out a ticket that leads nowhere.
#[test]
fn who_has_no_udp_makes_no_ticket() {
    let Some(lab) = Lab::new() else { return };
    let server = lab.public("server");
    let stun = servers::own(&server);
    let peer = Peer::new(&lab, "blocked", &Access::Behind(Gateway::udp_blocked()));
    let error = peer.host.enter(|| {
        let endpoint = Endpoint::builder().stun([stun.address]).bind((V4, 0)).unwrap();
        endpoint.ticket().unwrap_err()
    });
    say(&format!("without UDP: {error}"));
}
