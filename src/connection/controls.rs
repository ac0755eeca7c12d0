//! The connection's own one-shot messages: ESTABLISHED, OBSERVED_ADDRESS, ACK_FREQUENCY and answers to PATH_CHALLENGE.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::base::limits;
use crate::vocab::{Fate, PacketBuilder, Record, RttView};
use crate::wire::Frame;

/// An answer to a PATH_CHALLENGE; it goes to where the challenge came from (RFC 9000 §8.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) remote: SocketAddr,
    pub(crate) local: Option<IpAddr>,
    pub(crate) data: [u8; 8],
    /// Size of the datagram that asked: the answer is no larger, so that nobody is flooded by proxy.
    pub(crate) asked: usize,
}

/// Who is asked for nothing acknowledges every second packet (RFC 9000 §13.2.2).
const ACK_THRESHOLD_DEFAULT: u64 = 1;

/// Messages that are sent until they are acknowledged or overtaken.
#[derive(Debug, Default)]
pub(crate) struct Controls {
    established: bool,
    observed: Option<(u64, SocketAddr)>,
    observed_pending: bool,
    frequency: Option<(u64, Frequency)>,
    frequency_pending: bool,
    sequence: u64,
    answers: VecDeque<Answer>,
    ping: bool,
    immediate: bool,
}

/// How we ask the peer to acknowledge (draft-ietf-quic-ack-frequency).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frequency {
    pub(crate) threshold: u64,
    pub(crate) max_delay: Duration,
}

impl Controls {
    /// Something is owed that the peer acknowledges, whatever it is.
    pub(crate) fn ask_ping(&mut self) {
        self.ping = true;
    }

    /// What is sent next is to be acknowledged at once.
    pub(crate) fn ask_immediate_ack(&mut self) {
        self.immediate = true;
    }

    /// ESTABLISHED is owed to the peer.
    pub(crate) fn announce_established(&mut self) {
        self.established = true;
    }

    /// The peer's address, as we see it, is owed to the peer.
    pub(crate) fn announce_address(&mut self, address: SocketAddr) {
        // The discard prefix: a name that means something only on this host (SPEC §19.3).
        if matches!(address.ip(), IpAddr::V6(ip) if ip.segments()[..4] == [0x100, 0, 0, 0]) {
            return;
        }
        self.sequence += 1;
        self.observed = Some((self.sequence, address));
        self.observed_pending = true;
    }

    /// Asks for another acknowledgement rhythm, if it differs from the last one asked for.
    pub(crate) fn ask_frequency(&mut self, frequency: Frequency) {
        if self.frequency.is_none_or(|(_, last)| last != frequency) {
            self.sequence += 1;
            self.frequency = Some((self.sequence, frequency));
            self.frequency_pending = true;
        }
    }

    /// Packets that the peer may leave unacknowledged for a while, as it was asked last.
    pub(crate) fn ack_threshold(&self) -> u64 {
        self.frequency.map_or(ACK_THRESHOLD_DEFAULT, |(_, asked)| asked.threshold)
    }

    /// A PATH_CHALLENGE asks for an answer. Of too many, the oldest are forgotten (CVE-2023-49295).
    pub(crate) fn answer(&mut self, answer: Answer) {
        if self.answers.len() >= limits::PATH_ANSWERS {
            self.answers.pop_front();
        }
        self.answers.push_back(answer);
    }

    pub(crate) fn poll_answer(&mut self) -> Option<Answer> {
        self.answers.pop_front()
    }

    /// Something other than answers waits; those travel in datagrams of their own.
    pub(crate) fn wants_to_send(&self) -> bool {
        self.established || self.observed_pending || self.ping || self.immediate
    }

    pub(crate) fn fill(&mut self, packet: &mut PacketBuilder<'_>) {
        if self.ping {
            self.ping = !packet.push(&Frame::Ping);
        }
        if self.immediate {
            self.immediate = !packet.push(&Frame::ImmediateAck);
        }
        if self.established {
            self.established = !packet.push_recorded(&Frame::Established, Record::Established);
        }
        if let (true, Some((sequence, address))) = (self.observed_pending, self.observed) {
            let frame = Frame::ObservedAddress { sequence, address };
            self.observed_pending =
                !packet.push_recorded(&frame, Record::ObservedAddress { sequence });
        }
    }

    /// Of a packet that the peer acknowledges anyway: how it is to do that. Who has nothing else to be acknowledged need not say.
    pub(crate) fn fill_aside(&mut self, packet: &mut PacketBuilder<'_>) {
        if let (true, Some((sequence, asked))) = (self.frequency_pending, self.frequency) {
            let frame = Frame::AckFrequency {
                sequence,
                threshold: asked.threshold,
                max_delay: asked.max_delay,
                reordering: limits::PACKET_THRESHOLD,
            };
            self.frequency_pending =
                !packet.push_recorded(&frame, Record::AckFrequency { sequence });
        }
    }

    /// Gives back memory that only a busy connection needs.
    pub(crate) fn rest(&mut self) {
        self.answers.shrink_to_fit();
    }

    pub(crate) fn on_fate(&mut self, record: Record, fate: Fate) {
        if fate == Fate::Acked {
            return;
        }
        match record {
            Record::Established => self.established = true,
            Record::ObservedAddress { sequence } => {
                self.observed_pending |= self.observed.is_some_and(|(last, _)| last == sequence);
            }
            Record::AckFrequency { sequence } => {
                self.frequency_pending |= self.frequency.is_some_and(|(last, _)| last == sequence);
            }
            _ => {}
        }
    }
}

impl Frequency {
    /// So many acknowledgements per `round_trip`, about; at least one per GRO batch, or a few of them on a near path, and no rarer than
    /// one for every other packet on paths that carry few. Both numbers are powers of two, so that small changes of the path ask for nothing.
    pub(crate) fn for_path(
        round_trip: u64,
        window: u64,
        datagram: u64,
        rtt: &RttView,
        delays: RangeInclusive<Duration>,
    ) -> Option<Self> {
        if !rtt.measured {
            return None;
        }
        let datagram = datagram.max(1);
        let most = match rtt.minimum <= limits::NEAR {
            true => limits::ACK_THRESHOLD_NEAR.min(limits::ACK_BYTES_NEAR / datagram).max(1),
            false => limits::ACK_THRESHOLD_MAX,
        };
        let packets = window / datagram / round_trip;
        let threshold = previous_power_of_two(packets.clamp(1, most));
        let quarter = u64::try_from(rtt.smoothed.as_micros() / 4).unwrap_or(u64::MAX);
        let delay = Duration::from_micros(previous_power_of_two(quarter.max(1)));
        // The peer's parameters were checked: its least delay is not above its longest.
        Some(Self { threshold, max_delay: delay.max(*delays.start()).min(*delays.end()) })
    }
}

/// For numbers above zero.
fn previous_power_of_two(number: u64) -> u64 {
    1 << number.ilog2()
}

#[cfg(test)]
mod tests;
