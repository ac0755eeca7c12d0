//! Where the two ends of a measurement stand, and what is between them.

use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::Result;

use super::namespaces::{ADDRESSES, Namespaces};
use super::profile::Profile;
use super::wire::Wire;
use crate::line::MTU;
use crate::wire::Wait;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Loopback,
    /// A veth pair of MTU 1500 between two namespaces.
    Veth,
    /// A bad link between two namespaces.
    Link(&'static Profile),
}

/// What was built for it; it ends with the value.
#[derive(Debug)]
pub(super) struct Site {
    wire: Option<Wire>,
    namespaces: Option<Namespaces>,
}

/// The place of one end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot<'a> {
    pub(super) address: Ipv4Addr,
    pub(super) namespace: Option<&'a str>,
}

impl Site {
    /// The same seed gives all stacks of a round the same pattern of losses.
    pub(super) fn build(place: Place, program: &Path, seed: u32) -> Result<Self> {
        let (wire, namespaces) = match place {
            Place::Loopback => (None, None),
            Place::Veth => (None, Some(Namespaces::joined()?)),
            Place::Link(profile) => {
                let namespaces = Namespaces::create()?;
                let wire = Wire::start(program, &profile.line, seed)?;
                namespaces.adopt(wire.devices(), MTU)?;
                (Some(wire), Some(namespaces))
            }
        };
        Ok(Self { wire, namespaces })
    }

    /// Those of the client and of the server.
    pub(super) fn spots(&self) -> Result<[Spot<'_>; 2]> {
        let Some(namespaces) = &self.namespaces else {
            return Ok([Spot { address: Ipv4Addr::LOCALHOST, namespace: None }; 2]);
        };
        let [client, server] = namespaces.names()?;
        let spot = |name, address| Spot { address, namespace: Some(name) };
        Ok([spot(client, ADDRESSES[0]), spot(server, ADDRESSES[1])])
    }

    /// Takes it down. How long packets waited for the line, if there was one.
    pub(super) fn close(self) -> Result<Option<Wait>> {
        self.wire.map(Wire::stop).transpose()
    }
}
