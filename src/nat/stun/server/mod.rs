//! Answers Binding requests (RFC 8489 §6.3), and those of behaviour discovery (RFC 5780 §6) if it has two addresses.
//!
//! Sources are forged easily, so it keeps nothing about them but a fixed table of rates, and sends to an address at most
//! [`STUN_AMPLIFICATION`] times the bytes that came from it. What does not fit into that is left out: who wants more asks with more.

mod config;
mod limiter;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::net::SocketAddr;

pub use config::ServerConfig;

use super::attribute::{Attribute, AttributeTypes, kind};
use super::builder::Builder;
use super::header::{Class, Method};
use super::message::Message;
use crate::base::limits::{STUN_AMPLIFICATION, STUN_RESPONSES};
use crate::base::{Entropy, Instant};
use crate::nat::scope::Scope;
use limiter::Limiter;

/// Bytes of a FINGERPRINT attribute.
const FINGERPRINT: usize = 8;

/// A datagram for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The server's own address to send it from: one of [`Server::addresses`].
    pub source: SocketAddr,
    /// Where to send it.
    pub destination: SocketAddr,
    /// What to send.
    pub payload: Vec<u8>,
}

/// What a server has done since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStats {
    /// Requests answered.
    pub answered: u64,
    /// Requests refused with an error.
    pub refused: u64,
    /// Requests not answered, because their source asked too often.
    pub limited: u64,
    /// Datagrams that were no requests, or could not be answered.
    pub dropped: u64,
}

/// A STUN server without sockets.
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    limiter: Limiter,
    responses: VecDeque<Response>,
    stats: ServerStats,
}

/// What a request wants besides an answer.
#[derive(Clone, Copy, Debug, Default)]
struct Wish {
    change: Option<(bool, bool)>,
    response_port: Option<u16>,
    padding: bool,
}

impl Wish {
    fn of(message: &Message<'_>) -> Self {
        let mut wish = Self::default();
        for attribute in message.attributes() {
            match attribute {
                Attribute::ChangeRequest { ip, port } => {
                    wish.change = wish.change.or(Some((ip, port)));
                }
                Attribute::ResponsePort(port) => {
                    wish.response_port = wish.response_port.or(Some(port));
                }
                Attribute::Padding(_) => wish.padding = true,
                _ => {}
            }
        }
        wish
    }
}

impl Server {
    /// A server. Entropy is drawn once, for the table of rates.
    pub fn new(config: ServerConfig, entropy: &mut dyn Entropy) -> Self {
        let limiter = Limiter::new(config.per_second, config.burst, entropy);
        Self { config, limiter, responses: VecDeque::new(), stats: ServerStats::default() }
    }

    /// The addresses at which it wants to receive: one, or four. The first is the one to tell clients.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        let primary = self.config.primary;
        let Some(other) = self.config.other else { return vec![primary] };
        let at = |ip: SocketAddr, port: SocketAddr| SocketAddr::new(ip.ip(), port.port());
        vec![primary, at(primary, other), at(other, primary), other]
    }

    /// A datagram came to `local`, one of the server's addresses.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        local: SocketAddr,
        from: SocketAddr,
        datagram: &[u8],
    ) {
        let request = Message::decode(datagram).ok().filter(|message| {
            message.class() == Class::Request && message.method() == Method::BINDING
        });
        let reachable = from.port() != 0 && Scope::of(from.ip()) != Scope::Unusable;
        let Some(request) = request.filter(|_| reachable && self.is_own(local)) else {
            self.stats.dropped += 1;
            return;
        };
        if !self.limiter.admit(now, from.ip()) {
            self.stats.limited += 1;
            return;
        }
        let room = datagram.len().saturating_mul(STUN_AMPLIFICATION);
        match self.respond(local, from, &request, room) {
            Some(response) if self.responses.len() < STUN_RESPONSES => {
                self.responses.push_back(response);
            }
            Some(_) | None => self.stats.dropped += 1,
        }
    }

    /// What to send now.
    pub fn poll_transmit(&mut self) -> Option<Response> {
        self.responses.pop_front()
    }

    /// What it has done.
    pub fn stats(&self) -> ServerStats {
        self.stats
    }

    fn is_own(&self, address: SocketAddr) -> bool {
        let primary = self.config.primary;
        let other = self.config.other.unwrap_or(primary);
        [primary.ip(), other.ip()].contains(&address.ip())
            && [primary.port(), other.port()].contains(&address.port())
    }

    fn respond(
        &mut self,
        local: SocketAddr,
        from: SocketAddr,
        request: &Message<'_>,
        room: usize,
    ) -> Option<Response> {
        let wish = Wish::of(request);
        let mut unknown: Vec<u16> = request.unknown_required().collect();
        if wish.change.is_some() && self.config.other.is_none() {
            unknown.push(kind::CHANGE_REQUEST);
        }
        let source = self.source(local, wish.change.unwrap_or_default());
        let destination =
            SocketAddr::new(from.ip(), wish.response_port.unwrap_or_else(|| from.port()));
        if destination.port() == 0 {
            return None;
        }
        let builder = |class| Builder::new(class, Method::BINDING, request.transaction());
        let refusal = if !unknown.is_empty() {
            self.stats.refused += 1;
            let types: Vec<u8> = unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
            let error = Attribute::ErrorCode { code: 420, reason: "" };
            let types = AttributeTypes::new(&types)?;
            let attributes = [error, Attribute::UnknownAttributes(types)];
            // The refusal goes to whoever sent the request, as it would have without the attributes that it does not understand.
            fitting(builder(Class::Error), &attributes, request, room)
        } else if wish.padding && wish.response_port.is_some() {
            // RFC 5780 §7.5: together they would aim large datagrams at somebody else.
            self.stats.refused += 1;
            let error = Attribute::ErrorCode { code: 400, reason: "" };
            fitting(builder(Class::Error), &[error], request, room)
        } else {
            self.stats.answered += 1;
            let mut attributes = vec![Attribute::XorMappedAddress(from)];
            if let Some(other) = self.config.other {
                let other = self.opposite(local, other);
                attributes.push(Attribute::OtherAddress(other));
                attributes.push(Attribute::ResponseOrigin(source));
                attributes.push(Attribute::MappedAddress(from));
            }
            let payload = fitting(builder(Class::Success), &attributes, request, room)?;
            return Some(Response { source, destination, payload });
        };
        Some(Response { source: local, destination: from, payload: refusal? })
    }

    /// Where an answer leaves from (RFC 5780 §6.1, table 1).
    fn source(&self, local: SocketAddr, (ip, port): (bool, bool)) -> SocketAddr {
        let Some(other) = self.config.other else { return local };
        let other = self.opposite(local, other);
        let ip = if ip { other.ip() } else { local.ip() };
        let port = if port { other.port() } else { local.port() };
        SocketAddr::new(ip, port)
    }

    /// The address that differs from `local` in both IP address and port.
    fn opposite(&self, local: SocketAddr, other: SocketAddr) -> SocketAddr {
        let primary = self.config.primary;
        let ip = if local.ip() == primary.ip() { other.ip() } else { primary.ip() };
        let port = if local.port() == primary.port() { other.port() } else { primary.port() };
        SocketAddr::new(ip, port)
    }
}

/// The message with as many of the attributes, in order, as `room` bytes hold.
fn fitting(
    start: Builder,
    attributes: &[Attribute<'_>],
    request: &Message<'_>,
    room: usize,
) -> Option<Vec<u8>> {
    let reserved = if request.has_fingerprint() { FINGERPRINT } else { 0 };
    let mut builder = start;
    for attribute in attributes {
        if builder.size() + attribute.size() + reserved > room {
            break;
        }
        builder = builder.attribute(attribute);
    }
    let builder = if request.has_fingerprint() { builder.fingerprint() } else { builder };
    builder.finish().ok()
}
