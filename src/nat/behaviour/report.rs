//! What was found out, in the words of RFC 4787, in those of RFC 3489, and in plain ones.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// What a decision of a NAT depends on besides our own address and port (RFC 4787 §4.1, §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependence {
    /// On nothing else.
    EndpointIndependent,
    /// On the peer's address, whatever its port.
    AddressDependent,
    /// On the peer's address and port.
    AddressAndPortDependent,
    /// On something of the peer's; the servers have not enough addresses to tell what.
    EndpointDependent,
}

impl fmt::Display for Dependence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EndpointIndependent => "endpoint-independent",
            Self::AddressDependent => "address-dependent",
            Self::AddressAndPortDependent => "address-and-port-dependent",
            Self::EndpointDependent => "endpoint-dependent",
        })
    }
}

/// How external ports are chosen (RFC 4787 §4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// As the internal port, where that is free.
    Preserving,
    /// One after the other.
    Sequential,
    /// From a range much smaller than all ports; it contains at least these.
    Block {
        /// The lowest port seen.
        lowest: u16,
        /// The highest port seen.
        highest: u16,
    },
    /// Any.
    Random,
}

impl fmt::Display for Allocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preserving => f.write_str("preserving"),
            Self::Sequential => f.write_str("sequential"),
            Self::Block { lowest, highest } => write!(f, "block around {lowest} to {highest}"),
            Self::Random => f.write_str("random"),
        }
    }
}

/// The old words for the most common combinations (RFC 3489 §5), and for their absence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing comes through.
    Blocked,
    /// No NAT, and everybody may send.
    Public,
    /// No NAT, but only those who were sent to may send.
    Firewalled,
    /// One mapping for all; everybody may send to it.
    FullCone,
    /// One mapping for all; addresses that were sent to may send.
    Restricted,
    /// One mapping for all; addresses and ports that were sent to may send.
    PortRestricted,
    /// Peers see different mappings.
    Symmetric,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blocked => "UDP blocked",
            Self::Public => "Public",
            Self::Firewalled => "Public behind a firewall",
            Self::FullCone => "Full cone",
            Self::Restricted => "Restricted",
            Self::PortRestricted => "Port restricted",
            Self::Symmetric => "Symmetric",
        })
    }
}

/// What one server contributed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerReport {
    /// Its address.
    pub address: SocketAddr,
    /// The main socket as it saw it; `None` if it did not answer.
    pub mapped: Option<SocketAddr>,
    /// From question to answer, if the first question was answered.
    pub round_trip: Option<Duration>,
    /// Its other address, if it helps with behaviour discovery (RFC 5780).
    pub other: Option<SocketAddr>,
}

/// What a NAT does, or that there is none. `None` anywhere means that it could not be found out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Behaviour {
    /// No server answered.
    pub blocked: bool,
    /// The main socket as we see it.
    pub local: Option<SocketAddr>,
    /// The main socket as the first server that answered saw it.
    pub mapped: Option<SocketAddr>,
    /// Whether the two differ.
    pub translated: Option<bool>,
    /// What the external port depends on. The external address is compared apart: see [`Self::several_addresses`].
    pub mapping: Option<Dependence>,
    /// Who may send to a mapping.
    pub filtering: Option<Dependence>,
    /// How external ports are chosen.
    pub allocation: Option<Allocation>,
    /// Whether different external addresses were seen (RFC 4787 §4.1, "arbitrary" pooling).
    pub several_addresses: bool,
    /// Whether two hosts inside reach each other by their external addresses.
    pub hairpin: Option<bool>,
    /// Whether there is a second NAT behind the first.
    pub double: Option<bool>,
    /// Whether something on the way rewrites addresses inside of datagrams (RFC 5780 §3.6).
    pub rewrites_payload: bool,
    /// The servers.
    pub servers: Vec<ServerReport>,
}

impl Behaviour {
    /// The old word for it, as far as enough is known.
    pub fn kind(&self) -> Option<Kind> {
        use Dependence::{AddressDependent, EndpointIndependent};
        if self.blocked {
            return Some(Kind::Blocked);
        }
        if self.translated == Some(false) {
            return Some(match self.filtering? {
                EndpointIndependent => Kind::Public,
                _ => Kind::Firewalled,
            });
        }
        if self.mapping? != EndpointIndependent {
            return Some(Kind::Symmetric);
        }
        Some(match self.filtering? {
            EndpointIndependent => Kind::FullCone,
            AddressDependent => Kind::Restricted,
            _ => Kind::PortRestricted,
        })
    }

    /// What it means for connections to peers, in a sentence.
    pub fn verdict(&self) -> &'static str {
        let symmetric = match self.allocation {
            _ if self.several_addresses => {
                "Your network shows peers different addresses: direct connections work only with peers that everybody can reach."
            }
            Some(Allocation::Sequential | Allocation::Preserving) => {
                "Your NAT gives every peer another port, but a predictable one: direct connections work with most peers."
            }
            Some(Allocation::Block { .. }) => {
                "Your NAT gives every peer another port, out of a small range: direct connections take more attempts."
            }
            _ => {
                "Your NAT gives every peer another port: direct connections take many attempts with peers behind home routers, and fail with peers behind a NAT like yours."
            }
        };
        match self.kind() {
            Some(Kind::Blocked) => {
                "No UDP comes through: direct connections are impossible from this network."
            }
            Some(Kind::Public) => {
                "Everybody can reach you: direct connections work with every peer."
            }
            Some(Kind::FullCone) => {
                "Everybody can reach you once a mapping exists: direct connections work with every peer."
            }
            Some(Kind::Firewalled | Kind::Restricted | Kind::PortRestricted) => {
                "Direct connections work with all peers but those behind symmetric NATs, with which they take many attempts."
            }
            Some(Kind::Symmetric) => symmetric,
            None if self.mapping == Some(Dependence::EndpointIndependent) => {
                "Peers see you at one address: direct connections work with most of them."
            }
            None => "Not enough servers answered to tell: name more, or one that offers RFC 5780.",
        }
    }
}
