//! A port of the gateway's for a socket of ours: PCP (RFC 6887), NAT-PMP (RFC 6886) or UPnP, whichever the gateway speaks.
//!
//! ```text
//!   PortMapper   asks which are spoken, and one of them for a port
//!     ├─ gateway   PCP and NAT-PMP:  pcp · natpmp
//!     └─ upnp      ssdp · device · soap
//! ```
//!
//! All are asked what they are able to do at once, which changes nothing at the gateway. The best one that is spoken is asked for a
//! port; if it refuses, the next. The machine has one UDP socket of its own, not that of the transport, and for UPnP wants short
//! exchanges over HTTP besides ([`PortMapper::poll_http`]).

mod gateway;
mod natpmp;
mod pcp;
mod reply;
#[cfg(test)]
mod tests;
mod types;
mod upnp;

use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

pub use types::{
    Availability, HttpRequest, PortMapConfig, PortMapError, PortMapEvent, PortMapProtocol,
    PortMapping,
};

use crate::base::time::earliest;
use crate::base::{Entropy, Instant, limits};
use crate::nat::scope::Scope;
use crate::nat::socket::{SocketId, Transmit};
use gateway::Gateway;
use types::Status;
use upnp::Upnp;

/// What this host's gateway is able to do, and a port of its.
pub struct PortMapper {
    entropy: Box<dyn Entropy>,
    pcp: Gateway,
    nat_pmp: Gateway,
    upnp: Upnp,
    map: bool,
    /// Until when better protocols than those that are spoken are waited for.
    patience: Instant,
    /// The protocol that is asked for a port.
    chosen: Option<PortMapProtocol>,
    mapping: Option<PortMapping>,
    /// The gateway speaks it.
    available: Vec<PortMapProtocol>,
    probed: bool,
    closing: bool,
    over: bool,
    events: VecDeque<PortMapEvent>,
}

impl PortMapper {
    /// Bytes of an HTTP answer that are looked at.
    pub const HTTP_ANSWER: usize = limits::HTTP_ANSWER;

    /// Asks the gateway.
    pub fn new(now: Instant, config: &PortMapConfig, mut entropy: Box<dyn Entropy>) -> Self {
        let pcp = Gateway::pcp(now, config, &mut *entropy);
        let nat_pmp = Gateway::nat_pmp(now, config, &mut *entropy);
        let upnp = Upnp::new(now, config, &mut *entropy);
        let mut mapper = Self {
            entropy,
            pcp,
            nat_pmp,
            upnp,
            map: config.map,
            patience: now + limits::PORT_MAP_CHOICE,
            chosen: None,
            mapping: None,
            available: Vec::new(),
            probed: false,
            closing: false,
            over: false,
            events: VecDeque::new(),
        };
        mapper.advance(now);
        mapper
    }

    /// What is known of a protocol.
    pub fn availability(&self, protocol: PortMapProtocol) -> Availability {
        match self.status(protocol) {
            _ if self.available.contains(&protocol) => Availability::Available,
            Status::Failed(error) => Availability::Unavailable(error),
            _ => Availability::Asking,
        }
    }

    /// The gateway's own address, if some protocol has told it.
    pub fn external_ip(&self) -> Option<IpAddr> {
        self.pcp.external().or(self.nat_pmp.external()).or(self.upnp.external())
    }

    /// Whether the gateway's own address is not one of the Internet: there is a second NAT behind it. `None` if it is not known.
    pub fn is_double_nat(&self) -> Option<bool> {
        self.external_ip().map(|ip| Scope::of(ip) != Scope::Global)
    }

    /// The port that there is at the moment.
    pub fn mapping(&self) -> Option<PortMapping> {
        self.mapping
    }

    /// Gives the port back. [`PortMapEvent::Closed`] follows, at the latest when the gateway does not answer.
    pub fn close(&mut self, now: Instant) {
        if self.over || self.closing {
            return;
        }
        self.closing = true;
        self.mapping = None;
        self.pcp.close(now);
        self.nat_pmp.close(now);
        self.upnp.close(now);
        self.advance(now);
    }

    /// A datagram came to the machine's socket. Returns whether it was of use.
    pub fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) -> bool {
        // In both protocols of port 5351 an answer may say that the version is another: it is for either.
        let pcp = self.pcp.handle_datagram(now, from, datagram);
        let nat_pmp = self.nat_pmp.handle_datagram(now, from, datagram);
        let taken = pcp || nat_pmp || self.upnp.handle_datagram(now, from, datagram);
        self.advance(now);
        taken
    }

    /// The answer to an exchange that was asked for, whole or as far as it came; empty if there was none.
    pub fn handle_http(&mut self, now: Instant, to: SocketAddr, answer: &[u8]) {
        self.upnp.handle_http(now, to, answer, &mut *self.entropy);
        self.advance(now);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.pcp.handle_timeout(now);
        self.nat_pmp.handle_timeout(now);
        self.upnp.handle_timeout(now);
        self.advance(now);
    }

    /// A datagram to send from the machine's socket, also to a multicast group.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        let gateways = self.pcp.poll_transmit().or_else(|| self.nat_pmp.poll_transmit());
        let (destination, payload) = gateways.or_else(|| self.upnp.poll_transmit())?;
        Some(Transmit { socket: SocketId::MAIN, destination, payload })
    }

    /// An exchange over HTTP to make, one at a time.
    pub fn poll_http(&mut self) -> Option<HttpRequest> {
        self.upnp.poll_http()
    }

    /// When to call [`Self::handle_timeout`]; `None` if there is nothing to wait for.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let gateways = earliest(self.pcp.poll_timeout(), self.nat_pmp.poll_timeout());
        let choice = self.map && self.chosen.is_none() && !self.available.is_empty();
        earliest(earliest(gateways, self.upnp.poll_timeout()), choice.then_some(self.patience))
    }

    /// What has happened.
    pub fn poll_event(&mut self) -> Option<PortMapEvent> {
        self.events.pop_front()
    }

    fn status(&self, protocol: PortMapProtocol) -> Status {
        match protocol {
            PortMapProtocol::Pcp => self.pcp.status(),
            PortMapProtocol::NatPmp => self.nat_pmp.status(),
            PortMapProtocol::Upnp => self.upnp.status(),
        }
    }

    /// Draws conclusions from how far the three have come.
    fn advance(&mut self, now: Instant) {
        if self.over {
            return;
        }
        if self.closing {
            if PortMapProtocol::ALL.iter().all(|it| self.status(*it) == Status::Closed) {
                self.finish(PortMapEvent::Closed);
            }
            return;
        }
        for protocol in PortMapProtocol::ALL {
            if self.status(protocol) == Status::Ready && !self.available.contains(&protocol) {
                self.available.push(protocol);
            }
        }
        let known = |it: &PortMapProtocol| self.availability(*it) != Availability::Asking;
        if !self.probed && PortMapProtocol::ALL.iter().all(known) {
            self.probed = true;
            self.events.push_back(PortMapEvent::Probed);
        }
        if self.map {
            self.advance_mapping(now);
        }
    }

    fn advance_mapping(&mut self, now: Instant) {
        match self.chosen.map(|protocol| self.status(protocol)) {
            Some(Status::Mapped { mapping, .. }) if self.mapping != Some(mapping) => {
                self.mapping = Some(mapping);
                self.events.push_back(PortMapEvent::Mapped(mapping));
            }
            Some(Status::Failed(error)) if self.mapping.is_some() => {
                self.finish(PortMapEvent::Failed(error));
            }
            None | Some(Status::Failed(_)) => self.choose(now),
            Some(_) => {}
        }
    }

    /// Asks the best one for a port that is there. Waits some time for those which may be better.
    fn choose(&mut self, now: Instant) {
        let (mut last, mut awaited) = (PortMapError::TimedOut, false);
        for protocol in PortMapProtocol::ALL {
            match self.status(protocol) {
                Status::Probing if now < self.patience => return,
                Status::Probing => awaited = true,
                Status::Ready => {
                    self.chosen = Some(protocol);
                    return match protocol {
                        PortMapProtocol::Pcp => self.pcp.map(now),
                        PortMapProtocol::NatPmp => self.nat_pmp.map(now),
                        PortMapProtocol::Upnp => self.upnp.map(now),
                    };
                }
                Status::Failed(error @ PortMapError::Refused(_)) => last = error,
                _ => {}
            }
        }
        if !awaited {
            self.finish(PortMapEvent::Failed(last));
        }
    }

    fn finish(&mut self, event: PortMapEvent) {
        self.over = true;
        self.mapping = None;
        self.events.push_back(event);
    }
}

impl fmt::Debug for PortMapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PortMapper")
            .field("pcp", &self.pcp.status())
            .field("nat_pmp", &self.nat_pmp.status())
            .field("upnp", &self.upnp.status())
            .finish_non_exhaustive()
    }
}
