//! Floor 11: the blocking interface, for threads.
//!
//! Every call that may wait makes the same [`attempt`] again and again: first at once, and then whenever the driver wakes
//! the thread. Every wait ends when the connection, or the endpoint, does.

mod address;
pub(crate) mod attempt;
mod builder;
mod connection;
mod endpoint;
mod error;
mod link;
mod recv;
mod send;
mod stream;
mod timeout;

pub use builder::EndpointBuilder;
pub use connection::Connection;
pub use endpoint::Endpoint;
pub use error::{DialError, Elapsed, EndpointClosed};
pub use recv::RecvStream;
pub use send::SendStream;
pub use stream::Stream;

pub(crate) use endpoint::connected;

#[cfg(test)]
mod tests;
