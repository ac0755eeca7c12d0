//! Either side is killed in the middle, and the next attempt goes on from there.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use super::{large, partial, receiver, send, side};

/// Long enough to be killed in the middle of it.
const LENGTH: usize = 96 << 20;

/// So many bytes are there when somebody is killed.
const MIDDLE: u64 = 4 << 20;

#[test]
fn a_sender_that_was_killed_resumes_when_it_is_started_again() {
    let (ours, theirs) = (side(), side());
    let content = large(LENGTH);
    fs::write(ours.path("x"), &content).unwrap();
    let (_receiver, target) = receiver(&theirs, &[]);
    let mut sender = ours.start(["send", &target, "x"], Vec::new());
    partial(&theirs, MIDDLE);
    sender.kill();
    drop(sender);
    // The receiver has not noticed: the new connection takes over from the dead one.
    send(&ours, &target, &["x"]).expect(0).says(&["resuming x at "]);
    assert!(fs::read(theirs.path("in/x")).unwrap() == content);
}

#[test]
fn a_sender_goes_on_by_itself_when_the_receiver_was_killed() {
    let (ours, theirs) = (side(), side());
    let content = large(LENGTH);
    fs::write(ours.path("x"), &content).unwrap();
    let (mut killed, target) = receiver(&theirs, &[]);
    let sender = ours.start(["send", &target, "x"], Vec::new());
    partial(&theirs, MIDDLE);
    killed.kill();
    drop(killed);
    let address = target.split_once('@').unwrap().1;
    let arguments = ["receive", "--dir", "in", "--bind", address, "--once"];
    let again = theirs.start(arguments, Vec::new());
    sender.end().expect(0).says(&["resuming x at "]);
    again.end().expect(0).says(&["resuming x at "]);
    assert!(fs::read(theirs.path("in/x")).unwrap() == content);
}

#[test]
fn without_retries_the_sender_says_that_the_connection_broke() {
    let (ours, theirs) = (side(), side());
    fs::write(ours.path("x"), large(LENGTH)).unwrap();
    let (mut killed, target) = receiver(&theirs, &[]);
    let arguments = ["send", "--retry", "0", "--idle-timeout", "3", &target, "x"];
    let sender = ours.start(arguments, Vec::new());
    partial(&theirs, MIDDLE);
    killed.kill();
    sender.end().expect(5).says(&["the connection broke"]);
}

#[test]
fn a_damaged_prefix_is_not_resumed() {
    let (ours, theirs) = (side(), side());
    let content = large(LENGTH);
    fs::write(ours.path("x"), &content).unwrap();
    let (mut killed, target) = receiver(&theirs, &[]);
    let mut sender = ours.start(["send", &target, "x"], Vec::new());
    let file = partial(&theirs, MIDDLE);
    sender.kill();
    killed.kill();
    drop((sender, killed));
    let mut damaged = fs::read(&file).unwrap();
    damaged[1000] ^= 1;
    fs::write(&file, damaged).unwrap();
    let (_receiver, target) = receiver(&theirs, &[]);
    let outcome = send(&ours, &target, &["x"]).expect(0);
    assert!(!outcome.stderr.contains("resuming"), "{}", outcome.stderr);
    assert!(fs::read(theirs.path("in/x")).unwrap() == content);
}

/// Both sides lose the connection, and have nothing but each other's tickets: neither is dialled by an address.
#[test]
fn peers_that_met_by_tickets_meet_again_after_a_break_and_go_on() {
    let (ours, theirs) = (side(), side());
    let content = large(LENGTH);
    fs::write(ours.path("x"), &content).unwrap();
    let tickets = theirs.path("tickets").display().to_string();
    let impatient = ["--idle-timeout", "2", "--bind", "127.0.0.1:0"];
    let receive = ["receive", "--once", "--dir", "in", "--meet", &tickets];
    let mut receiver = theirs.start([&receive[..], &impatient].concat(), Vec::new());
    let ticket = receiver.line("ticket ");
    let send = ["send", "--no-dial", "--retry", "60", &ticket, "x"];
    let mut sender = ours.start([&send[..], &impatient].concat(), Vec::new());
    fs::write(&tickets, format!("ticket {}\n", sender.line("ticket "))).unwrap();
    partial(&theirs, MIDDLE);
    let signal = |name: &str| {
        let id = sender.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    };
    signal("-STOP");
    thread::sleep(Duration::from_secs(4));
    signal("-CONT");
    sender.end().expect(0).says(&["trying again", "resuming x at "]);
    receiver.end().expect(0).says(&["looking for", "resuming x at "]);
    assert!(fs::read(theirs.path("in/x")).unwrap() == content);
}
