//! Secure reliable UDP: TCP-like streams to a peer that is named by its public key.
mod ack;
mod aio;
mod api;
mod base;
mod cid;
mod close;
mod congestion;
mod connection;
mod crypto;
mod datagram;
mod driver;
mod endpoint;
mod idle;
#[doc(hidden)]
pub mod internals;
mod path;
mod recovery;
mod stream;
mod vocab;
mod wire;

pub use aio::{AsyncRecvStream, AsyncSendStream, AsyncStream};
pub use api::{
    Connection, DialError, Elapsed, Endpoint, EndpointBuilder, EndpointClosed, RecvStream,
    SendStream, Stream,
};
pub use close::ConnectionError;
pub use congestion::CongestionAlgorithm;
pub use connection::{ConnectionStats, TransportConfig};
pub use crypto::{Identity, PeerId, PeerIdError};
pub use datagram::DatagramError;
pub use path::{EcnState, PathStats};
pub use wire::{ApplicationCode, Direction, ErrorCode, Role, StreamId};

/// The protocol without I/O.
pub mod proto {
    pub use crate::base::{EcnMark, Entropy, Instant, SeededEntropy};
    pub use crate::connection::{
        Connection, ConnectionEvent, ConnectionStats, Transmit, TransportConfig,
    };
    pub use crate::endpoint::{
        ConnectError, ConnectionHandle, Dial, Endpoint, EndpointConfig, EndpointStats, Event,
        Received,
    };
    pub use crate::stream::{ReadError, StreamEvent, WriteError};
}
