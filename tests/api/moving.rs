//! The address changes under a running transfer.

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use crate::pair::{Pair, in_time, pattern};

#[test]
fn a_transfer_survives_new_sockets_on_both_sides() {
    in_time(|| {
        let pair = Pair::new();
        let data = pattern(24 << 20);
        let mut sender = pair.dialler.open_uni().unwrap();
        let (expected, listener) = (data.clone(), pair.listener.clone());
        let reading = thread::spawn(move || {
            let mut received = Vec::new();
            listener.accept_uni().unwrap().read_to_end(&mut received).unwrap();
            assert!(received == expected);
        });
        let writing = thread::spawn(move || {
            for piece in data.chunks(1 << 20) {
                sender.write_all(piece).unwrap();
                thread::sleep(Duration::from_millis(5));
            }
            sender.finish().unwrap();
        });
        thread::sleep(Duration::from_millis(20));
        let before = pair.dialling.local_addr();
        pair.dialling.rebind("127.0.0.1:0").unwrap();
        let after = pair.dialling.local_addr();
        assert_ne!(before, after);
        while pair.listener.remote_addr().unwrap() != after {
            thread::sleep(Duration::from_millis(1));
        }
        writing.join().unwrap();
        reading.join().unwrap();
    });
}

#[test]
fn a_failed_rebind_leaves_the_old_socket() {
    let pair = Pair::new();
    let before = pair.dialling.local_addr();
    pair.dialling.rebind(pair.listening.local_addr()).unwrap_err();
    assert_eq!(pair.dialling.local_addr(), before);
    let mut sender = pair.dialler.open_uni().unwrap();
    sender.write_all(b"x").unwrap();
    sender.finish().unwrap();
}
