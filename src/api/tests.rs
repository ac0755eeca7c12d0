//! What handles leave behind: nothing.

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use super::*;

#[test]
fn streams_that_are_over_leave_nothing_behind() {
    let listening = Endpoint::builder().accept(true).bind("127.0.0.1:0").unwrap();
    let dialling = Endpoint::builder().bind("127.0.0.1:0").unwrap();
    let connection = dialling.connect(listening.peer_id(), listening.local_addr()).unwrap();
    let accepted = listening.accept().unwrap();
    let serving = thread::spawn(move || {
        for mut stream in accepted.streams() {
            let mut question = Vec::new();
            if stream.read_to_end(&mut question).is_ok() {
                let _ = stream.write_all(&question);
            }
        }
    });
    for _ in 0..500 {
        let mut stream = connection.open_stream().unwrap();
        stream.write_all(b"x").unwrap();
        stream.end().unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
    connection.accept_uni_timeout(Duration::from_millis(1)).unwrap_err();
    assert_eq!(dialling.shared().look(|core| core.remembered()), (0, 0));
    drop(connection);
    serving.join().unwrap();
}
