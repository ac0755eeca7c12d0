//! Parts of the inside, each with just enough around it to be measured by `benches/`.

use std::time::Duration;

use crate::base::Instant;
use crate::base::ranges::RangeSet;
#[cfg(feature = "aegis")]
use crate::crypto::WithAegis;
use crate::crypto::{Aead, Portable, RecordKey};
use crate::recovery::Recovery;
use crate::stream::{StreamConfig, Streams};
use crate::vocab::{Outcome, PathId, Records, RttView, SendStamp, SentPacket};
use crate::wire::{
    AckFrame, Direction, Frame, Frames, Parameters, Role, StreamHeader, StreamId, Writer,
    encode_ack,
};

/// Larger than any window that a benchmark fills.
const WINDOW: u64 = 1 << 30;

/// The frames of one packet of a transfer that goes both ways: an ACK of eight ranges, credit, and stream data.
#[derive(Debug)]
pub struct Codec {
    received: RangeSet,
    data: Vec<u8>,
}

impl Codec {
    /// With so many bytes of stream data.
    pub fn new(data: usize) -> Self {
        let mut received = RangeSet::default();
        for range in 0..8 {
            received.insert(1_000_000 + range * 100..1_000_090 + range * 100);
        }
        Self { received, data: vec![7; data] }
    }

    /// Writes the frames and returns how many bytes they take, if they fit.
    pub fn encode(&self, packet: &mut [u8]) -> Option<usize> {
        let id = StreamId::new(Role::Initiator, Direction::Bidirectional, 3);
        let mut writer = Writer::new(packet);
        encode_ack(&mut writer, &self.received, Duration::from_micros(120), None).ok()?;
        Frame::MaxData { limit: 1 << 28 }.encode(&mut writer).ok()?;
        Frame::MaxStreamData { id, limit: 1 << 27 }.encode(&mut writer).ok()?;
        let length = Some(self.data.len());
        StreamHeader { id, offset: 1 << 26, length, fin: false }.encode(&mut writer).ok()?;
        writer.bytes(&self.data).ok()?;
        Some(writer.len())
    }

    /// Reads the frames of a packet and returns how many packets they acknowledge and how many bytes they carry.
    pub fn decode(packet: &[u8]) -> (u64, usize) {
        let (mut acknowledged, mut bytes) = (0, 0);
        for frame in Frames::new(packet) {
            match frame {
                Ok(Frame::Ack(ack)) => {
                    acknowledged +=
                        ack.ranges().map(|range| range.end() - range.start() + 1).sum::<u64>();
                }
                Ok(Frame::Stream { data, .. }) => bytes += data.len(),
                _ => {}
            }
        }
        (acknowledged, bytes)
    }
}

/// A cipher under a fixed key.
#[derive(Debug)]
pub struct Cipher(Backend);

enum Backend {
    Portable(Box<Portable>),
    Record(Box<RecordKey>),
    #[cfg(feature = "aegis")]
    Aegis(WithAegis),
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Portable(_) => "Portable",
            Self::Record(_) => "Record",
            #[cfg(feature = "aegis")]
            Self::Aegis(_) => "Aegis",
        })
    }
}

impl Cipher {
    /// AES-256-GCM in pure Rust.
    pub fn portable() -> Self {
        Self(Backend::Portable(Box::new(Portable::new(&[1; 32]))))
    }

    /// AES-256-GCM by the fastest backend that was compiled in.
    pub fn record() -> Self {
        Self(Backend::Record(Box::new(RecordKey::new(&[1; 32]))))
    }

    /// AEGIS-256X4.
    #[cfg(feature = "aegis")]
    pub fn aegis() -> Self {
        Self(Backend::Aegis(WithAegis::new(&[1; 32])))
    }

    /// Encrypts in place and returns the tag.
    pub fn seal(&self, text: &mut [u8]) -> Option<[u8; 16]> {
        match &self.0 {
            Backend::Portable(key) => key.seal(&[2; 12], &[3; 13], text),
            Backend::Record(key) => key.seal(&[2; 12], &[3; 13], text),
            #[cfg(feature = "aegis")]
            Backend::Aegis(key) => key.seal(&[2; 32], &[3; 13], text),
        }
    }

    /// Decrypts in place; false if the tag is wrong.
    pub fn open(&self, text: &mut [u8], tag: &[u8; 16]) -> bool {
        match &self.0 {
            Backend::Portable(key) => key.open(&[2; 12], &[3; 13], text, tag),
            Backend::Record(key) => key.open(&[2; 12], &[3; 13], text, tag),
            #[cfg(feature = "aegis")]
            Backend::Aegis(key) => key.open(&[2; 32], &[3; 13], text, tag),
        }
    }
}

/// Adds the numbers to a set one by one and returns how many ranges they make.
pub fn insert_into_ranges(numbers: &[u64]) -> usize {
    let mut set = RangeSet::default();
    for number in numbers {
        set.insert_one(*number);
    }
    set.len()
}

/// The receiving side of one stream.
#[derive(Debug)]
pub struct Reassembly {
    streams: Streams,
    id: StreamId,
}

impl Reassembly {
    /// Nothing has arrived yet.
    pub fn new() -> Self {
        let config = StreamConfig {
            stream_window: WINDOW,
            stream_window_max: WINDOW,
            connection_window: WINDOW,
            connection_window_max: WINDOW,
            max_streams_bidi: 1,
            max_streams_uni: 1,
            send_buffer: WINDOW,
        };
        let mut streams = Streams::new(Role::Responder, &config);
        streams.on_peer_parameters(&Parameters::default());
        Self { streams, id: StreamId::new(Role::Initiator, Direction::Unidirectional, 0) }
    }

    /// A STREAM frame arrives. False if it was not accepted.
    pub fn insert(&mut self, offset: u64, data: &[u8]) -> bool {
        let frame = Frame::Stream { id: self.id, offset, data, fin: false };
        let accepted = self.streams.on_frame(Instant::ZERO, &frame).is_ok();
        while self.streams.poll_event().is_some() {}
        accepted
    }

    /// Reads what has arrived in order.
    pub fn read(&mut self, out: &mut [u8]) -> usize {
        let rtt = Duration::from_millis(10);
        self.streams.read(Instant::ZERO, rtt, self.id, out).unwrap_or(0)
    }
}

impl Default for Reassembly {
    fn default() -> Self {
        Self::new()
    }
}

/// The sending side's record of packets.
#[derive(Debug)]
pub struct Window {
    recovery: Recovery,
    outcome: Outcome,
    numbers: Vec<u64>,
    sent: RangeSet,
    ack: Vec<u8>,
    now: Instant,
}

impl Window {
    /// Nothing sent.
    pub fn new() -> Self {
        Self {
            recovery: Recovery::new(1),
            outcome: Outcome::default(),
            numbers: Vec::new(),
            sent: RangeSet::default(),
            ack: vec![0; 1200],
            now: Instant::from_nanos(1),
        }
    }

    /// Sends so many packets, and takes an ACK for all of them, or for all but every `missing`th. Returns how many packets
    /// are settled.
    pub fn round_trip(&mut self, packets: usize, missing: Option<usize>) -> usize {
        self.numbers.clear();
        for _ in 0..packets {
            let number = self.recovery.next_number();
            self.recovery.on_sent(number, packet(self.now));
            self.numbers.push(number);
        }
        self.now += Duration::from_millis(20);
        self.acknowledge(missing).unwrap_or(0)
    }

    fn acknowledge(&mut self, missing: Option<usize>) -> Option<usize> {
        self.sent.remove_below(u64::MAX);
        for (at, number) in self.numbers.iter().enumerate() {
            if missing.is_none_or(|missing| at % missing != missing / 2) {
                self.sent.insert_one(*number);
            }
        }
        let mut writer = Writer::new(&mut self.ack);
        encode_ack(&mut writer, &self.sent, Duration::ZERO, None).ok()?;
        let length = writer.len();
        let ack = ack_of(self.ack.get(..length)?)?;
        let (now, delay) = (self.now, Duration::from_millis(25));
        self.recovery.on_ack(now, &ack, &rtt(), delay, &mut self.outcome).ok()?;
        Some(self.outcome.acked.len() + self.outcome.lost.len())
    }
}

impl Default for Window {
    fn default() -> Self {
        Self::new()
    }
}

fn ack_of(packet: &[u8]) -> Option<AckFrame<'_>> {
    match Frames::new(packet).next() {
        Some(Ok(Frame::Ack(ack))) => Some(ack),
        _ => None,
    }
}

fn packet(now: Instant) -> SentPacket {
    SentPacket {
        sent_at: now,
        size: 1452,
        path: PathId(0),
        ack_eliciting: true,
        mtu_probe: false,
        ecn_marked: false,
        stamp: SendStamp::default(),
        records: Records::default(),
    }
}

fn rtt() -> RttView {
    let smoothed = Duration::from_millis(20);
    RttView {
        smoothed,
        variation: Duration::from_millis(1),
        minimum: smoothed,
        latest: smoothed,
        measured: true,
    }
}
