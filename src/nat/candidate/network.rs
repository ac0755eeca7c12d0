//! Which addresses of this host are worth telling a peer.

use std::net::IpAddr;
use std::net::SocketAddr;

use super::{Candidate, CandidateKind};
use crate::base::limits::{CANDIDATES_HOST, CANDIDATES_PER_INTERFACE};
use crate::nat::scope::{Scope, canonical};

/// Beginnings of the names of interfaces that lead to containers and virtual machines of this host, and nowhere else.
const INTERNAL: &[&str] = &[
    "br-", "cali", "cni", "docker", "flannel", "kube", "lxc", "lxd", "podman", "vboxnet", "veth",
    "virbr", "vmnet", "vnet",
];

/// An address of an interface of this host, and the network around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalNetwork {
    interface: String,
    address: IpAddr,
    prefix: u8,
}

impl LocalNetwork {
    /// The interface's name, its address, and how many bits of it all hosts of its network share.
    pub fn new(interface: &str, address: IpAddr, prefix: u8) -> Self {
        let address = canonical(address);
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Self { interface: interface.to_owned(), address, prefix: prefix.min(bits) }
    }

    /// The address of this host.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether the address is in this network.
    pub fn contains(&self, ip: IpAddr) -> bool {
        self.host_part(ip).is_some()
    }

    /// Whether the address is everybody's in this network (IPv4 broadcast, and its old form).
    pub(super) fn is_broadcast(&self, ip: IpAddr) -> bool {
        ip.is_ipv4()
            && self.prefix < 31
            && self
                .host_part(ip)
                .is_some_and(|host| host == 0 || host == u128::MAX >> (96 + self.prefix))
    }

    /// What the network's prefix leaves of the address; `None` if it is not in the network.
    fn host_part(&self, ip: IpAddr) -> Option<u128> {
        let (own, other, bits) = match (self.address, canonical(ip)) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (u128::from(own.to_bits()), u128::from(other.to_bits()), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
            _ => return None,
        };
        let host = (bits - u32::from(self.prefix)).min(bits);
        let prefix_of = |ip: u128| ip.checked_shr(host).unwrap_or(0);
        let mask = 1_u128.checked_shl(host).map_or(u128::MAX, |bit| bit - 1);
        (prefix_of(own) == prefix_of(other)).then_some(other & mask)
    }

    fn is_internal(&self) -> bool {
        INTERNAL.iter().any(|start| self.interface.starts_with(start))
    }
}

impl Candidate {
    /// The host candidates of a socket with this port: Internet addresses first, few of each interface, so that none starves another.
    /// Containers' bridges, loopback and link-local addresses are left out.
    pub fn hosts(networks: &[LocalNetwork], port: u16) -> Vec<Self> {
        let mut chosen: Vec<&LocalNetwork> = Vec::new();
        let usable = |network: &&LocalNetwork| {
            !network.is_internal() && Scope::of(network.address) >= Scope::Private
        };
        let mut ranked: Vec<&LocalNetwork> = networks.iter().filter(usable).collect();
        ranked.sort_by_key(|network| std::cmp::Reverse(Scope::of(network.address)));
        for network in ranked {
            let alike = |other: &&&LocalNetwork| {
                other.interface == network.interface
                    && other.address.is_ipv4() == network.address.is_ipv4()
            };
            let known = chosen.iter().any(|other| other.address == network.address);
            if !known && chosen.iter().filter(alike).count() < CANDIDATES_PER_INTERFACE {
                chosen.push(network);
            }
        }
        let host = |network: &&LocalNetwork| {
            Self::new(CandidateKind::Host, SocketAddr::new(network.address, port))
        };
        chosen.iter().take(CANDIDATES_HOST).map(host).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(interface: &str, address: &str, prefix: u8) -> LocalNetwork {
        LocalNetwork::new(interface, address.parse().unwrap(), prefix)
    }

    fn hosts(networks: &[LocalNetwork]) -> Vec<String> {
        Candidate::hosts(networks, 4000).iter().map(|host| host.address().to_string()).collect()
    }

    #[test]
    fn bridges_of_containers_and_addresses_without_reach_are_left_out() {
        let networks = [
            network("lo", "127.0.0.1", 8),
            network("docker0", "172.17.0.1", 16),
            network("br-7f3a", "172.18.0.1", 16),
            network("virbr0", "192.168.122.1", 24),
            network("eth0", "169.254.3.4", 16),
            network("eth0", "fe80::1", 64),
            network("eth0", "192.168.1.2", 24),
            network("eth0", "2001:db8::2", 64),
        ];
        assert_eq!(hosts(&networks), ["[2001:db8::2]:4000", "192.168.1.2:4000"]);
    }

    #[test]
    fn many_addresses_of_one_interface_do_not_starve_another() {
        let mut networks: Vec<_> =
            (1..20).map(|n| network("eth0", &format!("2001:db8::{n:x}"), 64)).collect();
        networks.push(network("wlan0", "192.168.1.2", 24));
        let found = hosts(&networks);
        assert_eq!(found.len(), CANDIDATES_PER_INTERFACE + 1);
        assert!(found.contains(&"192.168.1.2:4000".to_owned()));
    }

    #[test]
    fn a_network_holds_what_its_prefix_says() {
        for (prefix, inside, outside) in [
            (24, "192.168.1.77", "192.168.2.1"),
            (32, "192.168.1.2", "192.168.1.3"),
            (0, "8.8.8.8", "2001:db8::1"),
        ] {
            let network = network("eth0", "192.168.1.2", prefix);
            assert!(network.contains(inside.parse().unwrap()), "{inside}/{prefix}");
            assert!(!network.contains(outside.parse().unwrap()), "{outside}/{prefix}");
        }
        let v6 = network("eth0", "2001:db8::2", 64);
        assert!(v6.contains("2001:db8::ffff".parse().unwrap()));
        assert!(!v6.contains("2001:db8:1::2".parse().unwrap()));
        assert!(network("eth0", "2001:db8::2", 0).contains("fd00::1".parse().unwrap()));
    }

    #[test]
    fn broadcasts_are_known_where_there_are_any() {
        let home = network("eth0", "192.168.1.2", 24);
        for (ip, expected) in
            [("192.168.1.255", true), ("192.168.1.0", true), ("192.168.1.9", false)]
        {
            assert_eq!(home.is_broadcast(ip.parse().unwrap()), expected, "{ip}");
        }
        let line = network("ppp0", "10.0.0.0", 31);
        assert!(!line.is_broadcast("10.0.0.1".parse().unwrap()));
        assert!(network("eth0", "10.1.1.1", 0).is_broadcast("255.255.255.255".parse().unwrap()));
    }
}
