//! Decoders: what they accept comes back from the encoder.

use crate::wire::{
    Class, Fragment, Frame, Frames, Long, Parameters, ShortHeader, Writer, classify, decode_long,
};

fn encoded(frame: &Frame<'_>) -> Vec<u8> {
    let mut space = vec![0; frame.encoded_len()];
    let mut writer = Writer::new(&mut space);
    assert_eq!(frame.encode(&mut writer), Ok(()), "{frame:?} does not encode");
    assert_eq!(writer.remaining(), 0, "{frame:?} has another length");
    space
}

/// The frames of a packet.
pub fn frames(data: &[u8]) {
    let mut frames = Frames::new(data);
    while let Some(result) = frames.next() {
        let Ok(frame) = result else {
            assert!(frames.next().is_none(), "an error is the last thing in a packet");
            return;
        };
        if let Frame::Ack(ack) = &frame {
            let mut above = None;
            for range in ack.ranges() {
                assert!(range.start() <= range.end());
                assert!(above.is_none_or(|above| *range.end() + 1 < above), "ranges touch");
                above = Some(*range.start());
            }
        }
        let bytes = encoded(&frame);
        let again: Vec<_> = Frames::new(&bytes).collect();
        assert_eq!(again, [Ok(frame)], "{bytes:x?}");
    }
}

/// The parameters of a handshake message.
pub fn parameters(data: &[u8]) {
    if let Ok(parameters) = Parameters::decode(data) {
        let bytes = parameters.encode();
        assert_eq!(Parameters::decode(&bytes), Ok(parameters), "{bytes:x?}");
    }
}

/// A datagram, and what follows the first packet in it.
pub fn long_packets(mut data: &[u8]) {
    while let Some(first) = data.first() {
        match classify(*first) {
            Class::Long => {}
            Class::Short => {
                assert_eq!(ShortHeader::destination(data).is_some(), data.len() >= 9);
                return;
            }
            Class::Stun | Class::Dtls | Class::ChannelData | Class::Check | Class::Unknown => {
                assert!(decode_long(data).is_err(), "it is no long packet");
                return;
            }
        }
        // There is one encoding of every long packet, so that it comes back byte for byte.
        match decode_long(data) {
            Err(_) => return,
            Ok(Long::Punch(punch)) => {
                assert_eq!(punch.encode(), data);
                assert_eq!(punch.tagged(), data[..60]);
                return;
            }
            Ok(Long::Handshake(Fragment { header, payload, rest_offset })) => {
                let (packet, rest) = data.split_at(rest_offset);
                assert_eq!(Fragment::encode(&header, payload), packet);
                data = rest;
            }
        }
    }
}
