//! `snow` as the other side, in both roles, with payloads built by hand from SPEC §5.2 and §5.3.

use ed25519_dalek::SigningKey;
use snow::HandshakeState;

use crate::base::SeededEntropy;
use crate::crypto::Identity;
use crate::crypto::handshake::{Context, Initiator, Responder};
use crate::crypto::schedule::Secrets;
use crate::wire::{SetMap, Suite};

fn context(suite: Suite) -> Context {
    Context {
        suite,
        offered_initiator: SetMap::from_u16(0x0002),
        offered_responder: SetMap::from_u16(0x0003),
        hid_initiator: [1; 8].into(),
        hid_responder: [2; 8].into(),
    }
}

fn identities() -> [Identity; 2] {
    [1, 2].map(|seed| Identity::from_secret_bytes([seed; 32]))
}

fn prologue(suite: u8, responder: &[u8; 32]) -> Vec<u8> {
    let fixed = [0x53, 0x52, 0, 1, suite, 0, 2, 0, 3];
    [&b"SRUDP/1"[..], &fixed, &[1; 8], &[2; 8], responder].concat()
}

/// The other side of a handshake with the given suite.
fn snow(suite: Suite, initiator: bool) -> HandshakeState {
    let [dialler, listener] = identities();
    let (own, peer) = if initiator { (&dialler, &listener) } else { (&listener, &dialler) };
    let named = suite == Suite::XkClassical;
    let name =
        if named { "Noise_XKpsk3_25519_AESGCM_SHA256" } else { "Noise_XXpsk3_25519_AESGCM_SHA256" };
    let responder = if named { *listener.peer_id().as_bytes() } else { [0; 32] };
    let prologue = prologue(if named { 0x11 } else { 0x12 }, &responder);
    let secret = SigningKey::from_bytes(&own.secret_bytes()).to_scalar_bytes();
    let remote = *peer.peer_id().static_public();
    let mut builder = snow::Builder::new(name.parse().unwrap())
        .prologue(&prologue)
        .unwrap()
        .local_private_key(&secret)
        .unwrap();
    if initiator && named {
        builder = builder.remote_public_key(&remote).unwrap();
    }
    if initiator { builder.build_initiator() } else { builder.build_responder() }.unwrap()
}

fn write(snow: &mut HandshakeState, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 1000];
    let length = snow.write_message(payload, &mut out).unwrap();
    out.truncate(length);
    out
}

fn read(snow: &mut HandshakeState, message: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 1000];
    let length = snow.read_message(message, &mut out).unwrap();
    out.truncate(length);
    out
}

/// Both sides went through the same handshake.
fn assert_agreed(ours: &Secrets, theirs: &mut HandshakeState) {
    assert_eq!(ours.handshake_hash(), theirs.get_handshake_hash());
    let (k1, k2) = theirs.dangerously_get_raw_split();
    let rebuilt = Secrets::new(&k1.into(), &k2.into(), *ours.handshake_hash());
    assert_eq!(ours.initiator_to_responder, rebuilt.initiator_to_responder);
    assert_eq!(ours.responder_to_initiator, rebuilt.responder_to_initiator);
}

#[test]
fn snow_answers() {
    for suite in [Suite::XkClassical, Suite::XxClassical] {
        let [dialler, listener] = identities();
        let named = suite.names_responder().then(|| listener.peer_id());
        let mut snow = snow(suite, false);
        let mut entropy = SeededEntropy::new(3);
        let (ours, first) =
            Initiator::start(&dialler, named, &context(suite), b"p1", &mut entropy).unwrap();
        assert_eq!(read(&mut snow, &first), b"p1");
        let mut payload = vec![0x77; 32];
        if named.is_none() {
            payload.extend_from_slice(listener.peer_id().as_bytes());
        }
        payload.extend_from_slice(b"p2");
        let second = write(&mut snow, &payload);
        let finished = ours.finish(&second, b"p3", &mut entropy).unwrap();
        assert_eq!((finished.peer, &*finished.parameters), (listener.peer_id(), &b"p2"[..]));
        snow.set_psk(3, &[0x77; 32]).unwrap();
        let third = read(&mut snow, &finished.message);
        assert_eq!(third, [&[1], &dialler.peer_id().as_bytes()[..], b"p3"].concat());
        assert_agreed(&finished.secrets, &mut snow);
    }
}

#[test]
fn snow_dials() {
    for suite in [Suite::XkClassical, Suite::XxClassical] {
        let [dialler, listener] = identities();
        let mut snow = snow(suite, true);
        let mut entropy = SeededEntropy::new(4);
        let first = write(&mut snow, b"p1");
        let (mut ours, p1) = Responder::read(&listener, &context(suite), &first).unwrap();
        assert_eq!(p1, b"p1");
        let payload = read(&mut snow, &ours.answer(b"p2", &mut entropy).unwrap());
        let (shared_key, rest) = payload.split_first_chunk::<32>().unwrap();
        let id = listener.peer_id();
        let told: &[u8] = if suite.names_responder() { &[] } else { id.as_bytes() };
        assert_eq!(rest, [told, b"p2"].concat());
        snow.set_psk(3, shared_key).unwrap();
        let payload = [&[1], &dialler.peer_id().as_bytes()[..], b"p3"].concat();
        let accepted = ours.finish(&write(&mut snow, &payload)).unwrap();
        assert_eq!((accepted.peer, &*accepted.parameters), (dialler.peer_id(), &b"p3"[..]));
        assert_agreed(&accepted.secrets, &mut snow);
    }
}

#[test]
fn a_snow_that_says_something_else_in_message_3_is_refused() {
    let [dialler, listener] = identities();
    let twin = {
        let mut twin = *dialler.peer_id().as_bytes();
        twin[31] ^= 0x80;
        twin
    };
    let id = *dialler.peer_id().as_bytes();
    // No flag, a wrong flag, no room for the id, somebody else's id. The twin's static key is the proved one.
    for (payload, good) in [
        (vec![], false),
        ([&[0], &id[..]].concat(), false),
        ([&[1], &id[..31]].concat(), false),
        ([&[1], &listener.peer_id().as_bytes()[..]].concat(), false),
        ([&[1], &[0xff; 32][..]].concat(), false),
        ([&[1], &twin[..]].concat(), true),
        ([&[1], &id[..]].concat(), true),
    ] {
        let mut snow = snow(Suite::XkClassical, true);
        let first = write(&mut snow, b"");
        let (mut ours, _) =
            Responder::read(&listener, &context(Suite::XkClassical), &first).unwrap();
        let second = ours.answer(b"", &mut SeededEntropy::new(5)).unwrap();
        let shared_key = read(&mut snow, &second);
        snow.set_psk(3, shared_key.first_chunk::<32>().unwrap()).unwrap();
        let accepted = ours.finish(&write(&mut snow, &payload));
        assert_eq!(accepted.is_ok(), good, "{payload:02x?}");
    }
}
