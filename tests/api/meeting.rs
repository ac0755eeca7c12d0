//! Peers that have each other's tickets.

use std::io::{Read, Write};
use std::net::UdpSocket;
use std::thread;
use std::time::Duration;

use srudp::nat::{Candidate, CandidateKind, Description, NatSummary};
use srudp::proto::SeededEntropy;
use srudp::{
    Connection, ConnectionError, DialError, Endpoint, ErrorCode, GatherError, Identity, MeetError,
    Ticket,
};

use crate::pair::{in_time, timed};

/// Two searches, and the time until the first begins.
const PATIENCE: Duration = Duration::from_secs(25);

fn endpoint() -> Endpoint {
    Endpoint::builder().bind("127.0.0.1:0").unwrap()
}

/// A ticket to a peer at this address of whom nobody has heard.
fn stranger(at: std::net::SocketAddr, expiry: u64) -> Ticket {
    let candidate = Candidate::new(CandidateKind::Host, at);
    let description = Description::new(NatSummary::UNKNOWN, &[candidate]);
    Ticket::new(&Identity::generate(), expiry, description, &mut SeededEntropy::new(1))
}

/// Says something, and hears what the other side says.
fn converse(connection: &Connection) -> Vec<u8> {
    let mut sender = connection.open_uni().unwrap();
    sender.write_all(b"hello from the other side").unwrap();
    sender.end().unwrap();
    let mut heard = Vec::new();
    connection.accept_uni().unwrap().read_to_end(&mut heard).unwrap();
    heard
}

#[test]
fn two_that_meet_get_one_connection_and_data_flows_both_ways() {
    in_time(|| {
        // Neither accepts dials; and one of them does.
        for accepts in [false, true] {
            let (a, b) =
                (endpoint(), Endpoint::builder().accept(accepts).bind("127.0.0.1:0").unwrap());
            let (to_a, to_b) = (a.ticket().unwrap(), b.ticket().unwrap());
            assert_eq!(a.ticket().unwrap(), to_a, "it is made once");
            let other = b.clone();
            let meeting = thread::spawn(move || {
                let met = other.meet_timeout(&to_a, PATIENCE).unwrap();
                (converse(&met.connection), met)
            });
            let met = a.meet_timeout(&to_b, PATIENCE).unwrap();
            assert_eq!(met.connection.peer_id(), b.peer_id());
            let heard = converse(&met.connection);
            let (other_heard, other_met) = meeting.join().unwrap();
            assert_eq!(heard, b"hello from the other side");
            assert_eq!(other_heard, heard);
            assert_eq!((a.stats().connections, b.stats().connections), (1, 1));
            let paths = [met.path, other_met.path].into_iter().flatten();
            for (winner, report) in paths {
                assert_eq!(winner.kind, CandidateKind::Host);
                assert!(report.sent > 0 && report.received > 0);
            }
        }
    });
}

#[test]
fn a_peer_that_does_not_come_is_told_of_within_the_time() {
    in_time(|| {
        let nobody = UdpSocket::bind("127.0.0.1:0").unwrap();
        let theirs = stranger(nobody.local_addr().unwrap(), u64::MAX);
        let ours = endpoint();
        ours.ticket().unwrap();
        let timeout = Duration::from_secs(12);
        let (missed, took) = timed(|| ours.meet_timeout(&theirs, timeout));
        let missed = missed.unwrap_err();
        let report = missed.report().expect("a search began within ten seconds");
        assert!(report.sent > 0 && report.received == 0, "{report:?}");
        assert!(missed.to_string().contains("nothing came from the peer"), "{missed}");
        assert!(took < timeout + Duration::from_secs(2), "{took:?}");
    });
}

#[test]
fn a_meeting_that_cannot_be_says_so_at_once() {
    let ours = endpoint();
    let at = "127.0.0.1:4000".parse().unwrap();
    assert!(matches!(ours.meet(&stranger(at, u64::MAX)), Err(MeetError::NoTicket)));
    let ticket = ours.ticket().unwrap();
    assert!(matches!(ours.meet(&ticket), Err(MeetError::OwnTicket)));
    assert!(matches!(ours.meet(&stranger(at, 1)), Err(MeetError::Expired)));
    let soon = ours.meet_timeout(&stranger(at, u64::MAX), Duration::ZERO);
    assert!(matches!(soon, Err(MeetError::TimedOut)), "{soon:?}");
}

#[test]
fn who_closes_the_endpoint_ends_the_meeting() {
    in_time(|| {
        let ours = endpoint();
        ours.ticket().unwrap();
        let meeting = ours.clone();
        let theirs = stranger("127.0.0.1:4000".parse().unwrap(), u64::MAX);
        let waiting = thread::spawn(move || meeting.meet(&theirs));
        thread::sleep(Duration::from_millis(100));
        ours.close(srudp::ApplicationCode::ZERO, b"");
        assert!(matches!(waiting.join().unwrap(), Err(MeetError::EndpointClosed)));
        assert!(matches!(ours.ticket(), Err(GatherError::EndpointClosed)));
    });
}

#[test]
fn a_server_that_accepts_is_dialled_by_its_ticket_alone() {
    let server = Endpoint::builder().accept(true).bind("127.0.0.1:0").unwrap();
    let ticket = server.ticket().unwrap();
    let dialling = endpoint();
    let connection = dialling.connect_ticket(&ticket).unwrap();
    assert_eq!(connection.peer_id(), server.peer_id());
    assert_eq!(server.accept().unwrap().peer_id(), dialling.peer_id());
    let friend = Identity::generate();
    let private = Endpoint::builder().allow([friend.peer_id()]).bind("127.0.0.1:0").unwrap();
    let refused = match endpoint().connect_ticket(&private.ticket().unwrap()) {
        Err(DialError::Failed(why)) => why,
        Ok(connection) => connection.closed(),
        Err(error) => panic!("{error:?}"),
    };
    assert_eq!(refused, ConnectionError::Refused { code: ErrorCode::REFUSED });
}

#[test]
fn a_ticket_does_not_send_us_where_others_may_not_point() {
    let open = Endpoint::builder().bind("0.0.0.0:0").unwrap();
    let here = stranger("127.0.0.1:4000".parse().unwrap(), u64::MAX);
    assert!(matches!(open.connect_ticket(&here), Err(DialError::NoAddress)));
}

#[test]
fn silent_servers_are_named_as_the_reason_within_the_time_of_a_person() {
    in_time(|| {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let servers = [silent.local_addr().unwrap()];
        let asking = Endpoint::builder().stun(servers).bind("127.0.0.1:0").unwrap();
        let (result, took) = timed(|| asking.ticket());
        assert!(matches!(result, Err(GatherError::Silent)), "{result:?}");
        assert!(took < Duration::from_secs(6), "{took:?}");
    });
}
