//! Who helps an endpoint behind NATs.

use std::net::SocketAddr;

use crate::nat::turn::TurnConfig;
use crate::nat::{CandidateKind, GatherConfig, Gathered};

/// The servers that are asked when a ticket is made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Servers {
    pub(crate) stun: Vec<SocketAddr>,
    pub(crate) turn: Vec<TurnConfig>,
}

impl Servers {
    pub(crate) fn tell(&self, config: GatherConfig) -> GatherConfig {
        config.servers(&self.stun).relays(&self.turn)
    }

    /// Whether any was asked, and none answered.
    pub(crate) fn are_silent(&self, gathered: &Gathered) -> bool {
        let asked = !self.stun.is_empty() || !self.turn.is_empty();
        let mut candidates = gathered.description.candidates().iter();
        let relayed = candidates.any(|it| it.kind() == CandidateKind::Relayed);
        asked && gathered.behaviour.mapped.is_none() && !relayed
    }
}
