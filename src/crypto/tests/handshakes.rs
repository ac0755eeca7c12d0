//! Replays `handshake.json`, the vectors of SPEC that `make_hybrid.py` wrote: both roles, down to sealed packets.

use serde_json::Value;

use super::{Given, bytes, hex, key, number};
use crate::crypto::Identity;
use crate::crypto::handshake::{Context, Initiator, Responder};
use crate::crypto::record::{HEADER_LEN, Protection, TAG_LEN};
use crate::crypto::schedule::Secrets;
use crate::wire::{HandshakeId, PacketCipher, Parameters, Role, SetMap, Suite};

const HANDSHAKES: &str = include_str!("../../../tests/vectors/handshake.json");

fn context(vector: &Value) -> Context {
    let small = |name: &str| u16::try_from(number(vector, name)).unwrap();
    let hid = |name| HandshakeId::from(<[u8; 8]>::try_from(bytes(vector, name)).unwrap());
    Context {
        suite: Suite::decode(small("suite").try_into().unwrap()).unwrap(),
        offered_initiator: SetMap::from_u16(small("offered_initiator")),
        offered_responder: SetMap::from_u16(small("offered_responder")),
        hid_initiator: hid("hid_initiator"),
        hid_responder: hid("hid_responder"),
    }
}

#[test]
fn handshakes_of_the_second_implementation() {
    let vectors: Vec<Value> = serde_json::from_str(HANDSHAKES).unwrap();
    assert_eq!(vectors.len(), 8);
    for vector in &vectors {
        if context(vector).suite.set().best(SetMap::SUPPORTED).is_some() {
            let [initiator, responder] = replay(vector);
            if let Some(cipher) = cipher(vector) {
                packets(vector, [&initiator, &responder], cipher);
            }
            export(vector, &initiator);
        }
    }
}

fn replay(vector: &Value) -> [Secrets; 2] {
    let context = context(vector);
    let [dialler, listener] = ["initiator_seed", "responder_seed"]
        .map(|name| Identity::from_secret_bytes(key(vector, name)));
    assert_eq!(*dialler.peer_id().as_bytes(), key(vector, "initiator_id"));
    assert_eq!(*listener.peer_id().as_bytes(), key(vector, "responder_id"));
    let mut of_initiator = Given::new(&bytes(vector, "initiator_random"));
    let mut of_responder = Given::new(&bytes(vector, "responder_random"));
    let [p1, p2, p3] = ["p1", "p2", "p3"].map(|name| bytes(vector, name));

    let named = context.suite.names_responder().then(|| listener.peer_id());
    let (initiator, first) =
        Initiator::start(&dialler, named, &context, &p1, &mut of_initiator).unwrap();
    assert_eq!(first, bytes(vector, "message_1"));
    let (mut responder, read) = Responder::read(&listener, &context, &first).unwrap();
    assert_eq!(read, p1);
    let second = responder.answer(&p2, &mut of_responder).unwrap();
    assert_eq!(second, bytes(vector, "message_2"));
    let finished = initiator.finish(&second, &p3, &mut of_initiator).unwrap();
    assert_eq!(finished.message, bytes(vector, "message_3"));
    assert_eq!((finished.peer, finished.parameters), (listener.peer_id(), p2));
    let accepted = responder.finish(&finished.message).unwrap();
    assert_eq!((accepted.peer, accepted.parameters), (dialler.peer_id(), p3));
    assert!(of_initiator.is_empty() && of_responder.is_empty());

    for secrets in [&finished.secrets, &accepted.secrets] {
        assert_eq!(*secrets.handshake_hash(), key(vector, "handshake_hash"));
        assert_eq!(*secrets.initiator_to_responder, key(vector, "i2r_0"));
        assert_eq!(*secrets.responder_to_initiator, key(vector, "r2i_0"));
    }
    [finished.secrets, accepted.secrets]
}

/// What the parameters agree on, if this build has it.
fn cipher(vector: &Value) -> Option<PacketCipher> {
    let [p2, p3] = ["p2", "p3"].map(|name| Parameters::decode(&bytes(vector, name)).unwrap());
    let agreed = p2.record_ciphers.common(p3.record_ciphers);
    let known = match vector["cipher"].as_str().unwrap() {
        "AES-256-GCM" => PacketCipher::Aes256Gcm,
        #[cfg(feature = "aegis")]
        "AEGIS-256X4" => PacketCipher::Aegis256X4,
        _ => return None,
    };
    assert_eq!(agreed, known);
    Some(agreed)
}

fn packets(vector: &Value, [initiator, responder]: [&Secrets; 2], cipher: PacketCipher) {
    let mut initiator = Protection::new(initiator, Role::Initiator, cipher);
    let mut responder = Protection::new(responder, Role::Responder, cipher);
    for packet in vector["packets"].as_array().unwrap() {
        let (from, to) = match packet["sender"].as_str().unwrap() {
            "initiator" => (&mut initiator, &mut responder),
            _ => (&mut responder, &mut initiator),
        };
        let updated = number(packet, "key_phase") == 1;
        let at = number(packet, "number");
        if updated {
            from.on_acked(0);
            assert!(from.update());
        }
        let frames = bytes(packet, "frames");
        let mut sealed = vec![0x60];
        sealed.extend_from_slice(&bytes(packet, "connection_id"));
        sealed.resize(HEADER_LEN, 0);
        sealed.extend_from_slice(&frames);
        sealed.extend_from_slice(&[0; TAG_LEN]);
        from.seal(at, &mut sealed).unwrap();
        assert_eq!(sealed, bytes(packet, "packet"));

        let unmasked = to.unmask(&mut sealed, at).unwrap();
        assert_eq!((unmasked.number, unmasked.key_phase), (at, updated));
        let opened = to.open(&unmasked, &mut sealed).unwrap();
        assert_eq!((&*opened.payload, opened.first_of_new_phase), (&*frames, updated));
    }
}

fn export(vector: &Value, secrets: &Secrets) {
    let export = &vector["export"];
    let expected = hex(export["output"].as_str().unwrap());
    let mut out = vec![0; expected.len()];
    let (label, context) = (bytes(export, "label"), bytes(export, "context"));
    assert!(secrets.exporter().export(&label, &context, &mut out));
    assert_eq!(out, expected);
}
