//! What a relay's client says to whoever drives it.

use std::net::{IpAddr, SocketAddr};

use super::allocation::Relayed;
use super::error::TurnError;

/// What has happened at the relay.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TurnEvent {
    /// Peers can send to these addresses, once they are permitted.
    Allocated(Relayed),
    /// What comes from this IP address gets in, and datagrams can be sent to it.
    Permitted(IpAddr),
    /// The relay does not let it in, or no longer.
    Refused {
        /// The IP address.
        ip: IpAddr,
        /// Why.
        error: TurnError,
    },
    /// There is no relay, for this reason; or no more, if there was one. All is over: try another one, or this one anew.
    Lost(TurnError),
    /// It was closed, as was asked for.
    Closed,
}

/// What a datagram was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnInput<'d> {
    /// Not from the relay, or for somebody else who asked it something.
    Foreign,
    /// From the relay, and dealt with.
    Taken,
    /// A peer's datagram.
    Received {
        /// The peer's address, as the relay sees it.
        peer: SocketAddr,
        /// What it sent.
        payload: &'d [u8],
    },
}
