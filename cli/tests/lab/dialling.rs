//! Two peers dial each other at the addresses that a STUN server saw: the transport alone, without anything that prepares the way.

use std::error::Error;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use srudp::proto::TransportConfig;
use srudp::{Connection, Endpoint, PeerId};

use crate::net::{Gateway, Host, Input, Lab};
use crate::peer::{Access, Peer, Runs};
use crate::say::say;
use crate::{reflexive, servers, stopwatch};

const PORT: u16 = 5000;

/// Long enough for five first messages: at 0, 0.5, 1.5, 3.5 and 7.5 s.
const PATIENCE: Duration = Duration::from_secs(8);

/// How much later than the first the second peer dials.
const LATE: Duration = Duration::from_millis(100);

type Failure = Box<dyn Error + Send + Sync>;

type Outcome = Result<Duration, Failure>;

fn endpoint(host: &Host, any: &str, port: u16) -> Endpoint {
    let transport = TransportConfig::default().handshake_timeout(PATIENCE).idle_timeout(PATIENCE);
    host.bind(|| Endpoint::builder().accept(true).transport(transport.clone()).bind((any, port)))
}

/// Dials, and exchanges a byte: the larger peer id sends it and the other one returns it. Returns how long that took, and the
/// connection, which the other one may still need.
fn dial(
    own: &Endpoint,
    peer: PeerId,
    address: SocketAddr,
) -> Result<(Duration, Connection), Failure> {
    let began = stopwatch::now();
    let connection = own.connect(peer, address)?;
    let mut byte = [7];
    if own.peer_id() > peer {
        let mut stream = connection.open_stream()?;
        stream.write_all(&byte)?;
        stream.read_exact(&mut byte)?;
    } else {
        let mut stream = connection.accept_stream()?;
        stream.read_exact(&mut byte)?;
        stream.write_all(&byte)?;
    }
    Ok((began.elapsed(), connection))
}

/// Both dial, the second one so much later. Fails if either finds nobody.
fn meet(endpoints: &[Endpoint; 2], addresses: [SocketAddr; 2], late: Duration) -> Outcome {
    let [a, b] = endpoints;
    let (at_a, at_b) = thread::scope(|scope| {
        let at_a = scope.spawn(|| dial(a, b.peer_id(), addresses[1]));
        let at_b = scope.spawn(|| {
            thread::sleep(late);
            dial(b, a.peer_id(), addresses[0])
        });
        (at_a.join().unwrap(), at_b.join().unwrap())
    });
    let ((time_a, _a), (time_b, _b)) = (at_a?, at_b?);
    Ok(time_a.max(time_b))
}

/// By IPv4, at the addresses that the server sees.
fn meet_v4(peers: &[Peer; 2], server: SocketAddr, port: u16, late: Duration) -> Outcome {
    let hosts = [&peers[0].host, &peers[1].host];
    let addresses = hosts.map(|host| reflexive::address(host, port, server));
    meet(&hosts.map(|host| endpoint(host, "0.0.0.0", port)), addresses, late)
}

/// What this is worth without help: the pairs of kinds, and whether they find each other if one is 100 ms late.
///
/// Where a router takes what nobody asked for, the early message has cost the late side its port: its messages come from where nobody lets
/// them in, and it stays so however often both repeat themselves.
const PAIRS: &[(&str, Access, Access, bool)] = &[
    ("home x home", HOME, HOME, true),
    ("home x home, both reject", REJECT, REJECT, true),
    ("home x home, both accept", ACCEPT, ACCEPT, false),
    ("accept x home: the early one accepts", ACCEPT, HOME, true),
    ("home x accept: the late one accepts", HOME, ACCEPT, false),
    ("home x carrier", HOME, CARRIER, true),
    ("carrier x carrier", CARRIER, CARRIER, true),
    ("public x symmetric", Access::Public, SYMMETRIC, true),
    ("full cone x symmetric", CONE, SYMMETRIC, true),
    ("restricted x symmetric", RESTRICTED, SYMMETRIC, true),
    ("home x symmetric", HOME, SYMMETRIC, false),
    ("symmetric x symmetric", SYMMETRIC, SYMMETRIC, false),
];

const HOME: Access = Access::Behind(Gateway::home());
const REJECT: Access = Access::Behind(Gateway::home().input(Input::Reject));
const ACCEPT: Access = Access::Behind(Gateway::home().input(Input::Accept));
const CONE: Access = Access::Behind(Gateway::full_cone());
const RESTRICTED: Access = Access::Behind(Gateway::restricted_cone());
const SYMMETRIC: Access = Access::Behind(Gateway::symmetric());
const CARRIER: Access =
    Access::Carrier { home: Gateway::home(), carrier: Gateway::home().carrier() };

#[test]
fn the_transport_alone_connects_these_pairs_and_no_others() {
    let Some(lab) = Lab::new() else { return };
    let server = lab.public("server");
    let stun = servers::own(&server);
    let problems: Vec<String> = thread::scope(|scope| {
        let tried = PAIRS.iter().enumerate().map(|(number, (name, a, b, expected))| {
            let (lab, stun) = (&lab, stun.address);
            scope.spawn(move || {
                let peers = [("a", a), ("b", b)]
                    .map(|(side, access)| Peer::new(lab, &format!("{number}{side}"), access));
                let outcome = meet_v4(&peers, stun, PORT, LATE);
                let text = match &outcome {
                    Ok(time) => format!("{} ms", time.as_millis()),
                    Err(_) => "not connected".to_owned(),
                };
                say(&format!("{name}: {text}"));
                let flows: Vec<String> =
                    peers.iter().flat_map(|peer| &peer.routers).map(|r| r.flows()).collect();
                let wrong = outcome.is_ok() != *expected;
                wrong.then(|| format!("{name}: {outcome:?}\n{}", flows.join("\n")))
            })
        });
        let tried: Vec<_> = tried.collect();
        tried.into_iter().filter_map(|pair| pair.join().unwrap()).collect()
    });
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn two_homes_find_each_other_every_time() {
    let Some(lab) = Lab::new() else { return };
    let server = lab.public("server");
    let stun = servers::own(&server);
    let peers = ["a", "b"].map(|name| Peer::new(&lab, name, &HOME));
    let before = peers[0].packets(&lab);
    let runs = Runs::of(20, |number| {
        peers.iter().for_each(Peer::forget);
        meet_v4(&peers, stun.address, PORT + number, Duration::ZERO).ok()
    });
    runs.say("home x home, at once, by the transport alone");
    let packets = peers[0].packets(&lab) - before;
    say(&format!("one side sent {packets} packets for that, questions and closing included"));
    assert!(runs.all_succeeded(), "{runs:?}");
}

#[test]
fn two_ipv6_firewalls_open_for_each_other() {
    let Some(lab) = Lab::new() else { return };
    let peers = ["a", "b"].map(|name| Peer::new(&lab, name, &HOME));
    let runs = Runs::of(20, |number| {
        peers.iter().for_each(Peer::forget);
        let (hosts, port) = ([&peers[0].host, &peers[1].host], PORT + number);
        let endpoints = hosts.map(|host| endpoint(host, "::", port));
        meet(&endpoints, hosts.map(|host| host.at_v6(port)), Duration::ZERO).ok()
    });
    runs.say("IPv6 firewalls, at once, by the transport alone");
    assert!(runs.all_succeeded(), "{runs:?}");
}
