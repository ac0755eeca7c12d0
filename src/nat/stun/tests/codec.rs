//! The reader against arbitrary bytes, and against the writer.

use std::net::{IpAddr, SocketAddr};

use proptest::prelude::*;

use super::super::*;
use crate::base::limits::STUN_ATTRIBUTES;

const ID: TransactionId = TransactionId::new([7; 12]);

fn request() -> Builder {
    Builder::new(Class::Request, Method::BINDING, ID)
}

fn attributes(bytes: &[u8]) -> Vec<Attribute<'_>> {
    Message::decode(bytes).unwrap().attributes().collect()
}

#[test]
fn every_attribute_comes_back() {
    let address: SocketAddr = "[2001:db8::1]:3478".parse().unwrap();
    let sent = [
        Attribute::MappedAddress("192.0.2.1:1".parse().unwrap()),
        Attribute::XorMappedAddress(address),
        Attribute::Username("user"),
        Attribute::UserHash([9; 32]),
        Attribute::Realm("example.org"),
        Attribute::Nonce("obMatJos2gAAA"),
        Attribute::PasswordAlgorithms(PasswordAlgorithms::new(&[0, 2, 0, 0, 0, 1, 0, 0]).unwrap()),
        Attribute::PasswordAlgorithm(PasswordAlgorithm::Sha256),
        Attribute::ErrorCode { code: 438, reason: "Stale Nonce" },
        Attribute::UnknownAttributes(AttributeTypes::new(&[0, 0x24, 0x7f, 0xff]).unwrap()),
        Attribute::Software("srudp"),
        Attribute::AlternateServer(address),
        Attribute::AlternateDomain("stun.example"),
        Attribute::ChangeRequest { ip: true, port: false },
        Attribute::Padding(&[1, 2, 3]),
        Attribute::ResponsePort(4000),
        Attribute::ResponseOrigin(address),
        Attribute::OtherAddress(address),
        Attribute::Unknown { kind: 0x7abc, value: &[5] },
    ];
    let key = Key::short_term("secret");
    let builder = sent.iter().fold(request(), Builder::attribute);
    let bytes = builder.integrity(&key).integrity_sha256(&key).fingerprint().finish().unwrap();
    assert_eq!(attributes(&bytes), sent);
    let message = Message::decode(&bytes).unwrap();
    assert!(message.verify_sha1(&key) && message.verify_sha256(&key) && message.has_fingerprint());
}

#[test]
fn lists_name_what_is_known() {
    let list = PasswordAlgorithms::new(&[0, 9, 0, 1, 5, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0]).unwrap();
    let known: Vec<_> = list.known().collect();
    assert_eq!(known, [PasswordAlgorithm::Sha256, PasswordAlgorithm::Md5]);
    for bad in [&[0][..], &[0, 1, 0], &[0, 1, 0, 4, 1]] {
        assert_eq!(PasswordAlgorithms::new(bad), None);
    }
    assert_eq!(AttributeTypes::new(&[0, 1, 2, 3]).unwrap().iter().collect::<Vec<_>>(), [1, 0x203]);
    assert_eq!(AttributeTypes::new(&[0]), None);
}

#[test]
fn of_attributes_of_one_kind_the_first_counts() {
    let first: SocketAddr = "192.0.2.1:1".parse().unwrap();
    let bytes = request()
        .attribute(&Attribute::XorMappedAddress(first))
        .attribute(&Attribute::XorMappedAddress("192.0.2.2:2".parse().unwrap()))
        .finish()
        .unwrap();
    assert_eq!(Message::decode(&bytes).unwrap().reflexive(), Some(first));
}

#[test]
fn what_follows_a_code_does_not_count() {
    let key = Key::short_term("secret");
    let evil = Attribute::XorMappedAddress("192.0.2.6:6".parse().unwrap());
    let bytes = request().integrity(&key).attribute(&evil).fingerprint().finish().unwrap();
    assert_eq!(attributes(&bytes), []);
    assert!(Message::decode(&bytes).unwrap().verify_sha1(&key));
    let bytes = request().integrity_sha256(&key).attribute(&evil).integrity(&key).finish().unwrap();
    assert_eq!(attributes(&bytes), []);
    assert!(!Message::decode(&bytes).unwrap().verify_sha1(&key));
}

#[test]
fn nothing_follows_a_fingerprint() {
    let bytes = request().fingerprint().attribute(&Attribute::Software("x")).finish().unwrap();
    assert_eq!(Message::decode(&bytes).unwrap_err(), StunError::Fingerprint);
}

#[test]
fn a_fingerprint_of_another_message_is_refused() {
    let mut bytes = request().attribute(&Attribute::Software("x")).fingerprint().finish().unwrap();
    bytes[24] ^= 1;
    assert_eq!(Message::decode(&bytes).unwrap_err(), StunError::Fingerprint);
}

#[test]
fn a_short_code_is_refused() {
    for (kind, length) in [(0x0008, 16), (0x001c, 12), (0x001c, 18), (0x001c, 36)] {
        let bytes = request().attribute(&Attribute::Unknown { kind, value: &[0; 40][..length] });
        let bytes = bytes.finish().unwrap();
        assert_eq!(Message::decode(&bytes).unwrap_err(), StunError::Malformed(kind));
    }
}

#[test]
fn a_cut_code_is_as_good_as_a_whole_one() {
    let key = Key::short_term("secret");
    let whole = integrity::sha256(&key, &request().finish().unwrap(), 16);
    let code = Attribute::Unknown { kind: 0x001c, value: &whole[..16] };
    let bytes = request().attribute(&code).finish().unwrap();
    assert!(Message::decode(&bytes).unwrap().verify_sha256(&key));
}

#[test]
fn malformed_values_matter_where_comprehension_is_required() {
    let with = |kind| {
        request().attribute(&Attribute::Unknown { kind, value: &[0xff; 3] }).finish().unwrap()
    };
    assert_eq!(Message::decode(&with(0x0020)).unwrap_err(), StunError::Malformed(0x0020));
    assert_eq!(Message::decode(&with(0x0006)).unwrap_err(), StunError::Malformed(0x0006));
    assert!(matches!(attributes(&with(0x8023))[..], [Attribute::Unknown { kind: 0x8023, .. }]));
    assert!(matches!(attributes(&with(0x8022))[..], [Attribute::Unknown { kind: 0x8022, .. }]));
}

#[test]
fn too_many_attributes_are_refused() {
    let with = |count| {
        let builder = (0..count).fold(request(), |b, _| b.attribute(&Attribute::Padding(&[])));
        builder.finish().unwrap()
    };
    assert_eq!(attributes(&with(STUN_ATTRIBUTES)).len(), STUN_ATTRIBUTES);
    let error = Message::decode(&with(STUN_ATTRIBUTES + 1)).unwrap_err();
    assert_eq!(error, StunError::TooManyAttributes);
}

#[test]
fn texts_and_messages_that_are_too_long_are_not_written() {
    let long = "x".repeat(764);
    for attribute in [Attribute::Realm(&long), Attribute::Username(&long[..509])] {
        assert_eq!(request().attribute(&attribute).finish(), Err(StunError::TooLong));
    }
    let half = [0; 40_000];
    let one = request().attribute(&Attribute::Padding(&half));
    assert_eq!(one.attribute(&Attribute::Padding(&half)).finish(), Err(StunError::TooLong));
    let giant = [0; 70_000];
    assert_eq!(request().attribute(&Attribute::Padding(&giant)).finish(), Err(StunError::TooLong));
    let code = Attribute::ErrorCode { code: 200, reason: "OK" };
    assert_eq!(request().attribute(&code).finish(), Err(StunError::Malformed(0x0009)));
}

fn addresses() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), any::<u16>()).prop_map(SocketAddr::from)
}

/// Bytes that get past the header and the lengths more often than chance would have it.
fn plausible() -> impl Strategy<Value = Vec<u8>> {
    let kinds = prop_oneof![
        prop::sample::select(vec![
            1_u16, 3, 6, 8, 9, 10, 0x14, 0x15, 0x1c, 0x1d, 0x1e, 0x20, 0x26, 0x27, 0x8002, 0x8022,
            0x8023, 0x8028, 0x802b, 0x802c,
        ]),
        any::<u16>(),
    ];
    let attribute = (kinds, prop::collection::vec(any::<u8>(), 0..40));
    (any::<u16>(), prop::collection::vec(attribute, 0..8)).prop_map(|(method, attributes)| {
        let method = Method::new(method & 0xfff).unwrap();
        let builder = Builder::new(Class::Success, method, ID);
        let put = |builder: Builder, (kind, value): &(u16, Vec<u8>)| {
            builder.attribute(&Attribute::Unknown { kind: *kind, value })
        };
        attributes.iter().fold(builder, put).finish().unwrap()
    })
}

/// Looks at everything that a message offers, and writes what was read.
fn exercise(bytes: &[u8]) {
    let Ok(message) = Message::decode(bytes) else { return };
    let key = Key::short_term("secret");
    let _ = (message.reflexive(), message.error(), message.has_integrity());
    let _ = (message.verify_sha1(&key), message.verify_sha256(&key));
    let _ = message.unknown_required().count();
    let read: Vec<_> = message.attributes().collect();
    for attribute in &read {
        match attribute {
            Attribute::PasswordAlgorithms(list) => drop(list.known().count()),
            Attribute::UnknownAttributes(list) => drop(list.iter().count()),
            Attribute::Nonce(nonce) => drop(SecurityFeatures::of(nonce)),
            _ => {}
        }
    }
    let builder = Builder::new(message.class(), message.method(), message.transaction());
    let written = read.iter().fold(builder, Builder::attribute).finish().unwrap();
    assert_eq!(attributes(&written), read);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        exercise(&bytes);
        let mut with_cookie = request().finish().unwrap();
        with_cookie.extend(&bytes);
        let length = (bytes.len() as u16 & !3).to_be_bytes();
        with_cookie[2..4].copy_from_slice(&length);
        exercise(&with_cookie);
    }

    #[test]
    fn what_is_read_is_written_and_read_again(bytes in plausible()) {
        exercise(&bytes);
    }

    #[test]
    fn addresses_and_texts_come_back(address in addresses(), text in ".{0,100}", id: [u8; 12]) {
        let sent = [
            Attribute::XorMappedAddress(address),
            Attribute::MappedAddress(address),
            Attribute::Software(&text),
        ];
        let builder = Builder::new(Class::Success, Method::BINDING, TransactionId::new(id));
        let bytes = sent.iter().fold(builder, Builder::attribute).finish().unwrap();
        prop_assert_eq!(attributes(&bytes), sent);
    }

    #[test]
    fn a_stream_of_anything_ends_or_goes_on(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let (mut reader, mut rest) = (StreamReader::default(), bytes.as_slice());
        while !rest.is_empty() {
            let before = rest.len();
            if reader.read(&mut rest).is_err() {
                break;
            }
            prop_assert!(rest.len() < before);
        }
    }
}
