//! Several workers on one port.

use std::io::{Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use srudp::proto::{EndpointConfig, EndpointStats};
use srudp::{ApplicationCode, Connection, ConnectionError, Endpoint, EndpointBuilder, Identity};

use crate::pair::{in_time, pattern};

/// As many as are asked for, where the system can tell their datagrams apart.
const WORKERS: usize = if cfg!(target_os = "linux") { 4 } else { 1 };

fn listener(workers: usize) -> Endpoint {
    bind(Endpoint::builder().accept(true).workers(workers))
}

fn dialler(workers: usize) -> Endpoint {
    bind(Endpoint::builder().workers(workers))
}

fn bind(builder: EndpointBuilder) -> Endpoint {
    builder.bind("127.0.0.1:0").unwrap()
}

/// Answers every stream of every connection with what came in, until the endpoint is closed.
fn serve(listening: &Endpoint) {
    let listening = listening.clone();
    let echo = |connection: Connection| {
        for mut stream in connection.streams() {
            let mut question = Vec::new();
            if stream.read_to_end(&mut question).is_ok() {
                let _ = stream.write_all(&question);
            }
        }
    };
    thread::spawn(move || {
        for connection in listening.incoming() {
            thread::spawn(move || echo(connection));
        }
    });
}

fn ask(connection: &Connection, question: &[u8]) {
    let mut stream = connection.open_stream().unwrap();
    stream.write_all(question).unwrap();
    stream.end().unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer == question);
}

fn dial(from: &Endpoint, to: &Endpoint) -> Connection {
    from.connect(to.peer_id(), to.local_addr()).unwrap()
}

/// All of them ask at the same time.
fn ask_all(connections: &[Connection]) {
    thread::scope(|scope| {
        for (index, connection) in connections.iter().enumerate() {
            scope.spawn(move || {
                for round in 0..3 {
                    ask(connection, &pattern(50_000 + 1000 * index + round));
                }
            });
        }
    });
}

fn gone(endpoint: &Endpoint) -> bool {
    (0..1000).any(|_| {
        thread::sleep(Duration::from_millis(10));
        let EndpointStats { connections, half_open, .. } = endpoint.stats();
        connections + half_open == 0
    })
}

#[test]
fn as_many_serve_as_were_asked_for() {
    assert_eq!(dialler(1).workers(), 1);
    assert_eq!(dialler(0).workers(), 1);
    assert_eq!(dialler(4).workers(), WORKERS);
    assert_eq!(dialler(1000).workers(), if cfg!(target_os = "linux") { 64 } else { 1 });
}

#[test]
fn who_says_nothing_has_two_if_there_are_cores_and_many_connections_for_them() {
    let cores = thread::available_parallelism().unwrap().get();
    assert_eq!(bind(Endpoint::builder()).workers(), cores.min(WORKERS).min(2));
    let few = EndpointConfig::default().max_connections(1023);
    assert_eq!(bind(Endpoint::builder().config(few.clone())).workers(), 1);
    assert_eq!(bind(Endpoint::builder().config(few).workers(4)).workers(), WORKERS);
}

#[test]
fn connections_of_one_socket_and_of_many_are_all_served() {
    for (diallers, workers) in [(1, 1), (16, 1), (1, 4), (2, 3)] {
        in_time(move || {
            let listening = listener(4);
            serve(&listening);
            let diallers: Vec<_> = (0..diallers).map(|_| dialler(workers)).collect();
            let connections: Vec<_> = thread::scope(|scope| {
                let dials: Vec<_> = (0..64)
                    .map(|n| &diallers[n % diallers.len()])
                    .map(|from| scope.spawn(|| dial(from, &listening)))
                    .collect();
                dials.into_iter().map(|dial| dial.join().unwrap()).collect()
            });
            ask_all(&connections);
            let dialled: usize = diallers.iter().map(|it| it.stats().connections).sum();
            assert_eq!((dialled, listening.stats().connections), (64, 64));
            drop(connections);
            assert!(diallers.iter().all(gone) && gone(&listening));
        });
    }
}

#[test]
fn connections_survive_new_sockets_on_both_sides() {
    in_time(|| {
        let (listening, dialling) = (listener(4), dialler(2));
        serve(&listening);
        let connections: Vec<_> = (0..12).map(|_| dial(&dialling, &listening)).collect();
        ask_all(&connections);
        thread::scope(|scope| {
            scope.spawn(|| ask_all(&connections));
            dialling.rebind("127.0.0.1:0").unwrap();
        });
        ask_all(&connections);
        let moved = listening.local_addr();
        listening.rebind("127.0.0.1:0").unwrap();
        assert_ne!(listening.local_addr(), moved);
        ask_all(&connections);
        let later = dial(&dialling, &listening);
        ask(&later, b"the new port");
        assert!(later.remote_addr().unwrap() == listening.local_addr());
    });
}

#[test]
fn a_port_in_use_cannot_be_shared_by_mistake() {
    let (one, other) = (listener(4), dialler(2));
    for builder in [Endpoint::builder(), Endpoint::builder().workers(4)] {
        builder.bind(one.local_addr()).unwrap_err();
    }
    other.rebind(one.local_addr()).unwrap_err();
    let connection = dial(&other, &one);
    assert_eq!(one.accept().unwrap().peer_id(), other.peer_id());
    drop(connection);
}

#[test]
fn two_that_dial_each_other_at_once_find_each_other_whoever_reads_it() {
    // Nobody accepts: each lets the other in because it dials it itself.
    for _ in 0..20 {
        in_time(|| {
            let (a, b) = (dialler(4), dialler(3));
            let (to_a, to_b) = thread::scope(|scope| {
                let from_a = scope.spawn(|| dial(&a, &b));
                (dial(&b, &a), from_a.join().unwrap())
            });
            assert_eq!((to_a.peer_id(), to_b.peer_id()), (a.peer_id(), b.peer_id()));
            let mut sender = to_a.open_uni().unwrap();
            sender.write_all(b"found").unwrap();
            sender.end().unwrap();
            let mut heard = Vec::new();
            to_b.accept_uni().unwrap().read_to_end(&mut heard).unwrap();
            assert_eq!(heard, b"found");
        });
    }
}

#[test]
fn peers_meet_whoever_reads_what_they_send() {
    in_time(|| {
        let (a, b) = (dialler(4), listener(3));
        let (to_a, to_b) = (a.ticket().unwrap(), b.ticket().unwrap());
        let (met_a, met_b) = thread::scope(|scope| {
            let there = scope.spawn(|| b.meet_timeout(&to_a, Duration::from_secs(25)).unwrap());
            (a.meet_timeout(&to_b, Duration::from_secs(25)).unwrap(), there.join().unwrap())
        });
        let mut sender = met_a.connection.open_uni().unwrap();
        sender.write_all(b"met").unwrap();
        sender.end().unwrap();
        let mut heard = Vec::new();
        met_b.connection.accept_uni().unwrap().read_to_end(&mut heard).unwrap();
        assert_eq!(heard, b"met");
        // Others are dialled as ever meanwhile.
        serve(&b);
        ask_all(&(0..8).map(|_| dial(&a, &b)).collect::<Vec<_>>());
    });
}

#[test]
fn closing_delivers_everything_and_ends_every_wait() {
    in_time(|| {
        let (listening, dialling) = (listener(4), dialler(4));
        let waiting = listening.clone();
        let accepting = thread::spawn(move || {
            let accepted: Vec<_> = (0..16).map(|_| waiting.accept().unwrap()).collect();
            waiting.accept().unwrap_err();
            accepted
        });
        let dialled: Vec<_> = (0..16).map(|_| dial(&dialling, &listening)).collect();
        for connection in &dialled {
            connection.open_uni().unwrap().write_all(&pattern(100_000)).unwrap();
        }
        dialling.close(ApplicationCode::new(7), b"done");
        assert_eq!(dialling.stats().connections, 16, "held, and over");
        assert!(dialled.iter().all(|connection| connection.close_reason().is_some()));
        thread::sleep(Duration::from_millis(50));
        listening.close(ApplicationCode::ZERO, b"");
        for connection in accepting.join().unwrap() {
            let mut heard = Vec::new();
            let mut stream = connection.accept_uni().unwrap();
            let _ = stream.read_to_end(&mut heard);
            assert_eq!(heard.len(), 100_000);
        }
        dialling.connect(listening.peer_id(), listening.local_addr()).unwrap_err();
    });
}

#[test]
fn accepting_for_a_while_ends_with_it() {
    let listening = listener(4);
    assert!(listening.accept_timeout(Duration::ZERO).is_err());
    assert!(listening.accept_timeout(Duration::from_millis(20)).is_err());
    let dialling = dialler(1);
    for _ in 0..8 {
        let _connection = dial(&dialling, &listening);
        listening.accept_timeout(Duration::from_secs(9)).unwrap();
    }
}

#[test]
fn connections_outlive_the_endpoint_that_others_of_its_workers_have_no_more() {
    in_time(|| {
        let (listening, dialling) = (listener(4), dialler(4));
        let dialled: Vec<_> = (0..16).map(|_| dial(&dialling, &listening)).collect();
        let mut accepted: Vec<_> = (0..16).map(|_| listening.accept().unwrap()).collect();
        drop((dialling, listening));
        for connection in dialled {
            let mut sender = connection.open_uni().unwrap();
            sender.write_all(b"last").unwrap();
            sender.finish().unwrap();
            let heard = |peer: &Connection| peer.accept_uni_timeout(Duration::from_millis(1)).ok();
            let (at, mut stream) = loop {
                let found = accepted.iter().enumerate().find_map(|(at, it)| Some((at, heard(it)?)));
                if let Some(found) = found {
                    break found;
                }
            };
            let mut word = Vec::new();
            stream.read_to_end(&mut word).unwrap();
            assert_eq!(word, b"last");
            drop((connection, stream));
            // Its worker may end before the others.
            accepted.remove(at);
            thread::sleep(Duration::from_millis(20));
        }
    });
}

#[test]
fn garbage_to_the_port_changes_nothing() {
    in_time(|| {
        let (listening, dialling) = (listener(4), dialler(1));
        serve(&listening);
        let connections: Vec<_> = (0..8).map(|_| dial(&dialling, &listening)).collect();
        let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
        let noise = pattern(4000);
        for (length, start) in (0..1200).zip(noise.windows(1200)) {
            stranger.send_to(&start[..length], listening.local_addr()).unwrap();
        }
        ask_all(&connections);
    });
}

/// Forwards what one host sends to the server that is there now, and back.
fn forward(host: SocketAddr, server: Arc<Mutex<Option<SocketAddr>>>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let to = match *server.lock().unwrap() {
                Some(server) if from == host => server,
                Some(server) if from == server => host,
                _ => continue,
            };
            let _ = socket.send_to(&buffer[..length], to);
        }
    });
    address
}

#[test]
fn a_peer_that_has_lost_everything_is_noticed_whoever_reads_its_resets() {
    in_time(|| {
        let identity = Identity::generate();
        let config = EndpointConfig::default().accept(true).reset_key([7; 32]);
        let listen = || {
            bind(Endpoint::builder().identity(identity.clone()).config(config.clone()).workers(2))
        };
        let dialling = dialler(4);
        let before = listen();
        serve(&before);
        let server = Arc::new(Mutex::new(Some(before.local_addr())));
        let address = forward(dialling.local_addr(), Arc::clone(&server));
        let dial = |_| dialling.connect(before.peer_id(), address).unwrap();
        let dialled: Vec<_> = (0..4).map(dial).collect();
        ask_all(&dialled);
        *server.lock().unwrap() = None;
        drop(before);
        let after = listen();
        *server.lock().unwrap() = Some(after.local_addr());
        for connection in dialled {
            // Probes repeat what is on a stream, and are long enough to be answered.
            let _ = connection.open_uni().map(|mut sender| sender.write_all(&[1; 100]));
            assert_eq!(connection.closed(), ConnectionError::Reset);
        }
        assert!(after.stats().resets_sent > 0);
    });
}
