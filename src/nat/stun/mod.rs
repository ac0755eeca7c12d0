//! STUN (RFC 8489) and its extension for NAT behaviour (RFC 5780), without I/O.
//!
//! ```text
//!   query     asks        server    answers
//!     │ auth · redirection · retransmit
//!     └────────────┬────────┘
//!   message   reads       builder   writes       stream   cuts TCP into messages
//!          └────────┬───────┘
//!   attribute · address · integrity · password · nonce
//!                   header
//! ```

mod address;
mod attribute;
mod auth;
mod builder;
mod credentials;
mod error;
mod header;
mod integrity;
mod message;
mod nonce;
mod password;
mod query;
mod redirection;
mod retransmit;
mod server;
mod stream;
#[cfg(test)]
mod tests;

pub use address::AddressFamily;
pub use attribute::{Attribute, AttributeTypes, PasswordAlgorithms};
pub(in crate::nat) use auth::{Auth, Reply};
pub use builder::Builder;
pub use credentials::Credentials;
pub use error::StunError;
pub use header::{Class, Method, TransactionId};
pub use message::Message;
pub use nonce::SecurityFeatures;
pub use password::{Key, PasswordAlgorithm, user_hash};
pub use query::{Answer, Query, QueryError, Question};
pub(in crate::nat) use redirection::redirection;
pub use retransmit::Patience;
pub(in crate::nat) use retransmit::{Due, Schedule};
pub use server::{Response, Server, ServerConfig, ServerStats};
pub use stream::StreamReader;
