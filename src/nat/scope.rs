//! How far an IP address reaches, also when it hides in an IPv6 one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Nobody's, everybody's, or reserved: nothing is ever sent there.
    Unusable,
    /// This host.
    Loopback,
    /// This link (169.254.0.0/16, fe80::/10).
    Link,
    /// This site (RFC 1918, fc00::/7).
    Private,
    /// This provider's customers, behind its NAT (100.64.0.0/10, RFC 6598).
    Carrier,
    /// The Internet. Addresses for documentation and tests count as such, so that examples behave like the real thing.
    Global,
}

impl Scope {
    /// The scope of an address. An IPv4 address inside an IPv6 one (mapped, compatible, translated, 6to4, Teredo, NAT64) counts as
    /// itself; one at the end of it (ISATAP) if it does not reach as far.
    pub fn of(ip: IpAddr) -> Self {
        match canonical(ip) {
            IpAddr::V4(ip) => of_v4(ip),
            IpAddr::V6(ip) => {
                let inner = isatap(ip).map_or(Self::Global, of_v4);
                of_v6(ip).min(inner)
            }
        }
    }
}

/// The IPv4 address that an IPv6 one stands for, or the address itself.
pub(super) fn canonical(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(inner) => embedded(inner).map_or(ip, IpAddr::V4),
    }
}

fn of_v4(ip: Ipv4Addr) -> Scope {
    match ip.octets() {
        // Protocol assignments and the anycast of 6to4 relays are no hosts (RFC 6890, RFC 7526).
        [0 | 224..=255, ..] | [192, 0, 0, _] | [192, 88, 99, _] => Scope::Unusable,
        [127, ..] => Scope::Loopback,
        [169, 254, ..] => Scope::Link,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Scope::Private,
        [100, 64..=127, ..] => Scope::Carrier,
        _ => Scope::Global,
    }
}

fn of_v6(ip: Ipv6Addr) -> Scope {
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] | [0xff00..=0xffff, ..] => Scope::Unusable,
        // Translated by rules that we do not know (RFC 8215), and the black hole (RFC 6666).
        [0x64, 0xff9b, 1, ..] | [0x100, 0, 0, 0, ..] => Scope::Unusable,
        [0, 0, 0, 0, 0, 0, 0, 1] => Scope::Loopback,
        [0xfe80..=0xfebf, ..] => Scope::Link,
        [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => Scope::Private,
        // All that was ever given out (RFC 4291 §2.4, registry of global unicast addresses).
        [0x2000..=0x3fff, ..] => Scope::Global,
        _ => Scope::Unusable,
    }
}

/// The IPv4 address that an IPv6 address stands for.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // Mapped, compatible, and NAT64 with the well-known prefix (RFC 4291 §2.5.5, RFC 6052 §2.1).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(join(high, low))
        }
        // Translated (RFC 2765 §2.1).
        [0, 0, 0, 0, 0xffff, 0, high, low] => Some(join(high, low)),
        // 6to4 (RFC 3056 §2).
        [0x2002, high, low, ..] => Some(join(high, low)),
        // Teredo: the client's address, inverted (RFC 4380 §4).
        [0x2001, 0, .., high, low] => Some(join(!high, !low)),
        _ => None,
    }
}

/// The host that a router of this prefix hands the packet to, through IPv4 (RFC 5214 §6.1).
fn isatap(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    match ip.segments() {
        [_, _, _, _, 0 | 0x200, 0x5efe, high, low] => Some(join(high, low)),
        _ => None,
    }
}

fn join(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_reach_as_far_as_their_ranges_say() {
        for (scope, addresses) in [
            (Scope::Unusable, &["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1"][..]),
            (
                Scope::Unusable,
                &["192.0.0.8", "192.88.99.1", "64:ff9b:1::1", "100::1", "4000::1", "5f00::1"],
            ),
            (Scope::Loopback, &["127.0.0.1", "127.9.9.9", "::1"]),
            (Scope::Link, &["169.254.169.254", "fe80::1", "febf::1"]),
            (Scope::Private, &["10.1.2.3", "172.16.0.1", "172.31.0.1", "192.168.1.1", "fd00::1"]),
            (Scope::Carrier, &["100.64.0.1", "100.127.255.255"]),
            (
                Scope::Global,
                &["8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:db8::1", "203.0.113.7"],
            ),
        ] {
            for address in addresses {
                assert_eq!(Scope::of(address.parse().unwrap()), scope, "{address}");
            }
        }
    }

    #[test]
    fn an_ipv4_address_cannot_hide_in_an_ipv6_one() {
        let teredo = "2001:0:c000:201:0:0:80ff:fffe";
        for address in [
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::7f00:1",
            "2001:db8::5efe:7f00:1",
            "2001:db8::200:5efe:7f00:1",
            teredo,
        ] {
            assert_eq!(Scope::of(address.parse().unwrap()), Scope::Loopback, "{address}");
        }
        let outer = "fe80::5efe:203.0.113.1".parse().unwrap();
        assert_eq!(Scope::of(outer), Scope::Link, "the end of an address does not widen it");
    }
}
