//! Servers that lie, and the server that is lied to (SPEC §17.2, §17.3, §17.4, §19.1).

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use srudp::nat::stun::{
    Attribute, Builder, Class, Key, Message, Method, PasswordAlgorithm, Query, Question, Server,
    ServerConfig, TransactionId,
};
use srudp::nat::turn::{TurnClient, TurnConfig};
use srudp::nat::{Discovery, DiscoveryConfig, GatherConfig, SocketId, SocketRequest};
use srudp::proto::{Instant, SeededEntropy};

use super::aim::{Ledger, Target, VICTIM, address, forbidden};

/// Servers of both families: what they name must be of their own.
const SERVERS: [&str; 2] = ["198.51.100.1:3478", "[2001:db8::1]:3478"];

/// Bytes of a question, at most, without credentials.
const QUESTION: usize = 48;

/// The server that can name this address.
fn server_for(aimed: SocketAddr) -> SocketAddr {
    address(SERVERS[usize::from(aimed.is_ipv6())])
}

/// The victim, and where nothing may go, with a port that looks harmless.
fn aims() -> Vec<(SocketAddr, bool)> {
    let forbidden = forbidden().into_iter().map(|ip| (SocketAddr::new(ip, 4000), true));
    [(address(VICTIM), false)].into_iter().chain(forbidden).collect()
}

fn reply(class: Class, request: &Message<'_>) -> Builder {
    Builder::new(class, request.method(), request.transaction())
}

/// Asks a server that sends everybody elsewhere. What is asked elsewhere is not answered.
fn redirected(aimed: SocketAddr) -> Ledger {
    let (server, mut sent) = (server_for(aimed), Ledger::default());
    let entropy = &mut SeededEntropy::new(1);
    let mut query = Query::new(Instant::ZERO, Question::new(server), entropy);
    loop {
        while let Some((to, payload)) = query.poll_transmit() {
            sent.record(to, payload.len());
            let (payload, now) = (payload.to_vec(), Instant::ZERO);
            let request = Message::decode(&payload).unwrap();
            if to == server {
                let error = Attribute::ErrorCode { code: 300, reason: "" };
                let answer = reply(Class::Error, &request).attribute(&error);
                let answer = answer.attribute(&Attribute::AlternateServer(aimed)).finish().unwrap();
                query.handle_datagram(now, server, &answer, entropy);
            }
        }
        let Some(at) = query.poll_timeout() else { return sent };
        query.handle_timeout(at);
    }
}

#[test]
fn an_alternate_server_is_asked_seven_times_and_a_forbidden_one_never() {
    for (aimed, is_forbidden) in aims() {
        let got = redirected(aimed).at(aimed);
        assert_eq!(got.packets, if is_forbidden { 0 } else { 7 }, "{aimed}");
        assert!(got.bytes <= got.packets * QUESTION, "{got:?}");
    }
}

/// Two servers that send to each other for ever.
#[test]
fn servers_that_name_each_other_are_not_followed_for_ever() {
    let [one, two] = ["198.51.100.1:3478", "198.51.100.2:3478"].map(address);
    let (mut sent, entropy) = (0, &mut SeededEntropy::new(1));
    let mut query = Query::new(Instant::ZERO, Question::new(one), entropy);
    while let Some((to, payload)) = query.poll_transmit() {
        let payload = payload.to_vec();
        let request = Message::decode(&payload).unwrap();
        let error = Attribute::ErrorCode { code: 300, reason: "" };
        let other = Attribute::AlternateServer(if to == one { two } else { one });
        let answer = reply(Class::Error, &request).attribute(&error).attribute(&other).finish();
        query.handle_datagram(Instant::ZERO, to, &answer.unwrap(), entropy);
        sent += 1;
    }
    assert_eq!(sent, 1 + 4);
    assert!(query.outcome().is_some_and(Result::is_err));
}

/// Examines a NAT with a server that names the victim as `lie` does; other destinations do not answer.
fn discovered(
    server: SocketAddr,
    lie: impl Fn(SocketAddr, Builder) -> Builder,
) -> (Ledger, SocketAddr) {
    let any: IpAddr = if server.is_ipv4() { [0, 0, 0, 0].into() } else { [0_u16; 8].into() };
    let sockets: Vec<SocketAddr> =
        (0..8).map(|number| SocketAddr::new(any, 40_000 + number)).collect();
    let config = DiscoveryConfig::new(&[server], &sockets);
    let entropy = Box::new(SeededEntropy::new(1));
    let (mut now, mut sent) = (Instant::ZERO, Ledger::default());
    let mut discovery = Discovery::new(now, config, entropy);
    loop {
        while let Some(transmit) = discovery.poll_transmit() {
            sent.record(transmit.destination, transmit.payload.len());
            if transmit.destination != server {
                continue;
            }
            let request = Message::decode(&transmit.payload).unwrap();
            let port = sockets[usize::from(transmit.socket.number())].port();
            let seen = SocketAddr::new(address("198.51.100.9:1").ip(), port);
            let answer = lie(seen, reply(Class::Success, &request)).finish().unwrap();
            discovery.handle_datagram(now, transmit.socket, server, &answer);
        }
        let Some(at) = discovery.poll_timeout() else { break };
        now = now.max(at);
        discovery.handle_timeout(now);
    }
    (sent, server)
}

#[test]
fn an_other_address_is_asked_eight_times_and_a_forbidden_one_never() {
    for (aimed, is_forbidden) in aims() {
        let (sent, server) = discovered(server_for(aimed), |seen, answer| {
            let mapped = answer.attribute(&Attribute::XorMappedAddress(seen));
            mapped
                .attribute(&Attribute::OtherAddress(aimed))
                .attribute(&Attribute::ResponseOrigin(aimed))
                .attribute(&Attribute::AlternateServer(aimed))
        });
        let second = SocketAddr::new(aimed.ip(), server.port());
        let (first, second) = (sent.at(aimed), sent.at(second));
        let packets = if is_forbidden { 0 } else { 4 };
        assert_eq!((first.packets, second.packets), (packets, packets), "{aimed}");
        assert!(first.bytes + second.bytes <= 8 * QUESTION);
    }
}

#[test]
fn what_a_server_calls_our_own_address_gets_eight_small_datagrams_and_a_forbidden_one_nothing() {
    for (aimed, is_forbidden) in aims() {
        let (sent, _) = discovered(server_for(aimed), |_, answer| {
            answer.attribute(&Attribute::XorMappedAddress(aimed))
        });
        let got = sent.at(aimed);
        assert_eq!(got.packets, if is_forbidden { 0 } else { 8 }, "{aimed}");
        assert!(got.bytes <= 8 * QUESTION, "{got:?}");
    }
}

/// Where an answer says that it came from changes nothing.
#[test]
fn a_response_origin_gets_nothing() {
    let (sent, _) = discovered(address(SERVERS[0]), |seen, answer| {
        let mapped = answer.attribute(&Attribute::XorMappedAddress(seen));
        mapped.attribute(&Attribute::ResponseOrigin(address(VICTIM)))
    });
    assert_eq!(sent.at(address(VICTIM)).packets, 0);
}

/// Gathers with a server that answers as `lie` does; other destinations do not answer. For longer than a ticket lives.
fn gathered(server: SocketAddr, lie: impl Fn(SocketAddr, &Message<'_>) -> Vec<u8>) -> Ledger {
    let any: IpAddr = if server.is_ipv4() { [0, 0, 0, 0].into() } else { [0_u16; 8].into() };
    let local = |socket: SocketId| SocketAddr::new(any, 40_000 + socket.number());
    let config = GatherConfig::new(local(SocketId::MAIN)).servers(&[server]);
    let (mut target, mut sent) = (Target::new(), Ledger::default());
    target.node.gather(target.now, config.keep(Duration::from_secs(600)));
    let mut buffer = [0; 2000];
    while target.now < Instant::ZERO + Duration::from_secs(900) {
        while let Some(request) = target.node.poll_request() {
            if let SocketRequest::Open(socket) = request {
                target.node.handle_opened(target.now, socket, Some(local(socket)));
            }
        }
        while let Some(sending) = target.node.poll_transmit(target.now, &mut buffer, 1) {
            let to = sending.transmit.destination;
            let question = &buffer[..sending.transmit.size];
            sent.record(to, question.len());
            if to == server {
                let seen = SocketAddr::new(address(VICTIM).ip(), local(sending.socket).port());
                let answer = lie(seen, &Message::decode(question).unwrap());
                target.hand_over(sending.socket, server, &answer);
            }
        }
        let Some(at) = target.node.poll_timeout() else { break };
        target.now = target.now.max(at);
        target.node.handle_timeout(target.now);
    }
    sent
}

#[test]
fn gathering_asks_an_other_address_six_times_and_a_forbidden_one_never() {
    for (aimed, is_forbidden) in aims() {
        let server = server_for(aimed);
        let sent = gathered(server, |seen, request| {
            let mapped =
                reply(Class::Success, request).attribute(&Attribute::XorMappedAddress(seen));
            let other = mapped.attribute(&Attribute::OtherAddress(aimed));
            other.attribute(&Attribute::ResponseOrigin(aimed)).finish().unwrap()
        });
        let second = SocketAddr::new(aimed.ip(), server.port());
        let (first, second) = (sent.at(aimed), sent.at(second));
        let packets = if is_forbidden { 0 } else { 3 };
        assert_eq!((first.packets, second.packets), (packets, packets), "{aimed}");
        assert!(first.bytes + second.bytes <= 6 * QUESTION);
    }
}

#[test]
fn gathering_asks_an_alternate_server_three_times_and_a_forbidden_one_never() {
    for (aimed, is_forbidden) in aims() {
        let sent = gathered(server_for(aimed), |_, request| {
            let error = Attribute::ErrorCode { code: 300, reason: "" };
            let answer = reply(Class::Error, request).attribute(&error);
            answer.attribute(&Attribute::AlternateServer(aimed)).finish().unwrap()
        });
        let got = sent.at(aimed);
        assert_eq!(got.packets, if is_forbidden { 0 } else { 3 }, "{aimed}");
        assert!(got.bytes <= 3 * QUESTION);
    }
}

/// It is told to peers as our address. Whether they send there is theirs to judge; we do not.
#[test]
fn gathering_sends_nothing_to_what_a_server_calls_our_own_address() {
    for (aimed, _) in aims() {
        let sent = gathered(server_for(aimed), |_, request| {
            let mapped = Attribute::XorMappedAddress(aimed);
            reply(Class::Success, request).attribute(&mapped).finish().unwrap()
        });
        assert_eq!(sent.at(aimed).packets, 0, "{aimed}");
    }
}

/// Asks for a relay where another one is named, with and without a proof.
fn relayed(aimed: SocketAddr, proved: bool) -> Ledger {
    let (server, mut sent) = (server_for(aimed), Ledger::default());
    let key = Key::long_term(PasswordAlgorithm::Md5, "alice", "realm", "secret");
    let mut now = Instant::ZERO;
    let entropy = Box::new(SeededEntropy::new(1));
    let mut client = TurnClient::new(now, TurnConfig::new(server, "alice", "secret"), entropy);
    loop {
        while let Some(transmit) = client.poll_transmit() {
            sent.record(transmit.destination, transmit.payload.len());
            if transmit.destination != server {
                continue;
            }
            let request = Message::decode(&transmit.payload).unwrap();
            let code = |code| {
                let error = Attribute::ErrorCode { code, reason: "" };
                reply(Class::Error, &request).attribute(&error)
            };
            let named = code(300).attribute(&Attribute::AlternateServer(aimed));
            let answer = if !proved {
                named
            } else if request.has_integrity() {
                named.integrity(&key)
            } else {
                code(401).attribute(&Attribute::Realm("realm")).attribute(&Attribute::Nonce("one"))
            };
            client.handle_datagram(now, server, &answer.finish().unwrap());
        }
        let Some(at) = client.poll_timeout() else { return sent };
        now = now.max(at);
        client.handle_timeout(now);
    }
}

#[test]
fn an_alternate_relay_is_asked_five_times_and_a_forbidden_one_never() {
    for (aimed, is_forbidden) in aims() {
        for proved in [true, false] {
            let got = relayed(aimed, proved).at(aimed);
            let most = if is_forbidden { 0 } else { 5 };
            assert!(got.packets <= most, "{aimed}, {got:?}");
            assert!(got.bytes <= got.packets * 2 * QUESTION, "{got:?}");
        }
    }
}

/// Every request of a client, and some that none sends.
fn questions() -> Vec<Vec<u8>> {
    let request = || Builder::new(Class::Request, Method::BINDING, TransactionId::new([7; 12]));
    let both = Attribute::ChangeRequest { ip: true, port: true };
    let padded = request().attribute(&Attribute::Padding(&[0; 1000]));
    let unknown = (0..30).fold(request(), |builder, number| {
        builder.attribute(&Attribute::Unknown { kind: 0x7000 + number, value: &[] })
    });
    let builders = [
        request(),
        request().fingerprint(),
        request().attribute(&both),
        request().attribute(&Attribute::ResponsePort(6001)),
        request().attribute(&Attribute::ResponsePort(53)).attribute(&both),
        padded,
        request()
            .attribute(&Attribute::Padding(&[0; 1000]))
            .attribute(&Attribute::ResponsePort(53)),
        unknown,
    ];
    builders.into_iter().map(|builder| builder.finish().unwrap()).collect()
}

#[test]
fn a_server_sends_three_times_what_came_and_to_nobody_else() {
    for (aimed, _) in aims() {
        for question in questions() {
            let primary = server_for(aimed);
            let other = if primary.is_ipv4() { "198.51.100.2:3479" } else { "[2001:db8::2]:3479" };
            let config = ServerConfig::new(primary).with_other(address(other)).unwrap();
            let mut server = Server::new(config, &mut SeededEntropy::new(1));
            server.handle_datagram(Instant::ZERO, primary, aimed, &question);
            let answers: Vec<_> = std::iter::from_fn(|| server.poll_transmit()).collect();
            assert!(answers.len() <= 1);
            for answer in answers {
                assert_eq!(answer.destination.ip(), aimed.ip());
                assert!(answer.payload.len() <= 3 * question.len());
            }
        }
    }
}

#[test]
fn a_victim_of_many_forged_questions_gets_few_answers() {
    let (victim, mut sent) = (address(VICTIM), Ledger::default());
    let primary = address(SERVERS[0]);
    let mut server = Server::new(ServerConfig::new(primary), &mut SeededEntropy::new(1));
    let seconds = 10;
    for millis in 0..seconds * 1000 {
        let now = Instant::ZERO + Duration::from_millis(millis);
        for question in questions() {
            server.handle_datagram(now, primary, victim, &question);
            while let Some(answer) = server.poll_transmit() {
                sent.record(answer.destination, answer.payload.len());
            }
        }
    }
    // 60 at once and 20 per second.
    assert!(sent.all().packets <= 60 + 20 * usize::try_from(seconds).unwrap());
}
