//! Who waits reads the socket; who does not wait loses nothing; who waits beside another is not forgotten.

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use srudp::{ApplicationCode, Connection, Stream};

use crate::pair::{Pair, in_time};

#[test]
fn what_comes_while_nobody_waits_is_received_all_the_same() {
    in_time(|| {
        let pair = Pair::new();
        let before = pair.dialler.stats().bytes_received;
        let mut stream = pair.listener.open_uni().unwrap();
        stream.write_all(&[0; 100_000]).unwrap();
        // Nobody waits at the dialling side: acknowledgements come from its worker.
        stream.finish().unwrap();
        assert!(pair.dialler.stats().bytes_received >= before + 100_000);
    });
}

const ROUNDS: usize = 300;

fn ask(connection: &Connection, pause: Duration) {
    let mut stream = connection.open_stream().unwrap();
    for _ in 0..ROUNDS {
        stream.write_all(&[7; 64]).unwrap();
        stream.read_exact(&mut [0; 64]).unwrap();
        thread::sleep(pause);
    }
}

fn answer(mut stream: Stream) {
    let mut question = [0; 64];
    while stream.read_exact(&mut question).is_ok() {
        stream.write_all(&question).unwrap();
    }
}

#[test]
fn threads_come_and_go_at_the_socket_and_none_is_forgotten() {
    in_time(|| {
        let pair = Pair::new();
        let server = pair.listener.clone();
        let serving = thread::spawn(move || {
            for stream in server.streams() {
                thread::spawn(move || answer(stream));
            }
        });
        // The last to come waits all the time, mostly at the socket; the others ask, some with time to spare.
        let waiting = pair.dialler.clone();
        let waiter = thread::spawn(move || waiting.closed());
        thread::scope(|scope| {
            for pause in [0, 0, 1] {
                let connection = &pair.dialler;
                scope.spawn(move || ask(connection, Duration::from_millis(pause)));
            }
        });
        pair.dialler.close(ApplicationCode::ZERO, b"").unwrap();
        waiter.join().unwrap();
        serving.join().unwrap();
    });
}

#[test]
fn a_thread_that_waits_at_the_socket_follows_the_endpoint_to_a_new_one() {
    in_time(|| {
        let pair = Pair::new();
        let (mut ours, asking) = (pair.dialler.open_stream().unwrap(), pair.dialling.clone());
        ours.write_all(b"?").unwrap();
        let mut theirs = pair.listener.accept_stream().unwrap();
        let reader = thread::spawn(move || {
            let mut answer = [0; 5];
            ours.read_exact(&mut answer).map(|()| answer)
        });
        thread::sleep(Duration::from_millis(50));
        asking.rebind("127.0.0.1:0").unwrap();
        thread::sleep(Duration::from_millis(50));
        theirs.write_all(b"moved").unwrap();
        assert_eq!(&reader.join().unwrap().unwrap(), b"moved");
    });
}
