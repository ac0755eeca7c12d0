//! How a connection ends (SPEC §13.2, RFC 9000 §10.2).
//!
//! ```text
//!         close, linger      all delivered, linger over, close now, fail
//!  Open ────────────▶ Lingering ──────────────────────────────────────▶ Closing ── 3 PTO ──┐
//!   │ │                 │   │                                            ▲    │            │
//!   │ └─────────────────┼───┼──── close now, fail ───────────────────────┘    │ CLOSE      │
//!   │                   │   │                                                 ▼            ▼
//!   ├───────────────────┴───┼──────── CLOSE of the peer ──────────────────▶ Draining ─▶ Drained
//!   └───────────────────────┴──── idle timeout, stateless reset ──────────────────────▶ Drained
//! ```
//!
//! The first reason stays. While closing, CLOSE is repeated, ever more rarely, for packets that still come; while
//! draining nothing is sent.

mod error;
mod lifetime;

pub use error::ConnectionError;
pub(crate) use lifetime::Lifetime;
