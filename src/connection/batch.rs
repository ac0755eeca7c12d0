//! Datagrams in batches: which may leave, and what goes into them.
//!
//! ```text
//!   allowance ──▶ Data ─────▶ full packets of one stream in a row, while there is nothing else to say (`run`)
//!             │      └──────▶ or else a packet that every source is asked for
//!             ├─▶ Probe ────▶ likewise, however full the window
//!             └─▶ AckOnly ──▶ an acknowledgement
//! ```

use super::send::{ELICITING_FRAMES_MIN, OVERHEAD, Transmit, frames_of};
use super::{Connection, Share};
use crate::base::{Instant, limits};
use crate::vocab::{PacketBuilder, SendLimit, SentPacket};
use crate::wire::Frame;

/// Why a packet may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Nothing but acknowledgements: they are not congestion controlled (RFC 9002 §7).
    AckOnly,
    Data,
    /// A probe timeout: one packet more than the window allows (RFC 9002 §7.5).
    Probe,
}

/// A packet that was built and sealed.
pub(super) struct Built {
    pub(super) length: usize,
}

impl Connection {
    /// As many full-size datagrams as windows, pacer and `segments` allow; only the last may be shorter.
    pub(super) fn transmit_batch(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        segments: usize,
    ) -> Option<Transmit> {
        let size = self.paths.active().datagram_size().min(buffer.len()).min(self.credit());
        let (mut purpose, mut room) = self.allowance(now)?;
        let (mut written, mut count) = (0, 0);
        while count < segments && written + size <= buffer.len() && size <= self.credit() {
            let most = segments - count;
            let in_a_row = match purpose {
                Purpose::Data => self.build_run(now, &mut buffer[written..], size, room, most),
                Purpose::AckOnly | Purpose::Probe => 0,
            };
            let length = match in_a_row {
                0 => {
                    // A probe has to get through where larger datagrams vanish.
                    let space = match purpose {
                        Purpose::Probe => size.min(limits::BASE_DATAGRAM),
                        Purpose::AckOnly | Purpose::Data => size,
                    };
                    let space = &mut buffer[written..written + space];
                    let Some(built) = self.build(now, space, purpose, 0) else {
                        break;
                    };
                    built.length
                }
                packets => packets * size,
            };
            written += length;
            count += in_a_row.max(1);
            room = room.saturating_sub(length as u64);
            if length < size {
                break;
            }
            if purpose != Purpose::Data || room < size as u64 {
                let Some(next) = self.allowance(now) else {
                    break;
                };
                (purpose, room) = next;
            }
        }
        if written == 0 {
            return None;
        }
        let path = self.paths.active();
        Some(Transmit {
            destination: path.remote(),
            source: path.local(),
            ecn: path.ecn(),
            size: written,
            segment_size: size.min(written),
        })
    }

    /// May something leave, why, and how many bytes?
    pub(super) fn allowance(&mut self, now: Instant) -> Option<(Purpose, u64)> {
        self.paced_until = None;
        let limit = self.send_limit(now);
        let probe_limit = self.paths.active().probe_limit();
        if let (1.., SendLimit::Open { bytes }) = (self.recovery.probes_owed(), probe_limit) {
            return Some((Purpose::Probe, bytes));
        }
        match limit {
            SendLimit::Open { bytes } if self.share != Share::Nothing => {
                return Some((Purpose::Data, bytes));
            }
            SendLimit::Open { .. } if self.wants_to_send() => self.awaits_turn = true,
            SendLimit::Paced { until } if self.wants_to_send() => self.paced_until = Some(until),
            SendLimit::Open { .. } | SendLimit::Paced { .. } | SendLimit::Congested => {}
            SendLimit::Amplified => return None,
        }
        self.acks.is_due(now).then_some((Purpose::AckOnly, u64::MAX))
    }

    /// What the path lets through, if all of it may be used.
    fn send_limit(&mut self, now: Instant) -> SendLimit {
        if self.recovery.is_full() {
            return SendLimit::Congested;
        }
        let path = self.paths.active();
        let in_flight = self.recovery.in_flight_on(path.id());
        match path.send_limit_within(now, in_flight, self.share.lent()) {
            SendLimit::Open { .. } if self.holds_window_back(in_flight) => SendLimit::Congested,
            limit => limit,
        }
    }

    /// Some source has something that is not an acknowledgement.
    pub(super) fn wants_to_send(&self) -> bool {
        self.streams.wants_to_send() || self.others_want_to_send()
    }

    /// Some source beside the streams does.
    pub(super) fn others_want_to_send(&self) -> bool {
        self.controls.wants_to_send()
            || self.lists.wants_to_send()
            || self.datagrams.wants_to_send()
            || self.local_cids.wants_to_send()
            || self.peer_cids.wants_to_send()
    }

    /// One packet at the start of `space`, `before` bytes of the same datagram are taken already.
    pub(super) fn build(
        &mut self,
        now: Instant,
        space: &mut [u8],
        purpose: Purpose,
        before: usize,
    ) -> Option<Built> {
        let mut packet = PacketBuilder::new(frames_of(space)?);
        self.fill(now, &mut packet, purpose);
        if packet.is_empty() {
            return None;
        }
        if packet.is_ack_eliciting() {
            packet.pad_to(ELICITING_FRAMES_MIN);
        }
        let (length, ack_eliciting, records) = packet.finish();
        let number = self.recovery.next_number();
        let length = self.seal_as(number, self.peer_cids.active(), space, length)?;
        let app_limited = !self.wants_to_send() || self.holds_back();
        let path = self.paths.active_mut();
        let in_flight = self.recovery.in_flight_on(path.id());
        let size = before + length;
        let stamp = path.on_sent(now, size, ack_eliciting, in_flight, app_limited);
        let sent = SentPacket {
            sent_at: now,
            size: u32::try_from(size).unwrap_or(u32::MAX),
            path: path.id(),
            ack_eliciting,
            mtu_probe: false,
            ecn_marked: path.ecn().is_some(),
            stamp,
            records,
        };
        self.recovery.on_sent(number, sent);
        if ack_eliciting {
            self.recovery.on_probe_sent();
            self.idle.on_sent(now, true);
        }
        self.counters.datagram_sent(size);
        Some(Built { length })
    }

    /// Asks the sources, most urgent first.
    fn fill(&mut self, now: Instant, packet: &mut PacketBuilder<'_>, purpose: Purpose) {
        let full = self.paths.active().datagram_size().saturating_sub(OVERHEAD);
        let more = purpose != Purpose::AckOnly && self.wants_to_send();
        if self.acks.is_due(now) || (self.acks.has_news() && (more || purpose == Purpose::Probe)) {
            self.acks.fill(now, packet);
        }
        if purpose == Purpose::AckOnly {
            return self.keep_acks_short(packet);
        }
        self.controls.fill(packet);
        self.lists.fill(now, packet);
        if more || !packet.is_empty() {
            self.local_cids.fill(packet);
        }
        self.peer_cids.fill(packet);
        if more || packet.is_ack_eliciting() {
            self.controls.fill_aside(packet);
        }
        self.datagrams.fill(packet, full);
        self.streams.fill(packet);
        if purpose == Purpose::Probe && !packet.is_ack_eliciting() {
            let _ = packet.push(&Frame::Ping);
        }
        if packet.is_ack_eliciting() {
            self.ack_only_streak = 0;
        } else if !packet.is_empty() {
            self.keep_acks_short(packet);
        }
    }

    /// A peer that only receives acknowledgements never acknowledges: now and then it is asked to, so that old
    /// ranges need not be repeated (RFC 9000 §13.2.4).
    fn keep_acks_short(&mut self, packet: &mut PacketBuilder<'_>) {
        if packet.is_empty() {
            return;
        }
        self.ack_only_streak += 1;
        if self.ack_only_streak >= limits::ACK_ONLY_STREAK && packet.push(&Frame::Ping) {
            self.ack_only_streak = 0;
        }
    }
}
