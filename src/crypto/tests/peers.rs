//! Replays `peers.json`, which `make_hybrid.py` wrote: names, static keys, signatures and punch tags.

use serde_json::Value;

use super::{bytes, key};
use crate::crypto::punch::{punch_tag, verify_punch_tag};
use crate::crypto::{Identity, PeerId};

#[test]
fn peers_of_the_second_implementation() {
    const PEERS: &str = include_str!("../../../tests/vectors/peers.json");
    let vectors: Vec<Value> = serde_json::from_str(PEERS).unwrap();
    assert_eq!(vectors.len(), 4);
    for vector in &vectors {
        let identity = Identity::from_secret_bytes(key(vector, "seed"));
        let id = identity.peer_id();
        assert_eq!(*id.as_bytes(), key(vector, "peer_id"));
        assert_eq!(id.to_string(), vector["text"].as_str().unwrap());
        assert_eq!(*id.static_public(), key(vector, "static_public"));
        let message = bytes(vector, "message");
        assert_eq!(&identity.sign(&message)[..], bytes(vector, "signature"));

        let receiver = PeerId::from_bytes(&key(vector, "punch_receiver")).unwrap();
        let punch_key = bytes(vector, "punch_key").try_into().unwrap();
        let punch = bytes(vector, "punch").try_into().unwrap();
        let tag = punch_tag(&punch_key, &id, &receiver, &punch);
        assert_eq!(&tag[..], bytes(vector, "punch_tag"));
        assert!(verify_punch_tag(&punch_key, &id, &receiver, &punch, &tag));
    }
}
