//! What leaves next, and building it straight into the caller's buffer: single datagrams here, [batches](super::batch) apart.
//!
//! Packets are built speculatively: the sources are asked in order of priority to put frames into a packet, and if none does, nothing
//! leaves. So there is no second place that has to know whether there is something to send.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{Connection, Share};
use crate::base::{EcnMark, Instant, limits};
use crate::vocab::{PacketBuilder, PathId, SendLimit, SentPacket};
use crate::wire::{ConnectionId, Frame, SHORT_HEADER_LEN, ShortHeader};

/// Bytes of a short packet beside its frames.
pub(super) const OVERHEAD: usize = SHORT_HEADER_LEN + TAG_LEN;
const TAG_LEN: usize = 16;
/// Frames are padded to this, so that there is enough ciphertext for the header mask (SPEC §6.1).
const FRAMES_MIN: usize = 16;
/// Those of a packet that asks for an acknowledgement are padded to this, so that a peer who has lost its state answers with a reset (RFC 9000 §10.3).
pub(super) const ELICITING_FRAMES_MIN: usize = limits::RESET_TRIGGER_MIN - OVERHEAD;

/// Datagrams to send: `size` bytes at the start of the buffer, to one destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transmit {
    /// Where they go.
    pub destination: SocketAddr,
    /// The local address to send from, if it matters.
    pub source: Option<IpAddr>,
    /// The ECN mark that they carry.
    pub ecn: Option<EcnMark>,
    /// Bytes to send.
    pub size: usize,
    /// Every datagram has this many bytes, only the last may be shorter.
    pub segment_size: usize,
}

/// The ESTABLISH packet of an initiator, sent until the responder is heard (SPEC §5.5).
#[derive(Debug)]
pub(super) struct Establish {
    packet: Vec<u8>,
    due: Instant,
    interval: Duration,
}

impl Establish {
    pub(super) fn new(now: Instant, packet: Vec<u8>, rtt: Option<Duration>) -> Self {
        let interval =
            rtt.map_or(limits::HANDSHAKE_RETRY, |rtt| (3 * rtt).max(limits::ESTABLISH_RETRY_MIN));
        Self { packet, due: now, interval }
    }

    pub(super) fn due(&self) -> Instant {
        self.due
    }

    fn postpone(&mut self, now: Instant) {
        self.due = now + self.interval;
        self.interval *= 2;
    }
}

impl Connection {
    /// Fills `buffer` with at most `segments` datagrams for one destination. Of a share of nothing that is what congestion control does
    /// not hold back either.
    pub(crate) fn poll_transmit(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        segments: usize,
        share: Share,
    ) -> Option<Transmit> {
        self.share = share;
        self.awaits_turn = false;
        if !self.lifetime.is_open() {
            return self.transmit_close(now, buffer);
        }
        self.streams.hold(self.holds_back());
        self.hurry_at_end_of_turn();
        let transmit = self
            .transmit_establish(now, buffer)
            .or_else(|| self.transmit_answer(now, buffer))
            .or_else(|| self.transmit_challenge(now, buffer))
            .or_else(|| self.transmit_mtu_probe(now, buffer))
            .or_else(|| self.transmit_batch(now, buffer, segments));
        self.counters.batches_sent += u64::from(transmit.is_some());
        self.report_room();
        if transmit.is_none() {
            self.doze_off();
        }
        transmit
    }

    /// It is the connection's turn, of which so many bytes are left, and others wait for theirs; or not.
    pub(crate) fn set_turn(&mut self, left: Option<u64>) {
        self.turn_left = left;
    }

    /// Others wait until what was sent in this turn is acknowledged: the batch that ends it asks for that. Else the peer would wait for
    /// more, as it has been asked to, and everybody for its timer.
    fn hurry_at_end_of_turn(&mut self) {
        let Some(left) = self.turn_left else { return };
        let is_last = left.min(self.streams.unsent()) <= limits::BATCH_MAX;
        if is_last && self.streams.wants_to_send() {
            self.controls.ask_immediate_ack();
        }
    }

    /// At the last poll there was data that might not leave only because others came first.
    pub(crate) fn waits_for_turn(&self) -> bool {
        self.awaits_turn
    }

    /// It takes turns with other connections to the same address, or does not any more.
    pub(crate) fn take_turns(&mut self, takes: bool) {
        self.takes_turns = takes;
    }

    /// Bytes of a stream that may wait to be sent for the first time.
    pub(super) fn unsent_max(&self) -> u64 {
        if self.is_near() && !self.takes_turns {
            limits::STREAM_UNSENT_NEAR
        } else {
            limits::STREAM_UNSENT_MAX
        }
    }

    /// It is long until its turn: writers that wait go on waiting, or do not any more.
    pub(crate) fn hold_writers(&mut self, holds: bool) {
        self.streams.hold_writers(holds);
    }

    /// A writer was woken and has not come yet.
    pub(crate) fn awaits_writer(&self) -> bool {
        self.streams.awaits_writer()
    }

    /// A writer waits for its turn alone.
    pub(crate) fn holds_writer(&self) -> bool {
        self.streams.holds_writer()
    }

    fn transmit_close(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Transmit> {
        if !self.lifetime.wants_close_frame() {
            return None;
        }
        let size = self.paths.active().datagram_size().min(buffer.len()).min(self.credit());
        let establish = self.establish_prefix(now, buffer.get_mut(..size)?);
        let mut packet = PacketBuilder::new(frames_of(buffer.get_mut(establish..size)?)?);
        // What else would tell the peer that we have all it wrote (SPEC §13.2)?
        self.acks.fill(now, &mut packet);
        self.lifetime.fill(&mut packet);
        let (length, _, _) = packet.finish();
        let built = self.seal(&mut buffer[establish..], length)?;
        let pto = self.pto();
        self.lifetime.on_sent(now, pto);
        self.paths.active_mut().on_final_sent(establish + built);
        self.transmit_one(establish + built)
    }

    /// ESTABLISH, with a short packet behind it in the same datagram if there is something to say already.
    fn transmit_establish(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Transmit> {
        let credit = self.credit();
        let establish = self.establish.as_mut().filter(|establish| establish.due <= now)?;
        if establish.packet.len() > credit {
            establish.postpone(now);
            return None;
        }
        let prefix = self.establish_prefix(now, buffer);
        let size = self.paths.active().datagram_size().min(buffer.len()).min(credit);
        let behind = match self.allowance(now) {
            Some((purpose, _)) => self.build(now, buffer.get_mut(prefix..size)?, purpose, prefix),
            None => None,
        };
        if behind.is_none() {
            self.paths.active_mut().on_final_sent(prefix);
        }
        self.transmit_one(prefix + behind.map_or(0, |built| built.length))
    }

    /// Bytes that the peer's address may get before it is proved.
    pub(super) fn credit(&self) -> usize {
        match self.paths.active().probe_limit() {
            SendLimit::Open { bytes } => usize::try_from(bytes).unwrap_or(usize::MAX),
            SendLimit::Amplified | SendLimit::Congested | SendLimit::Paced { .. } => 0,
        }
    }

    /// Writes the ESTABLISH packet, if the responder has not been heard yet, and returns its length.
    fn establish_prefix(&mut self, now: Instant, buffer: &mut [u8]) -> usize {
        let Some(establish) = &mut self.establish else {
            return 0;
        };
        let length = establish.packet.len();
        let Some(space) = buffer.get_mut(..length) else {
            return 0;
        };
        space.copy_from_slice(&establish.packet);
        establish.postpone(now);
        self.counters.handshake_packets += 1;
        length
    }

    /// PATH_RESPONSE, to where the challenge came from. As large as the challenge's datagram, so that the path is proved for
    /// full-size packets both ways (RFC 9000 §8.2.2), and no larger.
    fn transmit_answer(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Transmit> {
        let answer = self.controls.poll_answer()?;
        let size = answer.asked.min(limits::BASE_DATAGRAM).min(buffer.len());
        let frame = Frame::PathResponse { data: answer.data };
        let path = self.paths.active().id();
        // Where the peer only tries a path yet, the id is already the one that it will be followed with.
        let id = match answer.remote == self.paths.active().remote() {
            true => self.peer_cids.active(),
            false => self.peer_cids.next(),
        };
        let length = self.build_single(now, &mut buffer[..size], &frame, (path, id))?;
        Some(Transmit {
            destination: answer.remote,
            source: answer.local,
            ecn: None,
            size: length,
            segment_size: length,
        })
    }

    fn transmit_challenge(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Transmit> {
        let challenge = self.paths.poll_challenge(now)?;
        let room = usize::try_from(challenge.room).unwrap_or(usize::MAX);
        let size = limits::BASE_DATAGRAM.min(room).min(buffer.len());
        let frame = Frame::PathChallenge { data: challenge.data };
        // On the way to another path the id is already the one that will be used there.
        let is_active = challenge.path == self.paths.active().id();
        let id = if is_active { self.peer_cids.active() } else { self.peer_cids.next() };
        let space = &mut buffer[..size];
        let length = self.build_single(now, space, &frame, (challenge.path, id))?;
        if is_active {
            self.paths.active_mut().on_sent(now, length, false, 0, true);
        }
        Some(Transmit {
            destination: challenge.remote,
            source: challenge.local,
            ecn: None,
            size: length,
            segment_size: length,
        })
    }

    fn transmit_mtu_probe(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Transmit> {
        if !self.confirmed {
            return None;
        }
        let in_flight = self.recovery.in_flight_on(self.paths.active().id());
        let SendLimit::Open { bytes } = self.paths.active_mut().send_limit(now, in_flight) else {
            return None;
        };
        let size = self.paths.active_mut().poll_mtu_probe(now)?;
        // On a quiet path the probe may exceed the window, or a small window would keep datagrams small for ever.
        let fits = in_flight == 0 || (size as u64) <= bytes;
        if size > buffer.len() || !fits {
            return None;
        }
        let mut packet = PacketBuilder::new(frames_of(&mut buffer[..size])?);
        let _ = packet.push(&Frame::Ping);
        packet.pad();
        let (length, _, records) = packet.finish();
        let number = self.recovery.next_number();
        self.seal_as(number, self.peer_cids.active(), buffer, length)?;
        let path = self.paths.active_mut();
        path.on_mtu_probe_sent(number, size);
        let stamp = path.on_sent(now, size, true, in_flight, true);
        let sent = SentPacket {
            sent_at: now,
            size: u32::try_from(size).unwrap_or(u32::MAX),
            path: path.id(),
            ack_eliciting: true,
            mtu_probe: true,
            ecn_marked: false,
            stamp,
            records,
        };
        self.recovery.on_sent(number, sent);
        self.counters.datagram_sent(size);
        self.transmit_one(size)
    }

    /// A packet with one frame, padded to the space, that is not retransmitted. It counts for this path, and goes to this id.
    fn build_single(
        &mut self,
        now: Instant,
        space: &mut [u8],
        frame: &Frame<'_>,
        (path, id): (PathId, ConnectionId),
    ) -> Option<usize> {
        let mut packet = PacketBuilder::new(frames_of(space)?);
        if !packet.push(frame) {
            return None;
        }
        packet.pad();
        let (length, _, records) = packet.finish();
        let number = self.recovery.next_number();
        let length = self.seal_as(number, id, space, length)?;
        let sent = SentPacket {
            sent_at: now,
            size: u32::try_from(length).unwrap_or(u32::MAX),
            path,
            ack_eliciting: false,
            mtu_probe: false,
            ecn_marked: false,
            stamp: Default::default(),
            records,
        };
        self.recovery.on_sent(number, sent);
        self.counters.datagram_sent(length);
        Some(length)
    }

    fn seal(&mut self, packet: &mut [u8], frames: usize) -> Option<usize> {
        let number = self.recovery.next_number();
        self.seal_as(number, self.peer_cids.active(), packet, frames)
    }

    /// Adds header, padding and tag to the frames that stand in the packet, and seals it.
    pub(super) fn seal_as(
        &mut self,
        number: u64,
        destination: ConnectionId,
        packet: &mut [u8],
        frames: usize,
    ) -> Option<usize> {
        let end = SHORT_HEADER_LEN + frames.max(FRAMES_MIN);
        let packet = packet.get_mut(..end + TAG_LEN)?;
        packet[SHORT_HEADER_LEN + frames..end].fill(0);
        ShortHeader { destination, key_phase: false, number }.encode(packet);
        self.keys.seal(number, packet)?;
        Some(packet.len())
    }

    fn transmit_one(&self, size: usize) -> Option<Transmit> {
        let path = self.paths.active();
        (size > 0).then(|| Transmit {
            destination: path.remote(),
            source: path.local(),
            ecn: None,
            size,
            segment_size: size,
        })
    }
}

/// The part of a packet's space where its frames go.
pub(super) fn frames_of(space: &mut [u8]) -> Option<&mut [u8]> {
    let end = space.len().checked_sub(TAG_LEN)?;
    space.get_mut(SHORT_HEADER_LEN..end).filter(|frames| frames.len() >= FRAMES_MIN)
}

#[cfg(test)]
const _: () = assert!(OVERHEAD + FRAMES_MIN == 45);
