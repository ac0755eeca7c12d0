//! Which relay to use, as whom, and how.

use std::net::SocketAddr;
use std::time::Duration;

use crate::base::limits::{
    STUN_RETRY, TURN_LAST_WAIT, TURN_LIFE_SIGN, TURN_LIFE_SIGN_MIN, TURN_LIFETIME_MAX, TURN_SENDS,
};
use crate::nat::stun::{AddressFamily, Credentials, Patience};

/// How bytes travel between this host and the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A message in a datagram.
    Datagrams,
    /// Messages one after the other in a byte stream, that of TCP or of TLS over it. What comes in is cut by a
    /// [`FrameReader`](super::FrameReader).
    Stream,
}

/// Which relayed addresses to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relays {
    /// One of this family.
    One(AddressFamily),
    /// One of each family; that of IPv4 is enough (RFC 8656 §7.1).
    Both,
}

/// A relay and how to use it.
#[derive(Clone, Debug)]
pub struct TurnConfig {
    pub(super) server: SocketAddr,
    pub(super) credentials: Credentials,
    pub(super) framing: Framing,
    pub(super) relays: Relays,
    pub(super) lifetime: Option<Duration>,
    pub(super) life_sign: Duration,
    pub(super) patience: Option<Patience>,
}

impl TurnConfig {
    /// This relay over UDP, for one IPv4 address.
    pub fn new(server: SocketAddr, username: &str, password: &str) -> Self {
        Self {
            server,
            credentials: Credentials::long_term(username, password),
            framing: Framing::Datagrams,
            relays: Relays::One(AddressFamily::Ipv4),
            lifetime: None,
            life_sign: TURN_LIFE_SIGN,
            patience: None,
        }
    }

    /// The relay that is asked first.
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// How to talk to the relay: datagrams if never called. A [`Node`](crate::node::Node), and all above it, asks a relay that is silent
    /// over UDP over TCP as well; [`Framing::Stream`] makes it use TCP alone.
    #[must_use]
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Which addresses to ask for.
    #[must_use]
    pub fn relays(mut self, relays: Relays) -> Self {
        self.relays = relays;
        self
    }

    /// For how long to ask at a time, up to an hour; the relay decides. It is asked again in time.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime.min(TURN_LIFETIME_MAX));
        self
    }

    /// How often to ask for a sign of life, which also keeps the NAT's mapping alive: every 20 s if never called, every 5 s at most.
    #[must_use]
    pub fn life_sign(mut self, interval: Duration) -> Self {
        self.life_sign = interval.max(TURN_LIFE_SIGN_MIN);
        self
    }

    /// How long to wait for answers: 11.5 s over UDP and 39.5 s over a stream if never called.
    #[must_use]
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Whether it is the same relay, talked to in the same way.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.server, self.framing) == (other.server, other.framing)
    }

    /// Whether the relay is used over TCP alone.
    pub(crate) fn is_stream(&self) -> bool {
        self.framing == Framing::Stream
    }

    pub(super) fn patience_or_default(&self) -> Patience {
        self.patience.unwrap_or(match self.framing {
            Framing::Datagrams => Patience::new(STUN_RETRY, TURN_SENDS, TURN_LAST_WAIT),
            Framing::Stream => Patience::TCP,
        })
    }

    /// Seconds to ask for.
    pub(super) fn seconds(&self) -> Option<u32> {
        self.lifetime.map(|lifetime| u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX).max(1))
    }
}
