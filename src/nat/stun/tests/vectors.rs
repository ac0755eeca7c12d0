//! Vectors nobody here wrote: RFC 5769, and RFC 8489 appendix B.1 as corrected by erratum 6268.

use super::super::*;
use data_encoding::HEXLOWER_PERMISSIVE;

fn bytes(text: &str) -> Vec<u8> {
    let text: String = text.split_whitespace().collect();
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).unwrap()
}

const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

/// RFC 5769 §2.1.
const REQUEST: &str = "000100582112a442 b7e7a701bc34d686fa87dfae
    80220010 5354554e207465737420636c69656e74
    00240004 6e0001ff
    80290008 932ff9b151263b36
    00060009 6576746a3a68367659202020
    00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
    80280004 e57a3bcf";

/// RFC 5769 §2.2.
const RESPONSE_V4: &str = "0101003c2112a442 b7e7a701bc34d686fa87dfae
    8022000b 7465737420766563746f7220
    00200008 0001a147e112a643
    00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7
    80280004 c07d4c96";

/// RFC 5769 §2.3.
const RESPONSE_V6: &str = "010100482112a442 b7e7a701bc34d686fa87dfae
    8022000b 7465737420766563746f7220
    00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
    00080014 a382954e4be67bf11784c97c8292c275bfe3ed41
    80280004 c8fb0b4c";

/// RFC 5769 §2.4.
const LONG_TERM: &str = "000100602112a442 78ad3433c6ad72c029da412e
    00060012 e3839ee38388e383aae38383e382afe382b90000
    0015001c 662f2f3439396b39353464364f4c33346f4c39465354767936347341
    0014000b 6578616d706c652e6f726700
    00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666";

/// RFC 8489 appendix B.1, erratum 6268.
const SHA256: &str = "000100902112a442 78ad3433c6ad72c029da412e
    001e0020 4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704
    00150029 6f624d61744a6f733241414143662f2f3439396b39353464364f4c33346f4c39465354767936347341000000
    0014000b 6578616d706c652e6f726700
    001d0004 00020000
    001c0020 b5c7bf005b6c52a21c51c5e892f81924136296cb927c43149309278cc6518e65";

const MATRIX: &str = "\u{30de}\u{30c8}\u{30ea}\u{30c3}\u{30af}\u{30b9}";

#[test]
fn the_sample_request_is_understood() {
    let bytes = bytes(REQUEST);
    let message = Message::decode(&bytes).unwrap();
    assert_eq!((message.class(), message.method()), (Class::Request, Method::BINDING));
    assert!(message.has_fingerprint());
    assert!(message.verify_sha1(&Key::short_term(PASSWORD)));
    assert!(!message.verify_sha1(&Key::short_term("another")));
    assert!(!message.verify_sha256(&Key::short_term(PASSWORD)), "it has none");
    let attributes: Vec<_> = message.attributes().collect();
    assert_eq!(
        attributes,
        [
            Attribute::Software("STUN test client"),
            Attribute::Unknown { kind: 0x0024, value: &[0x6e, 0, 1, 0xff] },
            Attribute::Unknown {
                kind: 0x8029,
                value: &[0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36]
            },
            Attribute::Username("evtj:h6vY"),
        ]
    );
    assert_eq!(message.unknown_required().collect::<Vec<_>>(), [0x0024]);
}

#[test]
fn the_sample_responses_are_understood() {
    for (text, address) in [
        (RESPONSE_V4, "192.0.2.1:32853"),
        (RESPONSE_V6, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
    ] {
        let bytes = bytes(text);
        let message = Message::decode(&bytes).unwrap();
        assert_eq!(message.class(), Class::Success);
        assert!(message.verify_sha1(&Key::short_term(PASSWORD)));
        assert_eq!(message.reflexive(), Some(address.parse().unwrap()));
        assert_eq!(message.attributes().next(), Some(Attribute::Software("test vector")));
    }
}

#[test]
fn the_sample_request_with_long_term_credentials_is_written_byte_for_byte() {
    let expected = bytes(LONG_TERM);
    let key = Key::long_term(PasswordAlgorithm::Md5, MATRIX, "example.org", "TheMatrIX");
    let message = Message::decode(&expected).unwrap();
    assert!(message.verify_sha1(&key));
    let written = Builder::new(Class::Request, Method::BINDING, message.transaction())
        .attribute(&Attribute::Username(MATRIX))
        .attribute(&Attribute::Nonce("f//499k954d6OL34oL9FSTvy64sA"))
        .attribute(&Attribute::Realm("example.org"))
        .integrity(&key);
    assert_eq!(written.finish().unwrap(), expected);
}

#[test]
fn the_sample_request_with_userhash_is_written_byte_for_byte() {
    let expected = bytes(SHA256);
    let key = Key::long_term(PasswordAlgorithm::Sha256, MATRIX, "example.org", "TheMatrIX");
    let message = Message::decode(&expected).unwrap();
    assert!(message.verify_sha256(&key));
    assert!(!message.verify_sha1(&key));
    let written = Builder::new(Class::Request, Method::BINDING, message.transaction())
        .attribute(&Attribute::UserHash(user_hash(MATRIX, "example.org")))
        .attribute(&Attribute::Nonce("obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA"))
        .attribute(&Attribute::Realm("example.org"))
        .attribute(&Attribute::PasswordAlgorithm(PasswordAlgorithm::Sha256))
        .integrity_sha256(&key);
    assert_eq!(written.finish().unwrap(), expected);
}

#[test]
fn one_wrong_bit_anywhere_spoils_a_vector() {
    // But not in the fingerprint, which without its type is an attribute that does not count.
    const FINGERPRINT: usize = 8;
    let key = Key::short_term(PASSWORD);
    for text in [REQUEST, RESPONSE_V4, RESPONSE_V6] {
        let good = bytes(text);
        for bit in 0..(good.len() - FINGERPRINT) * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let accepted = Message::decode(&bad).is_ok_and(|message| message.verify_sha1(&key));
            assert!(!accepted, "bit {bit}");
        }
    }
}
