//! Getting a connection, or a reason why there is none.

use std::io::{ErrorKind, Read};
use std::net::UdpSocket;
use std::thread;
use std::time::Duration;

use srudp::proto::{ConnectError, Dial, TransportConfig};
use srudp::{ConnectionError, DialError, Endpoint, ErrorCode, Identity};

use crate::pair::{dialler, in_time, listener, timed};

fn quick() -> TransportConfig {
    TransportConfig::default().handshake_timeout(Duration::from_millis(400))
}

#[test]
fn a_wrong_peer_id_is_told_within_the_handshake_timeout() {
    let (listening, dialling) = (listener(quick()), dialler(quick()));
    let someone_else = Identity::generate().peer_id();
    let (result, took) = timed(|| dialling.connect(someone_else, listening.local_addr()));
    let error = result.unwrap_err();
    assert!(matches!(error, DialError::Failed(ConnectionError::HandshakeTimedOut)), "{error:?}");
    assert!(took < Duration::from_secs(5));
}

#[test]
fn a_dial_into_the_void_times_out_and_leaves_nothing_behind() {
    let void = UdpSocket::bind("127.0.0.1:0").unwrap();
    let dialling = dialler(TransportConfig::default());
    let (peer, addr) = (Identity::generate().peer_id(), void.local_addr().unwrap());
    let timeout = Duration::from_millis(50);
    let error = dialling.connect_timeout(peer, addr, timeout).unwrap_err();
    assert!(matches!(error, DialError::Failed(ConnectionError::HandshakeTimedOut)), "{error:?}");
    assert_eq!(dialling.stats().connections, 0);
    assert_eq!(std::io::Error::from(error).kind(), ErrorKind::TimedOut);
}

#[test]
fn a_peer_that_is_not_allowed_is_refused_with_a_reason() {
    let friend = Identity::generate();
    let builder = Endpoint::builder().allow([friend.peer_id()]);
    let listening = builder.bind("127.0.0.1:0").unwrap();
    let stranger = dialler(quick());
    let why = match stranger.connect(listening.peer_id(), listening.local_addr()) {
        Err(DialError::Failed(why)) => why,
        // The refusal may come behind the end of the handshake.
        Ok(connection) => connection.closed(),
        Err(error) => panic!("{error:?}"),
    };
    assert_eq!(why, ConnectionError::Refused { code: ErrorCode::REFUSED });
    let dialling = Endpoint::builder().identity(friend).bind("127.0.0.1:0").unwrap();
    dialling.connect(listening.peer_id(), listening.local_addr()).unwrap();
    assert_eq!(listening.accept().unwrap().peer_id(), dialling.peer_id());
}

#[test]
fn a_listener_that_speaks_something_else_refuses() {
    let builder = Endpoint::builder().accept(true).application_protocol(b"chess");
    let listening = builder.bind("127.0.0.1:0").unwrap();
    let builder = Endpoint::builder().application_protocol(b"go").transport(quick());
    let dialling = builder.bind("127.0.0.1:0").unwrap();
    let error = dialling.connect(listening.peer_id(), listening.local_addr()).unwrap_err();
    let refused = ConnectionError::Refused { code: ErrorCode::APPLICATION_PROTOCOL };
    assert!(matches!(error, DialError::Failed(why) if why == refused));
}

#[test]
fn whoever_trusts_on_first_use_learns_the_peer_id() {
    let (listening, dialling) = (listener(quick()), dialler(quick()));
    let connection = dialling.connect_trusting_on_first_use(listening.local_addr()).unwrap();
    assert_eq!(connection.peer_id(), listening.peer_id());
}

#[test]
fn a_dial_that_cannot_start_says_so_at_once() {
    let dialling = dialler(quick());
    let peer = Identity::generate().peer_id();
    let start = |result: Result<_, DialError>| match result {
        Err(DialError::Start(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(
        start(dialling.connect(peer, "127.0.0.1:0")),
        ConnectError::InvalidAddress(_)
    ));
    let own = dialling.connect(dialling.peer_id(), "127.0.0.1:9");
    assert_eq!(start(own), ConnectError::OwnId);
    let unknown = dialling.connect(peer, "no such host:1");
    assert!(matches!(unknown, Err(DialError::Address(_))));
}

#[test]
fn a_busy_port_is_named_with_a_way_out() {
    let busy = UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = busy.local_addr().unwrap();
    let error = Endpoint::builder().bind(addr).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    let text = error.to_string();
    assert!(text.contains(&addr.to_string()) && text.contains("choose another port"), "{text}");
}

#[test]
fn two_that_dial_each_other_at_once_get_one_connection() {
    in_time(|| {
        for _ in 0..10 {
            let (a, b) = (dialler(quick()), dialler(quick()));
            let to_b = Dial::new(b.peer_id(), b.local_addr()).punch();
            let to_a = Dial::new(a.peer_id(), a.local_addr()).punch();
            let dialler = a.clone();
            let dialling = thread::spawn(move || dialler.dial(&to_b).unwrap());
            let from_b = b.dial(&to_a).unwrap();
            let from_a = dialling.join().unwrap();
            assert_eq!((a.stats().connections, b.stats().connections), (1, 1));
            let sender = from_a.open_uni().unwrap();
            sender.write_bytes(&b"hello"[..]).unwrap();
            sender.end().unwrap();
            let mut read = Vec::new();
            from_b.accept_uni().unwrap().read_to_end(&mut read).unwrap();
            assert_eq!(read, b"hello");
        }
    });
}

#[test]
fn an_ipv6_socket_reaches_ipv4() {
    let listening = listener(quick());
    let Ok(dialling) = Endpoint::builder().bind("[::]:0") else {
        // No IPv6 on this host.
        return;
    };
    let connection = dialling.connect(listening.peer_id(), listening.local_addr()).unwrap();
    assert_eq!(connection.remote_addr().unwrap(), listening.local_addr());
    assert_eq!(listening.accept().unwrap().peer_id(), dialling.peer_id());
}
