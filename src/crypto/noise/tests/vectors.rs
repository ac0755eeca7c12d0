//! Replays `cacophony.json`, and `hybrid.json` that `make_hybrid.py` wrote.

use serde_json::Value;
use zeroize::Zeroizing;

use super::patterns;
use crate::crypto::noise::cipher::CipherState;
use crate::crypto::noise::dh::KeyPair;
use crate::crypto::noise::{HandshakeState, Keys};
#[cfg(feature = "pq")]
use crate::crypto::tests::key;
use crate::crypto::tests::{Given, bytes, field};

const CACOPHONY: &str = include_str!("../../../../tests/vectors/cacophony.json");

fn vectors(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

fn pair(secret: Vec<u8>) -> KeyPair {
    KeyPair::new(&secret.try_into().unwrap())
}

/// One side of a vector of the cacophony set; `side` is `init` or `resp`.
fn side(vector: &Value, side: &str) -> (HandshakeState, Given) {
    let named = |name: &str| field(vector, &format!("{side}_{name}"));
    let pattern = patterns::by_protocol_name(vector["protocol_name"].as_str().unwrap());
    let keys = Keys {
        local: named("static").map(pair),
        remote: named("remote_static").map(|remote| remote.try_into().unwrap()),
    };
    let prologue = named("prologue").unwrap();
    let mut state = HandshakeState::initialize(pattern, side == "init", &prologue, keys).unwrap();
    if let Some(psks) = vector.get(format!("{side}_psks")) {
        let psk = crate::crypto::tests::hex(psks[0].as_str().unwrap());
        state.set_psk(Zeroizing::new(psk.try_into().unwrap()));
    }
    (state, Given::new(&named("ephemeral").unwrap_or_default()))
}

#[test]
fn every_pattern_of_the_cacophony_set() {
    let vectors = vectors(CACOPHONY);
    assert_eq!(vectors.len(), 59);
    for vector in &vectors {
        replay(vector);
    }
}

fn replay(vector: &Value) {
    let name = vector["protocol_name"].as_str().unwrap();
    let messages = vector["messages"].as_array().unwrap();
    let (mut initiator, mut of_initiator) = side(vector, "init");
    let (mut responder, mut of_responder) = side(vector, "resp");
    let length = patterns::by_protocol_name(name).messages.len();
    for (number, message) in messages[..length].iter().enumerate() {
        let (payload, expected) = (bytes(message, "payload"), bytes(message, "ciphertext"));
        let (writer, reader, entropy) = if number % 2 == 0 {
            (&mut initiator, &mut responder, &mut of_initiator)
        } else {
            (&mut responder, &mut initiator, &mut of_responder)
        };
        assert!(reader.write_message(&payload, &mut Given::new(&[])).is_err(), "out of turn");
        assert_eq!(writer.write_message(&payload, entropy).unwrap(), expected, "{name}");
        a_damaged_copy_is_refused(reader, &expected, number);
        assert_eq!(*reader.read_message(&expected).unwrap(), payload, "{name}");
    }
    assert!(of_initiator.is_empty() && of_responder.is_empty());

    let (split, of_responder) = (initiator.split().unwrap(), responder.split().unwrap());
    assert_eq!((&split.k1, &split.k2), (&of_responder.k1, &of_responder.k2));
    assert_eq!(split.hash, of_responder.hash);
    assert_eq!(&split.hash[..], bytes(vector, "handshake_hash"), "{name}");

    // A one-way pattern has one message, and then only its initiator speaks.
    let mut ciphers = [CipherState::with_key(split.k1), CipherState::with_key(split.k2)];
    for (number, message) in messages.iter().enumerate().skip(length) {
        let speaker = if length == 1 { 0 } else { number % 2 };
        let mut out = Vec::new();
        let payload = bytes(message, "payload");
        ciphers[speaker].encrypt_with_ad(&[], &payload, &mut out).unwrap();
        assert_eq!(out, bytes(message, "ciphertext"), "{name}");
    }
}

/// From the second message on everything is authenticated: damage is noticed, and nothing is lost by it.
fn a_damaged_copy_is_refused(reader: &mut HandshakeState, message: &[u8], number: usize) {
    assert!(reader.read_message(&message[..message.len().min(31) - 5]).is_err());
    if number > 0 {
        let mut damaged = message.to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        assert!(reader.read_message(&damaged).is_err());
        assert!(reader.read_message(&message[1..]).is_err());
    }
}

#[cfg(feature = "pq")]
#[test]
fn hybrid_handshakes_of_the_second_implementation() {
    const HYBRID: &str = include_str!("../../../../tests/vectors/hybrid.json");
    let vectors = vectors(HYBRID);
    assert_eq!(vectors.len(), 6);
    for vector in &vectors {
        replay_hybrid(vector);
    }
}

#[cfg(feature = "pq")]
fn replay_hybrid(vector: &Value) {
    let name = vector["protocol_name"].as_str().unwrap();
    let pattern = patterns::by_protocol_name(name);
    let prologue = bytes(vector, "prologue");
    let local = |side: &str| pair(bytes(vector, &format!("{side}_static")));
    let start = |initiator, keys| {
        let mut state = HandshakeState::initialize(pattern, initiator, &prologue, keys).unwrap();
        state.set_psk(Zeroizing::new(key(vector, "psk")));
        state
    };
    let remote = pattern.responder_known.then(|| *local("responder").public());
    let mut initiator = start(true, Keys { local: Some(local("initiator")), remote });
    let mut responder = start(false, Keys { local: Some(local("responder")), remote: None });
    let mut of_initiator = Given::new(&bytes(vector, "initiator_random"));
    let mut of_responder = Given::new(&bytes(vector, "responder_random"));

    for (number, message) in vector["messages"].as_array().unwrap().iter().enumerate() {
        let (payload, expected) = (bytes(message, "payload"), bytes(message, "message"));
        let (writer, reader, entropy) = if number % 2 == 0 {
            (&mut initiator, &mut responder, &mut of_initiator)
        } else {
            (&mut responder, &mut initiator, &mut of_responder)
        };
        assert_eq!(writer.write_message(&payload, entropy).unwrap(), expected, "{name}");
        a_damaged_copy_is_refused(reader, &expected, 1);
        assert_eq!(*reader.read_message(&expected).unwrap(), payload, "{name}");
    }
    assert!(of_initiator.is_empty() && of_responder.is_empty());
    let split = initiator.split().unwrap();
    assert_eq!(&split.hash[..], bytes(vector, "handshake_hash"));
    assert_eq!((*split.k1, *split.k2), (key(vector, "k1"), key(vector, "k2")));
    assert_eq!(responder.split().unwrap().k1, split.k1);
}
