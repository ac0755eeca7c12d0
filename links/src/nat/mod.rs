//! A NAT box (RFC 4787): it rewrites addresses and decides who may come in; it carries nothing itself.
//!
//! ```text
//!  no mapping ──outbound──▶ mapped ──idle_timeout without refresh──▶ no mapping
//!                            │  ▲
//!                            └──┘ outbound always refreshes, inbound if the box is of that kind
//! ```
//!
//! The caller moves packets. For one from inside, [`Nat::outbound`] says which source it gets; for one to the external
//! address, [`Nat::inbound`] says whose it is. A packet from inside to the box's own external address takes both steps
//! (hairpinning).

mod config;
mod mapping;
mod ports;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub use config::{Dependence, NatConfig, PortAllocation};

use crate::random::Generator;
use mapping::{Key, Mapping};
use ports::Ports;

/// A NAT box with one external address.
#[derive(Debug)]
pub struct Nat {
    config: NatConfig,
    ports: Ports,
    mappings: BTreeMap<Key, Mapping>,
    by_port: BTreeMap<u16, Key>,
    sessions: usize,
    /// Nothing idles out before.
    next_expiry: Duration,
}

impl Nat {
    /// A box without mappings. The seed decides about random ports.
    pub fn new(config: NatConfig, seed: u64) -> Self {
        let ports = Ports::new(config.ports.clone(), Generator::new(seed));
        Self {
            config,
            ports,
            mappings: BTreeMap::new(),
            by_port: BTreeMap::new(),
            sessions: 0,
            next_expiry: Duration::ZERO,
        }
    }

    /// The address that the outside sees.
    pub fn external(&self) -> IpAddr {
        self.config.external
    }

    /// A packet leaves from an internal endpoint: the external source that it gets, or `None` if the box drops it
    /// because its table or its ports are used up, or because it was to come back and the box does no hairpinning.
    pub fn outbound(
        &mut self,
        now: Duration,
        from: SocketAddr,
        to: SocketAddr,
    ) -> Option<SocketAddr> {
        if to.ip() == self.config.external && !self.config.hairpin {
            return None;
        }
        self.collect(now);
        let key = Key::new(self.config.mapping, from, to);
        if !self.fits(&key, to) {
            return None;
        }
        if !self.mappings.contains_key(&key) {
            let port = self.ports.take(self.config.allocation, from)?;
            self.by_port.insert(port, key);
            self.mappings.insert(key, Mapping::new(port));
        }
        let mapping = self.mappings.get_mut(&key)?;
        self.sessions += usize::from(!mapping.has_session(to));
        mapping.sent(now, to);
        Some(SocketAddr::new(self.config.external, mapping.port))
    }

    /// A packet comes in for an external endpoint: the internal one that it goes to, or `None` if there is no mapping
    /// or the filter drops it.
    pub fn inbound(
        &mut self,
        now: Duration,
        from: SocketAddr,
        to: SocketAddr,
    ) -> Option<SocketAddr> {
        let config = &self.config;
        if to.ip() != config.external {
            return None;
        }
        let key = self.by_port.get(&to.port())?;
        let mapping = self.mappings.get_mut(key)?;
        let alive = mapping.is_alive(now, config.idle_timeout);
        if !alive || !mapping.admits(now, config.idle_timeout, config.filtering, from) {
            return None;
        }
        if config.inbound_refresh {
            mapping.received(now, from);
        }
        Some(key.internal)
    }

    /// Forgets all mappings, as after a restart. New ones get other external ports, whatever the allocation.
    pub fn rebind(&mut self) {
        self.mappings.clear();
        self.by_port.clear();
        self.sessions = 0;
        self.ports.retire();
    }

    /// Changes the external address, as a provider does overnight. All mappings end.
    pub fn set_external(&mut self, external: IpAddr) {
        self.config.external = external;
        self.rebind();
    }

    /// Mappings in the table, those that have idled out but were not collected yet included.
    pub fn mappings(&self) -> usize {
        self.mappings.len()
    }

    fn fits(&self, key: &Key, peer: SocketAddr) -> bool {
        let capacity = self.config.capacity;
        let mapping = self.mappings.get(key);
        let mapping_fits = mapping.is_some() || self.mappings.len() < capacity;
        let session_fits =
            mapping.is_some_and(|mapping| mapping.has_session(peer)) || self.sessions < capacity;
        mapping_fits && session_fits
    }

    /// Removes what has idled out. Looks only when something may have.
    fn collect(&mut self, now: Duration) {
        if now < self.next_expiry {
            return;
        }
        let timeout = self.config.idle_timeout;
        for (_, dead) in self.mappings.extract_if(.., |_, mapping| !mapping.is_alive(now, timeout))
        {
            self.by_port.remove(&dead.port);
            self.ports.release(dead.port);
        }
        for mapping in self.mappings.values_mut() {
            mapping.expire_sessions(now, timeout);
        }
        self.sessions = self.mappings.values().map(Mapping::sessions).sum();
        let oldest = self.mappings.values().map(Mapping::oldest).min().unwrap_or(now);
        self.next_expiry = oldest.saturating_add(timeout);
    }
}
