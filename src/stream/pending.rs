//! One control value on its way to the peer: the only retransmission primitive of this floor besides stream data.
//!
//! ```text
//!           set            written           Acked
//!  Unset ---------> Due ------------> InFlight ----> Acknowledged
//!    ^               ^                   |                |
//!    |               +------- Lost ------+                |
//!    |               +----------- set(another) -----------+
//!    +---- withdraw (from anywhere)
//! ```
//!
//! A newer value supersedes an older one: the fate of a packet that carried the older one is of no interest any more
//! (RFC 9000 §13.3, "the current value is sent").

use crate::vocab::Fate;

/// A value and how far it got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Pending<T> {
    #[default]
    Unset,
    Due(T),
    InFlight(T),
    Acknowledged(T),
}

impl<T: Copy + PartialEq> Pending<T> {
    /// Asks for this value to be sent, unless it has been asked for already.
    pub(super) fn set(&mut self, value: T) {
        if self.value() != Some(value) {
            *self = Self::Due(value);
        }
    }

    /// Nothing is to be sent any more.
    pub(super) fn withdraw(&mut self) {
        *self = Self::Unset;
    }

    /// The current value.
    pub(super) fn value(&self) -> Option<T> {
        match *self {
            Self::Unset => None,
            Self::Due(value) | Self::InFlight(value) | Self::Acknowledged(value) => Some(value),
        }
    }

    /// The value, if it has to go into the next packet.
    pub(super) fn due(&self) -> Option<T> {
        match *self {
            Self::Due(value) => Some(value),
            _ => None,
        }
    }

    /// The value went into a packet.
    pub(super) fn written(&mut self) {
        if let Self::Due(value) = *self {
            *self = Self::InFlight(value);
        }
    }

    /// A packet that carried `value` met its fate.
    pub(super) fn settle(&mut self, value: T, fate: Fate) {
        if self.value() != Some(value) {
            return;
        }
        match (*self, fate) {
            (Self::InFlight(_) | Self::Due(_), Fate::Acked) => *self = Self::Acknowledged(value),
            (Self::InFlight(_), Fate::Lost) => *self = Self::Due(value),
            _ => {}
        }
    }

    /// The peer has the current value.
    pub(super) fn is_acknowledged(&self) -> bool {
        matches!(self, Self::Acknowledged(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_flight(value: u64) -> Pending<u64> {
        let mut pending = Pending::Unset;
        pending.set(value);
        pending.written();
        pending
    }

    #[test]
    fn a_value_is_due_once() {
        let mut pending = in_flight(7);
        assert_eq!(pending.due(), None);
        pending.set(7);
        assert_eq!(pending.due(), None, "the same value is not sent twice");
    }

    #[test]
    fn a_lost_value_is_due_again() {
        let mut pending = in_flight(7);
        pending.settle(7, Fate::Lost);
        assert_eq!(pending.due(), Some(7));
    }

    #[test]
    fn a_superseded_value_stays_lost() {
        let mut pending = in_flight(7);
        pending.set(8);
        pending.written();
        pending.settle(7, Fate::Lost);
        assert_eq!(pending.due(), None);
        pending.settle(7, Fate::Acked);
        assert!(!pending.is_acknowledged());
        pending.settle(8, Fate::Acked);
        assert!(pending.is_acknowledged());
    }

    #[test]
    fn an_acknowledgement_after_a_spurious_loss_stops_the_repetition() {
        let mut pending = in_flight(7);
        pending.settle(7, Fate::Lost);
        pending.settle(7, Fate::Acked);
        assert_eq!(pending, Pending::Acknowledged(7));
    }

    #[test]
    fn a_loss_after_the_acknowledgement_changes_nothing() {
        let mut pending = in_flight(7);
        pending.settle(7, Fate::Acked);
        pending.settle(7, Fate::Lost);
        assert!(pending.is_acknowledged());
    }

    #[test]
    fn a_withdrawn_value_is_forgotten_even_if_its_packet_is_lost() {
        let mut pending = in_flight(7);
        pending.withdraw();
        pending.settle(7, Fate::Lost);
        assert_eq!(pending, Pending::Unset);
    }
}
