//! A pipe over a link that is bad, that is cut, or whose other end is frozen: all arrives, or an error says that it did not.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use crate::harness::{Home, Running, noise};
use crate::link::Link;

/// A listener, and a link with these options in front of it; the text is where to dial.
fn behind_a_link(home: &Home, arguments: &[&str], options: &str) -> (Running, Link, String) {
    let (listener, target) = home.listen(arguments, Vec::new());
    let (peer, address) = target.split_once('@').unwrap();
    let link = Link::start(address.parse::<SocketAddr>().unwrap(), options);
    let target = format!("{peer}@{}", link.listen);
    (listener, link, target)
}

#[test]
fn everything_arrives_through_losses_reordering_duplicates_corruption_and_rebinds() {
    let home = Home::new();
    let content = noise(8 << 20, 1);
    let bad =
        "--delay 2 --loss 5 --reorder 2 --duplicate 1 --corrupt 0.1 --mtu 1500 --rebind-every 0.5";
    let (listener, _link, target) = behind_a_link(&home, &["listen", "--once"], bad);
    home.start(["connect", &target], content.clone()).end().expect(0);
    assert!(listener.end().expect(0).stdout == content);
}

#[test]
fn a_link_that_is_cut_is_an_error_on_both_sides() {
    let home = Home::new();
    let idle = ["--idle-timeout", "1.5"];
    let listen = [["listen", "--once"], idle].concat();
    let (listener, link, target) = behind_a_link(&home, &listen, "--delay 5");
    let connect = [&["connect", &target], idle.as_slice()].concat();
    let mut dialler = Running::spawn(&mut home.command(connect));
    let mut stdin = dialler.take_stdin();
    stdin.write_all(b"half a sent").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    drop(link);
    dialler.end().expect(5).says(&["nothing heard from the peer"]);
    let listener = listener.end().expect(5).says(&["nothing heard from the peer"]);
    assert_eq!(listener.stdout, b"half a sent");
}

#[test]
fn a_frozen_peer_is_an_error_and_learns_of_it_when_it_thaws() {
    let home = Home::new();
    let signal = |name: &str, running: &Running| {
        let id = running.id().to_string();
        assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
    };
    let mut command = home.command(["listen", "--once", "--bind", "127.0.0.1:0"]);
    let mut listener = Running::spawn(&mut command);
    let target = listener.target();
    let mut dialler =
        Running::spawn(&mut home.command(["connect", "--idle-timeout", "1.5", &target]));
    let mut stdin = dialler.take_stdin();
    stdin.write_all(b"anybody there?").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    signal("-STOP", &listener);
    dialler.end().expect(5).says(&["nothing heard from the peer"]);
    signal("-CONT", &listener);
    listener.end().expect(5).says(&["the pipe broke"]);
}
