//! In which order to try the ports of a NAT that gives every peer another one.
//!
//! Those that follow the last one first; then the smallest aligned block around those that were seen, as carriers give their customers,
//! then the next larger one, then their neighbourhood; then all, each once: drawing without replacement finds a port sooner.

use std::collections::BTreeSet;

use crate::base::Entropy;
use crate::base::limits::{
    NAT_BLOCK_SPAN, PORT_UNPRIVILEGED, PUNCH_BLOCKS, PUNCH_GUESSES, PUNCH_WINDOW,
};
use crate::nat::offer::NatSummary;

/// The ports to try, none twice.
pub(super) fn guesses(nat: &NatSummary, entropy: &mut dyn Entropy) -> Vec<u16> {
    let mut order = Order { seen: BTreeSet::new(), ports: Vec::new() };
    if let Some((next, step)) = nat.next_port() {
        order.extend(window(next, step, PUNCH_WINDOW));
    }
    if let Some((lowest, highest)) = nat.block() {
        for bits in PUNCH_BLOCKS {
            if lowest >> bits == highest >> bits {
                let start = lowest >> bits << bits;
                order.extend(shuffled(start..=start | ((1 << bits) - 1), entropy));
            }
        }
        // Not every carrier aligns its blocks.
        let near = highest.saturating_sub(NAT_BLOCK_SPAN)..=lowest.saturating_add(NAT_BLOCK_SPAN);
        order.extend(shuffled(near, entropy));
    }
    if order.ports.len() < PUNCH_GUESSES {
        order.extend(shuffled(PORT_UNPRIVILEGED..=u16::MAX, entropy));
    }
    order.ports.truncate(PUNCH_GUESSES);
    order.ports
}

/// Ports that follow each other, over the end of the range as NATs do.
pub(super) fn window(next: u16, step: i8, count: u16) -> impl Iterator<Item = u16> {
    let step = i16::from(step);
    (0..count).scan(next, move |port, _| {
        let current = *port;
        *port = port.wrapping_add_signed(step);
        Some(current)
    })
}

struct Order {
    seen: BTreeSet<u16>,
    ports: Vec<u16>,
}

impl Order {
    fn extend(&mut self, ports: impl IntoIterator<Item = u16>) {
        let new = ports.into_iter().filter(|port| *port >= PORT_UNPRIVILEGED);
        self.ports.extend(new.filter(|port| self.seen.insert(*port)));
    }
}

/// All of a range in an order drawn by chance (Fisher and Yates), as far as it is going to be used.
fn shuffled(range: std::ops::RangeInclusive<u16>, entropy: &mut dyn Entropy) -> Vec<u16> {
    let mut ports: Vec<u16> = range.collect();
    let used = ports.len().min(PUNCH_GUESSES);
    for index in 0..used {
        let left = (ports.len() - index) as u64;
        let pick = usize::try_from(entropy.number() % left).unwrap_or(0);
        ports.swap(index, index + pick);
    }
    ports.truncate(used);
    ports
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SeededEntropy;
    use crate::nat::behaviour::{Allocation, Dependence};

    fn of(allocation: Allocation, latest: Option<(u16, i8)>) -> Vec<u16> {
        let mut nat = NatSummary::new(Dependence::AddressAndPortDependent, None, allocation);
        if let Some((port, step)) = latest {
            nat = nat.latest(port, step);
        }
        guesses(&nat, &mut SeededEntropy::new(1))
    }

    fn distinct(ports: &[u16]) -> usize {
        ports.iter().collect::<BTreeSet<_>>().len()
    }

    #[test]
    fn no_port_is_tried_twice() {
        for (allocation, latest) in [
            (Allocation::Random, None),
            (Allocation::Sequential, Some((40_000, 1))),
            (Allocation::Block { lowest: 40_000, highest: 40_300 }, None),
        ] {
            let ports = of(allocation, latest);
            assert_eq!((ports.len(), distinct(&ports)), (PUNCH_GUESSES, PUNCH_GUESSES));
            assert!(ports.iter().all(|port| *port >= PORT_UNPRIVILEGED));
        }
    }

    #[test]
    fn the_ports_behind_the_last_one_come_first() {
        assert_eq!(of(Allocation::Sequential, Some((40_000, 2)))[..3], [40_002, 40_004, 40_006]);
        assert_eq!(of(Allocation::Sequential, Some((40_000, -1)))[..3], [39_999, 39_998, 39_997]);
        assert_eq!(of(Allocation::Sequential, Some((65_534, 1)))[..1], [65_535]);
    }

    #[test]
    fn the_smallest_block_around_what_was_seen_comes_first() {
        let ports = of(Allocation::Block { lowest: 40_000, highest: 40_100 }, None);
        assert!(ports[..256].iter().all(|port| port >> 8 == 40_000 >> 8));
        assert_eq!(distinct(&ports[..256]), 256);
        assert!(ports[256..512].iter().all(|port| port >> 9 == 40_000 >> 9));
        let wider = of(Allocation::Block { lowest: 39_900, highest: 40_000 }, None);
        assert!(wider[..2048].iter().all(|port| port >> 11 == 39_900 >> 11));
        let across = of(Allocation::Block { lowest: 40_900, highest: 41_000 }, None);
        assert!(across.iter().all(|port| (41_000 - 2048..=40_900 + 2048).contains(port)));
    }
}
