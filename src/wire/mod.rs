//! Floor 1: what stands on the wire, byte for byte.
//!
//! | file | holds | SPEC |
//! |---|---|---|
//! | `demux` | what a datagram is, by its first byte | §2 |
//! | `long`, `fragment`, `suite` | handshake packets | §3 |
//! | `punch` | PUNCH | §4 |
//! | `short` | the header of short packets | §6.1 |
//! | `frame` | frames | §8 |
//! | `params` | parameters | §10 |
//! | `cipher` | what seals short packets | §6.4 |
//! | `code` | error codes | §11 |
//! | `shard` | which of several endpoints an id names | §7.5 |
//! | `codec`, `id`, `error` | numbers, ids, decode errors | §1 |
//!
//! Decoders are total: they never panic, and allocate nothing but bounded parameters.

mod cipher;
mod code;
mod codec;
mod demux;
mod error;
mod fragment;
mod frame;
mod id;
mod long;
mod params;
mod punch;
pub(crate) mod shard;
mod short;
mod suite;

pub use cipher::PacketCipher;
pub use code::{ApplicationCode, ErrorCode};
pub use id::{Direction, Role, StreamId};

pub(crate) use cipher::CipherMap;
pub(crate) use code::TransportError;
pub(crate) use codec::{Reader, Writer, varint_len};
pub(crate) use demux::{Class, classify};
pub(crate) use error::DecodeError;
pub(crate) use fragment::{Fragment, FragmentHeader, HandshakeKind, fragment_count};
pub(crate) use frame::{
    AckFrame, CandidatesFrame, DatagramHeader, EcnCounts, Frame, Frames, StreamFrame, StreamHeader,
    encode_ack,
};
pub(crate) use id::{ConnectionId, HandshakeId};
pub(crate) use long::{Long, decode_long};
pub(crate) use params::{IDS as PARAMETER_IDS, Parameters};
pub(crate) use punch::{PUNCH_LEN, Punch, PunchFlags};
pub(crate) use shard::Shard;
pub(crate) use short::{SHORT_HEADER_LEN, ShortHeader, expand_number};
pub(crate) use suite::{SetMap, Suite, VERSION};
