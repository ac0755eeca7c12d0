//! How many handshakes one network may start while we are under load (SPEC §5.5).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::base::{Instant, limits};

/// A token bucket for each IPv4 address and each IPv6 /64.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    /// The instant at which the bucket would be full, by network.
    full_at: BTreeMap<IpAddr, Instant>,
}

const INTERVAL: Duration =
    Duration::from_nanos(1_000_000_000 / limits::HANDSHAKES_PER_SECOND as u64);
const BURST: Duration = INTERVAL.saturating_mul(limits::HANDSHAKE_BURST);

impl Limiter {
    /// Takes a token; returns whether there was one.
    pub(super) fn admit(&mut self, now: Instant, address: IpAddr) -> bool {
        if self.full_at.len() >= limits::LIMITER_NETWORKS {
            self.full_at.retain(|_, full_at| *full_at > now);
        }
        let network = network(address);
        let known = self.full_at.contains_key(&network);
        if !known && self.full_at.len() >= limits::LIMITER_NETWORKS {
            return false;
        }
        let full_at = self.full_at.entry(network).or_insert(now);
        let next = (*full_at).max(now) + INTERVAL;
        let admitted = next - now <= BURST;
        if admitted {
            *full_at = next;
        }
        admitted
    }
}

/// The address itself for IPv4, its /64 for IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from(v4.octets())),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_counts() {
        let (mut limiter, address) = (Limiter::default(), IpAddr::from([10, 0, 0, 1]));
        let now = Instant::from_nanos(1);
        let burst = (0..100).filter(|_| limiter.admit(now, address)).count();
        assert_eq!(burst, limits::HANDSHAKE_BURST as usize);
        assert!(!limiter.admit(now + INTERVAL / 2, address));
        assert!(limiter.admit(now + INTERVAL, address));
    }

    #[test]
    fn networks_do_not_share_a_bucket_but_a_slash_64_does() {
        let mut limiter = Limiter::default();
        let now = Instant::ZERO;
        let address = |last: u16, subnet: u16| {
            IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, subnet, 0, 0, 0, last))
        };
        let admitted = (0..100).filter(|last| limiter.admit(now, address(*last, 1))).count();
        assert_eq!(admitted, limits::HANDSHAKE_BURST as usize);
        assert!(limiter.admit(now, address(1, 2)));
    }
    #[test]
    fn a_full_table_admits_nobody_new_until_a_bucket_is_full_again() {
        let mut limiter = Limiter::default();
        let address = |number: usize| IpAddr::V4(Ipv4Addr::from_bits(number as u32));
        for number in 0..limits::LIMITER_NETWORKS {
            assert!(limiter.admit(Instant::ZERO, address(number)));
        }
        let stranger = address(limits::LIMITER_NETWORKS);
        assert!(!limiter.admit(Instant::ZERO, stranger));
        assert!(limiter.admit(Instant::ZERO, address(7)), "who is known has tokens left");
        assert_eq!(limiter.full_at.len(), limits::LIMITER_NETWORKS);
        assert!(limiter.admit(Instant::ZERO + INTERVAL, stranger), "the others are forgotten");
        assert!(limiter.full_at.len() <= 2);
    }
}
