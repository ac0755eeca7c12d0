//! Every wait ends when what it waits for cannot come any more.

use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::Duration;

use srudp::proto::TransportConfig;
use srudp::{ApplicationCode, Connection, ConnectionError, EndpointClosed};

use crate::pair::{Pair, dialler, in_time, listener, pattern};

const CODE: ApplicationCode = ApplicationCode::new(5);

/// Lets threads begin to wait.
fn settle() {
    thread::sleep(Duration::from_millis(30));
}

type Wait = Box<dyn FnOnce(Connection) -> ConnectionError + Send>;

/// One thread for everything that can be waited for on a connection; each returns why it ended.
fn wait_for_everything(connection: &Connection) -> Vec<thread::JoinHandle<ConnectionError>> {
    let why = |error: std::io::Error| {
        error.get_ref().unwrap().downcast_ref::<ConnectionError>().unwrap().clone()
    };
    let mut silent = connection.open_stream().unwrap();
    let mut blocked = connection.open_uni().unwrap();
    let mut unread = connection.open_uni().unwrap();
    unread.write_all(&[0; 60_000]).unwrap();
    let open_all = |connection: Connection| {
        let mut streams = Vec::new();
        loop {
            match connection.open_stream() {
                Ok(stream) => streams.push(stream),
                Err(why) => return why,
            }
        }
    };
    let waits: Vec<Wait> = vec![
        Box::new(|connection| connection.closed()),
        Box::new(|connection| connection.accept_stream().unwrap_err()),
        Box::new(|connection| connection.accept_uni().unwrap_err()),
        Box::new(move |connection| {
            why(connection.accept_uni_timeout(Duration::from_secs(60)).unwrap_err())
        }),
        Box::new(|connection| connection.recv_datagram().unwrap_err()),
        Box::new(open_all),
        Box::new(move |_| why(silent.read(&mut [0]).unwrap_err())),
        Box::new(move |_| why(blocked.write_all(&vec![0; 64 << 20]).unwrap_err())),
        Box::new(move |_| why(unread.finish().unwrap_err())),
    ];
    let spawn = |wait: Wait| {
        let connection = connection.clone();
        thread::spawn(move || wait(connection))
    };
    waits.into_iter().map(spawn).collect()
}

fn narrow() -> TransportConfig {
    TransportConfig::default().initial_windows(1000, 1000).max_window(1000)
}

#[test]
fn a_close_by_the_peer_ends_every_wait_with_its_code() {
    in_time(|| {
        let pair = Pair::with(narrow());
        let waits = wait_for_everything(&pair.dialler);
        settle();
        pair.listener.close_now(CODE, b"enough");
        let expected = ConnectionError::PeerClosed { code: CODE, reason: b"enough".to_vec() };
        for wait in waits {
            assert_eq!(wait.join().unwrap(), expected);
        }
    });
}

#[test]
fn a_close_by_this_side_ends_every_wait() {
    in_time(|| {
        let pair = Pair::with(narrow());
        let waits = wait_for_everything(&pair.dialler);
        settle();
        pair.dialler.close_now(CODE, b"");
        for wait in waits {
            assert_eq!(wait.join().unwrap(), ConnectionError::LocalClosed);
        }
    });
}

#[test]
fn the_end_of_the_endpoint_ends_every_wait() {
    in_time(|| {
        let mut pair = Pair::with(narrow());
        pair.listening = {
            let builder = srudp::Endpoint::builder().accept(true);
            let endpoint = builder.linger(Duration::from_millis(50)).bind("127.0.0.1:0").unwrap();
            pair.dialler =
                pair.dialling.connect(endpoint.peer_id(), endpoint.local_addr()).unwrap();
            pair.listener = endpoint.accept().unwrap();
            endpoint
        };
        let waits = wait_for_everything(&pair.listener);
        let accepting = pair.listening.clone();
        let accept = thread::spawn(move || accepting.accept().unwrap_err());
        settle();
        pair.listening.close(CODE, b"shop closed");
        assert_eq!(accept.join().unwrap(), EndpointClosed);
        for wait in waits {
            let why = wait.join().unwrap();
            let ours = [ConnectionError::LocalClosed, ConnectionError::LingerTimedOut];
            assert!(ours.contains(&why), "{why:?}");
        }
        let expected = ConnectionError::PeerClosed { code: CODE, reason: b"shop closed".to_vec() };
        assert_eq!(pair.dialler.closed(), expected);
        let error = pair.listening.accept_timeout(Duration::from_secs(9)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConnected);
        let (peer, addr) = (pair.dialling.peer_id(), pair.dialling.local_addr());
        pair.listening.connect(peer, addr).unwrap_err();
        pair.listening.rebind("127.0.0.1:0").unwrap_err();
        pair.listening.close(CODE, b"again");
    });
}

#[test]
fn close_delivers_what_was_written() {
    in_time(|| {
        let pair = Pair::new();
        let data = pattern(8 << 20);
        let mut sender = pair.dialler.open_uni().unwrap();
        let (listener, expected) = (pair.listener.clone(), data.clone());
        let reader = thread::spawn(move || {
            let mut receiver = listener.accept_uni().unwrap();
            let mut received = vec![0; expected.len()];
            receiver.read_exact(&mut received).unwrap();
            assert!(received == expected);
        });
        sender.write_all(&data).unwrap();
        sender.end().unwrap();
        pair.dialler.close(CODE, b"done").unwrap();
        reader.join().unwrap();
    });
}

#[test]
fn a_connection_that_is_over_before_it_is_accepted_can_be_read() {
    in_time(|| {
        let listening = listener(TransportConfig::default());
        let dialling = dialler(TransportConfig::default());
        let connection = dialling.connect(listening.peer_id(), listening.local_addr()).unwrap();
        let mut sender = connection.open_uni().unwrap();
        sender.write_all(b"read me").unwrap();
        sender.end().unwrap();
        connection.close(CODE, b"done").unwrap();
        settle();
        let accepted = listening.accept().unwrap();
        let mut received = Vec::new();
        accepted.accept_uni().unwrap().read_to_end(&mut received).unwrap();
        assert_eq!(received, b"read me");
        assert!(matches!(accepted.closed(), ConnectionError::PeerClosed { code: CODE, .. }));
    });
}

#[test]
fn close_says_when_not_everything_was_delivered() {
    in_time(|| {
        let pair = Pair::with(narrow());
        let mut sender = pair.dialler.open_uni().unwrap();
        sender.write_all(&[0; 10_000]).unwrap();
        let linger = Duration::from_millis(50);
        let error = pair.dialler.close_within(CODE, b"", linger).unwrap_err();
        assert_eq!(error, ConnectionError::LingerTimedOut);
    });
}

#[test]
fn who_closes_second_hears_of_an_error_only_if_something_was_lost_or_the_peer_has_one() {
    let close_second = |transport, data: &[u8], read: u64, code| {
        let pair = Pair::with(transport);
        let mut sender = pair.dialler.open_uni().unwrap();
        sender.write_all(data).unwrap();
        sender.end().unwrap();
        let receiver = pair.listener.accept_uni().unwrap();
        (&receiver).take(read).read_to_end(&mut Vec::new()).unwrap();
        pair.listener.close_now(code, b"");
        pair.dialler.closed();
        pair.dialler.close(ApplicationCode::ZERO, b"")
    };
    in_time(move || {
        let closed = |code| Err(ConnectionError::PeerClosed { code, reason: vec![] });
        let whole = TransportConfig::default;
        assert_eq!(close_second(whole(), b"all of it", u64::MAX, ApplicationCode::ZERO), Ok(()));
        assert_eq!(close_second(whole(), b"all of it", u64::MAX, CODE), closed(CODE));
        let part = close_second(narrow(), &[0; 10_000], 1, ApplicationCode::ZERO);
        assert_eq!(part, closed(ApplicationCode::ZERO));
    });
}

#[test]
fn dropping_everything_closes_in_the_background_after_delivery() {
    in_time(|| {
        let pair = Pair::new();
        let (listener, dialling) = (pair.listener.clone(), pair.dialling.clone());
        let data = pattern(1 << 20);
        let mut sender = pair.dialler.open_uni().unwrap();
        sender.write_all(&data).unwrap();
        drop(pair.dialler);
        assert_eq!(listener.close_reason(), None, "the stream still holds the connection");
        drop(sender);
        let mut received = Vec::new();
        listener.accept_uni().unwrap().read_to_end(&mut received).unwrap();
        assert!(received == data);
        let closed = ConnectionError::PeerClosed { code: ApplicationCode::ZERO, reason: vec![] };
        assert_eq!(listener.closed(), closed);
        drop((listener, pair.listener));
        // Both sides forget the connection once it has drained.
        while dialling.stats().connections + pair.listening.stats().connections > 0 {
            thread::sleep(Duration::from_millis(5));
        }
    });
}

#[test]
fn connections_outlive_the_handles_of_their_endpoint() {
    in_time(|| {
        let Pair { dialler, listener, dialling, listening } = Pair::new();
        let addr = listening.local_addr();
        drop((dialling, listening));
        let mut ours = dialler.open_stream().unwrap();
        ours.write_all(b"still here").unwrap();
        let mut theirs = listener.accept_stream().unwrap();
        theirs.read_exact(&mut [0; 10]).unwrap();
        drop((ours, theirs, dialler, listener));
        // The worker ends, and with it the socket.
        while std::net::UdpSocket::bind(addr).is_err() {
            thread::sleep(Duration::from_millis(5));
        }
    });
}

#[test]
fn a_silent_peer_is_given_up_after_the_idle_timeout() {
    in_time(|| {
        let listening = listener(TransportConfig::default());
        let quick = TransportConfig::default().idle_timeout(Duration::from_millis(200));
        let builder = srudp::Endpoint::builder().transport(quick);
        let dialling = builder.bind("127.0.0.1:0").unwrap();
        let connection = dialling.connect(listening.peer_id(), listening.local_addr()).unwrap();
        assert_eq!(connection.closed(), ConnectionError::TimedOut);
        let error = std::io::Error::from(connection.open_uni().unwrap_err());
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    });
}
