//! What to do about a pair of NATs.
//!
//! ```text
//!  ours \ theirs                         one port for all    another port for each peer
//!  one for all, lets other ports in      Plain               Plain
//!  one for all, lets nobody else in      Plain               Guess, while they do Many
//!  another for each                      Many, or Plain      Predict if both count, else nothing helps
//! ```
//!
//! That a NAT which gives every peer another port lets everybody in does not help: its host is heard from a port that nobody knows.

use crate::nat::offer::NatSummary;

/// How to find each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// The addresses that were told are those to use.
    Plain,
    /// The peer's NAT gives us another port than it has told: we try one after the other.
    Guess,
    /// Our NAT does that: we open many sockets, so that a guess is right soon.
    Many,
    /// Both do that, but count: both guess the same pairs in the same order.
    Predict,
    /// Both do that, and by chance: only a relay helps.
    Relay,
}

impl Strategy {
    /// The counterpart of what the other side chooses with the same knowledge.
    pub(super) fn choose(ours: &NatSummary, theirs: &NatSummary) -> Self {
        let symmetric = |nat: &NatSummary| nat.is_symmetric().unwrap_or(false);
        match (symmetric(ours), symmetric(theirs)) {
            (false, false) => Self::Plain,
            (false, true) if ours.admits_other_ports() => Self::Plain,
            (true, false) if theirs.admits_other_ports() => Self::Plain,
            (false, true) => Self::Guess,
            (true, false) => Self::Many,
            (true, true) if ours.next_port().is_some() && theirs.next_port().is_some() => {
                Self::Predict
            }
            (true, true) => Self::Relay,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nat::behaviour::{Allocation, Dependence};
    use Dependence::{AddressAndPortDependent, AddressDependent, EndpointIndependent};

    fn nat(mapping: Dependence, filtering: Dependence) -> NatSummary {
        NatSummary::new(mapping, Some(filtering), Allocation::Random)
    }

    fn counting() -> NatSummary {
        let mapping = AddressAndPortDependent;
        NatSummary::new(mapping, Some(mapping), Allocation::Sequential).latest(5000, 1)
    }

    #[test]
    fn both_sides_choose_what_fits_together() {
        let kinds = [EndpointIndependent, AddressDependent, AddressAndPortDependent];
        let mut nats = vec![NatSummary::UNKNOWN, counting()];
        nats.extend(kinds.iter().flat_map(|a| kinds.iter().map(|b| nat(*a, *b))));
        for ours in &nats {
            for theirs in &nats {
                let expected = match Strategy::choose(ours, theirs) {
                    Strategy::Guess => Strategy::Many,
                    Strategy::Many => Strategy::Guess,
                    other => other,
                };
                assert_eq!(Strategy::choose(theirs, ours), expected, "{ours:?} {theirs:?}");
            }
        }
    }

    #[test]
    fn ports_are_guessed_only_where_nothing_else_helps() {
        let home = nat(EndpointIndependent, AddressAndPortDependent);
        let restricted = nat(EndpointIndependent, AddressDependent);
        let symmetric = nat(AddressAndPortDependent, AddressAndPortDependent);
        let open = nat(AddressAndPortDependent, EndpointIndependent);
        for (ours, theirs, expected) in [
            (home, home, Strategy::Plain),
            (home, symmetric, Strategy::Guess),
            (symmetric, home, Strategy::Many),
            (restricted, symmetric, Strategy::Plain),
            (open, symmetric, Strategy::Relay),
            (home, open, Strategy::Guess),
            (symmetric, symmetric, Strategy::Relay),
            (counting(), symmetric, Strategy::Relay),
            (counting(), counting(), Strategy::Predict),
            (counting(), home, Strategy::Many),
            (NatSummary::UNKNOWN, symmetric, Strategy::Guess),
        ] {
            assert_eq!(Strategy::choose(&ours, &theirs), expected);
        }
    }
}
