//! What peers tell each other of themselves.

use std::time::Duration;

/// Addresses of interfaces that a peer is told.
pub(crate) const CANDIDATES_HOST: usize = 6;

/// Of these, at most so many of one interface and family: privacy extensions give an interface many.
pub(crate) const CANDIDATES_PER_INTERFACE: usize = 2;

/// Addresses of a peer that are heeded (§18.1).
pub(crate) const CANDIDATES: usize = 16;

/// Bytes of a description in a CANDIDATES frame: sixteen candidates of IPv6 need 331, and the frame fits into the smallest datagram.
pub(crate) const CANDIDATES_FRAME_MAX: usize = 512;

/// Below it are the services of operating systems: peers do not live there.
pub(crate) const PORT_UNPRIVILEGED: u16 = 1024;

/// The exception: what firewalls let out.
pub(crate) const PORT_HTTPS: u16 = 443;

/// How long an offer lives (§18.2).
pub(crate) const OFFER_LIFE: Duration = Duration::from_secs(60);

/// Offers that are remembered so that none is heeded twice: thirty a second while they live.
pub(crate) const OFFERS_SEEN: usize = 2048;

/// The longest time from an answer to the start that it names.
pub(crate) const PUNCH_START_DELAY_MAX: Duration = Duration::from_secs(10);

/// From one start of peers that have each other's tickets to the next: longer than a search without guesses.
pub(crate) const TICKET_PERIOD: Duration = Duration::from_secs(10);

/// How long a ticket is good: people have to carry it.
pub(crate) const TICKET_LIFE: Duration = Duration::from_secs(600);

/// Characters of a ticket behind its scheme: sixteen candidates need 700.
pub(crate) const TICKET_MAX: usize = 1024;
