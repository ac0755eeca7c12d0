//! STUN (RFC 8489) and its extension for NAT behaviour (RFC 5780), without I/O.
//!
//! ```text
//!   query     asks        server    answers
//!          └───────┬────────┘
//!   message   reads       builder   writes       stream   cuts TCP into messages
//!          └────────┬───────┘
//!   attribute · address · integrity · password · nonce
//!                   header
//! ```

mod address;
mod attribute;
mod builder;
mod error;
mod header;
mod integrity;
mod message;
mod nonce;
mod password;
mod query;
mod retransmit;
mod server;
mod stream;
#[cfg(test)]
mod tests;

pub use attribute::{Attribute, AttributeTypes, PasswordAlgorithms};
pub use builder::Builder;
pub use error::StunError;
pub use header::{Class, Method, TransactionId};
pub use message::Message;
pub use nonce::SecurityFeatures;
pub use password::{Key, PasswordAlgorithm, user_hash};
pub use query::{Answer, Credentials, Query, QueryError, Question};
pub use retransmit::Patience;
pub use server::{Response, Server, ServerConfig, ServerStats};
pub use stream::StreamReader;
