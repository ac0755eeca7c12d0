//! Half-open handshakes: found, answered again, bounded and forgotten.

use super::*;
use crate::base::SeededEntropy;
use crate::crypto::{Context, Identity, Initiator};
use crate::wire::{SetMap, Suite};

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

fn remote(host: u16, port: u16) -> SocketAddr {
    let [high, low] = host.to_be_bytes();
    SocketAddr::from(([10, 0, high, low], port))
}

fn hid(number: u16) -> HandshakeId {
    let [high, low] = number.to_be_bytes();
    [1, 0, 0, 0, 0, 0, high, low].into()
}

fn key(remote: SocketAddr, number: u16) -> Key {
    Key { remote, source: hid(number), tag: [0; 8] }
}

/// What a responder knows after a good message 1.
fn responder() -> Responder {
    let [ours, theirs] = [1, 2].map(|seed| Identity::from_secret_bytes([seed; 32]));
    let context = Context {
        suite: Suite::XkClassical,
        offered_initiator: SetMap::CLASSICAL,
        offered_responder: SetMap::NONE,
        hid_initiator: hid(1),
        hid_responder: HandshakeId::ZERO,
    };
    let entropy = &mut SeededEntropy::new(1);
    let started = Initiator::start(&ours, Some(theirs.peer_id()), &context, &[], entropy);
    let (_, message) = started.unwrap();
    Responder::read(&theirs, &context, &message).unwrap().0
}

fn insert(half_opens: &mut HalfOpens, now: Instant, remote: SocketAddr, number: u16) {
    let datagrams = vec![number.to_be_bytes().to_vec()];
    let key = key(remote, number);
    let half_open = HalfOpen::new(now, responder(), key, None, [0; 8].into(), datagrams);
    half_opens.insert(hid(number), half_open);
}

#[test]
fn a_duplicate_is_answered_with_the_same_bytes_and_measures_nothing() {
    let mut half_opens = HalfOpens::default();
    insert(&mut half_opens, at(0), remote(1, 1), 7);
    assert_eq!(half_opens.get_mut(hid(7)).unwrap().rtt(at(30)), Some(Duration::from_millis(30)));
    let (_, datagrams) = half_opens.duplicate(at(40), &key(remote(1, 1), 7)).expect("the same");
    assert_eq!(datagrams, [vec![0, 7]]);
    assert_eq!(half_opens.get_mut(hid(7)).unwrap().rtt(at(50)), None, "which one was answered?");
    assert!(half_opens.duplicate(at(40), &key(remote(1, 2), 7)).is_none(), "another port");
    assert!(half_opens.duplicate(at(40), &key(remote(1, 1), 8)).is_none(), "another source id");
}

#[test]
fn each_lives_ten_seconds_and_the_oldest_is_waited_for() {
    let mut half_opens = HalfOpens::default();
    assert_eq!(half_opens.deadline(), None);
    insert(&mut half_opens, at(0), remote(1, 1), 1);
    insert(&mut half_opens, at(5), remote(1, 1), 2);
    assert_eq!(half_opens.deadline(), Some(at(10_000)));
    half_opens.expire(at(9_999));
    assert_eq!(half_opens.len(), 2);
    half_opens.expire(at(10_000));
    assert_eq!((half_opens.len(), half_opens.deadline()), (1, Some(at(10_005))));
    assert!(half_opens.remove(hid(2)).is_some() && half_opens.remove(hid(2)).is_none());
    assert_eq!(half_opens.deadline(), None);
    assert!(half_opens.by_key.is_empty() && half_opens.by_network.is_empty());
}

#[test]
fn an_address_is_known_while_it_waits() {
    let mut half_opens = HalfOpens::default();
    insert(&mut half_opens, at(0), remote(1, 2), 1);
    assert!(half_opens.any_from(remote(1, 2)));
    assert!(!half_opens.any_from(remote(1, 1)) && !half_opens.any_from(remote(1, 3)));
    half_opens.remove(hid(1));
    assert!(!half_opens.any_from(remote(1, 2)));
}

#[test]
fn under_load_an_address_has_a_few_and_all_together_are_bounded() {
    let mut half_opens = HalfOpens::default();
    let half = limits::HALF_OPENS as u16 / 2;
    for number in 0..half {
        assert!(!half_opens.is_loaded() && half_opens.has_room(remote(1, 1).ip()));
        insert(&mut half_opens, at(0), remote(1, 1), number);
    }
    assert!(half_opens.is_loaded() && !half_opens.has_room(remote(1, 1).ip()));
    for number in 0..half {
        let remote = remote(2 + number / limits::HALF_OPENS_PER_ADDRESS as u16, 1);
        assert!(half_opens.has_room(remote.ip()), "the {number}th");
        insert(&mut half_opens, at(0), remote, half + number);
    }
    assert_eq!(half_opens.len(), limits::HALF_OPENS);
    assert!(!half_opens.has_room(remote(9999, 1).ip()));
}
