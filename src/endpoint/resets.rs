//! Stateless resets: short packets for no connection that end in the token of one. They are recognised, and sent (SPEC §7.4).

use rustc_hash::FxHashMap;

use super::{Endpoint, Received, Slot, canonical};
use crate::base::Instant;
use crate::base::limits::{RESET_INTERVAL, RESET_MAX, RESET_TRIGGER_MIN};
use crate::connection::Arrival;
use crate::crypto::Veil;
use crate::wire::ConnectionId;

/// The tokens that the peers of all connections would send now.
#[derive(Debug)]
pub(super) struct Resets {
    veil: Veil,
    by_token: FxHashMap<[u8; 16], u32>,
}

impl Resets {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { veil: Veil::new(key), by_token: FxHashMap::default() }
    }

    /// The token of this slot is another one, or none.
    pub(super) fn change(&mut self, index: u32, old: Option<[u8; 16]>, new: Option<[u8; 16]>) {
        if let Some(old) = old.map(|token| self.veil.hide(&token))
            && self.by_token.get(&old) == Some(&index)
        {
            self.by_token.remove(&old);
        }
        if let Some(new) = new {
            self.by_token.insert(self.veil.hide(&new), index);
        }
    }

    /// The slot whose token this packet ends in.
    pub(super) fn find(&self, packet: &[u8]) -> Option<u32> {
        let token = packet.last_chunk()?;
        self.by_token.get(&self.veil.hide(token)).copied()
    }
}

impl Endpoint {
    /// A packet for no connection may be the peer's word that it knows a connection of ours no more (SPEC §7.4).
    pub(super) fn on_reset(&mut self, arrival: Arrival, packet: &[u8]) -> bool {
        let Some(index) = self.resets.find(packet) else {
            return false;
        };
        let slot = self.slots.get_mut(index as usize);
        let connection = slot.and_then(Slot::connection);
        let ended = connection.is_some_and(|connection| connection.on_reset(arrival, packet));
        self.touch(index);
        ended
    }

    /// Packets that belong to no connection of the one whose id they name: some may be resets of ours, whose ids are random.
    pub(crate) fn handle_resets(&mut self, now: Instant, received: Received<'_>) {
        let Received { remote, local, ecn, segment_size, data } = received;
        for packet in data.chunks(segment_size.max(1)) {
            let datagram = packet.len();
            self.on_reset(Arrival { remote: canonical(remote), local, ecn, datagram }, packet);
        }
        self.settle(now);
    }

    /// Tells a peer of a lost connection that it is gone (SPEC §7.4).
    pub(super) fn reset_stranger(&mut self, now: Instant, arrival: Arrival, cid: ConnectionId) {
        let Some(key) = &self.reset_key else {
            return;
        };
        if now < self.reset_allowed_at || arrival.datagram < RESET_TRIGGER_MIN {
            return;
        }
        // It has overtaken ESTABLISH: this connection is still to come.
        if self.half_opens.awaits(cid) {
            return;
        }
        // All behind this address together send no more of them than one.
        self.reset_allowed_at = now + RESET_INTERVAL * u32::from(self.shard.count());
        // Shorter than what it answers: two endpoints that reset each other come to an end (RFC 9000 §10.3.3).
        let mut packet = vec![0; (arrival.datagram - 1).min(RESET_MAX)];
        self.entropy.fill(&mut packet);
        packet[0] = 0x60 | (packet[0] & 0x1f);
        let start = packet.len() - 16;
        packet[start..].copy_from_slice(&key.token(cid));
        self.outbox.push(arrival.remote, arrival.local, packet);
        self.stats.resets_sent += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_that_ends_in_a_token_finds_its_slot() {
        let mut resets = Resets::new([1; 32]);
        resets.change(3, None, Some([7; 16]));
        assert_eq!(resets.find(&[7; 45]), Some(3));
        assert_eq!(resets.find(&[8; 45]), None);
        assert_eq!(resets.find(&[7; 15]), None);
    }

    #[test]
    fn a_token_that_is_not_used_any_more_finds_nothing() {
        let mut resets = Resets::new([1; 32]);
        resets.change(3, None, Some([7; 16]));
        resets.change(3, Some([7; 16]), Some([8; 16]));
        assert_eq!((resets.find(&[7; 45]), resets.find(&[8; 45])), (None, Some(3)));
        resets.change(3, Some([8; 16]), None);
        assert_eq!(resets.find(&[8; 45]), None);
    }

    #[test]
    fn who_repeats_the_token_of_another_peer_does_not_take_it_away_when_leaving() {
        let mut resets = Resets::new([1; 32]);
        resets.change(4, None, Some([7; 16]));
        resets.change(3, None, Some([7; 16]));
        resets.change(4, Some([7; 16]), None);
        assert_eq!(resets.find(&[7; 45]), Some(3));
    }
}
