//! Messages survive the wire; anything else is refused without a panic and without an allocation.

use proptest::prelude::*;

use super::*;

fn messages() -> Vec<Message<'static>> {
    let offer = Offer {
        path: "a/ü",
        size: u64::MAX,
        modified: Modified { seconds: -1, nanoseconds: 999_999_999 },
        executable: true,
        folder: false,
    };
    vec![
        Message::Announce { files: 3, bytes: 1 << 40 },
        Message::End,
        Message::Offer(offer),
        Message::Offer(Offer { executable: false, folder: true, size: 0, ..offer }),
        Message::Same,
        Message::Different,
        Message::Begin { offset: 7 },
        Message::Data(b"bytes"),
        Message::Whole([1; 32]),
        Message::Abort("changed"),
        Message::Have([2; 32]),
        Message::Prefix { offset: 9, digest: [3; 32] },
        Message::Refuse(Refusal::space(12, "tmp")),
        Message::Refuse(Refusal::new(Reason::Exists, "")),
        Message::Done,
    ]
}

#[test]
fn every_message_survives_the_wire() {
    let mut wire = Vec::new();
    for message in messages() {
        write(&mut wire, &message).unwrap();
    }
    let mut from = wire.as_slice();
    let mut buffer = Vec::new();
    for message in messages() {
        assert_eq!(read(&mut from, &mut buffer).unwrap(), message);
    }
    assert!(from.is_empty());
}

#[test]
fn the_bytes_of_an_offer_are_these() {
    let offer = Offer {
        path: "x",
        size: 2,
        modified: Modified { seconds: 3, nanoseconds: 4 },
        executable: true,
        folder: false,
    };
    let mut expected = vec![0x03, 0, 0, 0, 22, 0x01];
    expected.extend([0, 0, 0, 0, 0, 0, 0, 2]);
    expected.extend([0, 0, 0, 0, 0, 0, 0, 3]);
    expected.extend([0, 0, 0, 4, b'x']);
    assert_eq!(Message::Offer(offer).encode(), expected);
}

#[test]
fn a_message_cut_anywhere_is_an_error() {
    for message in messages() {
        let wire = message.encode();
        for end in 0..wire.len() {
            assert!(read(&mut &wire[..end], &mut Vec::new()).is_err(), "{message:?} at {end}");
        }
    }
}

#[test]
fn a_length_beyond_the_bound_allocates_nothing() {
    for kind in [DATA, OFFER, 0x55] {
        let mut buffer = Vec::new();
        let wire = [kind, 0xff, 0xff, 0xff, 0xff];
        let error = read(&mut wire.as_slice(), &mut buffer).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(buffer.capacity(), 0);
    }
}

#[test]
fn bytes_after_a_message_are_an_error() {
    assert!(Message::decode(DONE, &[0]).is_err());
    assert!(Message::decode(BEGIN, &[0; 9]).is_err());
}

#[test]
fn a_long_explanation_is_cut_at_a_character() {
    let text = "ü".repeat(TEXT_BYTES_MAX);
    let wire = Message::Abort(&text).encode();
    let mut buffer = Vec::new();
    let Message::Abort(cut) = read(&mut wire.as_slice(), &mut buffer).unwrap() else {
        panic!("not an abort");
    };
    assert_eq!(cut.len(), TEXT_BYTES_MAX);
}

#[test]
fn an_explanation_cannot_drive_the_terminal() {
    let refusal = Refusal::new(Reason::Storage, "\x1b[2J");
    assert!(!refusal.to_string().contains('\x1b'));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(wire in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&mut wire.as_slice(), &mut Vec::new());
    }

    #[test]
    fn random_bodies_never_panic_and_say_the_same_again(
        kind in prop_oneof![0u8..12, 0x80u8..0x86],
        body in prop::collection::vec(any::<u8>(), 0..80),
    ) {
        if let Ok(message) = Message::decode(kind, &body) {
            let wire = message.encode();
            prop_assert_eq!(&wire[HEADER_BYTES..], &body[..]);
        }
    }
}
