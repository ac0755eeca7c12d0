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

mod chain;
mod config;
mod mapping;
mod ports;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub use chain::{NatChain, Route};
pub use config::{Dependence, NatConfig, Pooling, PortAllocation};

use crate::random::Generator;
use mapping::{Key, Mapping};
use ports::Ports;

/// A NAT box.
#[derive(Debug)]
pub struct Nat {
    config: NatConfig,
    /// Those of each external address.
    ports: BTreeMap<IpAddr, Ports>,
    mappings: BTreeMap<Key, Mapping>,
    by_external: BTreeMap<SocketAddr, Key>,
    /// External endpoint and peer of packets that came in unasked, where they are remembered, and when the last one did.
    unasked: BTreeMap<(SocketAddr, SocketAddr), Duration>,
    /// Internal endpoints that have another mapping from now on, because a packet came in unasked.
    moved: BTreeMap<SocketAddr, Key>,
    generator: Generator,
    sessions: usize,
    /// Nothing idles out before.
    next_expiry: Duration,
}

impl Nat {
    /// A box without mappings. The seed decides about random ports.
    pub fn new(config: NatConfig, seed: u64) -> Self {
        let ports = (0..).zip(&config.externals).map(|(number, external)| {
            let generator = Generator::new(seed.wrapping_add(number));
            (*external, Ports::new(config.ports.clone(), generator))
        });
        Self {
            ports: ports.collect(),
            config,
            mappings: BTreeMap::new(),
            by_external: BTreeMap::new(),
            unasked: BTreeMap::new(),
            moved: BTreeMap::new(),
            generator: Generator::new(!seed),
            sessions: 0,
            next_expiry: Duration::ZERO,
        }
    }

    /// The address that the outside sees, or the first of several.
    pub fn external(&self) -> IpAddr {
        self.config.externals[0]
    }

    /// Whether this is one of the box's external addresses.
    pub fn owns(&self, ip: IpAddr) -> bool {
        self.config.externals.contains(&ip)
    }

    /// A packet leaves from an internal endpoint: the external source that it gets, or `None` if the box drops it
    /// because its table or its ports are used up, or because it was to come back and the box does no hairpinning.
    pub fn outbound(
        &mut self,
        now: Duration,
        from: SocketAddr,
        to: SocketAddr,
    ) -> Option<SocketAddr> {
        if self.owns(to.ip()) && !self.config.hairpin {
            return None;
        }
        self.collect(now);
        let (key, allocation) = self.key_for(from, to);
        if !self.fits(&key, to) {
            return None;
        }
        if !self.mappings.contains_key(&key) {
            let external = self.external_for(from, allocation)?;
            self.by_external.insert(external, key);
            self.mappings.insert(key, Mapping::new(now, external));
            if self.unasked.contains_key(&(SocketAddr::new(external.ip(), from.port()), to)) {
                self.moved.insert(from, key);
            }
        }
        let mapping = self.mappings.get_mut(&key)?;
        self.sessions += usize::from(!mapping.has_session(to));
        mapping.sent(now, to);
        Some(mapping.external)
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
        let key = self.by_external.get(&to);
        let mapping = key
            .and_then(|key| self.mappings.get_mut(key))
            .filter(|mapping| mapping.is_alive(now, config) && mapping.admits(now, config, from));
        let (Some(key), Some(mapping)) = (key, mapping) else {
            if config.remembers_unasked && config.externals.contains(&to.ip()) {
                self.unasked.insert((to, from), now);
            }
            return None;
        };
        if config.inbound_refresh {
            mapping.received(now, from);
        }
        Some(key.internal)
    }

    /// Forgets all mappings, as after a restart. New ones get other external ports, whatever the allocation.
    pub fn rebind(&mut self) {
        self.mappings.clear();
        self.by_external.clear();
        self.unasked.clear();
        self.moved.clear();
        self.sessions = 0;
        self.ports.values_mut().for_each(Ports::retire);
    }

    /// Changes the external address, the first if there are several, as a provider does overnight. All mappings end.
    pub fn set_external(&mut self, external: IpAddr) {
        let before = std::mem::replace(&mut self.config.externals[0], external);
        if let Some(ports) = self.ports.remove(&before) {
            self.ports.insert(external, ports);
        }
        self.rebind();
    }

    /// Mappings in the table, those that have idled out but were not collected yet included.
    pub fn mappings(&self) -> usize {
        self.mappings.len()
    }

    /// Which mapping a packet takes, and how it gets its port if it is new.
    fn key_for(&self, from: SocketAddr, to: SocketAddr) -> (Key, PortAllocation) {
        let usual = Key::new(self.config.mapping, from, to);
        let mapping = self.mappings.get(&usual);
        if mapping.is_some_and(|mapping| mapping.has_session(to)) {
            return (usual, self.config.allocation);
        }
        let preserved = SocketAddr::new(self.external(), from.port());
        let external = mapping.map_or(preserved, |mapping| mapping.external);
        let moved = self.moved.get(&from).copied();
        match moved.or(self.unasked.get(&(external, to)).map(|_| Key::special(from, to))) {
            Some(special) => (special, PortAllocation::Random),
            None => (usual, self.config.allocation),
        }
    }

    /// The external endpoint of a new mapping.
    fn external_for(
        &mut self,
        internal: SocketAddr,
        allocation: PortAllocation,
    ) -> Option<SocketAddr> {
        let externals = &self.config.externals;
        let index = match self.config.pooling {
            Pooling::Paired => match internal.ip() {
                IpAddr::V4(ip) => usize::from(ip.octets()[3]),
                IpAddr::V6(ip) => usize::from(ip.octets()[15]),
            },
            Pooling::Arbitrary => usize::from(self.generator.port(&(0..=u16::MAX))),
        };
        let external = externals[index % externals.len()];
        let port = self.ports.get_mut(&external)?.take(allocation, internal)?;
        Some(SocketAddr::new(external, port))
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
        let config = &self.config;
        for (_, dead) in self.mappings.extract_if(.., |_, mapping| !mapping.is_alive(now, config)) {
            self.by_external.remove(&dead.external);
            if let Some(ports) = self.ports.get_mut(&dead.external.ip()) {
                ports.release(dead.external.port());
            }
        }
        self.moved.retain(|_, key| self.mappings.contains_key(key));
        self.unasked.retain(|_, last| now.saturating_sub(*last) < config.idle_timeout);
        for mapping in self.mappings.values_mut() {
            mapping.expire_sessions(now, config.idle_timeout);
        }
        self.sessions = self.mappings.values().map(Mapping::sessions).sum();
        let first = self.mappings.values().map(|mapping| mapping.next_expiry(config)).min();
        // A mapping that is made before the first of these ends may end before it, if its life is the shortest.
        let shortest = config
            .absolute_timeout
            .map_or(config.idle_timeout, |timeout| timeout.min(config.idle_timeout));
        let soonest = now.saturating_add(shortest);
        let unasked = self.unasked.values().min();
        let unasked = unasked.map_or(soonest, |last| last.saturating_add(config.idle_timeout));
        let soonest = soonest.min(unasked);
        self.next_expiry = first.map_or(soonest, |first| first.min(soonest));
    }
}
