//! From a datagram to an opened packet. Nothing changes state before the packet has been opened (SPEC §6.1).

use std::net::{IpAddr, SocketAddr};

use super::keys::Keys;
use super::paths::PathChange;
use super::{Connection, ConnectionEvent};
use crate::base::{EcnMark, Entropy, Instant};
use crate::close::ConnectionError;
use crate::crypto::{OpenError, Unmasked};
use crate::wire::{Frames, Role, SHORT_HEADER_LEN, TransportError};

/// Where a packet came from and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) remote: SocketAddr,
    pub(crate) local: Option<IpAddr>,
    pub(crate) ecn: Option<EcnMark>,
    /// Bytes of the datagram that brought it.
    pub(crate) datagram: usize,
}

/// What the header of an opened packet said.
#[derive(Clone, Copy, Debug)]
struct Head {
    number: u64,
    cid: [u8; 8],
}

/// What the frames of a packet amounted to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contents {
    pub(super) ack_eliciting: bool,
    /// Only frames that may be sent to try a path (RFC 9000 §9.1).
    pub(super) probing: bool,
    /// Nothing but padding, pings and acknowledgements.
    pub(super) sign_of_life: bool,
}

impl Connection {
    /// Short packets for one of our connection ids that came together, each in a datagram of its own. They have the length that
    /// `arrival` says; only the last may be shorter.
    pub(crate) fn handle_packets(
        &mut self,
        now: Instant,
        entropy: &mut dyn Entropy,
        arrival: Arrival,
        packets: &mut [u8],
    ) {
        let length = arrival.datagram.max(1);
        self.counters.datagrams_received(packets.len().div_ceil(length), packets.len());
        self.keys.uncover(packets.chunks_mut(length));
        for packet in packets.chunks_mut(length) {
            let arrival = Arrival { datagram: packet.len(), ..arrival };
            self.handle_uncovered(now, entropy, arrival, packet);
        }
    }

    /// A short packet for one of our connection ids.
    pub(crate) fn handle_packet(
        &mut self,
        now: Instant,
        entropy: &mut dyn Entropy,
        arrival: Arrival,
        packet: &mut [u8],
    ) {
        self.counters.datagrams_received(1, arrival.datagram);
        self.keys.uncover(std::iter::once(&mut *packet));
        self.handle_uncovered(now, entropy, arrival, packet);
    }

    fn handle_uncovered(
        &mut self,
        now: Instant,
        entropy: &mut dyn Entropy,
        arrival: Arrival,
        packet: &mut [u8],
    ) {
        let expected = self.acks.largest().map_or(0, |largest| largest + 1);
        let Some(unmasked) = Keys::read(packet, expected) else {
            self.counters.undecodable += 1;
            return;
        };
        let token = packet.last_chunk::<16>().copied().unwrap_or_default();
        if !self.acks.is_fresh(unmasked.number) {
            // The number of a stateless reset is random, and may be an old one.
            if self.peer_cids.is_reset_token(&token) {
                return self.end(ConnectionError::Reset);
            }
            self.counters.duplicates += 1;
            return;
        }
        let cid = packet[1..SHORT_HEADER_LEN - 4].try_into().unwrap_or_default();
        match self.open(now, &unmasked, packet) {
            Ok(range) => {
                let head = Head { number: unmasked.number, cid };
                self.on_opened(now, entropy, arrival, head, &packet[range]);
            }
            Err(error) => self.on_not_opened(now, error, &token),
        }
    }

    /// A packet that belongs to nothing ends in this connection's token. Returns whether it is a reset: one from an address that
    /// this connection uses (RFC 9000 §10.3.1).
    pub(crate) fn on_reset(&mut self, arrival: Arrival, packet: &[u8]) -> bool {
        let is_token =
            packet.last_chunk().is_some_and(|token| self.peer_cids.is_reset_token(token));
        let is_reset = is_token && arrival.remote == self.paths.active().remote();
        if is_reset {
            self.end(ConnectionError::Reset);
        }
        is_reset
    }

    fn open(
        &mut self,
        now: Instant,
        unmasked: &Unmasked,
        packet: &mut [u8],
    ) -> Result<std::ops::Range<usize>, OpenError> {
        let opened = self.keys.open(unmasked, packet)?;
        let length = opened.payload.len();
        if opened.first_of_new_phase {
            let pto = self.pto();
            self.keys.keep_previous(now, pto);
        }
        Ok(SHORT_HEADER_LEN..SHORT_HEADER_LEN + length)
    }

    fn on_not_opened(&mut self, now: Instant, error: OpenError, token: &[u8; 16]) {
        match error {
            OpenError::Forged if self.peer_cids.is_reset_token(token) => {
                self.end(ConnectionError::Reset);
            }
            OpenError::Forged => self.counters.undecodable += 1,
            OpenError::IntegrityLimit => self.fail(now, TransportError::AEAD_LIMIT),
            OpenError::ReservedBits => self.fail(now, TransportError::PROTOCOL_VIOLATION),
        }
    }

    fn on_opened(
        &mut self,
        now: Instant,
        entropy: &mut dyn Entropy,
        arrival: Arrival,
        head: Head,
        payload: &[u8],
    ) {
        let Head { number, cid } = head;
        self.confirm();
        self.paths.on_datagram_received(arrival.remote, arrival.datagram);
        if !self.lifetime.is_open() {
            self.on_packet_while_closing(now, payload);
            return;
        }
        let was_at_rest = self.idle.is_at_rest();
        if self.idle.is_broken_by(now) {
            self.recovery.on_heard_again();
        }
        self.idle.on_received(now);
        let newest = self.acks.largest().is_none_or(|largest| number > largest);
        match self.dispatch_all(now, arrival, payload) {
            Ok(contents) => {
                self.acks.on_packet(now, number, contents.ack_eliciting, arrival.ecn);
                if was_at_rest && contents.sign_of_life {
                    self.idle.stay_at_rest();
                }
                if newest && !contents.probing && self.lifetime.is_open() {
                    self.follow(now, entropy, arrival, cid);
                }
            }
            Err(error) => self.fail(now, error),
        }
        self.finish_linger(now);
    }

    fn confirm(&mut self) {
        if !self.confirmed {
            self.confirmed = true;
            self.confirm_by = None;
            self.establish = None;
            self.tell(ConnectionEvent::Confirmed);
        }
    }

    /// The last handshake message came from somewhere else than where its predecessor went: the peer may have been rebound, or somebody
    /// has sent it on. Go there, but keep the way back (SPEC §5.5).
    pub(crate) fn begin_elsewhere(&mut self, now: Instant, arrival: Arrival, challenge: [u8; 8]) {
        self.paths.on_rebinding(now, arrival.remote, arrival.local, challenge);
        self.paths.on_datagram_received(arrival.remote, arrival.datagram);
        self.controls.announce_address(arrival.remote);
    }

    /// The peer's newest packet came from somewhere else: it has moved, or its NAT has (SPEC §7.2).
    fn follow(&mut self, now: Instant, entropy: &mut dyn Entropy, arrival: Arrival, cid: [u8; 8]) {
        let (remote, active) = (arrival.remote, self.paths.active().remote());
        if remote == active || self.paths.has_just_left(remote) {
            return;
        }
        // Both have moved on purpose, each elsewhere: were both to follow, they would change places for ever.
        if self.role == Role::Initiator && self.paths.is_settling() {
            return;
        }
        if let Some(abandoned) = self.paths.on_return(arrival.remote) {
            return self.on_path_change(now, PathChange::Reverted { abandoned });
        }
        if self.local_cids.on_used(cid.into()) {
            // A new id of ours means that the peer moved on purpose: answer with a new one of its ids, so that
            // nobody can link the two paths (RFC 9000 §9.5).
            self.peer_cids.rotate();
        }
        let data = entropy.array();
        let replaced = self.paths.on_rebinding(now, arrival.remote, arrival.local, data);
        self.paths.on_datagram_received(arrival.remote, arrival.datagram);
        if let Some(path) = replaced {
            self.abandon(now, path);
        }
        self.controls.announce_address(arrival.remote);
        self.tell(ConnectionEvent::PathChanged(arrival.remote));
    }

    /// While closing only a CLOSE of the peer matters; anything else makes us repeat ours.
    fn on_packet_while_closing(&mut self, now: Instant, payload: &[u8]) {
        let pto = self.pto();
        for frame in Frames::new(payload) {
            match frame {
                Ok(frame) if self.lifetime.on_peer_close(now, pto, &frame) => return,
                Ok(_) => {}
                Err(_) => return,
            }
        }
        self.lifetime.on_packet_while_closing();
    }
}

#[cfg(test)]
mod tests;
