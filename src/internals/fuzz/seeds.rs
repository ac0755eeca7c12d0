//! The seeds of the corpora, from the real encoders:
//!
//! ```text
//! cargo test -p srudp --lib write_the_seeds -- --ignored
//! ```
//!
//! Their names begin with `seed-`; everything else in a corpus was found by the fuzzer and is kept.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::base::ranges::RangeSet;
use crate::base::{Instant, SeededEntropy};
use crate::connection::TransportConfig;
use crate::crypto::Identity;
use crate::endpoint::{Dial, Endpoint, EndpointConfig, Received};
use crate::wire::{
    ApplicationCode, CandidatesFrame, Direction, EcnCounts, ErrorCode, Frame, Parameters, StreamId,
    Writer, encode_ack,
};

#[test]
#[ignore = "writes fuzz/corpus"]
fn write_the_seeds() {
    let corpora: [(&str, Vec<Vec<u8>>); 7] = [
        ("endpoint", endpoint_scripts()),
        ("frames", frame_payloads()),
        ("long_packets", long_packets()),
        ("pair", pair_scripts()),
        ("parameters", parameters()),
        ("peer", peer_scripts()),
        ("short_packets", packet_scripts()),
    ];
    for (target, seeds) in corpora {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        fs::create_dir_all(&corpus).unwrap();
        for (index, seed) in seeds.iter().enumerate() {
            fs::write(corpus.join(format!("seed-{index}")), seed).unwrap();
        }
    }
}

fn payload(frames: &[Frame<'_>]) -> Vec<u8> {
    let mut space = vec![0; 2000];
    let mut writer = Writer::new(&mut space);
    for frame in frames {
        frame.encode(&mut writer).unwrap();
    }
    let length = writer.len();
    space.truncate(length);
    space
}

fn frame_payloads() -> Vec<Vec<u8>> {
    let code = ApplicationCode::new(300);
    let id = StreamId::from_wire(5);
    let v4 = SocketAddr::from(([192, 0, 2, 1], 4000));
    let v6 = "[2001:db8::1]:4000".parse().unwrap();
    let token = [9; 16];
    let mut seeds = vec![
        payload(&[
            Frame::Stream { id, offset: 0, data: b"first", fin: false },
            Frame::Stream { id, offset: 1 << 20, data: b"last", fin: true },
            Frame::ResetStream { id, code, final_size: 1 << 40 },
            Frame::StopSending { id, code },
        ]),
        payload(&[
            Frame::MaxData { limit: 1 << 20 },
            Frame::MaxStreamData { id, limit: 70 },
            Frame::MaxStreams { direction: Direction::Bidirectional, limit: 100 },
            Frame::MaxStreams { direction: Direction::Unidirectional, limit: 100 },
            Frame::DataBlocked { limit: 1 << 20 },
            Frame::StreamDataBlocked { id, limit: 70 },
            Frame::StreamsBlocked { direction: Direction::Bidirectional, limit: 100 },
            Frame::StreamsBlocked { direction: Direction::Unidirectional, limit: 100 },
        ]),
        payload(&[
            Frame::NewCid { sequence: 3, retire_prior_to: 2, id: [8; 8].into(), token },
            Frame::RetireCid { sequence: 1 },
            Frame::PathChallenge { data: [1; 8] },
            Frame::PathResponse { data: [2; 8] },
            Frame::ObservedAddress { sequence: 1, address: v4 },
            Frame::ObservedAddress { sequence: 2, address: v6 },
        ]),
        payload(&[
            Frame::Candidates(CandidatesFrame {
                generation: 1,
                answers: 0,
                delay: Duration::ZERO,
                description: &[0; 11],
            }),
            Frame::Candidates(CandidatesFrame {
                generation: 2,
                answers: 1,
                delay: Duration::from_millis(80),
                description: b"\0\0\0\0\0\0\0\0\0\0\x01\x03\0\xcb\0\x71\x07\x0f\xa0",
            }),
        ]),
        payload(&[
            Frame::Ping,
            Frame::Established,
            Frame::ImmediateAck,
            Frame::AckFrequency {
                sequence: 1,
                threshold: 10,
                max_delay: Duration::from_millis(5),
                reordering: 3,
            },
            Frame::Datagram { data: b"unreliable" },
            Frame::Padding(3),
        ]),
        payload(&[Frame::CloseApplication { code, reason: b"bye" }]),
        payload(&[Frame::CloseTransport { code: ErrorCode::BUSY, frame_type: 8, reason: b"no" }]),
        b"\x01\x08\x05to the end".to_vec(),
        b"\x30to the end".to_vec(),
    ];
    for ecn in [None, Some(EcnCounts { ect0: 5, ect1: 0, ce: 70 })] {
        let mut ranges = RangeSet::new();
        for range in [0..3, 5..6, 100..1000] {
            ranges.insert(range);
        }
        let mut space = [0; 64];
        let mut writer = Writer::new(&mut space);
        encode_ack(&mut writer, &ranges, Duration::from_micros(900), ecn).unwrap();
        let length = writer.len();
        seeds.push(space[..length].to_vec());
    }
    seeds
}

fn parameters() -> Vec<Vec<u8>> {
    let of_connection = Parameters {
        initial_cid: Some([7; 8].into()),
        reset_token: Some([9; 16]),
        ..TransportConfig::default().parameters()
    };
    let first = Parameters { application_protocol: b"echo/1".to_vec(), ..Parameters::default() };
    let refusal = Parameters { refusal: Some(0x0c), ..of_connection.clone() };
    let unknown = b"\x40\x99\x03new".to_vec();
    vec![of_connection.encode(), first.encode(), refusal.encode(), unknown]
}

/// All datagrams of a handshake, with or without a PUNCH before.
fn handshake(dial: impl Fn(Dial) -> Dial, config: &EndpointConfig) -> Vec<Vec<u8>> {
    let addresses = [1, 2].map(|host| SocketAddr::from(([192, 0, 2, host], 4000)));
    let mut nodes = [1, 2].map(|seed| {
        let identity = Identity::from_secret_bytes([seed; 32]);
        let entropy = Box::new(SeededEntropy::new(u64::from(seed)));
        Endpoint::new(config.clone(), identity, entropy)
    });
    let now = Instant::from_nanos(1_000_000_000);
    let peer = nodes[1].peer_id();
    nodes[0].connect(now, &dial(Dial::new(peer, addresses[1]))).unwrap();
    let (mut seen, mut buffer) = (Vec::new(), vec![0; 65_536]);
    for turn in 0..8 {
        let (from, to) = (turn % 2, (turn + 1) % 2);
        nodes[from].handle_timeout(now);
        while let Some(sent) = nodes[from].poll_transmit(now, &mut buffer, 10) {
            for datagram in buffer[..sent.size].chunks_mut(sent.segment_size) {
                seen.push(datagram.to_vec());
                let received = Received {
                    remote: addresses[from],
                    local: None,
                    ecn: None,
                    segment_size: datagram.len(),
                    data: datagram,
                };
                nodes[to].handle_datagram(now, received);
            }
        }
    }
    seen
}

fn long_packets() -> Vec<Vec<u8>> {
    let config = EndpointConfig::default().accept(true);
    let knocked = handshake(Dial::punch, &config);
    let classical = handshake(|dial| dial, &config.classical_only());
    let long = |datagrams: Vec<Vec<u8>>| {
        datagrams.into_iter().filter(|datagram| datagram[0] >= 0xc0).take(6).collect::<Vec<_>>()
    };
    let mut seeds = long(knocked);
    seeds.extend(long(classical));
    seeds
}

// What the numbers in the scripts below mean is said where each body takes its steps.

fn packet_scripts() -> Vec<Vec<u8>> {
    let in_order = [&[0, 0, 5][..], b"first", &[1, 0, 0, 0, 6], b"second", &[1, 0]].concat();
    let reordered = vec![0, 0, 1, b'a', 0, 3, 1, b'b', 0, 200, 1, b'c', 1, 2, 1, 0, 1, 0];
    let updates = [
        [0, 0, 1, b'a', 1, 0, 5, 4].as_slice(),
        &[0, 0, 1, b'b', 1, 0, 5, 4],
        &[0, 0, 1, b'c', 0, 0, 1, b'd', 1, 1, 6, 1, 0],
    ]
    .concat();
    let forged = vec![0, 0, 1, b'a', 2, 0, 0, 0, 0x10, 2, 0, 0, 20, 1, 3, 0, 0, 44, 1, 0];
    vec![in_order, reordered, updates, forged]
}

fn endpoint_scripts() -> Vec<Vec<u8>> {
    // The honest endpoint dials (6, 1); then each side gets what the other one sent (2 and 4, how far back, from whom).
    let served = vec![0, 6, 1, 2, 0, 1, 4, 0, 0, 2, 0, 1, 4, 0, 0, 4, 1, 0, 7, 9, 8, 8];
    let cookie = vec![2, 6, 1, 2, 0, 1, 4, 0, 0, 2, 0, 1, 4, 0, 0, 2, 0, 1, 4, 0, 0, 8, 8];
    let hybrid = vec![12, 6, 1, 2, 1, 1, 2, 1, 1, 4, 1, 0, 4, 1, 0, 2, 0, 1, 4, 0, 0, 8, 8, 7, 15];
    let knocking = vec![0, 6, 9, 8, 2, 0, 1, 4, 0, 0, 2, 0, 1, 4, 0, 0, 2, 0, 1, 8, 4, 0, 0];
    let both = vec![0, 6, 0, 6, 1, 2, 0, 1, 4, 2, 0, 2, 0, 1, 4, 1, 0, 2, 0, 1, 4, 0, 0, 8, 8];
    let edited = vec![0, 6, 1, 5, 0, 60, 1, 4, 176, 1, 5, 0, 0, 0, 0, 100, 1, 2, 0, 3, 7, 14];
    let mut foreign = vec![8, 0, 1, 80, 0xc0, 0x53, 0x52, 0, 1];
    foreign.extend([0; 75]);
    let mut lost = vec![8, 0, 1, 60, 0x60];
    lost.extend([3; 59]);
    vec![served, cookie, hybrid, knocking, both, edited, foreign, lost]
}

fn peer_scripts() -> Vec<Vec<u8>> {
    let parameters = TransportConfig::default().parameters().encode();
    let begin = |flags: u8| {
        let mut script = vec![flags, parameters.len() as u8];
        script.extend(&parameters);
        script
    };
    let packet = |path: u8, frames: &[u8]| {
        let mut step = vec![0, path, frames.len() as u8];
        step.extend(frames);
        step
    };
    let mut every_frame = begin(4);
    for frames in frame_payloads() {
        every_frame.extend(packet(0, &frames));
    }
    let mut writes = begin(0);
    writes.extend([4, 7, 0, 0xc0, 0x20, 0, 3, 0, 3, 0, 0, 5, 5, 3, 2, 0, 0, 0, 6, 6, 6]);
    let mut reads = begin(1);
    reads.extend([2, 0, 0, 0, 50, 0, 2, 0, 1, 0, 20, 1, 9, 0, 0, 2, 0, 5, 5, 6]);
    let mut moves = begin(5);
    for path in [0, 1, 2, 0x12, 0] {
        moves.extend(packet(path, &[1]));
        moves.extend([3, 0, 2, 0, 0, 6]);
    }
    let mut closes = begin(2);
    closes.extend([7, 0, 0x80, 1, 0, 10, 4, 200, 5, 9]);
    closes.extend(packet(0, b"\x1d\x00\x03bye"));
    let mut updates = begin(0);
    updates.extend([11, 0, 3]);
    updates.extend(packet(0, &[1]));
    updates.extend([3, 0, 0, 0, 0, 10, 1, 0, 5, 12]);
    vec![every_frame, writes, reads, moves, closes, updates]
}

fn pair_scripts() -> Vec<Vec<u8>> {
    // 15 waits and lets a datagram of each side arrive; 128 is added for what the second endpoint does.
    let meet = |flags: u8| [vec![flags], vec![15; 8]].concat();
    let with = |flags: u8, steps: &[u8]| [meet(flags), steps.to_vec()].concat();
    vec![
        with(0, &[10, 0x40, 0x40, 0, 15, 15, 138, 0x00, 1, 0, 4, 20, 132, 20, 140]),
        with(1, &[10, 0x41, 8, 0, 6, 6, 134, 15, 15, 138, 1, 2, 0, 15]),
        with(4, &[10, 0, 4, 0, 138, 0, 4, 0, 15, 15, 12]),
        with(10, &[10, 0x40, 2, 0, 135, 1, 0, 60, 135, 2, 0, 60, 135, 0, 0, 0, 15]),
        with(0, &[10, 0, 0x20, 0, 13, 1, 15, 15, 15, 141, 2, 15, 15, 14, 5, 0, 15]),
        with(0, &[10, 0, 9, 0, 14, 3, 0, 15, 15, 142, 3, 0, 10, 2, 9, 0, 133, 2, 133, 1, 15]),
        with(0, &[10, 0, 9, 0, 14, 2, 9, 14, 0, 0, 142, 1, 0, 15, 14, 4, 50, 15, 8, 7]),
    ]
}
