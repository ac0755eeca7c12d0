//! `listen` and `connect`.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use crate::harness::{Home, Running, noise};

#[test]
fn both_directions_arrive_whole() {
    let home = Home::new();
    let (up, down) = (noise(3_000_001, 1), noise(5_000_003, 2));
    let (listener, target) = home.listen(&["listen", "--once"], down.clone());
    let dialler = home.start(["connect", &target], up.clone()).end().expect(0);
    let listener = listener.end().expect(0);
    assert!(dialler.stdout == down, "what the dialler read is not what the listener sent");
    assert!(listener.stdout == up, "what the listener read is not what the dialler sent");
}

#[test]
fn nothing_at_all_is_exchanged_well() {
    let home = Home::new();
    let (listener, target) = home.listen(&["listen", "--once"], Vec::new());
    home.run(["connect", &target]).expect(0);
    assert_eq!(listener.end().expect(0).stdout, b"");
}

#[test]
fn the_end_of_stdin_leaves_the_other_direction_open() {
    let home = Home::new();
    let mut listener =
        Running::spawn(&mut home.command(["listen", "--once", "--bind", "127.0.0.1:0"]));
    let target = listener.target();
    let mut answer = listener.take_stdin();
    let dialler = home.start(["connect", &target], b"question".to_vec());
    // The dialler's direction is over long before the listener has an answer.
    std::thread::sleep(Duration::from_millis(300));
    answer.write_all(b"answer").unwrap();
    drop(answer);
    assert_eq!(dialler.end().expect(0).stdout, b"answer");
    assert_eq!(listener.end().expect(0).stdout, b"question");
}

#[test]
fn a_listener_may_speak_first() {
    let home = Home::new();
    let (listener, target) = home.listen(&["listen", "--once"], b"hello".to_vec());
    let mut command = home.command(["connect", &target]);
    let mut child = command.spawn().unwrap();
    let mut greeting = [0; 5];
    child.stdout.as_mut().unwrap().read_exact(&mut greeting).unwrap();
    assert_eq!(&greeting, b"hello");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    listener.end().expect(0);
}

#[test]
fn a_listener_serves_one_connection_after_another() {
    let home = Home::new();
    let (mut listener, target) = home.listen(&["listen"], Vec::new());
    for text in ["one ", "two ", "three"] {
        home.start(["connect", &target], text.into()).end().expect(0);
    }
    // The last close has reached the dialler; what it sent was acknowledged, and is on its way to stdout.
    std::thread::sleep(Duration::from_millis(300));
    listener.kill();
    assert_eq!(listener.end().stdout, b"one two three");
}

#[test]
fn the_death_of_a_peer_is_noticed_within_the_idle_timeout() {
    let home = Home::new();
    let mut listener =
        Running::spawn(&mut home.command(["listen", "--once", "--bind", "127.0.0.1:0"]));
    let target = listener.target();
    let mut dialler =
        Running::spawn(&mut home.command(["connect", "--idle-timeout", "1.5", &target]));
    let mut stdin = dialler.take_stdin();
    stdin.write_all(b"anybody there?").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    listener.kill();
    let killed = now();
    dialler.end().expect(5).says(&["the pipe broke", "nothing heard from the peer"]);
    // Twice the timeout: a busy machine is slow, not broken.
    assert!(now().duration_since(killed) < Duration::from_secs(10));
}

#[test]
fn a_listener_notices_the_death_of_a_dialler_too() {
    let home = Home::new();
    let (listener, target) =
        home.listen(&["listen", "--once", "--idle-timeout", "1.5"], Vec::new());
    let mut dialler = Running::spawn(&mut home.command(["connect", &target]));
    let mut stdin = dialler.take_stdin();
    stdin.write_all(b"half a sent").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    dialler.kill();
    let listener = listener.end().expect(5).says(&["nothing heard"]);
    assert_eq!(listener.stdout, b"half a sent");
}

#[test]
fn a_connect_whose_reader_goes_away_ends_quietly() {
    let home = Home::new();
    let (listener, target) = home.listen(&["listen", "--once"], noise(20_000_000, 3));
    let mut child = home.command(["connect", &target]).spawn().unwrap();
    let stdin = child.stdin.take();
    child.stdout.take().unwrap().read_exact(&mut [0; 100]).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    drop(stdin);
    listener.end().expect(5).says(&["a side of the pipe is gone"]);
}

#[expect(
    clippy::disallowed_methods,
    reason = "a program that hangs has to be told from one that ends"
)]
fn now() -> Instant {
    Instant::now()
}
