//! Floor 2: everything that knows a key. Identities, the handshake, the record layer, cookies and reset tokens.
//!
//! ```text
//! identity, peer_id     who a peer is (SPEC §1.1)
//! noise/                a Noise interpreter; patterns are data (SPEC §5.1)
//! handshake/            the three messages with their payloads and checks (SPEC §5.2 to §5.4)
//! schedule              from the handshake to the traffic secrets (SPEC §5.7)
//! aead/                 AES-256-GCM behind one seam, AEGIS-256X4
//! record/               short packets: sealing, opening, masks, key updates (SPEC §6)
//! cookie, punch, reset  keyed proofs outside connections (SPEC §4, §7.4)
//! sealed, shared        messages outside connections, and keys of two peers (SPEC §18.2, §18.4)
//! tag                   keeps fragments of different messages apart (SPEC §3.2)
//! ```

mod aead;
mod cookie;
mod handshake;
mod identity;
mod mac;
mod noise;
mod peer_id;
mod punch;
mod record;
mod reset;
mod schedule;
mod sealed;
mod shared;
mod tag;
#[cfg(test)]
mod tests;

pub use identity::Identity;
pub use peer_id::{PeerId, PeerIdError};

#[cfg(feature = "aegis")]
pub(crate) use aead::WithAegis;
pub(crate) use aead::{Aead, Portable, RecordKey, fast_ciphers};
pub(crate) use cookie::CookieKey;
pub(crate) use handshake::{Accepted, Context, Finished, HandshakeError, Initiator, Responder};
pub(crate) use punch::{punch_tag, verify_punch_tag};
pub(crate) use record::{OpenError, Opened, Protection, Unmasked};
pub(crate) use reset::{ResetKey, Veil};
pub(crate) use schedule::{Exporter, Secrets};
pub(crate) use sealed::{open_from, seal_for};
pub(crate) use shared::{CheckKey, PunchSecrets};
pub(crate) use tag::message_tag;
