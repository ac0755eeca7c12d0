//! How often one source is answered. A fixed table of token buckets: a stranger leaves no state that was not there before.

use std::hash::{DefaultHasher, Hasher};
use std::net::IpAddr;
use std::time::Duration;

use crate::base::limits::STUN_BUCKETS;
use crate::base::{Entropy, Instant};

/// A bucket for each IPv4 address and each IPv6 /64; sources whose hashes collide share one.
#[derive(Debug)]
pub(super) struct Limiter {
    /// Without it an attacker could choose sources that share their victim's bucket.
    secret: [u8; 16],
    /// The instant at which each bucket would be full.
    full_at: Box<[Instant]>,
    interval: Duration,
    burst: Duration,
}

impl Limiter {
    /// So many answers per second, and so many at once.
    pub(super) fn new(per_second: u32, burst: u32, entropy: &mut dyn Entropy) -> Self {
        let interval = Duration::from_secs(1) / per_second.max(1);
        Self {
            secret: entropy.array(),
            full_at: vec![Instant::ZERO; STUN_BUCKETS].into(),
            interval,
            burst: interval.saturating_mul(burst.max(1)),
        }
    }

    /// Takes a token; returns whether there was one.
    pub(super) fn admit(&mut self, now: Instant, source: IpAddr) -> bool {
        let index = self.bucket(source);
        let Some(full_at) = self.full_at.get_mut(index) else { return false };
        let next = (*full_at).max(now) + self.interval;
        let admitted = next - now <= self.burst;
        if admitted {
            *full_at = next;
        }
        admitted
    }

    fn bucket(&self, source: IpAddr) -> usize {
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.secret);
        match source.to_canonical() {
            IpAddr::V4(ip) => hasher.write(&ip.octets()),
            IpAddr::V6(ip) => hasher.write(&ip.octets()[..8]),
        }
        (hasher.finish() % STUN_BUCKETS as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::SeededEntropy;

    fn limiter() -> Limiter {
        Limiter::new(10, 5, &mut SeededEntropy::new(1))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_counts() {
        let (mut limiter, source, now) = (limiter(), address("192.0.2.1"), Instant::ZERO);
        assert_eq!((0..100).filter(|_| limiter.admit(now, source)).count(), 5);
        assert!(!limiter.admit(now + Duration::from_millis(99), source));
        assert!(limiter.admit(now + Duration::from_millis(100), source));
    }

    #[test]
    fn an_ipv6_network_is_one_source_and_an_ipv4_address_another() {
        let (mut limiter, now) = (limiter(), Instant::ZERO);
        let hosts = (0..100).map(|host| address(&format!("2001:db8::{host:x}")));
        assert_eq!(hosts.filter(|host| limiter.admit(now, *host)).count(), 5);
        assert!(limiter.admit(now, address("2001:db8:0:1::")));
        assert!(limiter.admit(now, address("192.0.2.1")));
        assert!(limiter.admit(now, address("192.0.2.2")));
    }
}
