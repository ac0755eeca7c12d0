//! The ports of one external address: which are in use, and which one a new mapping gets.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use super::config::PortAllocation;
use crate::random::Generator;

#[derive(Debug)]
pub(super) struct Ports {
    range: RangeInclusive<u16>,
    used: BTreeSet<u16>,
    /// In use before the last rebind: chosen again only if nothing else is left.
    stale: BTreeSet<u16>,
    /// The last port given out in sequence.
    last: u16,
    /// Where the block of each internal host begins.
    blocks: BTreeMap<IpAddr, u16>,
    generator: Generator,
}

impl Ports {
    pub(super) fn new(range: RangeInclusive<u16>, generator: Generator) -> Self {
        let last = *range.end();
        Self {
            range,
            used: BTreeSet::new(),
            stale: BTreeSet::new(),
            last,
            blocks: BTreeMap::new(),
            generator,
        }
    }

    /// Takes a free port for a mapping of `internal`.
    pub(super) fn take(&mut self, how: PortAllocation, internal: SocketAddr) -> Option<u16> {
        let wanted = match how {
            PortAllocation::Preserve if self.range.contains(&internal.port()) => internal.port(),
            PortAllocation::Preserve | PortAllocation::Sequential => self.after(self.last),
            PortAllocation::Random => self.generator.port(&self.range),
            PortAllocation::Blocks(size) => {
                return self.take_from_block(size.max(1), internal.ip());
            }
        };
        let port = self.free_from(wanted)?;
        self.used.insert(port);
        if how != PortAllocation::Random {
            self.last = port;
        }
        Some(port)
    }

    fn take_from_block(&mut self, size: u16, host: IpAddr) -> Option<u16> {
        let own = self.blocks.get(&host).map(|start| self.free_in_block(*start, size));
        let mut free = own.unwrap_or_default();
        if free.is_empty() {
            let taken: BTreeSet<u16> = self.blocks.values().copied().collect();
            let starts = self.range.clone().step_by(usize::from(size));
            let starts: Vec<u16> = starts.filter(|start| !taken.contains(start)).collect();
            let start = *starts.get(self.pick(starts.len())?)?;
            self.blocks.insert(host, start);
            free = self.free_in_block(start, size);
        }
        let port = *free.get(self.pick(free.len())?)?;
        self.used.insert(port);
        Some(port)
    }

    fn free_in_block(&self, start: u16, size: u16) -> Vec<u16> {
        let end = start.saturating_add(size - 1).min(*self.range.end());
        (start..=end).filter(|port| !self.used.contains(port)).collect()
    }

    /// An index below `count`; `None` if there is none.
    fn pick(&mut self, count: usize) -> Option<usize> {
        let last = u16::try_from(count.checked_sub(1)?).unwrap_or(u16::MAX);
        Some(usize::from(self.generator.port(&(0..=last))))
    }

    pub(super) fn release(&mut self, port: u16) {
        self.used.remove(&port);
    }

    /// Releases all ports, and avoids them from now on.
    pub(super) fn retire(&mut self) {
        self.stale = std::mem::take(&mut self.used);
        self.blocks.clear();
    }

    /// The first free port at `wanted` or behind it, in a circle.
    fn free_from(&self, wanted: u16) -> Option<u16> {
        let circle = || (wanted..=*self.range.end()).chain(*self.range.start()..wanted);
        let free = |port: &u16| !self.used.contains(port);
        circle()
            .find(|port| free(port) && !self.stale.contains(port))
            .or_else(|| circle().find(free))
    }

    fn after(&self, port: u16) -> u16 {
        match port.checked_add(1) {
            Some(next) if self.range.contains(&next) => next,
            _ => *self.range.start(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PortAllocation::{Blocks, Preserve, Random, Sequential};

    fn ports(range: RangeInclusive<u16>) -> Ports {
        Ports::new(range, Generator::new(1))
    }

    fn internal(port: u16) -> SocketAddr {
        ([10, 0, 0, 1], port).into()
    }

    #[test]
    fn a_preserved_port_gives_way_to_its_first_owner() {
        let mut ports = ports(1_024..=u16::MAX);
        assert_eq!(ports.take(Preserve, internal(5_000)), Some(5_000));
        assert_eq!(ports.take(Preserve, internal(5_000)), Some(5_001));
        assert_eq!(ports.take(Preserve, internal(80)), Some(5_002));
    }

    #[test]
    fn sequential_ports_go_round() {
        let mut ports = ports(7_000..=7_002);
        let mut take = || ports.take(Sequential, internal(1));
        let got: Vec<_> = (0..4).map(|_| take()).collect();
        assert_eq!(got, [Some(7_000), Some(7_001), Some(7_002), None]);
        ports.release(7_001);
        assert_eq!(ports.take(Sequential, internal(1)), Some(7_001));
    }

    #[test]
    fn random_ports_use_the_whole_range_without_collision() {
        let mut ports = ports(7_000..=7_099);
        let taken: BTreeSet<_> =
            (0..100).map(|_| ports.take(Random, internal(1)).unwrap()).collect();
        assert_eq!((taken.len(), ports.take(Random, internal(1))), (100, None));
    }

    #[test]
    fn a_host_has_a_block_for_itself_and_a_second_one_when_that_is_used_up() {
        let mut ports = ports(1_024..=2_047);
        let first: Vec<u16> =
            (0..64).map(|_| ports.take(Blocks(64), internal(1)).unwrap()).collect();
        let (low, high) = (*first.iter().min().unwrap(), *first.iter().max().unwrap());
        assert_eq!((high - low, low % 64), (63, 0));
        assert!(!first.is_sorted(), "within the block they are drawn by chance");
        let other = ports.take(Blocks(64), ([10, 0, 0, 2], 1).into()).unwrap();
        let second = ports.take(Blocks(64), internal(1)).unwrap();
        for port in [other, second] {
            assert!(!(low..=high).contains(&port));
        }
        assert_ne!(other / 64, second / 64);
    }

    #[test]
    fn retired_ports_come_back_only_when_nothing_else_is_left() {
        let mut ports = ports(7_000..=7_001);
        assert_eq!(ports.take(Preserve, internal(7_000)), Some(7_000));
        ports.retire();
        assert_eq!(ports.take(Preserve, internal(7_000)), Some(7_001));
        assert_eq!(ports.take(Preserve, internal(7_000)), Some(7_000));
    }
}
