//! What may be told of this host, and who is asked about the rest.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use crate::nat::candidate::{Candidate, CandidateKind, LocalNetwork};
use crate::nat::portmap::PortMapConfig;
use crate::nat::scope::{Scope, canonical};
use crate::nat::turn::TurnConfig;

/// What is known of this host, and whom to ask.
#[derive(Clone, Debug)]
pub struct GatherConfig {
    pub(super) local: SocketAddr,
    pub(super) networks: Vec<LocalNetwork>,
    pub(super) servers: Vec<SocketAddr>,
    pub(super) candidates: Vec<Candidate>,
    pub(super) gateway: Option<IpAddr>,
    relays: Vec<TurnConfig>,
    /// The gateway is asked for a port, if it is known which one is.
    ports: Option<Option<IpAddr>>,
    lifetime: bool,
    pub(super) loopback: bool,
    pub(super) keep: Duration,
}

impl GatherConfig {
    /// For a main socket with this local address, of which the IP address may be unspecified.
    pub fn new(local: SocketAddr) -> Self {
        Self {
            local,
            networks: Vec::new(),
            servers: Vec::new(),
            candidates: Vec::new(),
            gateway: None,
            relays: Vec::new(),
            ports: None,
            lifetime: false,
            loopback: false,
            keep: Duration::ZERO,
        }
    }

    /// The networks of this host: none if never called.
    #[must_use]
    pub fn networks(mut self, networks: &[LocalNetwork]) -> Self {
        self.networks = networks.to_vec();
        self
    }

    /// STUN servers, the best first. Two of them, or one that offers RFC 5780, show what the NAT does.
    #[must_use]
    pub fn servers(mut self, servers: &[SocketAddr]) -> Self {
        self.servers = servers.to_vec();
        self
    }

    /// Relays to have an address at, the best first, of which the first four are asked for one of IPv4 each, over UDP, and over TCP too if
    /// they are silent: peers that cannot reach us otherwise can there. Whoever gathers anew without a relay gives it back when no connection needs it any more.
    #[must_use]
    pub fn relays(mut self, relays: &[TurnConfig]) -> Self {
        self.relays = relays.to_vec();
        self
    }

    pub(crate) fn wanted_relays(&self) -> &[TurnConfig] {
        &self.relays
    }

    /// Asks the gateway for a port that everybody may send to, by PCP, NAT-PMP or UPnP, and keeps it until addresses are gathered without
    /// this, or the node is closed. The gateway is at that address, or one that answers UPnP if that is not known. Nothing is asked unless
    /// this host has a private IPv4 address, in the network of the gateway. Gathering takes no more than 0.3 s longer where no gateway answers,
    /// and 1.5 s where one does; a port that comes later is told the next time.
    #[must_use]
    pub fn port_mapping(mut self, gateway: Option<IpAddr>) -> Self {
        self.ports = Some(gateway);
        self
    }

    /// What to ask of the gateway.
    pub(crate) fn wanted_port(&self) -> Option<PortMapConfig> {
        let gateway = self.ports?;
        let is_behind = |host: IpAddr| {
            let mut own = self.networks.iter().filter(|network| network.address() == host);
            gateway.is_none_or(|gateway| own.any(|network| network.contains(gateway)))
        };
        let mut hosts = self.hosts().into_iter().map(|host| host.address());
        let local = hosts.find(|host| {
            let scope = Scope::of(host.ip());
            host.is_ipv4()
                && matches!(scope, Scope::Private | Scope::Carrier)
                && is_behind(host.ip())
        })?;
        Some(PortMapConfig::new(local, gateway))
    }

    /// Measures how long the NAT keeps mappings, as long as there is a connection to a peer that was searched, and keeps all such
    /// connections alive as often as that: at least every 5 s where mappings are short-lived, and at most every 120 s where they are not,
    /// if the idle timeout of both sides allows. Eleven spare sockets ask one of the servers some forty times in up to twelve minutes,
    /// and again after a path has died or the network has changed. Without this, connections are kept alive every 15 s.
    #[must_use]
    pub fn measure_lifetime(mut self) -> Self {
        self.lifetime = true;
        self
    }

    pub(crate) fn wants_lifetime(&self) -> bool {
        self.lifetime
    }

    /// Further addresses that lead to the main socket: ports of the gateway, say.
    #[must_use]
    pub fn candidates(mut self, candidates: &[Candidate]) -> Self {
        self.candidates = candidates.to_vec();
        self
    }

    /// The external address of the gateway as it says itself (PCP, NAT-PMP, UPnP): it shows whether there is a second NAT.
    #[must_use]
    pub fn gateway_external(mut self, address: IpAddr) -> Self {
        self.gateway = Some(address);
        self
    }

    /// Peers may be on this host: for tests and demonstrations.
    #[must_use]
    pub fn loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// How long what is gathered has to stay true: as long as a ticket lives, say. So long the NAT is kept from forgetting the sockets.
    /// Not at all if never called.
    #[must_use]
    pub fn keep(mut self, time: Duration) -> Self {
        self.keep = time;
        self
    }

    /// Addresses of the main socket that need no asking.
    pub(super) fn hosts(&self) -> Vec<Candidate> {
        let (ip, port) = (canonical(self.local.ip()), self.local.port());
        let host = |ip: IpAddr| Candidate::new(CandidateKind::Host, SocketAddr::new(ip, port));
        if !ip.is_unspecified() {
            let scope = Scope::of(ip);
            let told = scope >= Scope::Private || self.loopback && scope == Scope::Loopback;
            return told.then(|| host(ip)).into_iter().collect();
        }
        let mut hosts = Candidate::hosts(&self.networks, port);
        if self.loopback {
            hosts.push(host(Ipv4Addr::LOCALHOST.into()));
            hosts.push(host(Ipv6Addr::LOCALHOST.into()));
        }
        hosts.retain(|host| self.reaches(host.address()));
        hosts
    }

    /// Whether the sockets are of a family that reaches the address. Those of IPv6 reach IPv4 too.
    pub(super) fn reaches(&self, address: SocketAddr) -> bool {
        address.is_ipv4() || self.local.is_ipv6()
    }
}
