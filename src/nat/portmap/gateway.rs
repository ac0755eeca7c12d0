//! A port from the gateway by PCP or NAT-PMP, which differ in their messages alone.
//!
//! ```text
//!            answers           map             agrees              close
//!  Probing ──────────▶ Ready ──────▶ Mapping ──────────▶ Mapped ──────────▶ Closing ──▶ Closed
//!     └─ silence, refusal ─▶ Failed ◀──┘                  │  ▲
//!                               ▲                         └──┘ asked for again, with the same nonce
//!                               └─ silence, refusal ──────┘
//! ```

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::natpmp;
use super::pcp::Pcp;
use super::reply::Reply;
use super::types::{PortMapConfig, PortMapError, PortMapProtocol, PortMapping, Status, renewal};
use crate::base::limits::{
    PORT_MAP_LAST_WAIT, PORT_MAP_LIFETIME, PORT_MAP_RENEWAL, PORT_MAP_RETRY, PORT_MAP_SENDS,
};
use crate::base::{Entropy, Instant};
use crate::nat::scope::Scope;
use crate::nat::stun::{Due, Patience, Schedule};

/// Where gateways listen (RFC 6886 §3.1, RFC 6887 §19.1).
const PORT: u16 = 5351;

pub(super) const PATIENCE: Patience =
    Patience::new(PORT_MAP_RETRY, PORT_MAP_SENDS, PORT_MAP_LAST_WAIT);

#[derive(Clone, Copy, Debug)]
enum Dialect {
    Pcp(Pcp),
    NatPmp { local: SocketAddr },
}

#[derive(Debug)]
pub(super) struct Gateway {
    dialect: Dialect,
    address: SocketAddr,
    /// The external port to ask for.
    wanted: u16,
    /// The gateway's own address, as far as it says.
    external: Option<IpAddr>,
    status: Status,
    /// What is asked at the moment.
    request: Option<(Vec<u8>, Schedule)>,
    pending: bool,
}

impl Gateway {
    pub(super) fn pcp(now: Instant, config: &PortMapConfig, entropy: &mut dyn Entropy) -> Self {
        let pcp = Pcp { nonce: entropy.array(), local: config.local };
        Self::new(now, Dialect::Pcp(pcp), config, entropy)
    }

    pub(super) fn nat_pmp(now: Instant, config: &PortMapConfig, entropy: &mut dyn Entropy) -> Self {
        Self::new(now, Dialect::NatPmp { local: config.local }, config, entropy)
    }

    fn new(
        now: Instant,
        dialect: Dialect,
        config: &PortMapConfig,
        entropy: &mut dyn Entropy,
    ) -> Self {
        // NAT-PMP knows IPv4 alone.
        let possible = match dialect {
            Dialect::Pcp(_) => config.speaks(PortMapProtocol::Pcp),
            Dialect::NatPmp { .. } => {
                config.local.is_ipv4() && config.speaks(PortMapProtocol::NatPmp)
            }
        };
        let address = config.gateway.filter(|_| possible);
        let mut gateway = Self {
            dialect,
            address: SocketAddr::new(address.unwrap_or([0; 4].into()), PORT),
            wanted: config.wanted(entropy),
            external: None,
            status: Status::Probing,
            request: None,
            pending: false,
        };
        match (address, dialect) {
            (None, _) => gateway.status = Status::Failed(PortMapError::TimedOut),
            (_, Dialect::Pcp(pcp)) => gateway.ask(now, pcp.probe()),
            (_, Dialect::NatPmp { .. }) => gateway.ask(now, natpmp::probe()),
        }
        gateway
    }

    pub(super) fn status(&self) -> Status {
        self.status
    }

    /// The gateway's own address, if it has said it.
    pub(super) fn external(&self) -> Option<IpAddr> {
        self.external
    }

    pub(super) fn map(&mut self, now: Instant) {
        self.status = Status::Mapping;
        self.ask_for(now, None, PORT_MAP_LIFETIME);
    }

    pub(super) fn close(&mut self, now: Instant) {
        match self.status {
            Status::Mapping | Status::Mapped { .. } => {
                self.ask_for(now, None, Duration::ZERO);
                self.status = Status::Closing;
            }
            _ => {
                self.request = None;
                self.status = Status::Closed;
            }
        }
    }

    pub(super) fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        let (request, _) = self.request.as_ref()?;
        std::mem::take(&mut self.pending).then(|| (self.address, request.clone()))
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match (&self.request, self.status) {
            (Some((_, schedule)), _) => Some(schedule.next()),
            (None, Status::Mapped { renew, .. }) => Some(renew),
            _ => None,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        match (&mut self.request, self.status) {
            (Some((_, schedule)), _) => match schedule.poll(now) {
                Due::Nothing => {}
                Due::Send => self.pending = true,
                Due::GiveUp => self.fail(PortMapError::TimedOut),
            },
            (None, Status::Mapped { mapping, renew }) if renew <= now => {
                self.ask_for(now, Some(mapping.external), PORT_MAP_LIFETIME);
            }
            _ => {}
        }
    }

    /// Returns whether the datagram was an answer to a request.
    pub(super) fn handle_datagram(&mut self, now: Instant, from: SocketAddr, it: &[u8]) -> bool {
        if from != self.address || self.request.is_none() {
            return false;
        }
        let reply = match self.dialect {
            Dialect::Pcp(pcp) => pcp.read(it),
            Dialect::NatPmp { local } => natpmp::read(local.port(), it),
        };
        match (reply, self.status) {
            (None, _) => return false,
            (Some(Reply::Refused(error)), _) => self.fail(error),
            (Some(Reply::Alive), Status::Probing) => self.ready(None),
            (Some(Reply::Address(ip)), Status::Probing) => self.ready(Some(ip)),
            (Some(Reply::Mapped { .. }), Status::Closing) => self.closed(),
            (
                Some(Reply::Mapped { external, port, lifetime }),
                Status::Mapping | Status::Mapped { .. },
            ) => self.on_mapped(now, external, port, lifetime),
            _ => return false,
        }
        true
    }

    fn on_mapped(&mut self, now: Instant, ip: Option<IpAddr>, port: u16, lifetime: Duration) {
        let Some(ip) = ip.or(self.external) else { return self.fail(PortMapError::Malformed) };
        if Scope::of(ip) == Scope::Unusable {
            return self.fail(PortMapError::NoAddress);
        }
        if port == 0 || lifetime.is_zero() {
            return self.fail(PortMapError::Malformed);
        }
        let protocol = match self.dialect {
            Dialect::Pcp(_) => PortMapProtocol::Pcp,
            Dialect::NatPmp { .. } => PortMapProtocol::NatPmp,
        };
        self.external = Some(ip);
        self.request = None;
        let mapping = PortMapping { protocol, external: SocketAddr::new(ip, port), lifetime };
        let renew = now + renewal(lifetime, PORT_MAP_RENEWAL);
        self.status = Status::Mapped { mapping, renew };
    }

    fn ready(&mut self, external: Option<IpAddr>) {
        self.external = external.filter(|ip| Scope::of(*ip) != Scope::Unusable);
        self.request = None;
        self.status = Status::Ready;
    }

    fn closed(&mut self) {
        self.request = None;
        self.status = Status::Closed;
    }

    fn fail(&mut self, error: PortMapError) {
        self.request = None;
        let closing = matches!(self.status, Status::Closing | Status::Closed);
        self.status = if closing { Status::Closed } else { Status::Failed(error) };
    }

    /// Asks for a port, if possible the one that there was.
    fn ask_for(&mut self, now: Instant, before: Option<SocketAddr>, lifetime: Duration) {
        let request = match self.dialect {
            Dialect::Pcp(pcp) => pcp.map(before, self.wanted, lifetime),
            Dialect::NatPmp { local } => {
                let wanted = before.map_or(self.wanted, |before| before.port());
                natpmp::map(local.port(), wanted, lifetime)
            }
        };
        self.ask(now, request);
    }

    fn ask(&mut self, now: Instant, request: Vec<u8>) {
        let mut schedule = Schedule::new(now, PATIENCE);
        self.pending = schedule.poll(now) == Due::Send;
        self.request = Some((request, schedule));
    }
}
