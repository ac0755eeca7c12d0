//! Every frame comes back as it was written, and no bytes are too strange to be refused.

use std::net::{IpAddr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::base::ranges::RangeSet;
use crate::wire::codec::{VARINT_MAX, Writer};
use crate::wire::id::Role;

fn encoded(frame: &Frame<'_>) -> Vec<u8> {
    let mut space = vec![0; frame.encoded_len()];
    let mut writer = Writer::new(&mut space);
    assert_eq!(frame.encode(&mut writer), Ok(()));
    assert_eq!(writer.remaining(), 0, "encoded_len is exact");
    space
}

fn decoded(bytes: &[u8]) -> Vec<Result<Frame<'_>, DecodeError>> {
    Frames::new(bytes).collect()
}

fn id(value: u64) -> StreamId {
    StreamId::from_wire(value)
}

/// Every frame of SPEC §8 with its bytes written out by hand.
#[test]
fn frames_stand_on_the_wire_as_specified() {
    let code = ApplicationCode::new(3);
    let v6 = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    let table: Vec<(Frame<'_>, Vec<u8>)> = vec![
        (Frame::Padding(3), vec![0, 0, 0]),
        (Frame::Ping, vec![1]),
        (
            Frame::ResetStream { id: id(4), code, final_size: 0x4000 },
            vec![4, 4, 3, 0x80, 0, 0x40, 0],
        ),
        (Frame::StopSending { id: id(64), code }, vec![5, 0x40, 64, 3]),
        (
            Frame::Stream { id: id(4), offset: 0, data: b"hi", fin: false },
            b"\x0a\x04\x02hi".to_vec(),
        ),
        (
            Frame::Stream { id: id(4), offset: 9, data: b"", fin: true },
            b"\x0f\x04\x09\x00".to_vec(),
        ),
        (Frame::MaxData { limit: 5 }, vec![0x10, 5]),
        (Frame::MaxStreamData { id: id(1), limit: 5 }, vec![0x11, 1, 5]),
        (Frame::MaxStreams { direction: Direction::Bidirectional, limit: 5 }, vec![0x12, 5]),
        (Frame::MaxStreams { direction: Direction::Unidirectional, limit: 5 }, vec![0x13, 5]),
        (Frame::DataBlocked { limit: 5 }, vec![0x14, 5]),
        (Frame::StreamDataBlocked { id: id(1), limit: 5 }, vec![0x15, 1, 5]),
        (Frame::StreamsBlocked { direction: Direction::Bidirectional, limit: 5 }, vec![0x16, 5]),
        (Frame::StreamsBlocked { direction: Direction::Unidirectional, limit: 5 }, vec![0x17, 5]),
        (
            Frame::NewCid { sequence: 2, retire_prior_to: 1, id: [7; 8].into(), token: [9; 16] },
            [vec![0x18, 2, 1], vec![7; 8], vec![9; 16]].concat(),
        ),
        (Frame::RetireCid { sequence: 1 }, vec![0x19, 1]),
        (Frame::PathChallenge { data: [5; 8] }, [vec![0x1a], vec![5; 8]].concat()),
        (Frame::PathResponse { data: [5; 8] }, [vec![0x1b], vec![5; 8]].concat()),
        (
            Frame::CloseTransport { code: ErrorCode::BUSY, frame_type: 8, reason: b"no" },
            b"\x1c\x0d\x08\x02no".to_vec(),
        ),
        (Frame::CloseApplication { code, reason: b"bye" }, b"\x1d\x03\x03bye".to_vec()),
        (Frame::Established, vec![0x1e]),
        (Frame::ImmediateAck, vec![0x1f]),
        (
            Frame::AckFrequency {
                sequence: 1,
                threshold: 10,
                max_delay: Duration::from_millis(1),
                reordering: 2,
            },
            vec![0x22, 1, 10, 0x43, 0xe8, 2],
        ),
        (
            Frame::ObservedAddress { sequence: 1, address: ([192, 0, 2, 1], 0x1234).into() },
            vec![0x24, 1, 192, 0, 2, 1, 0x12, 0x34],
        ),
        (
            Frame::ObservedAddress { sequence: 1, address: SocketAddr::new(v6, 1) },
            [vec![0x25, 1, 0x20, 0x01, 0x0d, 0xb8], vec![0; 11], vec![1, 0, 1]].concat(),
        ),
        (Frame::Datagram { data: b"hi" }, b"\x31\x02hi".to_vec()),
        (
            Frame::Candidates(CandidatesFrame {
                generation: 2,
                answers: 1,
                delay: Duration::from_millis(1),
                description: b"here",
            }),
            b"\x40\x40\x02\x01\x43\xe8\x04here".to_vec(),
        ),
    ];
    for (frame, bytes) in table {
        assert_eq!(encoded(&frame), bytes, "{frame:?}");
        assert_eq!(decoded(&bytes), [Ok(frame)], "{bytes:x?}");
    }
}

#[test]
fn a_frame_without_a_length_reaches_to_the_end() {
    let stream = Frame::Stream { id: id(4), offset: 0, data: b"rest", fin: false };
    assert_eq!(decoded(b"\x01\x08\x04rest"), [Ok(Frame::Ping), Ok(stream)]);
    assert_eq!(decoded(b"\x30rest"), [Ok(Frame::Datagram { data: b"rest" })]);
}

#[test]
fn what_the_specification_forbids_is_an_error() {
    let mut close = vec![0x1d, 0, 0x43, 0xe9];
    close.extend([b'x'; 1001]);
    let mut list = vec![0x40, 0x40, 1, 0, 0, 0x42, 0x01];
    list.extend([0; 513]);
    let table: [(&[u8], DecodeError); 12] = [
        (&[0x06], DecodeError::UnknownType),
        (&[0x20], DecodeError::UnknownType),
        (&[0x40, 0x41], DecodeError::UnknownType),
        (&[0x41, 0x40], DecodeError::UnknownType),
        (&[0x40, 0x40, 1, 0, 1, 0], DecodeError::InvalidValue),
        (&list, DecodeError::InvalidValue),
        (&[0x40, 0x01], DecodeError::NotMinimal),
        (&[0x12, 0xd0, 0, 0, 0, 0, 0, 0, 1], DecodeError::InvalidValue),
        (&[0x18, 1, 2], DecodeError::InvalidValue),
        (
            &[0x0e, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0],
            DecodeError::InvalidValue,
        ),
        (&[0x02, 5, 0, 0, 6], DecodeError::InvalidValue),
        (&close, DecodeError::InvalidValue),
    ];
    for (bytes, error) in table {
        assert_eq!(decoded(bytes), [Err(error)], "{bytes:x?}");
    }
}

#[test]
fn an_ack_lists_its_ranges_downwards() {
    let mut ranges = RangeSet::new();
    for range in [1..3, 5..6, 10..21] {
        ranges.insert(range);
    }
    let mut space = [0; 64];
    let mut writer = Writer::new(&mut space);
    let ecn = Some(EcnCounts { ect0: 1, ect1: 0, ce: 2 });
    encode_ack(&mut writer, &ranges, Duration::from_micros(50), ecn).unwrap();
    let length = writer.len();
    // 20 down to 10; gap 6..=9 is 4 numbers, written as 3; 5; gap 3..=4, written as 1; 2 down to 1.
    assert_eq!(space[..length], [3, 20, 50, 2, 10, 3, 0, 1, 1, 1, 0, 2]);
    let [Ok(Frame::Ack(ack))] = decoded(&space[..length])[..] else { panic!("one ACK") };
    assert_eq!(ack.ranges().collect::<Vec<_>>(), [10..=20, 5..=5, 1..=2]);
    assert_eq!((ack.delay, ack.ecn), (Duration::from_micros(50), ecn));
    assert_eq!(encoded(&Frame::Ack(ack)), space[..length]);
}

#[test]
fn an_ack_keeps_the_highest_ranges_when_room_is_short() {
    let mut ranges = RangeSet::new();
    for start in 0..500 {
        ranges.insert_one(start * 2);
    }
    let mut space = [0; 20];
    let mut writer = Writer::new(&mut space);
    encode_ack(&mut writer, &ranges, Duration::ZERO, None).unwrap();
    let length = writer.len();
    let [Ok(Frame::Ack(ack))] = decoded(&space[..length])[..] else { panic!("one ACK") };
    assert_eq!(ack.largest, 998);
    assert!(ack.ranges().count() > 3);
    assert!(encode_ack(&mut Writer::new(&mut [0; 4]), &ranges, Duration::ZERO, None).is_err());
}

fn any_frame() -> impl Strategy<Value = Frame<'static>> {
    let number = || (0_u32..62).prop_flat_map(|bits| 0..=(VARINT_MAX >> bits));
    let small = || 0_u64..=(1 << 60);
    let direction = || prop_oneof![Just(Direction::Bidirectional), Just(Direction::Unidirectional)];
    let data = || prop_oneof![Just(&b""[..]), Just(&b"x"[..]), Just(&[7_u8; 100][..])];
    let code = move || number().prop_map(ApplicationCode::new);
    let stream = move || {
        (small(), direction(), any::<bool>()).prop_map(|(index, direction, initiator)| {
            let role = if initiator { Role::Initiator } else { Role::Responder };
            StreamId::new(role, direction, index & (VARINT_MAX >> 2))
        })
    };
    prop_oneof![
        (stream(), small(), data(), any::<bool>())
            .prop_map(|(id, offset, data, fin)| Frame::Stream { id, offset, data, fin }),
        (stream(), code(), number()).prop_map(|(id, code, final_size)| Frame::ResetStream {
            id,
            code,
            final_size
        }),
        (stream(), code()).prop_map(|(id, code)| Frame::StopSending { id, code }),
        number().prop_map(|limit| Frame::MaxData { limit }),
        (stream(), number()).prop_map(|(id, limit)| Frame::MaxStreamData { id, limit }),
        (direction(), small())
            .prop_map(|(direction, limit)| Frame::StreamsBlocked { direction, limit }),
        (number(), any::<[u8; 8]>(), any::<[u8; 16]>()).prop_map(|(sequence, id, token)| {
            Frame::NewCid { sequence, retire_prior_to: sequence / 2, id: id.into(), token }
        }),
        (number(), number(), data()).prop_map(|(code, frame_type, reason)| {
            Frame::CloseTransport { code: ErrorCode(code), frame_type, reason }
        }),
        (number(), number(), 0_u64..1 << 40, number()).prop_map(
            |(sequence, threshold, delay, reordering)| Frame::AckFrequency {
                sequence,
                threshold,
                max_delay: Duration::from_micros(delay),
                reordering,
            }
        ),
        (number(), any::<[u8; 16]>(), any::<u16>()).prop_map(|(sequence, ip, port)| {
            Frame::ObservedAddress { sequence, address: (ip, port).into() }
        }),
        data().prop_map(|data| Frame::Datagram { data }),
        (1..=VARINT_MAX, 1..=VARINT_MAX, 0_u64..1 << 40, data()).prop_map(
            |(generation, answers, delay, description)| Frame::Candidates(CandidatesFrame {
                generation,
                answers,
                delay: Duration::from_micros(delay),
                description,
            })
        ),
    ]
}

proptest! {
    #[test]
    fn every_frame_comes_back(frames in prop::collection::vec(any_frame(), 1..8)) {
        let bytes: Vec<u8> = frames.iter().flat_map(encoded).collect();
        let back: Result<Vec<_>, _> = Frames::new(&bytes).collect();
        prop_assert_eq!(back, Ok(frames));
    }

    #[test]
    fn a_truncated_frame_never_panics_and_never_decodes_to_itself(frame in any_frame()) {
        let bytes = encoded(&frame);
        for length in 0..bytes.len() {
            prop_assert!(Frames::new(&bytes[..length]).next() != Some(Ok(frame)));
        }
    }

    #[test]
    fn random_bytes_never_panic_and_what_decodes_encodes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for frame in Frames::new(&bytes).flatten() {
            if let Frame::Ack(ack) = frame {
                prop_assert!(ack.ranges().take(1000).all(|range| range.start() <= range.end()));
            }
            let again = encoded(&frame);
            prop_assert_eq!(Frames::new(&again).next(), Some(Ok(frame)));
        }
    }

    #[test]
    fn any_set_of_ranges_comes_back_from_an_ack(numbers in prop::collection::btree_set(0_u64..300, 1..60)) {
        let mut ranges = RangeSet::new();
        for number in &numbers {
            ranges.insert_one(*number);
        }
        let mut space = [0; 400];
        let mut writer = Writer::new(&mut space);
        encode_ack(&mut writer, &ranges, Duration::ZERO, None).unwrap();
        let length = writer.len();
        let Some(Ok(Frame::Ack(ack))) = Frames::new(&space[..length]).next() else {
            panic!("one ACK");
        };
        let back: std::collections::BTreeSet<u64> = ack.ranges().flatten().collect();
        prop_assert_eq!(back, numbers);
    }
}
