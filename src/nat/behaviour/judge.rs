//! Conclusions from samples.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::report::{Allocation, Dependence};
use crate::base::limits::{NAT_BLOCK_SPAN, NAT_SAMPLES, NAT_SEQUENTIAL_STEP};
use crate::nat::scope::Scope;

/// Whether a server's other address may be asked, and tells more than the first: it is another one in all, and not nearer to us.
pub(in crate::nat) fn helps(server: SocketAddr, other: SocketAddr) -> bool {
    other.ip() != server.ip()
        && other.port() != server.port()
        && other.port() != 0
        && other.is_ipv4() == server.is_ipv4()
        && Scope::of(other.ip()) >= Scope::of(server.ip())
}

/// What the external port of one socket depends on, from the ports that different destinations saw. `None` if all samples are from one
/// address.
pub(super) fn mapping(samples: &[(SocketAddr, SocketAddr)]) -> Option<Dependence> {
    let mut by_address: BTreeMap<IpAddr, Vec<u16>> = BTreeMap::new();
    for (destination, mapped) in samples {
        by_address.entry(destination.ip()).or_default().push(mapped.port());
    }
    let first = samples.first()?.1.port();
    let all_equal = |ports: &Vec<u16>| ports.iter().all(|port| Some(port) == ports.first());
    if !by_address.values().all(all_equal) {
        return Some(Dependence::AddressAndPortDependent);
    }
    if by_address.len() < 2 {
        return None;
    }
    if samples.iter().all(|(_, mapped)| mapped.port() == first) {
        return Some(Dependence::EndpointIndependent);
    }
    // They differ by address. Whether by port too, only an address that was asked at two ports can tell.
    let mut destinations: Vec<SocketAddr> = samples.iter().map(|(to, _)| *to).collect();
    destinations.sort_unstable();
    destinations.dedup();
    let twice = destinations.windows(2).any(|pair| pair[0].ip() == pair[1].ip());
    Some(if twice { Dependence::AddressDependent } else { Dependence::EndpointDependent })
}

/// How ports are chosen, from internal and external ports in the order in which the mappings were made. `None` if there are too few.
pub(in crate::nat) fn allocation(samples: &[(u16, u16)]) -> Option<Allocation> {
    if samples.len() < NAT_SAMPLES {
        return None;
    }
    // One may have been taken by somebody else.
    let preserved = samples.iter().filter(|(internal, external)| internal == external).count();
    if preserved + 1 >= samples.len() {
        return Some(Allocation::Preserving);
    }
    let external: Vec<u16> = samples.iter().map(|(_, external)| *external).collect();
    let near = |step: u16| (1..=NAT_SEQUENTIAL_STEP).contains(&step);
    let rising = external.windows(2).filter(|pair| near(pair[1].wrapping_sub(pair[0])));
    let falling = external.windows(2).filter(|pair| near(pair[0].wrapping_sub(pair[1])));
    // One step may lead over the end of the range.
    if rising.count().max(falling.count()) + 2 >= external.len() {
        return Some(Allocation::Sequential);
    }
    let (lowest, highest) = (*external.iter().min()?, *external.iter().max()?);
    Some(if highest - lowest < NAT_BLOCK_SPAN {
        Allocation::Block { lowest, highest }
    } else {
        Allocation::Random
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use Dependence::{
        AddressAndPortDependent, AddressDependent, EndpointDependent, EndpointIndependent,
    };

    fn seen(samples: &[(&str, u16)]) -> Option<Dependence> {
        let sample = |(to, port): &(&str, u16)| {
            (to.parse().unwrap(), SocketAddr::from(([203, 0, 113, 1], *port)))
        };
        mapping(&samples.iter().map(sample).collect::<Vec<_>>())
    }

    #[test]
    fn one_address_tells_only_what_depends_on_ports() {
        assert_eq!(seen(&[]), None);
        assert_eq!(seen(&[("192.0.2.1:1", 5), ("192.0.2.1:2", 5)]), None);
        let differ = [("192.0.2.1:1", 5), ("192.0.2.1:2", 6)];
        assert_eq!(seen(&differ), Some(AddressAndPortDependent));
    }

    #[test]
    fn several_addresses_tell_what_their_ports_allow() {
        let (a1, a2) = ("192.0.2.1:1", "192.0.2.1:2");
        let (b1, b2) = ("192.0.2.2:1", "192.0.2.2:2");
        assert_eq!(seen(&[(a1, 5), (b1, 5)]), Some(EndpointIndependent));
        assert_eq!(seen(&[(a1, 5), (b1, 6)]), Some(EndpointDependent));
        assert_eq!(seen(&[(a1, 5), (b1, 6), (b2, 6)]), Some(AddressDependent));
        assert_eq!(seen(&[(a1, 5), (b1, 6), (b2, 7)]), Some(AddressAndPortDependent));
        assert_eq!(seen(&[(a1, 5), (a2, 5), (b1, 5), (b2, 5)]), Some(EndpointIndependent));
        assert_eq!(seen(&[(a1, 5), (a1, 5), (b1, 6)]), Some(EndpointDependent), "one port twice");
    }

    #[test]
    fn addresses_do_not_count_where_ports_are_compared() {
        let one = ("192.0.2.1:1".parse().unwrap(), "203.0.113.1:7".parse().unwrap());
        let two = ("192.0.2.2:1".parse().unwrap(), "203.0.113.2:7".parse().unwrap());
        assert_eq!(mapping(&[one, two]), Some(EndpointIndependent));
    }

    fn ports(external: [u16; 8]) -> Option<Allocation> {
        let internal = [40_000, 52_003, 33_001, 61_111, 45_454, 38_383, 59_595, 42_424];
        allocation(&internal.into_iter().zip(external).collect::<Vec<_>>())
    }

    #[test]
    fn ports_show_how_they_were_chosen() {
        let kept = [40_000, 52_003, 33_001, 61_111, 45_455, 38_383, 59_595, 42_424];
        assert_eq!(ports(kept), Some(Allocation::Preserving), "one was taken");
        for steps in [
            [100, 101, 102, 103, 104, 105, 106, 107],
            [100, 103, 104, 108, 109, 115, 116, 120],
            [207, 206, 205, 204, 203, 202, 201, 200],
            [65_533, 65_534, 65_535, 1024, 1025, 1026, 1027, 1028],
        ] {
            assert_eq!(ports(steps), Some(Allocation::Sequential), "{steps:?}");
        }
        let block = Allocation::Block { lowest: 5003, highest: 5500 };
        assert_eq!(ports([5100, 5003, 5500, 5044, 5301, 5222, 5100, 5400]), Some(block));
        let random = [9_000, 61_000, 1_500, 30_000, 45_000, 2_000, 52_000, 17_000];
        assert_eq!(ports(random), Some(Allocation::Random));
        assert_eq!(allocation(&[(1, 1), (2, 2), (3, 3)]), None);
    }
}
