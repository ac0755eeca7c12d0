//! Two connections that hand packets to each other, without handshake and endpoint.

use std::time::Duration;

use zeroize::Zeroizing;

use super::*;
use crate::base::SeededEntropy;
use crate::crypto::Identity;
use crate::wire::{ApplicationCode, Direction};

pub(super) const NOW: Instant = Instant::from_nanos(1_000_000_000);

/// One side: the first is the initiator.
fn connection(role: Role) -> Connection {
    connection_over(role, Duration::from_millis(20))
}

/// The same over a path with this round trip.
pub(super) fn connection_over(role: Role, rtt: Duration) -> Connection {
    connection_with(role, rtt, &TransportConfig::default())
}

pub(super) fn connection_with(role: Role, rtt: Duration, config: &TransportConfig) -> Connection {
    let number = u8::from(role == Role::Responder);
    let secrets = Secrets::new(&Zeroizing::new([1; 32]), &Zeroizing::new([2; 32]), [3; 32]);
    let peer_cid = ConnectionId::from([2 - number; 8]);
    let birth = Birth {
        role,
        peer: Identity::from_entropy(&mut SeededEntropy::new(7)).peer_id(),
        secrets,
        local_cid: ConnectionId::from([1 + number; 8]),
        parameters: Parameters { initial_cid: Some(peer_cid), ..config.parameters() },
        remote: SocketAddr::from(([10, 0, 0, 2 - number], 4000)),
        local: None,
        rtt: Some(rtt),
        began: NOW,
        establish: None,
        skip_seed: 5,
    };
    Connection::new(NOW, config, birth).unwrap()
}

/// The next datagrams of `from` reach `to`.
pub(super) fn carry(now: Instant, from: &mut Connection, to: &mut Connection) {
    let mut buffer = vec![0; 65_536];
    let arrival = Arrival { remote: to.remote_address(), local: None, ecn: None, datagram: 0 };
    while let Some(transmit) = from.poll_transmit(now, &mut buffer, 1, Share::Own) {
        let arrival = Arrival { datagram: transmit.size, ..arrival };
        let packet = &mut buffer[..transmit.size];
        to.handle_packet(now, &mut SeededEntropy::new(1), arrival, packet);
    }
}

fn events(connection: &mut Connection) -> Vec<ConnectionEvent> {
    std::iter::from_fn(|| connection.poll_event()).collect()
}

#[test]
fn the_end_is_the_last_that_is_told() {
    let (mut ours, mut theirs) = (connection(Role::Initiator), connection(Role::Responder));
    ours.close(NOW, ApplicationCode::ZERO, b"", Duration::ZERO);
    assert_eq!(events(&mut ours), [ConnectionEvent::Closed(ConnectionError::LocalClosed)]);
    // ESTABLISHED is on its way and confirms what is over already.
    carry(NOW, &mut theirs, &mut ours);
    assert!(ours.is_confirmed());
    assert_eq!(events(&mut ours), []);
}

#[test]
fn what_was_told_before_the_end_comes_before_it() {
    let (mut ours, mut theirs) = (connection(Role::Initiator), connection(Role::Responder));
    carry(NOW, &mut theirs, &mut ours);
    ours.close(NOW, ApplicationCode::ZERO, b"", Duration::ZERO);
    let told = events(&mut ours);
    assert_eq!(told.first(), Some(&ConnectionEvent::Confirmed));
    assert_eq!(told.last(), Some(&ConnectionEvent::Closed(ConnectionError::LocalClosed)));
}

/// Both have said what there is to say at the beginning, and have waited for so long.
fn silent_for(wait: Duration) -> (Connection, Connection, Instant) {
    let (mut ours, mut theirs) = (connection(Role::Initiator), connection(Role::Responder));
    for at in [NOW, NOW + Duration::from_millis(50)] {
        ours.handle_timeout(at);
        theirs.handle_timeout(at);
        carry(at, &mut theirs, &mut ours);
        carry(at, &mut ours, &mut theirs);
    }
    (ours, theirs, NOW + wait)
}

#[test]
fn a_connection_rests_unless_it_waits_for_its_turn_to_send() {
    let (mut ours, mut theirs, later) = silent_for(Duration::from_secs(1));
    let id = ours.open_stream(Direction::Unidirectional).unwrap();
    assert_eq!(ours.write(id, &[7; 5000]), Ok(5000));
    ours.handle_timeout(later);
    theirs.handle_timeout(later);
    assert!(!ours.is_at_rest() && theirs.is_at_rest());
}

#[test]
fn little_waits_to_be_sent_to_a_near_peer_unless_there_are_turns() {
    let unsent = |rtt, turns| {
        let mut connection = connection_over(Role::Initiator, rtt);
        connection.take_turns(turns);
        connection.unsent_max()
    };
    let (near, far) = (limits::NEAR, 2 * limits::NEAR);
    assert_eq!(unsent(near, false), limits::STREAM_UNSENT_NEAR);
    assert_eq!(unsent(near, true), limits::STREAM_UNSENT_MAX);
    assert_eq!(unsent(far, false), limits::STREAM_UNSENT_MAX);
}
