//! The blocking interface over real loopback sockets.

#[path = "api/pair.rs"]
mod pair;

use std::io::{Read, Write};

use pair::Pair;

#[test]
fn what_one_side_writes_the_other_reads_in_both_directions() {
    let pair = Pair::new();
    let mut ours = pair.dialler.open_stream().unwrap();
    ours.write_all(b"ping").unwrap();
    let mut theirs = pair.listener.accept_stream().unwrap();
    let mut buffer = [0; 4];
    theirs.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"ping");
    theirs.write_all(b"pong").unwrap();
    theirs.finish().unwrap();
    let mut answer = Vec::new();
    ours.read_to_end(&mut answer).unwrap();
    assert_eq!(answer, b"pong");
}
