//! Bounds what an unproved address can make us send: three times what it sent (RFC 9000 §8).

use crate::base::limits::AMPLIFICATION_FACTOR;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credit {
    /// The peer receives at this address.
    Proven,
    /// Bytes of UDP payload in both directions.
    Unproven { received: u64, sent: u64 },
}

impl Credit {
    pub(super) fn new(proven: bool) -> Self {
        if proven { Self::Proven } else { Self::Unproven { received: 0, sent: 0 } }
    }

    pub(super) fn on_received(&mut self, bytes: u64) {
        if let Self::Unproven { received, .. } = self {
            *received = received.saturating_add(bytes);
        }
    }

    pub(super) fn on_sent(&mut self, bytes: u64) {
        if let Self::Unproven { sent, .. } = self {
            *sent = sent.saturating_add(bytes);
        }
    }

    pub(super) fn on_proven(&mut self) {
        *self = Self::Proven;
    }

    pub(super) fn is_proven(&self) -> bool {
        *self == Self::Proven
    }

    /// Bytes that may still be sent.
    pub(super) fn available(&self) -> u64 {
        match self {
            Self::Proven => u64::MAX,
            Self::Unproven { received, sent } => {
                received.saturating_mul(AMPLIFICATION_FACTOR).saturating_sub(*sent)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_times_the_received_bytes_are_allowed_and_not_one_more() {
        let mut credit = Credit::new(false);
        assert_eq!(credit.available(), 0);
        credit.on_received(400);
        assert_eq!(credit.available(), 1200);
        credit.on_sent(1199);
        assert_eq!(credit.available(), 1);
        credit.on_sent(1);
        assert_eq!(credit.available(), 0);
        credit.on_received(1);
        assert_eq!(credit.available(), 3);
    }

    #[test]
    fn proof_lifts_the_bound_for_good() {
        let mut credit = Credit::new(false);
        credit.on_proven();
        credit.on_sent(1 << 40);
        assert!(credit.is_proven());
        assert_eq!(credit.available(), u64::MAX);
    }

    #[test]
    fn counters_saturate() {
        let mut credit = Credit::new(false);
        credit.on_received(u64::MAX);
        credit.on_received(u64::MAX);
        credit.on_sent(u64::MAX);
        assert_eq!(credit.available(), 0);
    }
}
