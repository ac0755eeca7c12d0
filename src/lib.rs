//! Secure reliable UDP: TCP-like streams to a peer that is named by its public key.
//!
//! A peer is its Ed25519 key. Whoever knows the key can dial its owner, and is sure to reach nobody else: no certificates, no names, no
//! third party. One UDP port carries any number of connections, dialled and accepted; a connection carries any number of streams in
//! both directions, and unreliable datagrams. Everything is encrypted, and the handshake withstands quantum computers. Connections
//! survive a change of address on either side, and two peers behind NATs may dial each other at once.
//!
//! The wire is described in `SPEC.md`, so that others can speak it. It resembles QUIC where QUIC is good, and is not QUIC.
//!
//! # With threads
//!
//! [`Stream`] is used like a `TcpStream`: it reads and writes, clones, has timeouts, and works from any thread.
//!
//! ```
//! use std::io::{Read, Write};
//! use srudp::{ApplicationCode, Endpoint, Identity};
//!
//! // One side accepts. It tells others its peer id and its address.
//! let server = Endpoint::builder().identity(Identity::generate()).accept(true).bind("127.0.0.1:0")?;
//! let (peer, address) = (server.peer_id(), server.local_addr());
//! std::thread::spawn(move || {
//!     for connection in server.incoming() {
//!         for mut stream in connection.streams() {
//!             let mut question = String::new();
//!             if stream.read_to_string(&mut question).is_ok() {
//!                 let _ = stream.write_all(question.to_uppercase().as_bytes());
//!             }
//!         }
//!     }
//! });
//!
//! // The other side dials it by both.
//! let client = Endpoint::builder().bind("127.0.0.1:0")?;
//! let connection = client.connect(peer, address)?;
//! let mut stream = connection.open_stream()?;
//! stream.write_all(b"hello")?;
//! stream.end()?;
//! let mut answer = String::new();
//! stream.read_to_string(&mut answer)?;
//! assert_eq!(answer, "HELLO");
//! connection.close(ApplicationCode::ZERO, b"")?;
//! # std::io::Result::Ok(())
//! ```
//!
//! # With tasks
//!
//! Every call that waits has a sibling that ends in `_async`, and works under any executor: the endpoint's own thread wakes the tasks.
//! [`Stream::into_async`] gives a stream with the `AsyncRead` and `AsyncWrite` of the runtime whose feature is enabled.
//!
//! # Through NATs
//!
//! Who is behind a NAT cannot be dialled. Two such peers give each other a [`Ticket`] by any means that people have, and
//! [meet](Endpoint::meet): both search for a path through the NATs, and get the same connection.
//!
//! # Without I/O
//!
//! [`proto`] is the whole protocol as a state machine that knows no socket, no clock and no source of randomness. It runs in a
//! simulator as well as over a radio; `examples/sans_io.rs` shows the loop. The layers, of which each imports only those below:
//!
//! ```text
//!   aio           futures                        ┐
//!   api           threads                        │ this machine
//!   driver        socket, clock, entropy         ┘
//!   node          both below, with many sockets  ┐
//!   nat           STUN, NATs, hole punching      │
//!   endpoint      handshakes, demultiplexing     │
//!   connection    one peer                       │
//!   recovery  path                               │
//!   ack  congestion  stream  datagram  cid  …    │ pure: same input, same output
//!   vocab         what they say to each other    │
//!   crypto        Noise, keys, packets           │
//!   wire          bytes                          │
//!   base          time, limits                   ┘
//! ```
//!
//! # When not to use it
//!
//! * To talk to browsers or to QUIC peers: it is another protocol.
//! * Where a public name has to be proved to strangers: that is what certificates are for.
//! * Where UDP is blocked: nothing here falls back to TCP.
//! * To hide who talks to whom: peers prove their ids to each other, and observers see addresses.
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `aws-lc` | yes | AES-256-GCM and X25519 in assembly, about three times as fast as in Rust |
//! | `aegis` | yes | AEGIS-256X4, half of the work of AES-256-GCM: packets are sealed with it if both peers have it |
//! | `pq` | yes | the hybrid handshake of X25519 and ML-KEM-768 |
//! | `futures-io` | no | `AsyncRead` and `AsyncWrite` of `futures-io` |
//! | `tokio` | no | `AsyncRead` and `AsyncWrite` of `tokio` |
//! | `interfaces` | no | the networks and the gateway of this host; tickets tell all its addresses |

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
pub mod nat;
pub mod node;
mod path;
mod recovery;
mod stream;
mod vocab;
mod wire;

#[cfg(any(feature = "futures-io", feature = "tokio"))]
pub use aio::{AsyncRecvStream, AsyncSendStream, AsyncStream};
pub use api::{
    Connection, DialError, Elapsed, Endpoint, EndpointBuilder, EndpointClosed, GatherError, Met,
    RecvStream, SendStream, Stream,
};
pub use close::ConnectionError;
pub use congestion::CongestionAlgorithm;
pub use connection::{ConnectionStats, TransportConfig};
pub use crypto::{Identity, PeerId, PeerIdError};
pub use datagram::DatagramError;
pub use driver::{MeetError, SystemEntropy};
#[cfg(feature = "interfaces")]
pub use driver::{NetworkWatch, default_gateway, local_networks};
pub use nat::Ticket;
pub use path::{EcnState, PathStats};
pub use wire::{ApplicationCode, Direction, ErrorCode, PacketCipher, Role, StreamId};

/// The protocol without I/O: see `examples/sans_io.rs` for the loop that drives it.
///
/// After every input (a datagram, a timeout, a call of the application): [`proto::Endpoint::poll_transmit`] and
/// [`proto::Endpoint::poll_event`] until they return `None`, and then sleep until [`proto::Endpoint::poll_timeout`].
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

/// The examples of the README are tests too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
