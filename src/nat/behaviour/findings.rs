//! What was seen so far, and what follows from it.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::judge;
use super::report::{Behaviour, Dependence};
use crate::nat::scope::Scope;
use crate::nat::socket::SocketId;
use crate::nat::stun::{Answer, QueryError};

/// Whether an answer from an address that was not asked came through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::nat) enum Heard {
    /// Not tried, or the server would not do it.
    #[default]
    Unknown,
    Yes,
    No,
}

impl Heard {
    pub(in crate::nat) fn of(outcome: &Result<Answer, QueryError>) -> Self {
        match outcome {
            Ok(_) => Self::Yes,
            Err(QueryError::TimedOut) => Self::No,
            Err(_) => Self::Unknown,
        }
    }
}

/// Observations.
#[derive(Debug, Default)]
pub(in crate::nat) struct Findings {
    /// The main socket as destinations saw it, in the order of their answers.
    pub(in crate::nat) main: Vec<(SocketAddr, SocketAddr)>,
    /// Spare sockets as one and the same destination saw them.
    pub(in crate::nat) spares: Vec<(SocketId, SocketAddr)>,
    /// From the server's other address.
    pub(in crate::nat) other_address: Heard,
    /// From the server's other port.
    pub(in crate::nat) other_port: Heard,
    /// The server's other address answered when it was asked itself.
    pub(in crate::nat) other_works: bool,
    pub(in crate::nat) rewritten: bool,
    pub(in crate::nat) hairpin: Option<bool>,
}

impl Findings {
    /// The main socket as the first destination saw it.
    pub(in crate::nat) fn mapped(&self) -> Option<SocketAddr> {
        self.main.first().map(|(_, mapped)| *mapped)
    }

    /// A spare socket with its external address, for the hairpin test.
    pub(in crate::nat) fn partner(&self) -> Option<(SocketId, SocketAddr)> {
        self.spares.last().copied()
    }

    pub(in crate::nat) fn translated(&self, local: SocketAddr) -> Option<bool> {
        let mapped = self.mapped()?;
        if local.ip().is_unspecified() {
            // The same port may be kept by a NAT, but another one is always a NAT's.
            return (mapped.port() != local.port()).then_some(true);
        }
        Some(mapped != SocketAddr::new(local.ip().to_canonical(), local.port()))
    }

    fn filtering(&self) -> Option<Dependence> {
        match (self.other_address, self.other_port) {
            (Heard::Yes, _) => Some(Dependence::EndpointIndependent),
            // A silent server looks like a filter.
            _ if !self.other_works => None,
            (Heard::No, Heard::Yes) => Some(Dependence::AddressDependent),
            (Heard::No, Heard::No) => Some(Dependence::AddressAndPortDependent),
            _ => None,
        }
    }

    /// The report, but for the servers. `sockets` are the local addresses.
    pub(in crate::nat) fn report(
        &self,
        sockets: &[SocketAddr],
        gateway: Option<IpAddr>,
    ) -> Behaviour {
        let local = sockets.first().copied();
        let mapped = self.mapped();
        let translated = local.and_then(|local| self.translated(local));
        let main = mapped.map(|mapped| (SocketId::MAIN, mapped));
        let all: Vec<_> = main.into_iter().chain(self.spares.iter().copied()).collect();
        let ports = all.iter().filter_map(|(socket, mapped)| {
            Some((sockets.get(usize::from(socket.number()))?.port(), mapped.port()))
        });
        let ports: Vec<(u16, u16)> = ports.collect();
        let seen = self.main.iter().map(|(_, mapped)| mapped.ip());
        let addresses: BTreeSet<IpAddr> =
            seen.chain(self.spares.iter().map(|(_, mapped)| mapped.ip())).collect();
        Behaviour {
            blocked: false,
            local,
            mapped,
            translated,
            mapping: judge::mapping(&self.main),
            filtering: self.filtering(),
            allocation: judge::allocation(&ports).filter(|_| translated != Some(false)),
            several_addresses: addresses.len() > 1,
            hairpin: self.hairpin,
            double: mapped.and_then(|mapped| self.double(mapped, gateway)),
            rewrites_payload: self.rewritten,
            servers: Vec::new(),
        }
    }

    /// A gateway whose external address is not the one that the servers see is behind another one.
    fn double(&self, mapped: SocketAddr, gateway: Option<IpAddr>) -> Option<bool> {
        if let Some(gateway) = gateway {
            return Some(gateway != mapped.ip());
        }
        // A server on the Internet does not see private addresses; one in the provider's network may.
        let server = self.main.first()?.0;
        (Scope::of(mapped.ip()) < Scope::of(server.ip())).then_some(true)
    }
}
