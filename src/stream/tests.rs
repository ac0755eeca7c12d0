//! The streams of one connection as a whole: what both neighbours, application and network, can observe.

mod application;
mod memory;
mod network;
mod sending;
mod transfer;

use std::time::Duration;

use super::*;
use crate::base::Instant;
use crate::vocab::{Fate, PacketBuilder, Record};
use crate::wire::{ApplicationCode, Direction, Frame, Frames, Parameters, TransportError};

const NOW: Instant = Instant::ZERO;
const RTT: Duration = Duration::from_millis(50);
const CODE: ApplicationCode = ApplicationCode::new(7);
const BIDI: Direction = Direction::Bidirectional;
const UNI: Direction = Direction::Unidirectional;

/// A packet on its way.
#[derive(Clone, Debug)]
struct Packet {
    bytes: Vec<u8>,
    records: Vec<Record>,
}

fn config() -> StreamConfig {
    StreamConfig {
        stream_window: 1000,
        stream_window_max: 1000,
        connection_window: 2000,
        connection_window_max: 2000,
        max_streams_bidi: 3,
        max_streams_uni: 3,
        ..StreamConfig::default()
    }
}

/// What a peer with this configuration allows.
fn parameters(config: &StreamConfig) -> Parameters {
    Parameters {
        initial_max_data: config.connection_window,
        initial_max_stream_data_bidi_local: config.stream_window,
        initial_max_stream_data_bidi_remote: config.stream_window,
        initial_max_stream_data_uni: config.stream_window,
        initial_max_streams_bidi: config.max_streams_bidi,
        initial_max_streams_uni: config.max_streams_uni,
        ..Parameters::default()
    }
}

/// An initiator whose peer has the same configuration.
fn streams(config: &StreamConfig) -> Streams {
    pair(config).0
}

fn pair(config: &StreamConfig) -> (Streams, Streams) {
    [Role::Initiator, Role::Responder]
        .map(|role| {
            let mut streams = Streams::new(role, config);
            streams.on_peer_parameters(&parameters(config));
            streams
        })
        .into()
}

fn ours(direction: Direction, index: u64) -> StreamId {
    StreamId::new(Role::Initiator, direction, index)
}

fn theirs(direction: Direction, index: u64) -> StreamId {
    StreamId::new(Role::Responder, direction, index)
}

/// One packet of at most `size` bytes, if there is something to send.
fn packet(streams: &mut Streams, size: usize) -> Option<Packet> {
    if !streams.wants_to_send() {
        return None;
    }
    let mut space = vec![0; size];
    let mut builder = PacketBuilder::new(&mut space);
    streams.fill(&mut builder);
    let (length, eliciting, records) = builder.finish();
    assert!(length > 0 && eliciting, "whoever wants to send does send");
    space.truncate(length);
    Some(Packet { bytes: space, records: records.iter().collect() })
}

fn packets(streams: &mut Streams) -> Vec<Packet> {
    std::iter::from_fn(|| packet(streams, 1200)).collect()
}

fn receive(streams: &mut Streams, now: Instant, packet: &Packet) -> Result<(), TransportError> {
    for frame in Frames::new(&packet.bytes) {
        streams.on_frame(now, &frame.unwrap())?;
    }
    Ok(())
}

fn settle(streams: &mut Streams, packet: &Packet, fate: Fate) {
    for record in &packet.records {
        streams.on_fate(record, fate);
    }
}

/// Carries everything both ways without loss.
fn exchange(a: &mut Streams, b: &mut Streams) {
    loop {
        let (there, back) = (packet(a, 1200), packet(b, 1200));
        if let Some(packet) = &there {
            receive(b, NOW, packet).unwrap();
            settle(a, packet, Fate::Acked);
        }
        if let Some(packet) = &back {
            receive(a, NOW, packet).unwrap();
            settle(b, packet, Fate::Acked);
        }
        if there.is_none() && back.is_none() {
            return;
        }
    }
}

fn events(streams: &mut Streams) -> Vec<StreamEvent> {
    std::iter::from_fn(|| streams.poll_event()).collect()
}

fn data(id: StreamId, offset: u64, data: &[u8]) -> Frame<'_> {
    Frame::Stream { id, offset, data, fin: false }
}

fn fin(id: StreamId, offset: u64, data: &[u8]) -> Frame<'_> {
    Frame::Stream { id, offset, data, fin: true }
}

fn read(streams: &mut Streams, id: StreamId) -> Result<Vec<u8>, ReadError> {
    let mut out = vec![0; 100_000];
    let length = streams.read(NOW, RTT, id, &mut out)?;
    out.truncate(length);
    Ok(out)
}
