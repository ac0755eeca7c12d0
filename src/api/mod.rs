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
mod meeting;
mod recv;
mod send;
mod servers;
mod stream;
mod timeout;
mod told;

pub use builder::EndpointBuilder;
pub use connection::Connection;
pub use endpoint::Endpoint;
pub use error::{DialError, Elapsed, EndpointClosed, GatherError};
pub use meeting::Met;
pub use recv::RecvStream;
pub use send::SendStream;
pub use stream::Stream;

pub(crate) use endpoint::{Accepted, accepted, connected};
pub(crate) use meeting::{gather, met, pending};

#[cfg(test)]
mod tests;
