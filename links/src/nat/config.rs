//! The kind of a NAT box, on the axes of RFC 4787.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

/// RFC 4787 REQ-5: a mapping must live at least two minutes. Many real boxes keep it for 30 seconds.
const IDLE_TIMEOUT: Duration = Duration::from_secs(120);

/// Where mappings begin: well-known ports stay free (RFC 4787 section 4.2.2).
const PORT_MIN: u16 = 1_024;

/// Mappings and the sessions in them that a box keeps. Home routers have from 1,024 to 65,536.
const CAPACITY: usize = 16_384;

/// What a decision of a NAT depends on besides the internal endpoint (RFC 4787 sections 4.1 and 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependence {
    /// On nothing else: one mapping serves all peers; everybody may send to it.
    EndpointIndependent,
    /// On the peer's address, whatever its port.
    AddressDependent,
    /// On the peer's address and port.
    AddressAndPortDependent,
}

/// How a new mapping gets its external port (RFC 4787 section 4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortAllocation {
    /// The internal port if it is free, else the next free one.
    Preserve,
    /// One after the other.
    Sequential,
    /// Drawn by chance.
    Random,
    /// Drawn by chance from a block of so many neighbours, which one internal host has for itself, and from a second one when that is
    /// used up, as carriers do (RFC 7422).
    Blocks(u16),
}

/// Which of several external addresses a new mapping gets (RFC 4787 section 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// An internal host always has the same.
    Paired,
    /// Drawn by chance.
    Arbitrary,
}

/// How a NAT box behaves.
///
/// The default of everything is the most common home router: one mapping for all peers, filtering by address and
/// port, ports preserved, 120 seconds, refreshed by both directions, hairpinning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatConfig {
    /// Never empty.
    pub(super) externals: Vec<IpAddr>,
    pub(super) pooling: Pooling,
    pub(super) mapping: Dependence,
    pub(super) filtering: Dependence,
    pub(super) allocation: PortAllocation,
    pub(super) idle_timeout: Duration,
    pub(super) inbound_refresh: bool,
    pub(super) absolute_timeout: Option<Duration>,
    pub(super) hairpin: bool,
    pub(super) remembers_unasked: bool,
    pub(super) ports: RangeInclusive<u16>,
    pub(super) capacity: usize,
}

impl NatConfig {
    /// A common home router with one external address ("port restricted cone" in the words of RFC 3489).
    pub fn new(external: IpAddr) -> Self {
        Self {
            externals: vec![external],
            pooling: Pooling::Paired,
            mapping: Dependence::EndpointIndependent,
            filtering: Dependence::AddressAndPortDependent,
            allocation: PortAllocation::Preserve,
            idle_timeout: IDLE_TIMEOUT,
            inbound_refresh: true,
            absolute_timeout: None,
            hairpin: true,
            remembers_unasked: false,
            ports: PORT_MIN..=u16::MAX,
            capacity: CAPACITY,
        }
    }

    /// A box that lets everybody in once a mapping exists ("full cone").
    pub fn full_cone(external: IpAddr) -> Self {
        Self::new(external).filtering(Dependence::EndpointIndependent)
    }

    /// A box with a random port for each peer ("symmetric"), as in mobile and corporate networks.
    pub fn symmetric(external: IpAddr) -> Self {
        Self::new(external)
            .mapping(Dependence::AddressAndPortDependent)
            .allocation(PortAllocation::Random)
    }

    /// What a mapping depends on.
    #[must_use]
    pub fn mapping(mut self, mapping: Dependence) -> Self {
        self.mapping = mapping;
        self
    }

    /// Who may send to a mapping.
    #[must_use]
    pub fn filtering(mut self, filtering: Dependence) -> Self {
        self.filtering = filtering;
        self
    }

    /// How external ports are chosen.
    #[must_use]
    pub fn allocation(mut self, allocation: PortAllocation) -> Self {
        self.allocation = allocation;
        self
    }

    /// How long a mapping, and a peer's permission to send to it, lives without traffic.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Whether packets from outside keep a mapping alive too (RFC 4787 REQ-6; those from inside always do).
    #[must_use]
    pub fn inbound_refresh(mut self, refresh: bool) -> Self {
        self.inbound_refresh = refresh;
        self
    }

    /// How long a mapping lives at most, whatever the traffic, as in some mobile networks. Without end if never called.
    #[must_use]
    pub fn absolute_timeout(mut self, timeout: Duration) -> Self {
        self.absolute_timeout = Some(timeout);
        self
    }

    /// Gives the box more external addresses.
    #[must_use]
    pub fn pool(mut self, more: &[IpAddr], pooling: Pooling) -> Self {
        self.externals.extend(more);
        self.pooling = pooling;
        self
    }

    /// Whether two hosts behind the box reach each other by their external endpoints (RFC 4787 REQ-9).
    #[must_use]
    pub fn hairpin(mut self, hairpin: bool) -> Self {
        self.hairpin = hairpin;
        self
    }

    /// As a Linux router that accepts what comes in unasked: it remembers the packet as a flow of its own, and gives an internal endpoint
    /// that sends to this peer another port than the one that the flow occupies, which from then on all new peers see as well. Each
    /// further packet of the peer keeps that alive.
    #[must_use]
    pub fn remembers_unasked(mut self) -> Self {
        self.remembers_unasked = true;
        self
    }

    /// The external ports that the box may use: all from 1024 if never called.
    #[must_use]
    pub fn ports(mut self, ports: RangeInclusive<u16>) -> Self {
        self.ports = ports;
        self
    }

    /// Mappings that the box can hold, and sessions with peers over all of them: 16,384 each if never called.
    /// Beyond that new ones are refused, and their packets dropped.
    #[must_use]
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }
}
