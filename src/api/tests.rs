//! What handles leave behind: nothing.

use std::io::{Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use super::*;
use crate::base::{Instant, SeededEntropy};
use crate::crypto::Identity;
use crate::nat::stun::{Server, ServerConfig};
use crate::nat::{Candidate, CandidateKind, Description, NatSummary, Ticket};

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

/// A STUN server that sees every socket at a port of its own: so does one before a NAT that gives each destination another port.
fn fickle_server(port: u16) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let own = socket.local_addr().unwrap();
    let mut server = Server::new(ServerConfig::new(own), &mut SeededEntropy::new(1));
    thread::spawn(move || {
        let mut buffer = [0; 2048];
        while let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let seen = SocketAddr::from(([203, 0, 113, 7], port ^ (from.port() >> 2)));
            server.handle_datagram(Instant::ZERO, own, seen, &buffer[..length]);
            while let Some(response) = server.poll_transmit() {
                socket.send_to(&response.payload, from).unwrap();
            }
        }
    });
    own
}

#[test]
fn a_search_opens_hundreds_of_sockets_and_leaves_none_behind() {
    let servers = [7000, 23_000].map(fickle_server);
    let ours = Endpoint::builder().stun(servers).bind("127.0.0.1:0").unwrap();
    let ticket = ours.ticket().unwrap();
    assert_eq!(ticket.description().nat().is_symmetric(), Some(true), "{ticket:?}");
    let told = ours.shared().spare_sockets();
    assert!(told <= 4, "{told}");
    let nobody = UdpSocket::bind("127.0.0.1:0").unwrap();
    let candidate = Candidate::new(CandidateKind::Reflexive, nobody.local_addr().unwrap());
    let about = Description::new(NatSummary::UNKNOWN, &[candidate]);
    let theirs = Ticket::new(&Identity::generate(), u64::MAX, about, &mut SeededEntropy::new(2));
    let meeting = ours.begin_meeting(&theirs, Duration::from_secs(30)).unwrap();
    let opened = |wanted: fn(usize) -> bool| {
        let nap = Duration::from_millis(20);
        (0..1000).any(|_| {
            thread::sleep(nap);
            wanted(ours.shared().spare_sockets())
        })
    };
    assert!(opened(|open| open > 200), "{}", ours.shared().spare_sockets());
    drop(meeting);
    assert!(opened(|open| open <= 4), "{}", ours.shared().spare_sockets());
    ours.close(crate::wire::ApplicationCode::ZERO, b"");
    assert!(opened(|open| open == 0), "{}", ours.shared().spare_sockets());
}
