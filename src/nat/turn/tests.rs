//! A client and a relay that is played by hand.

use std::time::Duration;

use super::*;
use crate::base::SeededEntropy;
use crate::nat::stun::{
    AddressFamily, Attribute, Builder, Key, PasswordAlgorithm, PasswordAlgorithms, SecurityFeatures,
};

const NOW: Instant = Instant::ZERO;

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn server() -> SocketAddr {
    address("198.51.100.1:3478")
}

fn me() -> SocketAddr {
    address("203.0.113.9:4000")
}

fn relayed() -> SocketAddr {
    address("198.51.100.1:50000")
}

fn peer() -> SocketAddr {
    address("192.0.2.7:9000")
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A relay that knows one user, and answers as its fields say.
struct Relay {
    nonce: &'static str,
    lifetime: u32,
    /// What to refuse, and how.
    refuses: Vec<(Method, u16)>,
    /// Requests that came with a proof, in order.
    proved: Vec<(Method, Vec<u8>)>,
}

impl Relay {
    fn new() -> Self {
        Self { nonce: "one", lifetime: 600, refuses: Vec::new(), proved: Vec::new() }
    }

    fn refuse(&mut self, method: Method, code: u16) {
        self.refuses.push((method, code));
    }

    fn key() -> Key {
        Key::long_term(PasswordAlgorithm::Md5, "alice", "realm", "secret")
    }

    fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        let message = Message::decode(request).unwrap();
        assert!(message.has_fingerprint());
        let (method, transaction) = (message.method(), message.transaction());
        let error = |code| {
            Builder::new(Class::Error, method, transaction)
                .attribute(&Attribute::ErrorCode { code, reason: "no" })
        };
        let nonce = message.find(|attribute| match attribute {
            Attribute::Nonce(nonce) => Some(nonce),
            _ => None,
        });
        if nonce != Some(self.nonce) || !message.verify_sha1(&Self::key()) {
            let stale = nonce.is_some_and(|nonce| nonce != self.nonce);
            let challenge = error(if stale { 438 } else { 401 })
                .attribute(&Attribute::Realm("realm"))
                .attribute(&Attribute::Nonce(self.nonce));
            return challenge.finish().unwrap();
        }
        self.proved.push((method, request.to_vec()));
        if let Some(at) = self.refuses.iter().position(|(refused, _)| *refused == method) {
            let (_, code) = self.refuses.remove(at);
            let error = match code {
                300 => error(300).attribute(&Attribute::AlternateServer(address("198.51.100.2:1"))),
                _ => error(code),
            };
            return error.integrity(&Self::key()).finish().unwrap();
        }
        let success = Builder::new(Class::Success, method, transaction)
            .attribute(&Attribute::Lifetime(self.lifetime))
            .attribute(&Attribute::XorMappedAddress(me()))
            .attribute(&Attribute::XorRelayedAddress(relayed()));
        success.integrity(&Self::key()).finish().unwrap()
    }
}

fn client() -> TurnClient {
    configured(TurnConfig::new(server(), "alice", "secret"))
}

fn configured(config: TurnConfig) -> TurnClient {
    TurnClient::new(NOW, config, Box::new(SeededEntropy::new(1)))
}

/// Carries everything to and fro until nothing moves.
fn talk(now: Instant, client: &mut TurnClient, relay: &mut Relay) -> Vec<TurnEvent> {
    while let Some(transmit) = client.poll_transmit() {
        let answer = relay.answer(&transmit.payload);
        client.handle_datagram(now, transmit.destination, &answer);
    }
    std::iter::from_fn(|| client.poll_event()).collect()
}

/// A client with an allocation, and its relay.
fn allocated() -> (TurnClient, Relay) {
    let (mut client, mut relay) = (client(), Relay::new());
    let events = talk(NOW, &mut client, &mut relay);
    let expected = Relayed { ipv4: Some(relayed()), ipv6: None, reflexive: Some(me()) };
    assert_eq!(events, [TurnEvent::Allocated(expected)]);
    (client, relay)
}

fn lost(error: TurnError) -> Vec<TurnEvent> {
    vec![TurnEvent::Lost(error)]
}

/// Lets time pass and the relay answer until then. Returns what happened.
fn run(until: Duration, client: &mut TurnClient, relay: &mut Relay) -> Vec<TurnEvent> {
    let mut events = Vec::new();
    while let Some(at) = client.poll_timeout().filter(|at| *at <= NOW + until) {
        client.handle_timeout(at);
        events.extend(talk(at, client, relay));
    }
    events
}

/// A peer's datagram as a Data indication.
fn indication(from: SocketAddr, datagram: &[u8]) -> Vec<u8> {
    Builder::new(Class::Indication, Method::DATA, TransactionId::new([5; 12]))
        .attribute(&Attribute::XorPeerAddress(from))
        .attribute(&Attribute::Data(datagram))
        .finish()
        .unwrap()
}

#[test]
fn an_allocation_is_made_with_the_credentials_that_the_relay_asks_for() {
    let (client, relay) = allocated();
    assert_eq!(relay.proved.len(), 1);
    assert_eq!(client.poll_timeout(), Some(NOW + seconds(20)));
}

#[test]
fn a_wrong_password_is_noticed_at_the_second_refusal() {
    let mut client = configured(TurnConfig::new(server(), "alice", "guess"));
    assert_eq!(talk(NOW, &mut client, &mut Relay::new()), lost(TurnError::Unauthorized));
    assert_eq!(client.poll_timeout(), None);
}

#[test]
fn what_the_relay_says_of_its_limits_is_told_apart() {
    for (code, error) in [
        (486, TurnError::Quota),
        (508, TurnError::Capacity),
        (440, TurnError::Family),
        (403, TurnError::Forbidden),
        (400, TurnError::Refused { code: 400, reason: "no".to_owned() }),
    ] {
        let (mut client, mut relay) = (client(), Relay::new());
        relay.refuse(Method::ALLOCATE, code);
        assert_eq!(talk(NOW, &mut client, &mut relay), lost(error));
    }
}

#[test]
fn a_refusal_without_proof_is_not_believed() {
    let mut client = client();
    let challenged = Relay::new().answer(&client.poll_transmit().unwrap().payload);
    client.handle_datagram(NOW, server(), &challenged);
    let request = client.poll_transmit().unwrap().payload;
    let transaction = Message::decode(&request).unwrap().transaction();
    let forged = Builder::new(Class::Error, Method::ALLOCATE, transaction)
        .attribute(&Attribute::ErrorCode { code: 486, reason: "" })
        .finish()
        .unwrap();
    assert_eq!(client.handle_datagram(NOW, server(), &forged), TurnInput::Taken);
    assert_eq!(client.poll_event(), None);
    let events = {
        let answer = Relay::new().answer(&request);
        client.handle_datagram(NOW, server(), &answer);
        client.poll_event()
    };
    assert!(matches!(events, Some(TurnEvent::Allocated(_))));
}

#[test]
fn a_relay_of_the_newer_kind_gets_sha256() {
    let mut client = client();
    let list = PasswordAlgorithms::new(&[0, 2, 0, 0, 0, 1, 0, 0]).unwrap();
    let features = SecurityFeatures { password_algorithms: true, username_anonymity: false };
    let request = client.poll_transmit().unwrap().payload;
    let challenge = Builder::new(
        Class::Error,
        Method::ALLOCATE,
        Message::decode(&request).unwrap().transaction(),
    )
    .attribute(&Attribute::ErrorCode { code: 401, reason: "" })
    .attribute(&Attribute::Realm("realm"))
    .attribute(&Attribute::Nonce(&features.nonce("x")))
    .attribute(&Attribute::PasswordAlgorithms(list))
    .finish()
    .unwrap();
    client.handle_datagram(NOW, server(), &challenge);
    let request = client.poll_transmit().unwrap().payload;
    let key = Key::long_term(PasswordAlgorithm::Sha256, "alice", "realm", "secret");
    assert!(Message::decode(&request).unwrap().verify_sha256(&key));
}

#[test]
fn another_relay_that_is_named_is_asked_over_udp_and_reported_over_tcp() {
    let (mut udp, mut relay) = (client(), Relay::new());
    relay.refuse(Method::ALLOCATE, 300);
    assert!(matches!(talk(NOW, &mut udp, &mut relay)[..], [TurnEvent::Allocated(_)]));
    assert_eq!(udp.server(), address("198.51.100.2:1"));

    let config = TurnConfig::new(server(), "alice", "secret").framing(Framing::Stream);
    let (mut tcp, mut relay) = (configured(config), Relay::new());
    relay.refuse(Method::ALLOCATE, 300);
    let named = TurnError::Redirected(address("198.51.100.2:1"));
    assert_eq!(talk(NOW, &mut tcp, &mut relay), lost(named));
}

#[test]
fn what_an_earlier_client_left_is_released_once() {
    let (mut first, mut relay) = (client(), Relay::new());
    relay.refuse(Method::ALLOCATE, 437);
    assert!(matches!(talk(NOW, &mut first, &mut relay)[..], [TurnEvent::Allocated(_)]));
    let methods: Vec<_> = relay.proved.iter().map(|(method, _)| *method).collect();
    assert_eq!(methods, [Method::ALLOCATE, Method::REFRESH, Method::ALLOCATE]);

    let (mut second, mut relay) = (client(), Relay::new());
    relay.refuse(Method::ALLOCATE, 437);
    relay.refuse(Method::ALLOCATE, 437);
    assert_eq!(talk(NOW, &mut second, &mut relay), lost(TurnError::Mismatch));
}

#[test]
fn everything_is_asked_for_again_before_it_ends() {
    let (mut client, mut relay) = allocated();
    client.open(NOW, peer()).unwrap();
    assert_eq!(talk(NOW, &mut client, &mut relay), [TurnEvent::Permitted(peer().ip())]);
    relay.proved.clear();
    // The relay changes its nonce in between, while several requests are on their way.
    assert_eq!(run(seconds(1000), &mut client, &mut relay), []);
    relay.nonce = "two";
    assert_eq!(run(seconds(2000), &mut client, &mut relay), []);
    let count = |method| relay.proved.iter().filter(|(it, _)| *it == method).count();
    assert_eq!(count(Method::REFRESH), 100);
    assert_eq!(count(Method::CREATE_PERMISSION), 8);
    assert_eq!(count(Method::CHANNEL_BIND), 3);
    let mut out = Vec::new();
    client.send(NOW + seconds(2000), peer(), b"x", &mut out).unwrap();
    assert_eq!(out, [0x40, 0, 0, 1, b'x']);
}

#[test]
fn several_requests_with_a_stale_nonce_are_all_asked_anew() {
    let (mut client, mut relay) = allocated();
    relay.nonce = "two";
    let ips: Vec<IpAddr> =
        ["192.0.2.1", "192.0.2.2", "2001:db8::1"].map(|ip| ip.parse().unwrap()).into();
    for ip in &ips {
        client.permit(NOW, *ip).unwrap();
    }
    let requests: Vec<_> = std::iter::from_fn(|| client.poll_transmit()).collect();
    for request in requests {
        let answer = relay.answer(&request.payload);
        client.handle_datagram(NOW, server(), &answer);
    }
    let permitted: Vec<_> = ips.into_iter().map(TurnEvent::Permitted).collect();
    assert_eq!(talk(NOW, &mut client, &mut relay), permitted);
}

#[test]
fn a_short_lifetime_is_refreshed_at_half_and_none_at_all_not_all_the_time() {
    for (lifetime, due) in [(30, 15), (0, 5), (12, 6), (u32::MAX, 20)] {
        let (mut client, mut relay) = (client(), Relay::new());
        relay.lifetime = lifetime;
        talk(NOW, &mut client, &mut relay);
        assert_eq!(client.poll_timeout(), Some(NOW + seconds(due)), "{lifetime}");
    }
}

#[test]
fn a_relay_that_falls_silent_is_given_up_within_the_time_of_a_request() {
    let (mut client, _) = allocated();
    let (mut at, mut sends) = (NOW, 0);
    while let Some(next) = client.poll_timeout() {
        at = next;
        client.handle_timeout(at);
        sends += std::iter::from_fn(|| client.poll_transmit()).count();
    }
    assert_eq!((at - NOW, sends), (Duration::from_millis(31_500), 5));
    assert_eq!(client.poll_event(), Some(TurnEvent::Lost(TurnError::TimedOut)));
}

#[test]
fn a_relay_that_was_restarted_is_told_from_a_dead_one() {
    let (mut client, mut relay) = allocated();
    relay.refuse(Method::REFRESH, 437);
    assert_eq!(run(seconds(30), &mut client, &mut relay), lost(TurnError::Mismatch));
}

#[test]
fn a_peer_without_permission_gets_nothing_and_gets_nothing_in() {
    let (mut client, mut relay) = allocated();
    let mut out = Vec::new();
    assert_eq!(client.send(NOW, peer(), b"x", &mut out), Err(TurnSendError::NotPermitted));
    let data = indication(peer(), b"x");
    assert_eq!(client.handle_datagram(NOW, server(), &data), TurnInput::Taken);
    client.permit(NOW, peer().ip()).unwrap();
    assert_eq!(client.send(NOW, peer(), b"x", &mut out), Err(TurnSendError::NotPermitted));
    talk(NOW, &mut client, &mut relay);
    assert_eq!(client.send(NOW, peer(), b"x", &mut out), Ok(()));
    let received = TurnInput::Received { peer: peer(), payload: b"x" };
    assert_eq!(client.handle_datagram(NOW, server(), &data), received);
    // What does not come from the relay is somebody else's.
    assert_eq!(client.handle_datagram(NOW, peer(), &data), TurnInput::Foreign);
}

#[test]
fn datagrams_go_in_indications_until_there_is_a_channel() {
    let (mut client, mut relay) = allocated();
    client.permit(NOW, peer().ip()).unwrap();
    talk(NOW, &mut client, &mut relay);
    let mut out = Vec::new();
    client.send(NOW, peer(), b"hello", &mut out).unwrap();
    let message = Message::decode(&out).unwrap();
    let attributes: Vec<_> = message.attributes().collect();
    assert_eq!((message.class(), message.method()), (Class::Indication, Method::SEND));
    assert_eq!(attributes, [Attribute::XorPeerAddress(peer()), Attribute::Data(b"hello")]);

    client.open(NOW, peer()).unwrap();
    talk(NOW, &mut client, &mut relay);
    client.send(NOW, peer(), b"hello", &mut out).unwrap();
    assert_eq!(out, b"\x40\x00\x00\x05hello");
    let received = TurnInput::Received { peer: peer(), payload: b"hello" };
    assert_eq!(client.handle_datagram(NOW, server(), &out), received);
    // Padding does not belong to the datagram, and a datagram that is cut short is none.
    out.extend([0; 3]);
    assert_eq!(client.handle_datagram(NOW, server(), &out), received);
    assert_eq!(client.handle_datagram(NOW, server(), &out[..8]), TurnInput::Taken);
    assert_eq!(client.handle_datagram(NOW, server(), b"\x40\x01\x00\x00"), TurnInput::Taken);
}

#[test]
fn a_refused_channel_leaves_indications_and_a_refused_permission_nothing() {
    let (mut client, mut relay) = allocated();
    relay.refuse(Method::CHANNEL_BIND, 508);
    client.open(NOW, peer()).unwrap();
    assert_eq!(talk(NOW, &mut client, &mut relay), [TurnEvent::Permitted(peer().ip())]);
    let mut out = Vec::new();
    client.send(NOW, peer(), b"x", &mut out).unwrap();
    assert!(Message::decode(&out).is_ok());

    let other = address("192.0.2.8:1");
    relay.refuse(Method::CREATE_PERMISSION, 403);
    client.permit(NOW, other.ip()).unwrap();
    let refused = TurnEvent::Refused { ip: other.ip(), error: TurnError::Forbidden };
    assert_eq!(talk(NOW, &mut client, &mut relay), [refused]);
    assert_eq!(client.send(NOW, other, b"x", &mut out), Err(TurnSendError::NotPermitted));
}

#[test]
fn a_channel_number_stands_for_no_other_peer_for_a_quarter_of_an_hour() {
    let (mut client, mut relay) = allocated();
    let number = |client: &mut TurnClient, relay: &mut Relay, now, peer| {
        client.open(now, peer).unwrap();
        talk(now, client, relay);
        let mut out = Vec::new();
        client.send(now, peer, b"", &mut out).unwrap();
        out[1]
    };
    let others = ["192.0.2.8:1", "192.0.2.9:1"].map(address);
    assert_eq!(number(&mut client, &mut relay, NOW, peer()), 0);
    client.forget(NOW, peer().ip());
    assert_eq!(number(&mut client, &mut relay, NOW, others[0]), 1);
    assert_eq!(number(&mut client, &mut relay, NOW, peer()), 0);
    client.forget(NOW, peer().ip());
    run(seconds(901), &mut client, &mut relay);
    assert_eq!(number(&mut client, &mut relay, NOW + seconds(901), others[1]), 0);
}

/// The relay remembers the channel for ten minutes, and sends by it whatever we have forgotten.
#[test]
fn a_peer_that_comes_back_is_heard_by_its_old_channel() {
    let (mut client, mut relay) = allocated();
    client.open(NOW, peer()).unwrap();
    talk(NOW, &mut client, &mut relay);
    let data = b"\x40\x00\x00\x05hello";
    let received = TurnInput::Received { peer: peer(), payload: b"hello" };
    assert_eq!(client.handle_datagram(NOW, server(), data), received);
    client.forget(NOW, peer().ip());
    assert_eq!(client.handle_datagram(NOW, server(), data), TurnInput::Taken);
    client.permit(NOW, peer().ip()).unwrap();
    talk(NOW, &mut client, &mut relay);
    assert_eq!(client.handle_datagram(NOW, server(), data), received);
}

#[test]
fn peers_are_bounded_and_addresses_of_nobody_refused() {
    let (mut client, mut relay) = allocated();
    for last in 0..64 {
        client.open(NOW, SocketAddr::from(([192, 0, 2, last], 7))).unwrap();
    }
    talk(NOW, &mut client, &mut relay);
    assert_eq!(client.permit(NOW, "192.0.2.64".parse().unwrap()), Err(TurnAskError::TooMany));
    client.forget(NOW, "192.0.2.3".parse().unwrap());
    // There is room for a permission, but the number that rests is not free.
    let late = address("192.0.2.64:1");
    client.open(NOW, late).unwrap();
    talk(NOW, &mut client, &mut relay);
    let mut out = Vec::new();
    client.send(NOW, late, b"x", &mut out).unwrap();
    assert!(Message::decode(&out).is_ok());
    for ip in ["0.0.0.0", "255.255.255.255", "ff02::1", "::ffff:224.0.0.1"] {
        assert_eq!(client.permit(NOW, ip.parse().unwrap()), Err(TurnAskError::Unusable), "{ip}");
    }
}

#[test]
fn closing_gives_the_allocation_back_and_does_not_wait_for_ever() {
    let (mut client, mut relay) = allocated();
    client.close(NOW);
    assert_eq!(client.send(NOW, peer(), b"", &mut Vec::new()), Err(TurnSendError::NotAllocated));
    assert_eq!(talk(NOW, &mut client, &mut relay), [TurnEvent::Closed]);
    let (method, request) = relay.proved.last().unwrap();
    let lifetime = Message::decode(request).unwrap().find(|attribute| match attribute {
        Attribute::Lifetime(seconds) => Some(seconds),
        _ => None,
    });
    assert_eq!((*method, lifetime), (Method::REFRESH, Some(0)));
    assert_eq!(client.poll_timeout(), None);

    let (mut silent, _) = allocated();
    silent.close(NOW);
    while let Some(at) = silent.poll_timeout() {
        silent.handle_timeout(at);
    }
    assert_eq!(silent.poll_event(), Some(TurnEvent::Closed));
}

#[test]
fn over_a_stream_channel_data_is_padded_and_requests_are_sent_once() {
    let config = TurnConfig::new(server(), "alice", "secret").framing(Framing::Stream);
    let (mut client, mut relay) = (configured(config), Relay::new());
    talk(NOW, &mut client, &mut relay);
    client.open(NOW, peer()).unwrap();
    talk(NOW, &mut client, &mut relay);
    let mut out = Vec::new();
    client.send(NOW, peer(), b"hello", &mut out).unwrap();
    assert_eq!(out, b"\x40\x00\x00\x05hello\0\0\0");
    client.handle_disconnect();
    assert_eq!(client.poll_event(), Some(TurnEvent::Lost(TurnError::Disconnected)));
}

#[test]
fn both_families_are_asked_for_and_one_may_be_missing() {
    let config = TurnConfig::new(server(), "alice", "secret").relays(Relays::Both);
    let (mut client, mut relay) = (configured(config), Relay::new());
    assert!(matches!(talk(NOW, &mut client, &mut relay)[..], [TurnEvent::Allocated(_)]));
    let asked = Attribute::AdditionalAddressFamily(AddressFamily::Ipv6);
    let request = Message::decode(&relay.proved[0].1).unwrap();
    assert!(request.attributes().any(|attribute| attribute == asked));

    // Who asked for IPv6 alone has no use for this answer.
    let only = Relays::One(AddressFamily::Ipv6);
    let config = TurnConfig::new(server(), "alice", "secret").relays(only);
    let (mut client, mut relay) = (configured(config), Relay::new());
    assert_eq!(talk(NOW, &mut client, &mut relay), lost(TurnError::Incomprehensible));
}
