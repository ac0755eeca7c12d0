//! Tickets: `listen`, `connect`, `receive` and `send` without an address.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::harness::{Home, Running, noise};

/// A listener on loopback that prints a ticket and reads those of others from `tickets`.
fn inviting(home: &Home, args: &[&str], stdin: Vec<u8>) -> (Running, String) {
    let tickets = home.path("tickets").display().to_string();
    let args = [args, &["--bind", "127.0.0.1:0", "--meet", &tickets]].concat();
    let mut listener = home.start(args, stdin);
    let ticket = listener.line("ticket ");
    (listener, ticket)
}

#[test]
fn a_ticket_is_enough_where_its_address_lets_everybody_in() {
    let home = Home::new();
    let (listener, ticket) = inviting(&home, &["listen", "--once"], b"answer".to_vec());
    assert!(ticket.starts_with("srudp:"), "{ticket}");
    let dialler = home.start(["connect", &ticket], b"question".to_vec()).end().expect(0);
    assert_eq!(dialler.stdout, b"answer");
    assert_eq!(listener.end().expect(0).stdout, b"question");
}

#[test]
fn a_peer_that_cannot_dial_is_met_with_the_tickets_of_both() {
    let home = Home::new();
    let (up, down) = (noise(1_000_001, 1), noise(2_000_003, 2));
    let (listener, ticket) = inviting(&home, &["listen", "-v", "--once"], down.clone());
    let mut dialler = home.start(["connect", "-v", "--no-dial", &ticket], up.clone());
    let theirs = dialler.line("ticket ");
    fs::write(home.path("tickets"), format!("ticket {theirs}\n")).unwrap();
    let dialler = dialler.end().expect(0);
    let listener = listener.end().expect(0).says(&["looking for"]);
    assert!(dialler.stdout == down && listener.stdout == up);
}

#[test]
fn files_are_sent_to_a_ticket() {
    let home = Home::new();
    fs::write(home.path("photo"), noise(100_001, 3)).unwrap();
    let inbox = home.path("inbox").display().to_string();
    let (receiver, ticket) = inviting(&home, &["receive", "--once", "--dir", &inbox], Vec::new());
    home.run(["send", &ticket, "photo"]).expect(0);
    receiver.end().expect(0);
    assert!(fs::read(home.path("inbox").join("photo")).unwrap() == noise(100_001, 3));
}

#[test]
fn a_server_tells_how_this_side_is_seen() {
    let home = Home::new();
    let mut server = home.start(["stun", "serve", "--bind", "127.0.0.1:0"], Vec::new());
    let address = server.line("serving ");
    let (listener, ticket) =
        inviting(&home, &["listen", "--once", "--stun", &address], b"hello".to_vec());
    let heard = home.start(["connect", &ticket], Vec::new()).end().expect(0);
    assert_eq!(heard.stdout, b"hello");
    listener.end().expect(0);
    server.kill();
}

#[test]
fn what_is_wrong_with_a_ticket_is_said_with_the_way_out() {
    let home = Home::new();
    let (mut listener, ticket) = inviting(&home, &["listen"], Vec::new());
    let cut = &ticket[..ticket.len() - 9];
    home.run(["connect", cut]).expect(2).says(&["copy the text again"]);
    home.run(["perf", "client", "--handshakes", &ticket]).expect(1).says(&["needs an address"]);
    home.run(["connect", "--stun", "stun.example.net", &ticket]).expect(2).says(&[":3478"]);
    fs::write(home.path("tickets"), "nonsense\n").unwrap();
    thread::sleep(Duration::from_millis(600));
    listener.kill();
    listener.end().says(&["tickets: a ticket begins with"]);
}

#[test]
fn silent_servers_are_named() {
    let home = Home::new();
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let args = ["listen", "--bind", "127.0.0.1:0", "--stun", &address];
    home.run(args).expect(1).says(&["no STUN server answered", "check their addresses"]);
    home.run(["listen", "--turn", "user@192.0.2.1:3478"]).expect(2).says(&["USER:PASSWORD"]);
}
