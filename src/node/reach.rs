//! Where a peer may be met by relays when the way that was found does not lead there any more (SPEC §19.3).
//!
//! ```text
//!   main socket ──────────────────▶ the peer's relays
//!   each of our relays ─────┬─────▶ the peer's relays     of two in a row each lets the other in by its IP address, so that one of
//!                           └─────▶ the peer's own address            them may be lost, and asked for anew, without the other side
//! ```
//!
//! What a peer has only told, and was not met at, is tried a few times in all: who lies about it aims full datagrams at somebody.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::relays;
use crate::base::limits::{NODE_DETOUR_TRIES, NODE_RELAYS};
use crate::nat::{PunchConfig, Scope};

/// An address at a relay of the peer's.
#[derive(Clone, Copy, Debug)]
struct Told {
    address: SocketAddr,
    tries: u8,
}

/// What a peer has said of itself when it was searched, as far as relays are concerned.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    relayed: Vec<Told>,
    ips: BTreeSet<IpAddr>,
}

impl Reach {
    pub(super) fn of(config: &PunchConfig) -> Self {
        let allowed = config.theirs().relayed().filter(|to| config.may_send_to(*to));
        let told = |address| Told { address, tries: NODE_DETOUR_TRIES };
        let relayed = allowed.take(NODE_RELAYS).map(told).collect();
        Self { relayed, ips: relays::peers(config.theirs()) }
    }

    /// Whom our relays have to let in.
    pub(super) fn ips(&self) -> &BTreeSet<IpAddr> {
        &self.ips
    }

    /// Whether the address is at a relay of the peer's: it may be another one there by now.
    pub(super) fn is_relay(&self, remote: SocketAddr) -> bool {
        let ip = remote.ip().to_canonical();
        self.relayed.iter().any(|told| told.address.ip().to_canonical() == ip)
    }

    /// The peer's relays that may be tried still.
    pub(super) fn relayed(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.relayed.iter().filter(|told| told.tries > 0).map(|told| told.address)
    }

    /// One of them is going to be tried.
    pub(super) fn on_tried(&mut self, remote: SocketAddr) {
        if let Some(told) = self.relayed.iter_mut().find(|told| told.address == remote) {
            told.tries = told.tries.saturating_sub(1);
        }
    }

    /// The peer was met there.
    pub(super) fn on_met(&mut self, remote: SocketAddr) {
        if let Some(told) = self.relayed.iter_mut().find(|told| told.address == remote) {
            told.tries = NODE_DETOUR_TRIES;
        }
    }
}

/// Whether a relay of ours, which has an IPv4 address, could send there.
pub(super) fn is_beyond(remote: SocketAddr) -> bool {
    let ip = remote.ip().to_canonical();
    ip.is_ipv4() && Scope::of(ip) == Scope::Global
}
