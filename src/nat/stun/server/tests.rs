//! A server and what it is asked, by friends and by others.

use std::time::Duration;

use proptest::prelude::*;

use super::super::TransactionId;
use super::*;
use crate::base::SeededEntropy;
use crate::base::limits::STUN_BURST;

const NOW: Instant = Instant::ZERO;

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn client() -> SocketAddr {
    address("203.0.113.9:4000")
}

fn primary() -> SocketAddr {
    address("198.51.100.1:3478")
}

fn single() -> Server {
    Server::new(ServerConfig::new(primary()), &mut SeededEntropy::new(1))
}

fn double() -> Server {
    let config = ServerConfig::new(primary()).with_other(address("198.51.100.2:3479")).unwrap();
    Server::new(config, &mut SeededEntropy::new(1))
}

fn request() -> Builder {
    Builder::new(Class::Request, Method::BINDING, TransactionId::new([5; 12]))
}

fn ask(server: &mut Server, local: SocketAddr, request: Builder) -> Option<Response> {
    server.handle_datagram(NOW, local, client(), &request.finish().unwrap());
    server.poll_transmit()
}

fn attributes(response: &Response) -> Vec<Attribute<'_>> {
    Message::decode(&response.payload).unwrap().attributes().collect()
}

#[test]
fn the_plainest_question_gets_the_shortest_answer() {
    let response = ask(&mut single(), primary(), request()).unwrap();
    assert_eq!((response.source, response.destination), (primary(), client()));
    assert_eq!(response.payload.len(), 32);
    assert_eq!(attributes(&response), [Attribute::XorMappedAddress(client())]);
    let message = Message::decode(&response.payload).unwrap();
    assert_eq!(message.class(), Class::Success);
    assert_eq!(message.transaction(), TransactionId::new([5; 12]));
}

#[test]
fn a_fingerprint_is_returned() {
    let response = ask(&mut single(), primary(), request().fingerprint()).unwrap();
    assert!(Message::decode(&response.payload).unwrap().has_fingerprint());
}

#[test]
fn a_server_with_two_addresses_names_the_opposite_one() {
    for (local, other) in [
        ("198.51.100.1:3478", "198.51.100.2:3479"),
        ("198.51.100.1:3479", "198.51.100.2:3478"),
        ("198.51.100.2:3478", "198.51.100.1:3479"),
        ("198.51.100.2:3479", "198.51.100.1:3478"),
    ] {
        let asked = request().attribute(&Attribute::Software("ballast")).fingerprint();
        let response = ask(&mut double(), address(local), asked).unwrap();
        let expected = [
            Attribute::XorMappedAddress(client()),
            Attribute::OtherAddress(address(other)),
            Attribute::ResponseOrigin(address(local)),
            Attribute::MappedAddress(client()),
        ];
        assert_eq!(attributes(&response), expected);
        assert_eq!(response.source, address(local));
    }
}

#[test]
fn an_answer_leaves_from_where_it_is_asked_to() {
    for (ip, port, source) in [
        (false, false, "198.51.100.1:3478"),
        (false, true, "198.51.100.1:3479"),
        (true, false, "198.51.100.2:3478"),
        (true, true, "198.51.100.2:3479"),
    ] {
        let asked = request().attribute(&Attribute::ChangeRequest { ip, port });
        let response = ask(&mut double(), primary(), asked).unwrap();
        assert_eq!(response.source, address(source));
        assert!(attributes(&response).contains(&Attribute::ResponseOrigin(address(source))));
        assert_eq!(response.destination, client());
    }
}

#[test]
fn an_answer_goes_to_another_port_if_asked_but_to_no_other_address() {
    let response = ask(&mut single(), primary(), request().attribute(&Attribute::ResponsePort(9)));
    let response = response.unwrap();
    assert_eq!(response.destination, address("203.0.113.9:9"));
    assert_eq!(attributes(&response), [Attribute::XorMappedAddress(client())]);
    let zero = request().attribute(&Attribute::ResponsePort(0));
    assert_eq!(ask(&mut single(), primary(), zero), None);
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    let strange = Attribute::Unknown { kind: 0x7abc, value: &[] };
    let asked = request().attribute(&strange).attribute(&Attribute::ResponsePort(9));
    let response = ask(&mut single(), primary(), asked).unwrap();
    assert_eq!(response.destination, client(), "a refusal goes nowhere else");
    let types = AttributeTypes::new(&[0x7a, 0xbc]).unwrap();
    let error = Attribute::ErrorCode { code: 420, reason: "" };
    assert_eq!(attributes(&response), [error, Attribute::UnknownAttributes(types)]);
    let optional = Attribute::Unknown { kind: 0xfabc, value: &[] };
    let response = ask(&mut single(), primary(), request().attribute(&optional)).unwrap();
    assert_eq!(attributes(&response), [Attribute::XorMappedAddress(client())]);
}

#[test]
fn a_server_with_one_address_does_not_understand_change_request() {
    let asked = request().attribute(&Attribute::ChangeRequest { ip: true, port: true });
    let response = ask(&mut single(), primary(), asked).unwrap();
    assert_eq!(Message::decode(&response.payload).unwrap().error(), Some((420, "")));
}

#[test]
fn padding_is_not_sent_to_another_port() {
    let asked =
        request().attribute(&Attribute::Padding(&[0; 100])).attribute(&Attribute::ResponsePort(9));
    let response = ask(&mut single(), primary(), asked).unwrap();
    assert_eq!(Message::decode(&response.payload).unwrap().error(), Some((400, "")));
    assert_eq!(response.destination, client());
    let asked = request().attribute(&Attribute::Padding(&[0; 100]));
    assert_eq!(ask(&mut single(), primary(), asked).unwrap().payload.len(), 32);
}

#[test]
fn what_is_no_request_gets_no_answer() {
    let mut server = single();
    let build = |class, method| {
        Builder::new(class, Method::new(method).unwrap(), TransactionId::new([1; 12]))
    };
    for (class, method) in
        [(Class::Indication, 1), (Class::Success, 1), (Class::Error, 1), (Class::Request, 3)]
    {
        assert_eq!(ask(&mut server, primary(), build(class, method)), None, "{class:?} {method}");
    }
    server.handle_datagram(NOW, primary(), client(), b"hello");
    let bytes = request().finish().unwrap();
    server.handle_datagram(NOW, address("198.51.100.1:99"), client(), &bytes);
    server.handle_datagram(NOW, primary(), address("203.0.113.9:0"), &bytes);
    server.handle_datagram(NOW, primary(), address("255.255.255.255:1"), &bytes);
    assert_eq!(server.poll_transmit(), None);
    assert_eq!(server.stats().dropped, 8);
}

#[test]
fn who_asks_too_often_is_not_answered() {
    let mut server = single();
    let bytes = request().finish().unwrap();
    let answered = (0..1000).filter(|_| {
        server.handle_datagram(NOW, primary(), client(), &bytes);
        server.poll_transmit().is_some()
    });
    assert_eq!(answered.count(), STUN_BURST as usize);
    assert_eq!(server.stats().limited, 1000 - u64::from(STUN_BURST));
    server.handle_datagram(NOW, primary(), address("203.0.113.10:1"), &bytes);
    assert!(server.poll_transmit().is_some(), "others are");
    server.handle_datagram(NOW + Duration::from_millis(50), primary(), client(), &bytes);
    assert!(server.poll_transmit().is_some(), "it is again, later");
}

#[test]
fn answers_that_nobody_fetches_do_not_pile_up() {
    let config = ServerConfig::new(primary()).rate(1_000_000, 1_000_000);
    let mut server = Server::new(config, &mut SeededEntropy::new(1));
    let bytes = request().finish().unwrap();
    for _ in 0..2 * STUN_RESPONSES {
        server.handle_datagram(NOW, primary(), client(), &bytes);
    }
    assert_eq!(std::iter::from_fn(|| server.poll_transmit()).count(), STUN_RESPONSES);
}

#[test]
fn addresses_that_share_something_are_no_pair() {
    for other in ["198.51.100.1:3479", "198.51.100.2:3478", "[2001:db8::1]:3479"] {
        assert!(ServerConfig::new(primary()).with_other(address(other)).is_none(), "{other}");
    }
}

proptest! {
    #[test]
    fn no_answer_is_longer_than_allowed_or_goes_to_another_address(
        ipv6: bool,
        with_other: bool,
        fingerprint: bool,
        attributes in prop::collection::vec((
            prop::sample::select(vec![3_u16, 6, 0x26, 0x27, 0x24, 0x7000, 0x7001, 0x8022, 0x9000]),
            prop::collection::vec(any::<u8>(), 0..8),
        ), 0..20),
    ) {
        let ip = |v4: &str, v6: &str| address(if ipv6 { v6 } else { v4 });
        let local = ip("198.51.100.1:3478", "[2001:db8::1]:3478");
        let from = ip("203.0.113.9:4000", "[2001:db8:9::9]:4000");
        let other = ip("198.51.100.2:3479", "[2001:db8::2]:3479");
        let config = ServerConfig::new(local);
        let config = if with_other { config.with_other(other).unwrap() } else { config };
        let mut server = Server::new(config, &mut SeededEntropy::new(1));
        let put = |builder: Builder, (kind, value): &(u16, Vec<u8>)| {
            builder.attribute(&Attribute::Unknown { kind: *kind, value })
        };
        let asked = attributes.iter().fold(request(), put);
        let asked = if fingerprint { asked.fingerprint() } else { asked };
        let bytes = asked.finish().unwrap();
        server.handle_datagram(NOW, local, from, &bytes);
        if let Some(response) = server.poll_transmit() {
            prop_assert!(response.payload.len() <= STUN_AMPLIFICATION * bytes.len());
            prop_assert_eq!(response.destination.ip(), from.ip());
            prop_assert!(Message::decode(&response.payload).is_ok());
            prop_assert!(server.addresses().contains(&response.source));
        }
        prop_assert_eq!(server.poll_transmit(), None);
    }
}
