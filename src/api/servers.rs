//! Who helps an endpoint behind NATs.

use std::net::{IpAddr, SocketAddr};

use crate::nat::turn::TurnConfig;
use crate::nat::{CandidateKind, GatherConfig, Gathered};

/// The servers that are asked when a ticket is made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Servers {
    pub(crate) stun: Vec<SocketAddr>,
    pub(crate) turn: Vec<TurnConfig>,
    /// The gateway is asked for a port.
    pub(crate) gateway: bool,
    /// It is measured how long the NAT keeps mappings.
    pub(crate) lifetime: bool,
}

impl Servers {
    pub(crate) fn tell(&self, config: GatherConfig) -> GatherConfig {
        let config = config.servers(&self.stun).relays(&self.turn);
        let config = if self.gateway { config.port_mapping(gateway()) } else { config };
        if self.lifetime { config.measure_lifetime() } else { config }
    }

    /// Whether any was asked, and none answered.
    pub(crate) fn are_silent(&self, gathered: &Gathered) -> bool {
        let asked = !self.stun.is_empty() || !self.turn.is_empty();
        let mut candidates = gathered.description.candidates().iter();
        let has_others = candidates
            .any(|it| matches!(it.kind(), CandidateKind::Relayed | CandidateKind::Mapped));
        asked && gathered.behaviour.mapped.is_none() && !has_others
    }
}

/// The router of this host, as far as it can be known.
fn gateway() -> Option<IpAddr> {
    #[cfg(feature = "interfaces")]
    let gateway = crate::driver::default_gateway();
    #[cfg(not(feature = "interfaces"))]
    let gateway = None;
    gateway
}
