//! What gateways answer, in either protocol.

use std::net::IpAddr;
use std::time::Duration;

use super::types::PortMapError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// It is there.
    Alive,
    /// It is there, and has this address.
    Address(IpAddr),
    /// It has given a port, and maybe said of which address.
    Mapped {
        external: Option<IpAddr>,
        port: u16,
        lifetime: Duration,
    },
    Refused(PortMapError),
}
