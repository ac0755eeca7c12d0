//! Strangers who forge the address that their datagrams come from (SPEC §5.5, §7.4, §14.1).

use std::time::Duration;

use srudp::Identity;
use srudp::nat::stun::{Attribute, Builder, Class, Method, TransactionId};
use srudp::nat::{Candidate, CandidateKind, Description, SocketId};
use srudp::proto::{Dial, Endpoint, EndpointConfig, Instant, SeededEntropy};

use super::aim::{SOCKETS, START, Target, VICTIM, address, nat, ours};

/// Longer than anything takes.
const LONG: Duration = Duration::from_secs(60);

/// Time in which another stateless reset is earned.
const BETWEEN_RESETS: Duration = Duration::from_millis(100);

/// Nobody has asked for more than what makes three times its bytes.
const AMPLIFICATION: usize = 3;

/// A node without a search, and one in the middle of it.
fn targets() -> [Target; 2] {
    let mut searching = Target::new();
    let peer = Candidate::new(CandidateKind::Reflexive, address("192.0.2.7:7000"));
    let [config, _] = searching.configs(2, ours(false), Description::new(nat(false), &[peer]));
    searching.node.search(config, None).unwrap();
    searching.wait(START - searching.now);
    [Target::new(), searching]
}

/// Sends all of it from the victim's address, so many times, and checks what the victim gets for it.
#[track_caller]
fn bound(datagrams: &[Vec<u8>], times: usize, most: usize, what: &str) {
    for mut target in targets() {
        for socket in SOCKETS {
            let mut came = 0;
            let before = target.sent.at(address(VICTIM));
            for datagram in datagrams.iter().cycle().take(datagrams.len() * times) {
                target.receive(socket, address(VICTIM), datagram);
                came += datagram.len();
            }
            target.wait(LONG);
            let got = target.sent.at(address(VICTIM)).bytes - before.bytes;
            assert!(got <= most * came, "{what}: {got} bytes for {came}");
        }
    }
}

/// What a dialler sends in its whole life to a listener that does not answer.
fn dialled(dial: &Dial) -> Vec<Vec<u8>> {
    let identity = Identity::from_secret_bytes([7; 32]);
    let entropy = Box::new(SeededEntropy::new(7));
    let mut dialler = Endpoint::new(EndpointConfig::default(), identity, entropy);
    let mut now = Instant::ZERO;
    dialler.connect(now, dial).unwrap();
    let (mut sent, mut buffer) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        while let Some(transmit) = dialler.poll_transmit(now, &mut buffer, 1) {
            sent.push(buffer[..transmit.size].to_vec());
        }
        let Some(at) = dialler.poll_timeout() else { return sent };
        now = now.max(at);
        dialler.handle_timeout(now);
    }
}

#[test]
fn handshakes_from_a_forged_address_bring_at_most_three_times_their_bytes() {
    let listener = Identity::from_secret_bytes([1; 32]).peer_id();
    let at = address("198.51.100.9:5000");
    for (what, dial) in [
        ("a dial", Dial::new(listener, at)),
        ("a knock", Dial::new(listener, at).punch()),
        ("a knock with a key", Dial::new(listener, at).punch_with_key([3; 16])),
        ("a dial to a stranger", Dial::trusting_on_first_use(at)),
    ] {
        let sent = dialled(&dial);
        assert!(sent.len() > 3);
        for first in &sent {
            bound(std::slice::from_ref(first), 1, AMPLIFICATION, what);
        }
        for times in [1, 20] {
            bound(&sent, times, AMPLIFICATION, what);
        }
        // What is cut short asks for less, and gets less.
        let short: Vec<Vec<u8>> = [20, 47, 100, 300]
            .iter()
            .map(|size| sent[0][..*size.min(&sent[0].len())].to_vec())
            .collect();
        bound(&short, 3, AMPLIFICATION, what);
    }
}

/// Sent alone: a stateless reset is shorter than what it answers, or two endpoints would keep each other busy (RFC 9000 §10.3.3).
#[test]
fn noise_of_every_class_and_size_brings_less_than_its_own_bytes() {
    for mut target in targets() {
        for first in 0..=u8::MAX {
            for size in [1, 12, 13, 20, 28, 30, 45, 46, 47, 60, 62, 63, 80, 200, 1200, 1472] {
                let mut datagram = vec![first; size];
                for (at, byte) in datagram.iter_mut().enumerate().skip(1) {
                    *byte = byte.wrapping_add((at * 31 % 251) as u8);
                }
                let before = target.sent.at(address(VICTIM));
                target.receive(SocketId::MAIN, address(VICTIM), &datagram);
                target.wait(BETWEEN_RESETS);
                let got = target.sent.at(address(VICTIM)).bytes - before.bytes;
                assert!(got < size, "{got} bytes for {size}, first byte {first:#x}");
            }
        }
        assert!(target.sent.at(address(VICTIM)).packets > 0, "no reset was seen");
    }
}

/// A node is no server: it asks, and does not answer.
#[test]
fn questions_of_stun_and_turn_bring_nothing() {
    let mut datagrams = Vec::new();
    for class in [Class::Request, Class::Indication, Class::Success, Class::Error] {
        for method in [Method::BINDING, Method::ALLOCATE, Method::DATA] {
            let builder = Builder::new(class, method, TransactionId::new([7; 12]))
                .attribute(&Attribute::XorMappedAddress(address(VICTIM)))
                .attribute(&Attribute::AlternateServer(address(VICTIM)))
                .attribute(&Attribute::OtherAddress(address(VICTIM)))
                .attribute(&Attribute::ResponseOrigin(address(VICTIM)));
            datagrams.push(builder.fingerprint().finish().unwrap());
        }
    }
    // ChannelData of TURN (RFC 8656 §12.4).
    datagrams.push([&[0x40, 0, 0, 4][..], b"data"].concat());
    bound(&datagrams, 10, 0, "STUN and TURN");
}

#[test]
fn checks_of_nobody_bring_nothing() {
    let checks: Vec<Vec<u8>> = (0..16)
        .map(|first| {
            let mut check = vec![first; 47];
            check[0] = 0x50 | first;
            check
        })
        .collect();
    bound(&checks, 10, 0, "checks");
    let mut target = Target::new();
    for check in &checks {
        target.receive(SocketId::MAIN, address(VICTIM), check);
    }
    assert_eq!(target.sent.all().packets, 0);
}
