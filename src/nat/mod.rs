//! What a NAT does to datagrams, found out without I/O: STUN (RFC 8489), and its extension for behaviour discovery (RFC 5780). And what
//! helps against it: ports of the gateway, and relays (TURN, RFC 8656).
//!
//! Everything here is a state machine that is told the time and handed datagrams, and says what to send and when to be called again.
//! Whoever drives it owns the sockets. STUN shares the transport's socket: the first byte of a datagram tells them apart (SPEC §2).

//!
//! ```
//! use std::net::SocketAddr;
//! use srudp::nat::{Discovery, DiscoveryConfig, Kind};
//! use srudp::proto::{Instant, SeededEntropy};
//!
//! // The sockets are the caller's; `0.0.0.0` says that their address is not known.
//! let socket = |port| SocketAddr::from(([0, 0, 0, 0], port));
//! let sockets: Vec<SocketAddr> = (0..=Discovery::SPARE_SOCKETS).map(|n| socket(40_000 + n)).collect();
//! let servers = ["198.51.100.1:3478".parse()?, "192.0.2.1:3478".parse()?];
//! let mut now = Instant::ZERO;
//! let entropy = Box::new(SeededEntropy::new(1));
//! let mut discovery = Discovery::new(now, DiscoveryConfig::new(&servers, &sockets), entropy);
//! while let Some(at) = discovery.poll_timeout() {
//!     while let Some(transmit) = discovery.poll_transmit() {
//!         // Send `transmit.payload` from socket number `transmit.socket` to `transmit.destination`. Here nothing comes through.
//!     }
//!     // Sleep until then, or until a datagram comes, and hand it to `handle_datagram`.
//!     now = at;
//!     discovery.handle_timeout(now);
//! }
//! assert_eq!(discovery.report().kind(), Some(Kind::Blocked));
//! println!("{}", discovery.report().verdict());
//! # Ok::<(), std::net::AddrParseError>(())
//! ```

mod behaviour;
mod candidate;
mod gather;
mod lifetime;
mod machine;
mod offer;
pub mod portmap;
mod probes;
mod punch;
mod scope;
pub(crate) mod signs;
mod socket;
pub mod stun;
pub mod turn;

pub use behaviour::{
    Allocation, Behaviour, Dependence, Discovery, DiscoveryConfig, Kind, ServerReport, Stage,
};
pub use candidate::{Candidate, CandidateKind, Destinations, Forbidden, LocalNetwork};
pub use gather::{GatherConfig, GatherEvent, Gathered, Gathering};
pub use lifetime::{KeepAlive, Lifetime, LifetimeConfig, LifetimeProbe, Method};
pub use machine::Machine;
pub use offer::{Description, NatSummary, Offer, OfferError, SeenOffers, Ticket, TicketError};
pub(crate) use punch::Lesson;
pub use punch::{
    Failure, Punch, PunchConfig, PunchEvent, PunchReport, PunchTransmit, Strategy, Winner,
};
pub use scope::Scope;
pub use socket::{SocketId, SocketRequest, Transmit};
