//! Floor 2: everything that knows a key. Identities, the handshake, the record layer, cookies and reset tokens.
//!
//! ```text
//! identity, peer_id     who a peer is (SPEC §1.1)
//! noise/                a Noise interpreter; patterns are data (SPEC §5.1)
//! handshake/            the three messages with their payloads and checks (SPEC §5.2 to §5.4)
//! schedule              from the handshake to the traffic secrets (SPEC §5.7)
//! aead/                 AES-256-GCM behind one seam
//! record/               short packets: sealing, opening, masks, key updates (SPEC §6)
//! cookie, punch, reset  keyed proofs outside connections (SPEC §4, §7.4)
//! ```

mod aead;
pub(crate) mod cookie;
pub(crate) mod handshake;
mod identity;
mod mac;
mod noise;
mod peer_id;
pub(crate) mod punch;
pub(crate) mod record;
pub(crate) mod reset;
pub(crate) mod schedule;
pub(crate) mod tag;

pub use identity::Identity;
pub use peer_id::{PeerId, PeerIdError};
