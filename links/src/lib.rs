//! Models of bad links and NAT boxes in virtual time.
//!
//! ```text
//!            Link (one direction)                              Nat (one box)
//!  send ─▶ partition? ─▶ too large? ─▶ queue + rate ─▶        internal ──outbound──▶ external source
//!          loss ─▶ damage ─▶ delay + jitter ─▶ poll           internal ◀──inbound─── external destination
//! ```
//!
//! Nothing here owns a clock, a socket or a source of entropy. Time is a [`Duration`](std::time::Duration) since
//! whatever the caller calls the start, and every decision follows from a seed: the same seed and the same calls
//! give the same trace. So one model serves a simulator, which jumps from deadline to deadline, and a proxy between
//! real sockets, which sleeps until them.
//!
//! ```
//! use std::time::Duration;
//! use srudp_links::{Link, LinkConfig, Packet};
//!
//! let ms = Duration::from_millis;
//! let mut link = Link::new(LinkConfig::default().delay(ms(20)).rate(8_000_000), 1);
//! let (from, to) = ("192.0.2.1:1".parse().unwrap(), "192.0.2.2:2".parse().unwrap());
//!
//! link.send(ms(0), Packet::new(from, to, vec![7; 1_000]));
//!
//! // 1000 bytes at 8 Mbit/s leave after 1 ms and arrive 20 ms later.
//! assert_eq!(link.next_deadline(), Some(ms(21)));
//! assert!(link.poll(ms(20)).is_none());
//! assert_eq!(link.poll(ms(21)).unwrap().payload, vec![7; 1_000]);
//! ```

mod link;
mod nat;
mod packet;
mod random;

pub use link::{Burst, Link, LinkConfig, LinkStats};
pub use nat::{Dependence, Nat, NatChain, NatConfig, Pooling, PortAllocation, Route};
pub use packet::{Ecn, Packet};
pub use random::Generator;
