//! Many of everything.

use std::io::{self, Read, Write};
use std::thread;
use std::time::Duration;

use srudp::{ApplicationCode, Connection, Endpoint, TransportConfig};

use crate::pair::{Pair, dialler, in_time, listener, pattern};

/// Has the data echoed by the peer.
fn ask(connection: &Connection, data: &[u8]) {
    let stream = connection.open_stream().unwrap();
    let mut received = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            (&stream).write_all(data).unwrap();
            stream.end().unwrap();
        });
        (&stream).read_to_end(&mut received).unwrap();
    });
    assert!(received == data);
}

#[test]
fn many_threads_share_a_connection() {
    in_time(|| {
        let pair = Pair::new();
        let server = pair.listener.clone();
        let serving = thread::spawn(move || {
            let echo = |stream: srudp::Stream| {
                io::copy(&mut &stream, &mut &stream).unwrap();
                stream.finish().unwrap();
            };
            let threads: Vec<_> = server
                .streams()
                .take(16)
                .map(|stream| thread::spawn(move || echo(stream)))
                .collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
        thread::scope(|scope| {
            for index in 0..16 {
                let connection = &pair.dialler;
                scope.spawn(move || ask(connection, &pattern(200_000 + index)));
            }
        });
        serving.join().unwrap();
    });
}

/// So many in each of so many threads.
const ACCEPTED: usize = 16;

/// Some give up in between and come back.
fn accept_some(listening: &Endpoint, patience: Duration) {
    let mut accepted = 0;
    while accepted < ACCEPTED {
        if let Ok(connection) = listening.accept_timeout(patience) {
            connection.closed();
            accepted += 1;
        }
    }
}

fn dial_some(dialling: &Endpoint, listening: &Endpoint) {
    for _ in 0..ACCEPTED {
        let connection = dialling.connect(listening.peer_id(), listening.local_addr()).unwrap();
        connection.close_now(ApplicationCode::ZERO, b"");
    }
}

#[test]
fn many_threads_wait_to_accept_and_none_is_forgotten() {
    in_time(|| {
        let (listening, dialling) =
            (&listener(TransportConfig::default()), &dialler(TransportConfig::default()));
        thread::scope(|scope| {
            for index in 0..16 {
                let patience = [1, 3, 60_000][index % 3];
                scope.spawn(move || accept_some(listening, Duration::from_millis(patience)));
                scope.spawn(|| dial_some(dialling, listening));
            }
        });
    });
}

#[test]
fn ten_thousand_streams_pass_over_one_connection() {
    const STREAMS: usize = 10_000;
    in_time(|| {
        let pair = Pair::new();
        let server = pair.listener.clone();
        let serving = thread::spawn(move || {
            for mut stream in server.streams().take(STREAMS) {
                let mut question = Vec::new();
                stream.read_to_end(&mut question).unwrap();
                stream.write_all(&question).unwrap();
            }
        });
        for index in 0..STREAMS {
            let mut stream = pair.dialler.open_stream().unwrap();
            let question = index.to_be_bytes();
            stream.write_all(&question).unwrap();
            stream.end().unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            assert_eq!(answer, question);
        }
        serving.join().unwrap();
    });
}

#[test]
fn a_thousand_connections_share_one_socket() {
    const CONNECTIONS: usize = 1000;
    in_time(|| {
        let listening = listener(TransportConfig::default());
        let (peer, addr) = (listening.peer_id(), listening.local_addr());
        let dialling = dialler(TransportConfig::default());
        let accepting = {
            let listening = listening.clone();
            thread::spawn(move || {
                (0..CONNECTIONS)
                    .map(|_| {
                        let connection = listening.accept().unwrap();
                        let sender = connection.open_uni().unwrap();
                        (&sender).write_all(b"welcome").unwrap();
                        connection
                    })
                    .collect::<Vec<_>>()
            })
        };
        let dialled: Vec<_> =
            (0..CONNECTIONS).map(|_| dialling.connect(peer, addr).unwrap()).collect();
        for connection in &dialled {
            let mut greeting = Vec::new();
            connection.accept_uni().unwrap().read_to_end(&mut greeting).unwrap();
            assert_eq!(greeting, b"welcome");
        }
        let accepted = accepting.join().unwrap();
        assert_eq!(dialling.stats().connections, CONNECTIONS);
        drop((dialled, accepted));
        while dialling.stats().connections + listening.stats().connections > 0 {
            thread::sleep(Duration::from_millis(5));
        }
    });
}
