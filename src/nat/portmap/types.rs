//! What port mapping says and asks.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::base::limits::PORT_MAP_PORT_MIN;
use crate::base::{Entropy, Instant};
use crate::nat::candidate::{Candidate, CandidateKind};
use crate::nat::scope::Scope;

/// A protocol for asking gateways for ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PortMapProtocol {
    /// The Port Control Protocol (RFC 6887).
    Pcp,
    /// The NAT Port Mapping Protocol (RFC 6886).
    NatPmp,
    /// The Internet Gateway Device of UPnP, versions 1 and 2.
    Upnp,
}

impl PortMapProtocol {
    /// All, the best first.
    pub const ALL: [Self; 3] = [Self::Pcp, Self::NatPmp, Self::Upnp];
}

impl fmt::Display for PortMapProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pcp => "PCP",
            Self::NatPmp => "NAT-PMP",
            Self::Upnp => "UPnP",
        })
    }
}

/// What is known of a protocol at the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Nobody has answered so far.
    Asking,
    /// The gateway speaks it.
    Available,
    /// It does not, or not for us.
    Unavailable(PortMapError),
}

/// Why there is no port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PortMapError {
    /// Nobody answers.
    TimedOut,
    /// The gateway speaks another version.
    Version,
    /// The gateway refused, with this code of the protocol's.
    Refused(u16),
    /// The answer makes no sense.
    Malformed,
    /// The gateway itself has no address.
    NoAddress,
}

impl fmt::Display for PortMapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no answer"),
            Self::Version => f.write_str("another version"),
            Self::Refused(code) => write!(f, "refused with {code}"),
            Self::Malformed => f.write_str("the answer makes no sense"),
            Self::NoAddress => f.write_str("the gateway has no address"),
        }
    }
}

impl std::error::Error for PortMapError {}

/// A port of the gateway's that leads to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortMapping {
    /// How it was asked for.
    pub protocol: PortMapProtocol,
    /// Where peers send to. That nobody else stands in the way is not proved.
    pub external: SocketAddr,
    /// How long it lasts. It is asked for again in time.
    pub lifetime: Duration,
}

impl PortMapping {
    /// Whether the gateway's own address is not one of the Internet: there is a second NAT behind it.
    pub fn is_double_nat(&self) -> bool {
        Scope::of(self.external.ip()) != Scope::Global
    }

    /// What to tell peers. Behind a second NAT it serves those who are there too.
    pub fn candidate(&self) -> Candidate {
        Candidate::new(CandidateKind::Mapped, self.external)
    }
}

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PortMapEvent {
    /// It is known which protocols the gateway speaks.
    Probed,
    /// There is a port, or it has become another one.
    Mapped(PortMapping),
    /// There is no port, and no protocol is left to be tried; or the port that there was is gone. Nothing more is tried.
    Failed(PortMapError),
    /// The port was given back, as far as the gateway answers.
    Closed,
}

/// Something to ask over HTTP: connect, send, and read until the other side closes, but not more than
/// [`PortMapper::HTTP_ANSWER`](super::PortMapper::HTTP_ANSWER) bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// Whom to connect to.
    pub to: SocketAddr,
    /// What to send.
    pub payload: Vec<u8>,
}

/// What to ask for, and whom.
#[derive(Clone, Debug)]
pub struct PortMapConfig {
    pub(super) local: SocketAddr,
    pub(super) gateway: Option<IpAddr>,
    pub(super) map: bool,
    only: Option<PortMapProtocol>,
}

impl PortMapConfig {
    /// A port for the socket of this host with this address, which must be the one that the gateway sees. Of the gateway at that
    /// address, or of one that answers UPnP if it is not known.
    pub fn new(local: SocketAddr, gateway: Option<IpAddr>) -> Self {
        let gateway = gateway
            .filter(|ip| ip.is_ipv4() == local.is_ipv4() && Scope::of(*ip) != Scope::Unusable);
        Self { local, gateway, map: true, only: None }
    }

    /// Asks only what the gateway is able to do, and for no port.
    #[must_use]
    pub fn probe_only(mut self) -> Self {
        self.map = false;
        self
    }

    /// Speaks this protocol alone.
    #[must_use]
    pub fn only(mut self, protocol: PortMapProtocol) -> Self {
        self.only = Some(protocol);
        self
    }

    /// The socket that a port is asked for.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    pub(super) fn speaks(&self, protocol: PortMapProtocol) -> bool {
        self.only.is_none_or(|only| only == protocol)
    }

    /// The external port to ask for: the own one, unless that is a privileged one.
    pub(super) fn wanted(&self, entropy: &mut dyn Entropy) -> u16 {
        match self.local.port() {
            port @ PORT_MAP_PORT_MIN.. => port,
            _ => random_port(entropy),
        }
    }
}

/// Any port that may be asked for.
pub(super) fn random_port(entropy: &mut dyn Entropy) -> u16 {
    let span = u64::from(u16::MAX - PORT_MAP_PORT_MIN) + 1;
    PORT_MAP_PORT_MIN + (entropy.number() % span) as u16
}

/// How far one protocol has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Probing,
    /// The gateway speaks it.
    Ready,
    Mapping,
    Mapped {
        mapping: PortMapping,
        renew: Instant,
    },
    Failed(PortMapError),
    Closing,
    Closed,
}

/// When to ask for a port again.
pub(super) fn renewal(lifetime: Duration, at_most: Duration) -> Duration {
    (lifetime / 2).clamp(crate::base::limits::PORT_MAP_RENEWAL_MIN, at_most)
}
