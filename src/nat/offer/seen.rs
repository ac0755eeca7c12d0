//! Which offers came already: none is heeded twice (SPEC §18.2).

use std::collections::BTreeMap;

use super::{Nonce, OfferError};
use crate::base::limits::OFFERS_SEEN;

/// Offers whose time is not over yet.
#[derive(Clone, Debug, Default)]
pub struct SeenOffers {
    until: BTreeMap<Nonce, u64>,
}

impl SeenOffers {
    /// Remembers an offer. When there is no room for more, new ones are refused: forgetting old ones would let them be replayed.
    pub(super) fn note(&mut self, unix: u64, nonce: Nonce, expiry: u64) -> Result<(), OfferError> {
        if self.until.contains_key(&nonce) {
            return Err(OfferError::Replayed);
        }
        if self.until.len() >= OFFERS_SEEN {
            self.until.retain(|_, until| *until >= unix);
        }
        if self.until.len() >= OFFERS_SEEN {
            return Err(OfferError::TooMany);
        }
        self.until.insert(nonce, expiry);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_cannot_make_it_forget_what_could_be_replayed() {
        let mut seen = SeenOffers::default();
        let nonce = |number: usize| (number as u128).to_be_bytes();
        for number in 0..OFFERS_SEEN {
            assert_eq!(seen.note(100, nonce(number), 130), Ok(()));
        }
        assert_eq!(seen.note(130, nonce(OFFERS_SEEN), 160), Err(OfferError::TooMany));
        assert_eq!(seen.note(130, nonce(0), 130), Err(OfferError::Replayed));
        assert_eq!(seen.note(131, nonce(OFFERS_SEEN), 160), Ok(()));
        assert_eq!(seen.until.len(), 1);
    }
}
