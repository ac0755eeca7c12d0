//! What was gathered.

use super::super::behaviour::Behaviour;
use super::super::candidate::Destinations;
use super::super::offer::Description;
use super::super::punch::PunchConfig;
use super::super::socket::SocketId;

/// What this host may say about itself, and what a search needs that follows from what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Gathered {
    /// For offers and tickets.
    pub description: Description,
    /// What the servers showed about the NAT.
    pub behaviour: Behaviour,
    /// The main socket, and the spare ones that the description tells of, in the order of their numbers there.
    pub sockets: Vec<SocketId>,
    /// How many NATs there are before this host, as far as that shows.
    pub layers: u8,
    /// How many there may be, for all that shows.
    pub layers_max: u8,
    /// Where searches may send to.
    pub destinations: Destinations,
}

impl Gathered {
    /// Tells a search whose offers or tickets carry [`Self::description`] about the sockets and the network.
    #[must_use]
    pub fn prepare(&self, config: PunchConfig) -> PunchConfig {
        let config = config.sockets(&self.sockets).destinations(self.destinations.clone());
        config.layers(self.layers).layers_up_to(self.layers_max)
    }
}

/// What a gathering tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GatherEvent {
    /// Everything that is going to be known.
    Gathered(Box<Gathered>),
    /// A server sees a socket at another address than was told: gather again, and tell peers.
    Outdated,
}
