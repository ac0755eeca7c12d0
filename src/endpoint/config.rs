//! What a user may choose about an endpoint.

use std::collections::BTreeSet;

use crate::base::limits;
use crate::connection::TransportConfig;
use crate::crypto::PeerId;
use crate::wire::SetMap;

/// Everything that applies to all connections of an endpoint.
///
/// ```
/// use srudp::proto::{EndpointConfig, TransportConfig};
///
/// let config = EndpointConfig::default().accept(true).transport(TransportConfig::default());
/// ```
#[derive(Clone, Debug)]
pub struct EndpointConfig {
    pub(super) accept: bool,
    pub(super) accept_unknown: bool,
    pub(super) allowed: Option<BTreeSet<PeerId>>,
    pub(super) application_protocol: Vec<u8>,
    pub(super) connections_max: usize,
    pub(super) transport: TransportConfig,
    pub(super) reset_key: Option<[u8; 32]>,
    pub(super) offered: SetMap,
    pub(super) always_cookie: bool,
}

impl Default for EndpointConfig {
    fn default() -> Self {
        Self {
            accept: false,
            accept_unknown: true,
            allowed: None,
            application_protocol: Vec::new(),
            connections_max: limits::CONNECTIONS,
            transport: TransportConfig::default(),
            reset_key: None,
            offered: SetMap::SUPPORTED,
            always_cookie: false,
        }
    }
}

impl EndpointConfig {
    /// Whether peers may dial this endpoint. Default no; a dial that meets a dial of our own is always welcome.
    #[must_use]
    pub fn accept(mut self, accept: bool) -> Self {
        self.accept = accept;
        self
    }

    /// Whether dials are accepted from peers that do not know our peer id (trust on first use). It lets anyone who can reach the
    /// endpoint learn the id. Default yes.
    #[must_use]
    pub fn accept_trust_on_first_use(mut self, accept: bool) -> Self {
        self.accept_unknown = accept;
        self
    }

    /// Only these peers may connect. Others are refused with a reason. Default: everybody.
    #[must_use]
    pub fn allow(mut self, peers: impl IntoIterator<Item = PeerId>) -> Self {
        self.allowed = Some(peers.into_iter().collect());
        self
    }

    /// What is spoken over the streams, at most 255 bytes; both peers must name the same. Default empty.
    #[must_use]
    pub fn application_protocol(mut self, name: &[u8]) -> Self {
        self.application_protocol = name.get(..255).unwrap_or(name).to_vec();
        self
    }

    /// How many connections may exist at once. Default 65,536. Of several [workers](crate::EndpointBuilder::workers) each has its share,
    /// rounded up; below 1,024 there is one worker unless more were asked for.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.connections_max = connections;
        self
    }

    /// The configuration of connections that say nothing else.
    #[must_use]
    pub fn transport(mut self, transport: TransportConfig) -> Self {
        self.transport = transport;
        self
    }

    /// A secret that survives restarts: with it, peers of lost connections learn at once that those are gone (SPEC §7.4).
    /// Default: none, and no stateless resets.
    #[must_use]
    pub fn reset_key(mut self, key: [u8; 32]) -> Self {
        self.reset_key = Some(key);
        self
    }

    /// Asks every peer to prove its address before any work is done for it, not only under load. Costs a round trip.
    #[must_use]
    pub fn always_ask_for_cookie(mut self, always: bool) -> Self {
        self.always_cookie = always;
        self
    }

    /// Offers only the classical handshake, without ML-KEM-768.
    #[must_use]
    pub fn classical_only(mut self) -> Self {
        self.offered = SetMap::CLASSICAL;
        self
    }

    /// How many connections may exist at once.
    pub(crate) fn connections_max(&self) -> usize {
        self.connections_max
    }

    pub(super) fn admits(&self, peer: &PeerId) -> bool {
        self.allowed.as_ref().is_none_or(|allowed| allowed.contains(peer))
    }
}
