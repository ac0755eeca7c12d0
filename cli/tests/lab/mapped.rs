//! Programs that ask the router for a port, miniupnpd being there, and peers that come by it.

use std::io::Write;

use serde_json::Value;

use crate::conversation::Conversation;
use crate::meeting::{Servers, Way, invite, visit};
use crate::net::{Gateway, Host, Lab, Router};
use crate::ports::{EXTERNAL, miniupnpd, miniupnpd_without_pcp};
use crate::say::say;
use crate::{servers, stopwatch};

/// Whether the router lets anybody in.
fn is_open(router: &Router) -> bool {
    router.ports().contains("dnat")
}

/// A stranger dials what the ticket of this listener tells, through a port that is there until both have ended.
fn talk_by_the_port(listen: &[&str], (host, router): (&Host, &Router), stranger: &Host) {
    let mut listener = host.srudp(listen);
    drop(listener.stdin());
    let began = stopwatch::now();
    let ticket = listener.line("ticket ");
    say(&format!("a ticket with a port of miniupnpd's took {} ms", began.elapsed().as_millis()));
    assert!(is_open(router), "no port was asked for");
    let mut dialler = stranger.srudp(&["connect", &ticket]);
    dialler.stdin().write_all(b"by the port").unwrap();
    dialler.end();
    assert_eq!(listener.end(), "by the port");
    assert!(!is_open(router), "it was not given back");
}

#[test]
fn a_ticket_tells_of_the_routers_port_and_strangers_dial_it_until_it_is_given_back() {
    let Some(lab) = Lab::new() else { return };
    let (stun, stranger) = (servers::own(&lab.public("server")), lab.public("stranger"));
    let (router, host) = lab.site("mapped", &Gateway::home());
    let Some(_daemon) = miniupnpd(&router) else {
        return say("not run: miniupnpd is not installed");
    };
    lab.route(EXTERNAL, &router);
    let stun = stun.address.to_string();
    let listen = ["listen", "--once", "--bind", "0.0.0.0:0", "--stun", &stun];
    talk_by_the_port(&listen, (&host, &router), &stranger);

    let listener = host.srudp(&[&listen[..], &["--no-port-mapping"]].concat());
    listener.line("ticket ");
    assert!(!is_open(&router), "a port was asked for");
}

/// What a router speaks that knows neither PCP nor NAT-PMP takes five exchanges, one of them by multicast.
#[test]
fn a_router_that_speaks_upnp_alone_gives_a_port_as_well() {
    let Some(lab) = Lab::new() else { return };
    let (stun, stranger) = (servers::own(&lab.public("server")), lab.public("stranger"));
    let (router, host) = lab.site("mapped", &Gateway::home());
    let Some(_daemon) = miniupnpd_without_pcp(&router) else {
        return say("not run: miniupnpd is not installed");
    };
    lab.route(EXTERNAL, &router);
    let server = stun.address.to_string();
    let report = host.srudp(&["nat", "--server", &server, "--json"]).end();
    let report: Value = serde_json::from_str(&report).unwrap();
    let spoken = ["pcp", "nat_pmp", "upnp"].map(|it| report["port_mapping"][it].clone());
    assert_eq!(spoken, [false, false, true].map(Value::from), "{report}");
    let listen = ["listen", "--once", "--bind", "0.0.0.0:0", "--stun", &server];
    talk_by_the_port(&listen, (&host, &router), &stranger);
}

#[test]
fn two_symmetric_nats_leave_a_direct_path_if_one_of_them_gives_a_port() {
    let Some(lab) = Lab::new() else { return };
    let stun = servers::own(&lab.public("server"));
    let (router, host) = lab.site("mapped", &Gateway::symmetric());
    let (_, other) = lab.site("plain", &Gateway::symmetric());
    let Some(_daemon) = miniupnpd(&router) else {
        return say("not run: miniupnpd is not installed");
    };
    lab.route(EXTERNAL, &router);
    let servers = Servers { stun: stun.address, relay: None };
    let listener = invite(&host, &["listen"], &servers);
    let dialler = visit(&other, (&["connect"], &[]), &servers, &listener);
    let conversation = Conversation::between([dialler, listener]);
    Way::Direct.wait(conversation.programs());
    conversation.end();
    assert!(!is_open(&router), "it was not given back");
}
