//! The report about a NAT, by this program's own server.

use std::net::UdpSocket;

use crate::harness::Home;

/// A port that was free a moment ago.
fn free_port(ip: &str) -> u16 {
    UdpSocket::bind((ip, 0)).unwrap().local_addr().unwrap().port()
}

fn report(home: &Home, server: &str) -> serde_json::Value {
    let outcome = home.run(["nat", "--server", server, "--json"]).expect(0);
    serde_json::from_str(outcome.text()).unwrap()
}

#[test]
fn one_server_shows_the_address() {
    let home = Home::new();
    let mut server = home.start(["stun", "serve", "--bind", "127.0.0.1:0"], Vec::new());
    let address = server.line("serving ");
    let found = report(&home, &address);
    assert_eq!(found["seen_as"], found["local"]);
    assert_eq!(found["translated"], false);
    assert_eq!(found["filtering"], serde_json::Value::Null);
    assert_eq!(found["servers"][0]["address"], address);
    let text = home.run(["nat", "--server", &address]).expect(0);
    assert!(text.text().contains("seen as        127.0.0.1:"), "{}", text.text());
    assert!(text.text().contains("Not enough servers answered"));
}

/// Only Linux has all of 127.0.0.0/8 without being told.
#[cfg(target_os = "linux")]
#[test]
fn a_server_with_two_addresses_shows_that_loopback_is_open() {
    let home = Home::new();
    let primary = format!("127.0.0.1:{}", free_port("127.0.0.1"));
    let other = format!("127.0.0.2:{}", free_port("127.0.0.2"));
    let args = ["stun", "serve", "--bind", &primary, "--other", &other];
    let mut server = home.start(args, Vec::new());
    assert_eq!(server.line("serving "), primary);
    for _ in 0..3 {
        server.line("serving ");
    }
    let found = report(&home, &primary);
    assert_eq!(found["kind"], "Public");
    assert_eq!(found["mapping"], "endpoint-independent");
    assert_eq!(found["filtering"], "endpoint-independent");
    assert_eq!(found["servers"][0]["other"], other);
}

#[test]
fn a_server_that_is_not_there_means_that_udp_is_blocked() {
    let home = Home::new();
    let found = report(&home, &format!("127.0.0.1:{}", free_port("127.0.0.1")));
    assert_eq!((&found["blocked"], &found["kind"]), (&true.into(), &"UDP blocked".into()));
    let server = format!("127.0.0.1:{}", free_port("127.0.0.1"));
    let outcome = home.run(["nat", "--server", &server]).expect(0);
    outcome.says(&[&format!("{server} will be asked"), "--server HOST:PORT", "srudp stun serve"]);
}

#[test]
fn the_help_names_the_servers_that_are_asked_without_being_named() {
    let help = Home::new().run(["nat", "--help"]).expect(0);
    for text in ["stun.cloudflare.com:3478", "stun.l.google.com:19302", "nothing else is sent"] {
        assert!(help.text().contains(text), "{text}: {}", help.text());
    }
}

#[test]
fn what_cannot_work_is_said() {
    let home = Home::new();
    home.run(["nat", "--server", "127.0.0.1"]).expect(1).says(&["cannot resolve 127.0.0.1"]);
    let args = ["stun", "serve", "--bind", "127.0.0.1:0", "--other", "127.0.0.1:9"];
    home.run(args).expect(1).says(&["no pair", "two IP addresses"]);
}
