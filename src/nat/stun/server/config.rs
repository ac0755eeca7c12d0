//! What a server offers.

use std::net::SocketAddr;

use crate::base::limits::{STUN_BURST, STUN_PER_SECOND};

/// The addresses of a server and how much it answers.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    pub(super) primary: SocketAddr,
    pub(super) other: Option<SocketAddr>,
    pub(super) per_second: u32,
    pub(super) burst: u32,
}

impl ServerConfig {
    /// A server at one address, as clients see it. It answers Binding requests, and nothing more.
    pub fn new(primary: SocketAddr) -> Self {
        Self { primary, other: None, per_second: STUN_PER_SECOND, burst: STUN_BURST }
    }

    /// A server that offers behaviour discovery (RFC 5780): it has four addresses, of the two IP addresses and the two ports given.
    /// `None` if they are not of one family, or do not differ in both.
    pub fn with_other(mut self, other: SocketAddr) -> Option<Self> {
        let primary = self.primary;
        let differs = other.ip() != primary.ip() && other.port() != primary.port();
        self.other = Some(other);
        (differs && other.is_ipv4() == primary.is_ipv4()).then_some(self)
    }

    /// Answers to one IPv4 address or IPv6 /64: so many per second, and so many at once. 20 and 60 if never called.
    #[must_use]
    pub fn rate(mut self, per_second: u32, burst: u32) -> Self {
        (self.per_second, self.burst) = (per_second, burst);
        self
    }
}
