//! A connection whose peer has the keys and keeps no rule: it sends any frames from anywhere at any time.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::input::Input;
use crate::base::{EcnMark, Entropy, Instant, SeededEntropy};
use crate::connection::{Arrival, Birth, Connection, Share, TransportConfig};
use crate::crypto::{Identity, Protection, Secrets};
use crate::wire::{
    ApplicationCode, ConnectionId, Direction, Frame, Frames, Parameters, Role, SHORT_HEADER_LEN,
    ShortHeader, StreamId, Writer,
};

/// A connection may send so much in answer to one event; a full window is less.
const DATAGRAMS_MAX: usize = 20_000;
/// A deadline that is due again so often at one instant never ends.
const TIMEOUTS_MAX: usize = 100;
/// Stream data takes no more memory, whatever the peer sends: the windows, a page for each stream and the spare pages.
const MEMORY_MAX: usize = 8 << 20;
const WINDOW: u64 = 64 << 10;
const FRAMES_MIN: usize = 16;
const TAG_LEN: usize = 16;

struct Hostile {
    now: Instant,
    connection: Connection,
    /// The peer's own keys.
    protection: Protection,
    role: Role,
    number: u64,
    /// The largest packet number of the connection that was seen.
    seen: Option<u64>,
    /// Connection ids under which the peer reaches the connection.
    cids: Vec<ConnectionId>,
    issued: u64,
    entropy: SeededEntropy,
    buffer: Vec<u8>,
    /// Bytes that the application has written, so that inputs of any length stay small.
    written: usize,
}

/// What a peer with keys sends, and what the application does meanwhile.
pub fn peer(data: &[u8]) {
    let mut input = Input::new(data);
    let Some(mut hostile) = Hostile::new(&mut input) else {
        return;
    };
    hostile.settle();
    while hostile.step(&mut input).is_some() {
        hostile.settle();
    }
    hostile.finish();
}

impl Hostile {
    fn new(input: &mut Input<'_>) -> Option<Self> {
        let flags = input.u8()?;
        let role = if flags & 1 == 0 { Role::Initiator } else { Role::Responder };
        let mut parameters = Parameters::decode(input.block()?).ok()?;
        parameters.initial_cid = Some([9; 8].into());
        let now = Instant::from_nanos(1_000_000_000);
        let local_cid = ConnectionId::from([7; 8]);
        let secrets = Secrets::known();
        let config = TransportConfig::default()
            .initial_windows(WINDOW / 2, WINDOW / 2)
            .max_window(WINDOW)
            .send_buffer(1 << 20)
            .keep_alive((flags & 2 != 0).then_some(Duration::from_secs(5)));
        let protection = Protection::new(&secrets, role.peer(), config.cipher(&parameters));
        let birth = Birth {
            role,
            peer: Identity::from_secret_bytes([1; 32]).peer_id(),
            secrets,
            local_cid,
            parameters,
            remote: address(0),
            local: None,
            rtt: (flags & 4 != 0).then_some(Duration::from_millis(20)),
            began: now,
            establish: None,
            skip_seed: 1,
        };
        Some(Self {
            now,
            connection: Connection::new(now, &config, birth).ok()?,
            protection,
            role,
            number: 0,
            seen: None,
            cids: vec![local_cid],
            issued: 0,
            entropy: SeededEntropy::new(1),
            buffer: vec![0; 65_536],
            written: 0,
        })
    }

    fn step(&mut self, input: &mut Input<'_>) -> Option<()> {
        match input.u8()? % 12 {
            0 | 1 => {
                let path = input.u8()?;
                self.send(path, input.block()?);
            }
            2 => self.send_stream(input)?,
            3 => self.send_ack(input)?,
            4 => {
                let limits = [
                    Frame::MaxData { limit: 1 << 40 },
                    Frame::MaxStreams { direction: Direction::Bidirectional, limit: 1 << 20 },
                    Frame::MaxStreams { direction: Direction::Unidirectional, limit: 1 << 20 },
                ];
                let space = encode(&limits);
                self.send(0, &space);
            }
            5 => self.now += input.time()?,
            6 => self.now = self.now.max(self.connection.deadline().unwrap_or(self.now)),
            7 | 8 => self.write(input)?,
            9 => self.read(input)?,
            10 => self.control(input)?,
            _ => {
                let _ = self.protection.update();
                self.number += u64::from(input.u16()?);
            }
        }
        Some(())
    }

    /// A packet with these frames. The input chooses address, mark and connection id.
    fn send(&mut self, path: u8, frames: &[u8]) {
        let length = frames.len().max(FRAMES_MIN);
        let mut packet = vec![0; SHORT_HEADER_LEN + length + TAG_LEN];
        let destination = self.cids[usize::from(path >> 4) % self.cids.len()];
        ShortHeader { destination, key_phase: false, number: self.number }.encode(&mut packet);
        packet[SHORT_HEADER_LEN..][..frames.len()].copy_from_slice(frames);
        if self.protection.seal(self.number, &mut packet).is_err() {
            return;
        }
        self.number += 1;
        let arrival = Arrival {
            remote: address(path & 3),
            local: None,
            ecn: [None, Some(EcnMark::Ect0), Some(EcnMark::Ce), None][usize::from(path >> 2 & 3)],
            datagram: packet.len(),
        };
        self.connection.handle_packet(self.now, &mut self.entropy, arrival, &mut packet);
    }

    fn send_stream(&mut self, input: &mut Input<'_>) -> Option<()> {
        let (id, offset) = (input.u8()?, input.u16()?);
        let (length, fin) = (input.u8()?, input.u8()? & 1 == 1);
        let data = vec![id; usize::from(length) * 4];
        let id = StreamId::from_wire(u64::from(id));
        let frame = Frame::Stream { id, offset: u64::from(offset), data: &data, fin };
        let space = encode(&[frame]);
        self.send(0, &space);
        Some(())
    }

    /// Acknowledges packets near the newest one, whether they were sent or not.
    fn send_ack(&mut self, input: &mut Input<'_>) -> Option<()> {
        let (below, length, delay) = (input.u8()?, input.u8()?, input.u16()?);
        let largest = self.seen?.saturating_sub(u64::from(below));
        let first = u64::from(length).min(largest);
        let mut space = [0; 32];
        let mut writer = Writer::new(&mut space);
        for field in [2, largest, u64::from(delay), 0, first] {
            writer.varint(field).expect("an ACK is short");
        }
        let length = writer.len();
        self.send(0, &space[..length]);
        Some(())
    }

    fn write(&mut self, input: &mut Input<'_>) -> Option<()> {
        let direction = direction(input)?;
        let (index, length) = (input.u8()?, usize::from(input.u16()?));
        if index & 0x80 != 0 {
            let _ = self.connection.open_stream(direction);
        }
        let id = StreamId::new(self.role, direction, u64::from(index & 0x0f));
        if self.written < 1 << 22 {
            self.written += self.connection.write(id, &vec![1; length]).unwrap_or(0);
        }
        match index >> 4 & 7 {
            0 => _ = self.connection.finish(id),
            1 => self.connection.reset(id, ApplicationCode::new(1)),
            2 => _ = self.connection.send_datagram(vec![2; length].into()),
            3 => self.connection.set_priority(id, i32::from(index)),
            _ => {}
        }
        Some(())
    }

    fn read(&mut self, input: &mut Input<'_>) -> Option<()> {
        let direction = direction(input)?;
        let _ = self.connection.accept_stream(direction);
        let id = StreamId::from_wire(u64::from(input.u8()?));
        let mut out = vec![0; usize::from(input.u16()?)];
        let _ = self.connection.read(self.now, id, &mut out);
        let _ = self.connection.recv_datagram();
        Some(())
    }

    fn control(&mut self, input: &mut Input<'_>) -> Option<()> {
        let (what, value) = (input.u8()?, input.u8()?);
        let id = StreamId::from_wire(u64::from(value));
        match what % 8 {
            0 => self.connection.stop(id, ApplicationCode::new(2)),
            1 => _ = self.connection.update_keys(),
            2 => {
                let data = <dyn Entropy>::array(&mut self.entropy);
                self.connection.on_local_change(self.now, data);
            }
            3 => self.connection.on_too_large(address(value & 3), usize::from(value) * 300),
            4 => self.connection.close(self.now, ApplicationCode::ZERO, b"bye", self.linger(value)),
            5 => _ = self.connection.peek(id).map(<[u8]>::len),
            6 => self.connection.consume(self.now, id, usize::from(value)),
            _ => {}
        }
        Some(())
    }

    fn linger(&self, value: u8) -> Duration {
        Duration::from_millis(u64::from(value))
    }

    /// What the endpoint does after every input.
    fn settle(&mut self) {
        for _ in 0..TIMEOUTS_MAX {
            self.transmit();
            while self.connection.poll_event().is_some() {}
            self.exchange_cids();
            if self.connection.deadline().is_none_or(|at| at > self.now) {
                let memory = self.connection.stats().stream_memory;
                assert!(memory <= MEMORY_MAX, "{memory} bytes of stream data");
                return;
            }
            self.connection.handle_timeout(self.now);
        }
        panic!("a timer is due for ever");
    }

    fn exchange_cids(&mut self) {
        while let Some(cid) = self.connection.poll_retired_cid() {
            self.cids.retain(|known| *known != cid);
        }
        for _ in 0..self.connection.cids_wanted() {
            self.issued += 1;
            let cid = ConnectionId::from(self.issued.to_be_bytes());
            self.cids.push(cid);
            self.connection.issue_cid(cid, [5; 16]);
        }
        assert!((1..=16).contains(&self.cids.len()), "{} connection ids", self.cids.len());
    }

    fn transmit(&mut self) {
        let mut datagrams = 0;
        let mut buffer = std::mem::take(&mut self.buffer);
        while let Some(sent) = self.connection.poll_transmit(self.now, &mut buffer, 10, Share::Own)
        {
            assert!(sent.size > 0 && sent.size <= buffer.len());
            for packet in buffer[..sent.size].chunks_mut(sent.segment_size) {
                self.check_sent(packet);
                datagrams += 1;
            }
            assert!(datagrams < DATAGRAMS_MAX, "it sends without end");
        }
        self.buffer = buffer;
    }

    /// All that leaves opens with the peer's keys and parses.
    fn check_sent(&mut self, packet: &mut [u8]) {
        let expected = self.seen.map_or(0, |seen| seen + 1);
        let unmasked = self.protection.unmask(packet, expected).expect("a short packet");
        assert!(self.seen.is_none_or(|seen| seen < unmasked.number), "numbers rise");
        self.seen = Some(unmasked.number);
        let opened = self.protection.open(&unmasked, packet).expect("an authentic packet");
        self.protection.on_acked(self.number.saturating_sub(1));
        for frame in Frames::new(opened.payload) {
            assert!(frame.is_ok(), "{frame:?} was sent");
        }
    }

    /// A closed connection ends, whatever came before.
    fn finish(&mut self) {
        self.connection.close(self.now, ApplicationCode::ZERO, b"", Duration::ZERO);
        for _ in 0..TIMEOUTS_MAX {
            self.settle();
            match self.connection.deadline() {
                Some(at) => self.now = self.now.max(at),
                None => break,
            }
        }
        assert!(self.connection.is_drained(), "it never ends");
    }
}

fn address(host: u8) -> SocketAddr {
    // Two ports of one host, and two hosts.
    SocketAddr::new(IpAddr::from([192, 0, 2, host / 2 + 1]), 4000 + u16::from(host % 2))
}

fn direction(input: &mut Input<'_>) -> Option<Direction> {
    let bit = input.u8()? & 1;
    Some(if bit == 0 { Direction::Bidirectional } else { Direction::Unidirectional })
}

fn encode(frames: &[Frame<'_>]) -> Vec<u8> {
    let mut space = vec![0; frames.iter().map(Frame::encoded_len).sum()];
    let mut writer = Writer::new(&mut space);
    for frame in frames {
        frame.encode(&mut writer).expect("the space was made for them");
    }
    space
}
