//! What the relay gave us (RFC 8656 §7.3, §8).

use std::net::SocketAddr;
use std::time::Duration;

use super::config::Relays;
use crate::base::Instant;
use crate::base::limits::{TURN_LIFETIME_MAX, TURN_LIFETIME_MIN, TURN_MARGIN};
use crate::nat::scope::Scope;
use crate::nat::stun::{AddressFamily, Attribute, Message};

/// Addresses at a relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relayed {
    /// That of IPv4, if it was asked for and there is one.
    pub ipv4: Option<SocketAddr>,
    /// That of IPv6, if it was asked for and there is one.
    pub ipv6: Option<SocketAddr>,
    /// Our own address as the relay sees it, if it says so.
    pub reflexive: Option<SocketAddr>,
}

impl Relayed {
    /// `None` if the answer does not hold what was asked for.
    pub(super) fn read(message: &Message<'_>, relays: Relays) -> Option<Self> {
        let mut relayed = Self { ipv4: None, ipv6: None, reflexive: message.reflexive() };
        for attribute in message.attributes() {
            let Attribute::XorRelayedAddress(address) = attribute else { continue };
            if address.port() == 0 || Scope::of(address.ip()) == Scope::Unusable {
                return None;
            }
            let slot = match AddressFamily::of(address.ip()) {
                AddressFamily::Ipv4 => &mut relayed.ipv4,
                AddressFamily::Ipv6 => &mut relayed.ipv6,
            };
            slot.get_or_insert(address);
        }
        let complete = match relays {
            Relays::One(AddressFamily::Ipv4) | Relays::Both => relayed.ipv4.is_some(),
            Relays::One(AddressFamily::Ipv6) => relayed.ipv6.is_some(),
        };
        complete.then_some(relayed)
    }
}

/// How long the relay says that it lasts.
pub(super) fn lifetime(message: &Message<'_>) -> Option<Duration> {
    let seconds = message.find(|attribute| match attribute {
        Attribute::Lifetime(seconds) => Some(seconds),
        _ => None,
    })?;
    Some(Duration::from_secs(seconds.into()).clamp(TURN_LIFETIME_MIN, TURN_LIFETIME_MAX))
}

/// When to ask for more.
pub(super) fn refresh_at(now: Instant, lifetime: Duration, life_sign: Duration) -> Instant {
    now + lifetime.saturating_sub(TURN_MARGIN).max(lifetime / 2).min(life_sign)
}
