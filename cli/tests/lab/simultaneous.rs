//! Two peers behind home routers dial each other at the addresses that a STUN server saw: the transport alone, without anything that
//! prepares the way.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use srudp::proto::TransportConfig;
use srudp::{DialError, Endpoint, PeerId};

use crate::net::{Gateway, Host, Input, Lab};
use crate::say::say;
use crate::{reflexive, servers, stopwatch};

const PORT: u16 = 5000;

/// Long enough for six first messages: at 0, 0.5, 1.5, 3.5 and 7.5 s.
const PATIENCE: Duration = Duration::from_secs(8);

fn endpoint(host: &Host) -> Endpoint {
    let transport = TransportConfig::default().handshake_timeout(PATIENCE);
    let builder = Endpoint::builder().accept(true).transport(transport);
    host.enter(|| builder.bind(("0.0.0.0", PORT))).unwrap()
}

/// Dials, and exchanges a byte: the larger peer id sends it and the other one returns it. Returns how long that took.
fn dial(own: &Endpoint, peer: PeerId, address: SocketAddr) -> Result<Duration, DialError> {
    let began = stopwatch::now();
    let connection = own.connect(peer, address)?;
    let mut byte = [7];
    if own.peer_id() > peer {
        let mut stream = connection.open_stream().unwrap();
        stream.write_all(&byte).unwrap();
        stream.read_exact(&mut byte).unwrap();
    } else {
        let mut stream = connection.accept_stream().unwrap();
        stream.read_exact(&mut byte).unwrap();
        stream.write_all(&byte).unwrap();
        stream.finish().unwrap();
    }
    Ok(began.elapsed())
}

/// Both dial, the second one so much later. `Err` if either finds nobody.
fn punch(hosts: [&Host; 2], server: SocketAddr, late: Duration) -> Result<Duration, DialError> {
    let addresses = hosts.map(|host| reflexive::address(host, PORT, server));
    let [a, b] = hosts.map(endpoint);
    let (at_a, at_b) = thread::scope(|scope| {
        let at_a = scope.spawn(|| dial(&a, b.peer_id(), addresses[1]));
        let at_b = scope.spawn(|| {
            thread::sleep(late);
            dial(&b, a.peer_id(), addresses[0])
        });
        (at_a.join().unwrap(), at_b.join().unwrap())
    });
    Ok(at_a?.max(at_b?))
}

/// With routers that drop or reject what nobody asked for, whoever comes late finds the other one waiting. With routers that take it, the
/// early message has cost the late side its port: its messages come from where nobody lets them in, and it stays so however often both
/// repeat themselves. Somebody has to prepare the way.
#[test]
fn home_to_home_works_unless_routers_take_what_nobody_asked_for() {
    let Some(lab) = Lab::new() else { return };
    let server = lab.public("server");
    let stun = servers::own(&server);
    let late = Duration::from_millis(100);
    let cases = [Input::Drop, Input::Reject, Input::Accept];
    thread::scope(|scope| {
        for input in cases {
            let (lab, stun) = (&lab, stun.address);
            scope.spawn(move || {
                let name = format!("{input:?}").to_lowercase();
                let gateway = Gateway::home().input(input);
                let (_, a) = lab.site(&format!("{name}-a"), &gateway);
                let (late_router, b) = lab.site(&format!("{name}-b"), &gateway);
                let result = punch([&a, &b], stun, late);
                let outcome = match &result {
                    Ok(time) => format!("{} ms", time.as_millis()),
                    Err(error) => format!("failed: {error}"),
                };
                say(&format!("home x home, routers {name}, the second 100 ms later: {outcome}"));
                assert_eq!(result.is_err(), input == Input::Accept, "{}", late_router.flows());
            });
        }
    });
}
