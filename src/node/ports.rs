//! A port of the gateway's for the main socket, asked for while addresses are gathered (SPEC §18.6, §20).
//!
//! ```text
//!            wanted            the gateway gives one                        not wanted, or the node closes
//!  nothing ─────────▶ asking ─────────────────────────▶ mapped, renewed ────────────────────────────────────▶ given back
//!     ▲                  └── nobody speaks it, or refuses                       │ it is gone: what was gathered is outdated
//!     └──────────────────────────◀────────────────────────────────────────────────┘
//! ```
//!
//! Gateways are asked from a socket of their own, and by UPnP over one TCP connection after the other. Nobody waits for long: a port that
//! comes late is told when addresses are gathered the next time.

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::base::limits::{
    HTTP_ANSWER, HTTP_TIMEOUT, NODE_GATEWAY, NODE_GATEWAY_FAREWELL, NODE_GATEWAY_HTTP,
    NODE_GATEWAY_TIME, NODE_GATEWAY_WAIT,
};
use crate::base::time::earliest;
use crate::base::{Entropy, Instant, SeededEntropy};
use crate::nat::portmap::{
    Availability, PortMapConfig, PortMapEvent, PortMapProtocol, PortMapper, PortMapping,
};
use crate::nat::{Candidate, SocketId, SocketRequest, Transmit};

/// The socket from which the gateway is asked, and the TCP connection to it.
pub(super) const SOCKET: SocketId = SocketId::new(NODE_GATEWAY);
pub(super) const STREAM: SocketId = SocketId::new(NODE_GATEWAY_HTTP);

/// An exchange over HTTP.
#[derive(Debug)]
struct Exchange {
    to: SocketAddr,
    /// What is to be written once the connection is made.
    request: Option<Vec<u8>>,
    is_connected: bool,
    answer: Vec<u8>,
    until: Instant,
}

/// What is asked of the gateway, and what it has given.
#[derive(Debug, Default)]
pub(super) struct Ports {
    mapper: Option<PortMapper>,
    local: Option<SocketAddr>,
    begun: Instant,
    /// It is being given back, and until then an answer is waited for.
    closing: Option<Instant>,
    is_open: bool,
    exchange: Option<Exchange>,
    mapping: Option<PortMapping>,
    /// The one that was told when addresses were gathered last.
    told: Option<SocketAddr>,
    requests: VecDeque<SocketRequest>,
}

impl Ports {
    /// From now on a port for this local address is wanted, or none.
    pub(super) fn want(
        &mut self,
        now: Instant,
        config: Option<&PortMapConfig>,
        entropy: &mut dyn Entropy,
    ) {
        let Some(config) = config else { return self.close(now) };
        if self.mapper.is_some() && self.local == Some(config.local()) && self.closing.is_none() {
            return;
        }
        // What was given to another address of this host is not ours to give back any more.
        self.end();
        self.begun = now;
        self.local = Some(config.local());
        let fork = Box::new(SeededEntropy::fork(entropy));
        self.mapper = Some(PortMapper::new(now, config, fork));
        self.requests.push_back(SocketRequest::Open(SOCKET));
    }

    /// The port is given back.
    pub(super) fn close(&mut self, now: Instant) {
        (self.mapping, self.local) = (None, None);
        match &mut self.mapper {
            // Nothing was asked before the socket was there.
            Some(mapper) if self.is_open => {
                self.closing.get_or_insert(now + NODE_GATEWAY_FAREWELL);
                mapper.close(now);
            }
            _ => self.end(),
        }
    }

    fn end(&mut self) {
        if self.mapper.take().is_some() {
            self.requests.push_back(SocketRequest::Close(SOCKET));
        }
        self.hang_up();
        (self.mapping, self.local, self.closing, self.is_open) = (None, None, None, false);
    }

    fn hang_up(&mut self) {
        if self.exchange.take().is_some() {
            self.requests.push_back(SocketRequest::Close(STREAM));
        }
    }

    /// Whether nothing is asked, and nothing has to be given back.
    pub(super) fn is_idle(&self) -> bool {
        self.mapper.is_none()
    }

    /// Whether nobody need wait any longer for a port.
    pub(super) fn is_settled(&self, now: Instant) -> bool {
        self.settled_by().is_none_or(|at| at <= now)
    }

    /// Until when a port is waited for: a gateway that has answered anything is worth some more patience.
    pub(super) fn settled_by(&self) -> Option<Instant> {
        let mapper = self.mapper.as_ref()?;
        if self.mapping.is_some() || self.closing.is_some() {
            return None;
        }
        let speaks = |it: &PortMapProtocol| mapper.availability(*it) == Availability::Available;
        let any = PortMapProtocol::ALL.iter().any(speaks);
        Some(self.begun + if any { NODE_GATEWAY_TIME } else { NODE_GATEWAY_WAIT })
    }

    /// What to tell peers. From now on it counts as told.
    pub(super) fn tell(&mut self) -> Option<Candidate> {
        self.told = self.mapping.map(|mapping| mapping.external);
        self.mapping.map(|mapping| mapping.candidate())
    }

    pub(super) fn on_opened(&mut self, local: Option<SocketAddr>) {
        match local {
            Some(_) => self.is_open = true,
            None => self.end(),
        }
    }

    pub(super) fn handle_datagram(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        if let Some(mapper) = &mut self.mapper {
            mapper.handle_datagram(now, from, datagram);
        }
    }

    pub(super) fn handle_connected(&mut self) {
        if let Some(exchange) = &mut self.exchange {
            exchange.is_connected = true;
        }
    }

    pub(super) fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        let Some(exchange) = &mut self.exchange else { return };
        let room = HTTP_ANSWER.saturating_sub(exchange.answer.len());
        exchange.answer.extend(bytes.iter().take(room));
        if bytes.len() >= room {
            self.conclude(now);
        }
    }

    pub(super) fn handle_disconnected(&mut self, now: Instant) {
        if let (Some(exchange), Some(mapper)) = (self.exchange.take(), &mut self.mapper) {
            mapper.handle_http(now, exchange.to, &exchange.answer);
        }
    }

    /// What came is all that is going to come.
    fn conclude(&mut self, now: Instant) {
        let Some(Exchange { to, answer, .. }) = self.exchange.take() else { return };
        self.requests.push_back(SocketRequest::Close(STREAM));
        if let Some(mapper) = &mut self.mapper {
            mapper.handle_http(now, to, &answer);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.exchange.as_ref().is_some_and(|exchange| exchange.until <= now) {
            self.conclude(now);
        }
        if let Some(mapper) = &mut self.mapper {
            mapper.handle_timeout(now);
        }
        // What a gateway does not take back ends by itself.
        if self.closing.is_some_and(|until| until <= now) {
            self.end();
        }
    }

    /// None is wanted or held, and nothing is left to request.
    pub(super) fn are_over(&self) -> bool {
        self.mapper.is_none() && self.requests.is_empty()
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let mapper = self.mapper.as_ref().and_then(PortMapper::poll_timeout);
        let exchange = self.exchange.as_ref().map(|exchange| exchange.until);
        earliest(earliest(mapper, exchange), self.closing)
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        if let Some(exchange) = self.exchange.as_mut().filter(|it| it.is_connected)
            && let Some(payload) = exchange.request.take()
        {
            return Some(Transmit { socket: STREAM, destination: exchange.to, payload });
        }
        let asked = self.mapper.as_mut().filter(|_| self.is_open)?.poll_transmit()?;
        Some(Transmit { socket: SOCKET, ..asked })
    }

    /// Goes on with what the gateway has said. Returns whether peers were told something that is not true any more.
    pub(super) fn settle(&mut self, now: Instant) -> bool {
        let mut outdated = false;
        while let Some(event) = self.mapper.as_mut().and_then(PortMapper::poll_event) {
            match event {
                PortMapEvent::Mapped(mapping) => {
                    outdated |= self.told.is_some_and(|told| told != mapping.external);
                    self.mapping = Some(mapping);
                }
                PortMapEvent::Failed(_) | PortMapEvent::Closed => {
                    outdated |= self.told.is_some() && event != PortMapEvent::Closed;
                    self.end();
                }
                PortMapEvent::Probed => {}
            }
        }
        if outdated {
            self.told = None;
        }
        if self.exchange.is_none()
            && let Some(asked) = self.mapper.as_mut().and_then(PortMapper::poll_http)
        {
            self.requests.push_back(SocketRequest::Connect(STREAM, asked.to));
            self.exchange = Some(Exchange {
                to: asked.to,
                request: Some(asked.payload),
                is_connected: false,
                answer: Vec::new(),
                until: now + HTTP_TIMEOUT,
            });
        }
        outdated
    }

    pub(super) fn requests(&mut self) -> impl Iterator<Item = SocketRequest> + '_ {
        self.requests.drain(..)
    }
}

#[cfg(test)]
mod tests;
