//! Cookies: proof, without state, that an address receives what is sent to it (SPEC §4.1).

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use zeroize::Zeroizing;

use super::mac;
use crate::base::Instant;
use crate::base::limits::{COOKIE_KEY_LIFE, COOKIE_LIFE};
use crate::wire::HandshakeId;

/// Bytes of a cookie.
pub(crate) const COOKIE_LEN: usize = 20;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The secret behind the cookies and handshake ids of one endpoint.
///
/// The key K of SPEC §4.1 changes with the time by itself: it is derived from this master key and the number of the
/// minute, so that an old cookie finds its key again without a table.
#[derive(Clone)]
pub(crate) struct CookieKey {
    cookies: Zeroizing<[u8; 32]>,
    handshake_ids: Zeroizing<[u8; 32]>,
}

impl CookieKey {
    pub(crate) fn new(master: [u8; 32]) -> Self {
        let master = Zeroizing::new(master);
        let derive = |label: &[u8]| Zeroizing::new(mac::hmac(&*master, &[label]));
        Self { cookies: derive(b"srudp1 cookie key"), handshake_ids: derive(b"srudp1 hid key") }
    }

    /// A cookie for a peer at this address.
    pub(crate) fn mint(&self, now: Instant, address: SocketAddr) -> [u8; COOKIE_LEN] {
        let seconds = seconds(now);
        let mut cookie = [0; COOKIE_LEN];
        let (stamp, tag) = cookie.split_at_mut(4);
        stamp.copy_from_slice(&seconds.to_be_bytes());
        tag.copy_from_slice(&self.tag(seconds, address));
        cookie
    }

    /// Whether this endpoint minted the cookie for this address within the last two minutes.
    pub(crate) fn verify(
        &self,
        now: Instant,
        address: SocketAddr,
        cookie: &[u8; COOKIE_LEN],
    ) -> bool {
        let [a, b, c, d, tag @ ..] = cookie;
        let minted = u32::from_be_bytes([*a, *b, *c, *d]);
        let Some(age) = seconds(now).checked_sub(minted) else { return false };
        u64::from(age) <= COOKIE_LIFE.as_secs() && mac::equal(tag, &self.tag(minted, address))
    }

    /// The handshake id of a listener that is not dialling, for the initiator with this id (SPEC §5.5).
    pub(crate) fn listener_hid(&self, initiator: HandshakeId) -> HandshakeId {
        let key = &*self.handshake_ids;
        mac::truncated::<8>(key, &[b"srudp1 hid", initiator.as_bytes()]).into()
    }

    fn tag(&self, seconds: u32, address: SocketAddr) -> [u8; 16] {
        let epoch = u64::from(seconds) / COOKIE_KEY_LIFE.as_secs();
        let key = Zeroizing::new(mac::hmac(&*self.cookies, &[&epoch.to_be_bytes()]));
        let (family, ip) = family_and_ip(address);
        let port = address.port().to_be_bytes();
        mac::truncated(&*key, &[b"srudp1 cookie", &[family], &ip, &port, &seconds.to_be_bytes()])
    }
}

impl fmt::Debug for CookieKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieKey")
    }
}

/// Wraps after 136 years.
fn seconds(now: Instant) -> u32 {
    (now.as_nanos() / NANOS_PER_SECOND) as u32
}

/// A dual-stack socket shows IPv4 peers as mapped IPv6 addresses; both forms are one address.
fn family_and_ip(address: SocketAddr) -> (u8, [u8; 16]) {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            (4, [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        }
        IpAddr::V6(ip) => (6, ip.octets()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn key() -> CookieKey {
        CookieKey::new([3; 32])
    }

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    fn address() -> SocketAddr {
        "192.0.2.1:4433".parse().unwrap()
    }

    #[test]
    fn a_cookie_proves_its_address_for_two_minutes() {
        let cookie = key().mint(at(1000), address());
        for age in [0, 1, 59, 60, 61, 119, 120] {
            assert!(key().verify(at(1000 + age), address(), &cookie), "{age} s old");
        }
    }

    #[test]
    fn cookie_expired() {
        let cookie = key().mint(at(1000), address());
        assert!(!key().verify(at(1121), address(), &cookie));
        assert!(!key().verify(at(999), address(), &cookie), "from the future");
    }

    #[test]
    fn cookie_other_address() {
        let cookie = key().mint(at(0), address());
        for other in ["192.0.2.1:4434", "192.0.2.2:4433", "[c000:201::]:4433"] {
            assert!(!key().verify(at(0), other.parse().unwrap(), &cookie), "{other}");
        }
    }

    #[test]
    fn cookie_bitflip() {
        let cookie = key().mint(at(500), address());
        for bit in 0..COOKIE_LEN * 8 {
            let mut flipped = cookie;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(!key().verify(at(500), address(), &flipped), "bit {bit}");
        }
    }

    #[test]
    fn a_mapped_address_is_its_ipv4_address() {
        let cookie = key().mint(at(0), "[::ffff:192.0.2.1]:4433".parse().unwrap());
        assert!(key().verify(at(0), address(), &cookie));
    }

    #[test]
    fn another_endpoint_mints_other_cookies_and_ids() {
        let other = CookieKey::new([4; 32]);
        let cookie = other.mint(at(0), address());
        assert!(!key().verify(at(0), address(), &cookie));
        assert_ne!(key().listener_hid([1; 8].into()), other.listener_hid([1; 8].into()));
        assert_ne!(key().listener_hid([1; 8].into()), key().listener_hid([2; 8].into()));
        assert_eq!(key().listener_hid([1; 8].into()), key().listener_hid([1; 8].into()));
    }

    #[test]
    fn debug_does_not_print_secrets() {
        assert_eq!(format!("{:?}", key()), "CookieKey");
    }
}
