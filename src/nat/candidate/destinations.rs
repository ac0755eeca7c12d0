//! Where a datagram may be sent because a peer said so: asked at send time, for every datagram (SPEC §18.1).
//!
//! A peer that names addresses could aim us at hosts that only we reach: the router's web page, a cloud's metadata, a service that
//! trusts its neighbours. All forms in which an IPv6 address hides an IPv4 one count as the latter.

use std::fmt;
use std::net::SocketAddr;

use super::LocalNetwork;
use crate::base::limits::{PORT_HTTPS, PORT_UNPRIVILEGED};
use crate::nat::scope::{Scope, canonical};

/// Services above the well-known ports that answer strangers, and with more than they were sent.
const REFLECTORS: &[u16] = &[1900, 3478, 3702, 5060, 5353, 11_211, 27_015];

/// Which destinations are allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Destinations {
    networks: Vec<LocalNetwork>,
    own: Vec<SocketAddr>,
    loopback: bool,
}

/// Why a destination is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Forbidden {
    /// Other services listen on such a port.
    Port,
    /// Nothing that a peer names is in this scope.
    Scope(Scope),
    /// It is in no network of ours.
    OtherNetwork,
    /// It is everybody in a network.
    Broadcast,
    /// It is one of our own sockets.
    Own,
    /// Only a peer that has proved who it is may name such an address.
    Unauthenticated,
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Port => "other services listen on this port",
            Self::Scope(_) => "such addresses are never sent to",
            Self::OtherNetwork => "a private address outside of our networks",
            Self::Broadcast => "a broadcast address",
            Self::Own => "our own socket",
            Self::Unauthenticated => "a private address from a peer that has not proved who it is",
        })
    }
}

impl std::error::Error for Forbidden {}

impl Destinations {
    /// The Internet, and for authenticated peers these networks of ours.
    pub fn new(networks: &[LocalNetwork]) -> Self {
        Self { networks: networks.to_vec(), ..Self::default() }
    }

    /// Never these, which are our own sockets.
    #[must_use]
    pub fn own(mut self, sockets: &[SocketAddr]) -> Self {
        self.own =
            sockets.iter().map(|own| SocketAddr::new(canonical(own.ip()), own.port())).collect();
        self
    }

    /// This host too: for tests and demonstrations.
    #[must_use]
    pub fn loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Whether a datagram may go there. `authenticated`: the address comes from a peer that has proved who it is.
    ///
    /// # Errors
    /// When it may not, and why.
    pub fn check(&self, to: SocketAddr, authenticated: bool) -> Result<(), Forbidden> {
        let (ip, port) = (canonical(to.ip()), to.port());
        if (port < PORT_UNPRIVILEGED && port != PORT_HTTPS) || REFLECTORS.contains(&port) {
            return Err(Forbidden::Port);
        }
        if self.own.contains(&SocketAddr::new(ip, port)) {
            return Err(Forbidden::Own);
        }
        if self.networks.iter().any(|network| network.is_broadcast(ip)) {
            return Err(Forbidden::Broadcast);
        }
        match Scope::of(ip) {
            Scope::Global => Ok(()),
            Scope::Loopback if self.loopback => Ok(()),
            Scope::Private | Scope::Carrier if !authenticated => Err(Forbidden::Unauthenticated),
            Scope::Private | Scope::Carrier => {
                let ours = self.networks.iter().any(|network| network.contains(ip));
                if ours { Ok(()) } else { Err(Forbidden::OtherNetwork) }
            }
            scope => Err(Forbidden::Scope(scope)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destinations() -> Destinations {
        let home = LocalNetwork::new("eth0", [192, 168, 1, 2].into(), 24);
        Destinations::new(&[home]).own(&["192.168.1.2:4000".parse().unwrap()])
    }

    fn check(to: &str, authenticated: bool) -> Result<(), Forbidden> {
        destinations().check(to.parse().unwrap(), authenticated)
    }

    #[test]
    fn the_internet_is_open_and_our_own_network_to_those_who_proved_themselves() {
        assert_eq!(check("198.51.100.7:4000", false), Ok(()));
        assert_eq!(check("[2001:db8::7]:443", false), Ok(()));
        assert_eq!(check("192.168.1.7:4000", true), Ok(()));
        assert_eq!(check("192.168.1.7:4000", false), Err(Forbidden::Unauthenticated));
        assert_eq!(check("192.168.2.7:4000", true), Err(Forbidden::OtherNetwork));
        assert_eq!(check("100.64.0.9:4000", true), Err(Forbidden::OtherNetwork));
    }

    #[test]
    fn forbidden_addresses_are_refused_in_every_form_of_ipv6() {
        for (ip, forbidden) in [
            ([127, 0, 0, 1], Forbidden::Scope(Scope::Loopback)),
            ([169, 254, 169, 254], Forbidden::Scope(Scope::Link)),
            ([10, 0, 0, 1], Forbidden::OtherNetwork),
            ([192, 168, 1, 255], Forbidden::Broadcast),
            ([224, 0, 0, 251], Forbidden::Scope(Scope::Unusable)),
            ([0, 0, 0, 0], Forbidden::Scope(Scope::Unusable)),
            ([255, 255, 255, 255], Forbidden::Scope(Scope::Unusable)),
        ] {
            let [high, low] = [[ip[0], ip[1]], [ip[2], ip[3]]].map(u16::from_be_bytes);
            let forms = [
                format!("{}.{}.{}.{}", ip[0], ip[1], ip[2], ip[3]),
                format!("[::ffff:{high:x}:{low:x}]"),
                format!("[64:ff9b::{high:x}:{low:x}]"),
                format!("[2002:{high:x}:{low:x}::1]"),
                format!("[2001:0:1:2:3:4:{:x}:{:x}]", !high, !low),
            ];
            for form in forms {
                assert_eq!(check(&format!("{form}:4000"), true), Err(forbidden), "{form}");
            }
        }
        for ip in ["::1", "fe80::1", "ff02::1", "64:ff9b:1::7f00:1", "fd00::1", "fec0::1"] {
            assert!(check(&format!("[{ip}]:4000"), true).is_err(), "{ip}");
        }
    }

    #[test]
    fn ports_of_other_services_are_refused() {
        for port in [0, 53, 123, 161, 389, 1023, 1900, 3478, 5353, 11_211] {
            assert_eq!(
                check(&format!("198.51.100.7:{port}"), true),
                Err(Forbidden::Port),
                "{port}"
            );
        }
        for port in [443, 1024, 51_820] {
            assert_eq!(check(&format!("198.51.100.7:{port}"), true), Ok(()), "{port}");
        }
    }

    #[test]
    fn our_own_socket_is_refused_and_our_neighbour_on_this_host_is_not() {
        assert_eq!(check("192.168.1.2:4000", true), Err(Forbidden::Own));
        assert_eq!(check("[::ffff:192.168.1.2]:4000", true), Err(Forbidden::Own));
        assert_eq!(check("192.168.1.2:4001", true), Ok(()));
    }

    #[test]
    fn loopback_is_open_only_where_it_was_asked_for() {
        let to = "127.0.0.1:4000".parse().unwrap();
        assert!(destinations().check(to, true).is_err());
        assert_eq!(destinations().loopback().check(to, false), Ok(()));
    }
}
