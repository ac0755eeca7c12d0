//! Packets that are not what they seem.

use std::time::Duration;

use super::*;
use crate::base::SeededEntropy;
use crate::connection::{Birth, Share, TransportConfig};
use crate::crypto::{Identity, Protection, Secrets};
use crate::wire::{
    ConnectionId, ErrorCode, Frame, PacketCipher, Parameters, Role, ShortHeader, Writer,
};

const TOKEN: [u8; 16] = [9; 16];
const CID: [u8; 8] = [7; 8];

/// An initiator's connection, and the keys of its peer.
fn connection() -> (Connection, Protection) {
    let secrets = Secrets::known();
    let peer = Protection::new(&secrets, Role::Responder, PacketCipher::default());
    let birth = Birth {
        role: Role::Initiator,
        peer: Identity::from_secret_bytes([1; 32]).peer_id(),
        secrets,
        local_cid: CID.into(),
        parameters: Parameters {
            initial_cid: Some(ConnectionId::from([8; 8])),
            reset_token: Some(TOKEN),
            ..Parameters::default()
        },
        remote: SocketAddr::from(([192, 0, 2, 1], 4000)),
        local: None,
        rtt: None,
        began: Instant::ZERO,
        establish: None,
        skip_seed: 1,
    };
    (Connection::new(Instant::ZERO, &TransportConfig::default(), birth).unwrap(), peer)
}

fn sealed(peer: &mut Protection, number: u64, frame: &Frame<'_>) -> Vec<u8> {
    let mut packet = vec![0; SHORT_HEADER_LEN + 16 + 16];
    ShortHeader { destination: CID.into(), key_phase: false, number }.encode(&mut packet);
    frame.encode(&mut Writer::new(&mut packet[SHORT_HEADER_LEN..][..16])).unwrap();
    peer.seal(number, &mut packet).unwrap();
    packet
}

fn arrives(connection: &mut Connection, mut packet: Vec<u8>) {
    let arrival = Arrival {
        remote: SocketAddr::from(([192, 0, 2, 1], 4000)),
        local: None,
        ecn: None,
        datagram: packet.len(),
    };
    connection.handle_packet(Instant::ZERO, &mut SeededEntropy::new(1), arrival, &mut packet);
}

fn reset(fill: u8) -> Vec<u8> {
    let mut packet = vec![fill; 45];
    packet[0] = 0x60 | (fill & 0x1f);
    packet[45 - TOKEN.len()..].copy_from_slice(&TOKEN);
    packet
}

#[test]
fn a_stateless_reset_ends_the_connection_whatever_number_it_seems_to_have() {
    for fill in 0..16 {
        let (mut connection, mut peer) = connection();
        // So far up that half of all numbers are old ones.
        for step in 0..8_u64 {
            let packet = sealed(&mut peer, step << 30, &Frame::Ping);
            arrives(&mut connection, packet);
        }
        assert_eq!(connection.acks.largest(), Some(7 << 30));
        arrives(&mut connection, reset(fill));
        assert_eq!(connection.close_reason(), Some(&ConnectionError::Reset), "{fill}");
    }
}

#[test]
fn a_token_that_is_off_by_a_bit_resets_nothing() {
    let (mut connection, _) = connection();
    let mut packet = reset(3);
    packet[44] ^= 1;
    arrives(&mut connection, packet);
    assert_eq!(connection.close_reason(), None);
    assert_eq!(connection.counters.undecodable, 1);
}

#[test]
fn a_copy_of_a_packet_is_counted_and_has_no_effect() {
    let (mut connection, mut peer) = connection();
    let packet = sealed(&mut peer, 5, &Frame::Ping);
    arrives(&mut connection, packet.clone());
    arrives(&mut connection, packet);
    assert_eq!(connection.counters.duplicates, 1);
    assert_eq!(connection.close_reason(), None);
}

#[test]
fn an_acknowledgement_delay_below_the_announced_one_is_a_violation() {
    let (mut connection, mut peer) = connection();
    let ask = |micros| Frame::AckFrequency {
        sequence: 1,
        threshold: 2,
        max_delay: Duration::from_micros(micros),
        reordering: 1,
    };
    arrives(&mut connection, sealed(&mut peer, 0, &ask(1000)));
    assert_eq!(connection.close_reason(), None);
    arrives(&mut connection, sealed(&mut peer, 1, &ask(999)));
    let Some(ConnectionError::Transport { code, .. }) = connection.close_reason() else {
        panic!("{:?}", connection.close_reason());
    };
    assert_eq!(*code, ErrorCode::PROTOCOL_VIOLATION);
}

#[test]
fn an_address_on_trial_gets_three_times_its_bytes_and_not_one_more() {
    let (mut connection, mut peer) = connection();
    connection.streams.on_peer_parameters(&Parameters {
        initial_max_data: 1 << 20,
        initial_max_stream_data_bidi_remote: 1 << 20,
        initial_max_streams_bidi: 1,
        ..Parameters::default()
    });
    let id = connection.open_stream(crate::wire::Direction::Bidirectional).unwrap();
    connection.write(id, &[7; 100_000]).unwrap();
    let elsewhere = SocketAddr::from(([203, 0, 113, 9], 9));
    let (mut received, mut sent, mut buffer) = (0, 0, vec![0; 65_536]);
    for number in 0..20 {
        let mut packet = sealed(&mut peer, number, &Frame::Ping);
        received += packet.len();
        let datagram = packet.len();
        let arrival = Arrival { remote: elsewhere, local: None, ecn: None, datagram };
        let entropy = &mut SeededEntropy::new(number);
        connection.handle_packet(Instant::ZERO, entropy, arrival, &mut packet);
        while let Some(transmit) =
            connection.poll_transmit(Instant::ZERO, &mut buffer, 10, Share::Own)
        {
            assert_eq!(transmit.destination, elsewhere);
            sent += transmit.size;
        }
        assert!(sent <= 3 * received, "{sent} bytes for {received}");
    }
    assert!(sent > received, "something is sent");
}
