//! Recognises stateless resets: short packets for no connection that end in the token of one (SPEC §7.4).

use rustc_hash::FxHashMap;

use crate::crypto::Veil;

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
