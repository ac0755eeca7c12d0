//! Addresses that stand for peers behind our relays, so that the endpoint has a name for each way to a peer (SPEC §19.3).
//!
//! They lie in the discard prefix 100::/64 (RFC 6666), which nothing is ever sent to or accepted from: no datagram has them.
//!
//! ```text
//!  100:0:0:0 : relay's number : 0 : peer's IPv4 address         port: the peer's
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::nat::SocketId;

const DISCARD: u16 = 0x100;

/// What the endpoint calls a peer behind this relay of ours. Relays have IPv4 addresses, and so have peers behind them.
pub(super) fn name(relay: SocketId, peer: SocketAddr) -> Option<SocketAddr> {
    let IpAddr::V4(ip) = peer.ip().to_canonical() else { return None };
    let [a, b, c, d] = ip.octets().map(u16::from);
    let ip = Ipv6Addr::new(DISCARD, 0, 0, 0, relay.number(), 0, a << 8 | b, c << 8 | d);
    Some(SocketAddr::new(ip.into(), peer.port()))
}

/// The relay of ours and the peer behind it that an address stands for.
pub(super) fn meaning(address: SocketAddr) -> Option<(SocketId, SocketAddr)> {
    let IpAddr::V6(ip) = address.ip() else { return None };
    let [DISCARD, 0, 0, 0, relay, 0, high, low] = ip.segments() else { return None };
    let peer = Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    Some((SocketId::new(relay), SocketAddr::new(peer.into(), address.port())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nat::Scope;

    #[test]
    fn a_name_means_what_it_was_made_of_and_is_never_sent_to() {
        let (relay, peer) = (SocketId::new(300), "203.0.113.7:4000".parse().unwrap());
        let name = name(relay, peer).unwrap();
        assert_eq!(meaning(name), Some((relay, peer)));
        assert_eq!(Scope::of(name.ip()), Scope::Unusable);
        for other in ["203.0.113.7:4000", "[2001:db8::1]:4000", "[100::1:0:1:0:0]:4000"] {
            assert_eq!(meaning(other.parse().unwrap()), None, "{other}");
        }
    }
}
