//! A port from an Internet gateway by UPnP: search, read its description, call its service.
//!
//! ```text
//!             answers       description       its address           map
//!  Searching ────────▶ Describing ──▶ AskingAddress ──────▶ Idle ──────▶ Adding ──▶ Idle, mapped
//!                                                             ▲             │ port taken: another one
//!                                                             └── Deleting ◀┴─ lease refused: for ever, deleted at the end
//! ```

mod device;
mod soap;
mod ssdp;
mod xml;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::gateway::PATIENCE;
use super::types::{
    HttpRequest, PortMapConfig, PortMapError, PortMapProtocol, PortMapping, Status, random_port,
    renewal,
};
use crate::base::limits::{HTTP_ANSWER, HTTP_TIMEOUT, PORT_MAP_LEASE, PORT_MAP_TRIES};
use crate::base::{Entropy, Instant};
use crate::nat::scope::Scope;
use crate::nat::stun::{Due, Schedule};
use device::Service;
use ssdp::Place;

/// UPnP's codes: the port is taken, there are leases without end alone, and the port must be the same outside (IGD:1 §2.4.16).
const CONFLICT: u16 = 718;
const ONLY_PERMANENT: u16 = 725;
const SAME_PORT: u16 = 724;

/// What the other end is busy with.
#[derive(Debug)]
enum Step {
    Searching(Schedule),
    Describing(Place),
    AskingAddress,
    Adding { port: u16, tries: u8 },
    Deleting,
    Idle,
}

#[derive(Debug)]
pub(super) struct Upnp {
    local: SocketAddr,
    gateway: Option<IpAddr>,
    wanted: u16,
    service: Option<Service>,
    external: Option<IpAddr>,
    lease: Duration,
    status: Status,
    step: Step,
    /// Searches that are due: to the group, and to the gateway.
    searches: Vec<SocketAddr>,
    http: Option<HttpRequest>,
    /// When the call on its way counts as unanswered.
    http_until: Option<Instant>,
}

impl Upnp {
    pub(super) fn new(now: Instant, config: &PortMapConfig, entropy: &mut dyn Entropy) -> Self {
        let mut upnp = Self {
            local: config.local,
            gateway: config.gateway,
            wanted: config.wanted(entropy),
            service: None,
            external: None,
            lease: PORT_MAP_LEASE,
            status: Status::Probing,
            step: Step::Idle,
            searches: Vec::new(),
            http: None,
            http_until: None,
        };
        // IGD maps ports of IPv4 alone.
        if config.local.is_ipv4() && config.speaks(PortMapProtocol::Upnp) {
            upnp.step = Step::Searching(Schedule::new(now, PATIENCE));
            upnp.handle_timeout(now);
        } else {
            upnp.status = Status::Failed(PortMapError::TimedOut);
        }
        upnp
    }

    pub(super) fn status(&self) -> Status {
        self.status
    }

    pub(super) fn external(&self) -> Option<IpAddr> {
        self.external
    }

    pub(super) fn map(&mut self, now: Instant) {
        self.status = Status::Mapping;
        self.add(now, self.wanted, 1);
    }

    pub(super) fn close(&mut self, now: Instant) {
        match (self.status, &self.service) {
            (Status::Mapped { mapping, .. }, Some(service)) => {
                let port = mapping.external.port().to_string();
                let arguments =
                    [("NewRemoteHost", ""), ("NewExternalPort", &port), ("NewProtocol", "UDP")];
                let call = soap::call(service, "DeletePortMapping", &arguments);
                self.status = Status::Closing;
                self.ask(now, call, Step::Deleting);
            }
            _ => self.end(Status::Closed),
        }
    }

    pub(super) fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        Some((self.searches.pop()?, ssdp::search()))
    }

    pub(super) fn poll_http(&mut self) -> Option<HttpRequest> {
        self.http.take()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match (&self.step, self.status) {
            (Step::Searching(schedule), _) => Some(schedule.next()),
            (Step::Idle, Status::Mapped { renew, .. }) => Some(renew),
            (Step::Idle, _) => None,
            _ => self.http_until,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_none_or(|at| now < at) {
            return;
        }
        match (&mut self.step, self.status) {
            (Step::Searching(schedule), _) => match schedule.poll(now) {
                Due::Nothing => {}
                Due::Send => {
                    let gateway = self.gateway.map(|ip| SocketAddr::new(ip, ssdp::GROUP.port()));
                    self.searches = gateway.into_iter().chain([ssdp::GROUP]).collect();
                }
                Due::GiveUp => self.fail(PortMapError::TimedOut),
            },
            (Step::Idle, Status::Mapped { mapping, .. }) => {
                self.add(now, mapping.external.port(), PORT_MAP_TRIES);
            }
            _ => self.fail(PortMapError::TimedOut),
        }
    }

    /// Returns whether the datagram was the answer to a search.
    pub(super) fn handle_datagram(&mut self, now: Instant, from: SocketAddr, it: &[u8]) -> bool {
        let Some(place) = ssdp::location(from, it) else { return false };
        // Of several gateways, ours counts, or else the first.
        let ours = self.gateway.is_none_or(|gateway| gateway == from.ip());
        let searching = matches!(self.step, Step::Searching(_));
        let replaces =
            matches!(&self.step, Step::Describing(known) if known.host.ip() != from.ip());
        if searching || (replaces && ours) {
            self.searches.clear();
            self.ask(now, soap::get(&place), Step::Describing(place));
        }
        true
    }

    /// What came of the call on its way: nothing, if nothing was to be had.
    pub(super) fn handle_http(
        &mut self,
        now: Instant,
        to: SocketAddr,
        answer: &[u8],
        entropy: &mut dyn Entropy,
    ) {
        let answer = answer.get(..HTTP_ANSWER).unwrap_or(answer);
        let expected = match (&self.step, &self.service) {
            (Step::Describing(place), _) => place.host == to,
            (Step::AskingAddress | Step::Adding { .. } | Step::Deleting, Some(service)) => {
                service.control.host == to
            }
            _ => false,
        };
        if !expected {
            return;
        }
        self.http_until = None;
        let body = soap::body(answer);
        match (std::mem::replace(&mut self.step, Step::Idle), body) {
            (Step::Describing(place), Ok(body)) => match Service::find(place.host, body) {
                None => self.fail(PortMapError::Malformed),
                Some(service) => {
                    let call = soap::call(&service, "GetExternalIPAddress", &[]);
                    self.service = Some(service);
                    self.ask(now, call, Step::AskingAddress);
                }
            },
            (Step::AskingAddress, Ok(body)) => {
                let ip = xml::text(body, "NewExternalIPAddress").and_then(|ip| ip.parse().ok());
                self.external = ip.filter(|ip| Scope::of(*ip) != Scope::Unusable);
                match self.external {
                    Some(_) => self.status = Status::Ready,
                    None => self.fail(PortMapError::NoAddress),
                }
            }
            (Step::Adding { port, .. }, Ok(body)) => {
                let other = xml::text(body, "NewReservedPort").and_then(|port| port.parse().ok());
                self.on_added(now, other.unwrap_or(port));
            }
            (Step::Adding { port, tries }, Err(PortMapError::Refused(code))) => {
                self.on_refused(now, code, (port, tries), entropy);
            }
            (Step::Deleting, _) => self.end(Status::Closed),
            (_, Err(error)) => self.fail(error),
            _ => {}
        }
    }

    fn on_added(&mut self, now: Instant, port: u16) {
        match self.external {
            Some(ip) if port != 0 => {
                let protocol = PortMapProtocol::Upnp;
                let lifetime = if self.lease.is_zero() { Duration::MAX } else { self.lease };
                let external = SocketAddr::new(ip, port);
                let mapping = PortMapping { protocol, external, lifetime };
                let renew = now + renewal(PORT_MAP_LEASE, PORT_MAP_LEASE);
                self.status = Status::Mapped { mapping, renew };
            }
            _ => self.fail(PortMapError::Malformed),
        }
    }

    fn on_refused(
        &mut self,
        now: Instant,
        code: u16,
        (port, tries): (u16, u8),
        entropy: &mut dyn Entropy,
    ) {
        match code {
            ONLY_PERMANENT if !self.lease.is_zero() => {
                self.lease = Duration::ZERO;
                self.add(now, port, tries);
            }
            CONFLICT if tries < PORT_MAP_TRIES => {
                let another = random_port(entropy);
                self.add(now, another, tries + 1);
            }
            SAME_PORT if tries < PORT_MAP_TRIES && port != self.local.port() => {
                self.add(now, self.local.port(), PORT_MAP_TRIES);
            }
            code => self.fail(PortMapError::Refused(code)),
        }
    }

    fn add(&mut self, now: Instant, port: u16, tries: u8) {
        let Some(service) = &self.service else { return self.fail(PortMapError::Malformed) };
        let action =
            if service.is_second_version() { "AddAnyPortMapping" } else { "AddPortMapping" };
        let (external, internal) = (port.to_string(), self.local.port().to_string());
        let (client, lease) = (self.local.ip().to_string(), self.lease.as_secs().to_string());
        let arguments = [
            ("NewRemoteHost", ""),
            ("NewExternalPort", &external),
            ("NewProtocol", "UDP"),
            ("NewInternalPort", &internal),
            ("NewInternalClient", &client),
            ("NewEnabled", "1"),
            ("NewPortMappingDescription", "srudp"),
            ("NewLeaseDuration", &lease),
        ];
        let call = soap::call(service, action, &arguments);
        self.ask(now, call, Step::Adding { port, tries });
    }

    fn ask(&mut self, now: Instant, call: HttpRequest, step: Step) {
        self.http = Some(call);
        self.http_until = Some(now + HTTP_TIMEOUT);
        self.step = step;
    }

    fn fail(&mut self, error: PortMapError) {
        let closing = matches!(self.status, Status::Closing | Status::Closed);
        self.end(if closing { Status::Closed } else { Status::Failed(error) });
    }

    fn end(&mut self, status: Status) {
        (self.status, self.step) = (status, Step::Idle);
        (self.http, self.http_until) = (None, None);
        self.searches.clear();
    }
}
