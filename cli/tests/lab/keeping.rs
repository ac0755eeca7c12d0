//! A connection through a router that forgets soon is kept alive often enough, once it was measured how soon that is, and also after the router
//! has forgotten everything.

use std::net::SocketAddr;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use srudp::{Connection, Endpoint, Ticket};

use crate::net::{Gateway, Host, Lab};
use crate::say::say;
use crate::{servers, stopwatch};

/// Seconds that the router remembers a flow of which it has seen no more than one keep-alive and its answer: less than the 15 s between
/// keep-alives where nothing is known.
const LIFETIME: u32 = 8;

/// The same of a flow that has gone on for some time.
const LIFETIME_LATER: u32 = 120;

/// Until it is known that 7 s are survived, and 14 s are not.
const MEASURED: Duration = Duration::from_secs(90);

/// How long the router is watched then.
const WATCHED: Duration = Duration::from_secs(20);

const PATIENCE: Duration = Duration::from_secs(30);

/// Meets, and keeps the connection for as long as it takes.
fn meet(
    host: &Host,
    stun: SocketAddr,
    exchange: impl FnOnce(Ticket) -> Ticket + Send,
) -> (Endpoint, Connection) {
    host.enter(|| {
        let builder = Endpoint::builder().accept(true).stun([stun]).measure_nat(true);
        let endpoint = builder.bind("0.0.0.0:0").unwrap();
        let theirs = exchange(endpoint.ticket().unwrap());
        let met = endpoint.meet_timeout(&theirs, PATIENCE).unwrap();
        (endpoint, met.connection)
    })
}

#[test]
fn where_mappings_are_short_lived_the_router_may_forget_one_and_it_is_kept_from_then_on() {
    let Some(lab) = Lab::new() else { return };
    let stun = servers::own(&lab.public("server"));
    let (router, forgetful) =
        lab.site("forgetful", &Gateway::home().timeouts(LIFETIME, LIFETIME_LATER));
    let (other_router, other) = lab.site("other", &Gateway::home());
    let ((to_b, from_a), (to_a, from_b)) = (channel(), channel());
    let pairs = [(&forgetful, to_b, from_b), (&other, to_a, from_a)];
    let kept: Vec<_> = thread::scope(|scope| {
        let sides = pairs.map(|(host, give, take)| {
            scope.spawn(move || {
                meet(host, stun.address, move |ours| {
                    give.send(ours).unwrap();
                    take.recv().unwrap()
                })
            })
        });
        sides.map(|side| side.join().unwrap()).into()
    });
    thread::sleep(MEASURED);
    router.reboot();
    // The longest time between keep-alives for that lifetime.
    thread::sleep(Duration::from_secs(u64::from(LIFETIME)));
    let peer = format!("dst={}", other_router.external());
    let begin = stopwatch::now();
    while begin.elapsed() < WATCHED {
        let flows = router.flows();
        assert!(flows.contains(&peer), "it was forgotten after {:?}: {flows}", begin.elapsed());
        thread::sleep(Duration::from_millis(500));
    }
    assert!(kept.iter().all(|(_, connection)| connection.open_stream().is_ok()));
    say(&format!(
        "mappings of {LIFETIME} s: one was there again after {LIFETIME} s, and stayed for {} s",
        WATCHED.as_secs()
    ));
}
