//! `srudp listen` in a network without UDP and `srudp connect` behind a home router, whom a relay joins over TCP.

use std::fs;
use std::io::{Read, Write};
use std::thread;

use crate::net::{Gateway, Lab, Program};
use crate::peer::{Access, Peer};
use crate::say::say;
use crate::{servers, stopwatch};

/// Much more than waits anywhere on the way.
const SIZE: usize = 20_000_000;

/// Mbit/s, from the first byte to the last.
fn carry(from: &mut Program, to: &mut Program) -> f64 {
    let (mut mouth, mut ear) = (from.stdin(), to.stdout());
    let said: Vec<u8> = (0..SIZE).map(|place| (place * 7 + place / 251) as u8).collect();
    let mut heard = vec![0; SIZE];
    let took = thread::scope(|scope| {
        // Dropped at the end, so that the other side sees the end.
        scope.spawn(|| mouth.write_all(&said).map(|()| drop(mouth)).unwrap());
        ear.read_exact(&mut heard[..1]).unwrap();
        let first = stopwatch::now();
        ear.read_exact(&mut heard[1..]).unwrap();
        first.elapsed()
    });
    assert!(heard == said, "other bytes than those that were sent");
    SIZE as f64 * 8e-6 / took.as_secs_f64()
}

fn talk(lab: &Lab, (number, name): (u8, &str), stun: &str, turn: &str) {
    let silent = Peer::new(lab, &format!("{number}a"), &Access::Behind(Gateway::udp_blocked()));
    let home = Peer::new(lab, &format!("{number}b"), &Access::Behind(Gateway::home()));
    let directory = tempfile::tempdir().unwrap();
    let tickets = directory.path().join("tickets");
    let file = tickets.display().to_string();
    let began = stopwatch::now();
    let mut listener =
        silent.host.srudp(&["listen", "--once", "--turn", turn, "--stun", stun, "--meet", &file]);
    let ticket = listener.line("ticket ");
    let ready = began.elapsed();
    let mut dialler = home.host.srudp(&["connect", "--no-dial", "--stun", stun, &ticket]);
    fs::write(&tickets, dialler.line("ticket ") + "\n").unwrap();
    let (down, up) = (carry(&mut dialler, &mut listener), carry(&mut listener, &mut dialler));
    dialler.end();
    listener.end();
    let ready = ready.as_millis();
    say(&format!(
        "no UDP, {name}: a ticket after {ready} ms, then {down:.0} Mbit/s in, {up:.0} out"
    ));
}

#[test]
fn programs_in_a_network_without_udp_talk_by_a_relay_over_tcp() {
    let Some(lab) = Lab::new() else { return };
    let (server, relay) = (lab.public("server"), lab.public("relay"));
    let stun = servers::own(&server);
    let Some(relay) = servers::coturn(&relay) else {
        return say("not run, as coturn is not installed");
    };
    let (stun, turn) = (stun.address.to_string(), format!("user:secret@{}", relay.address));
    thread::scope(|scope| {
        scope.spawn(|| talk(&lab, (0, "UDP tried first"), &stun, &turn));
        scope.spawn(|| talk(&lab, (1, "TCP alone"), &stun, &format!("{turn}?transport=tcp")));
    });
}
