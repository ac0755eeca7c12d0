//! Every bound of the protocol core, with its reason. Queues, tables and loops elsewhere name one of these.
//!
//! They stand by what they bound, as in SPEC §12.2. Everybody else sees one list.

mod behaviour;
mod connection;
mod endpoint;
mod node;
mod offers;
mod packets;
mod paths;
mod ports;
mod punch;
mod recovery;
mod relays;
mod streams;
mod stun;

pub(crate) use behaviour::*;
pub(crate) use connection::*;
pub(crate) use endpoint::*;
pub(crate) use node::*;
pub(crate) use offers::*;
pub(crate) use packets::*;
pub(crate) use paths::*;
pub(crate) use ports::*;
pub(crate) use punch::*;
pub(crate) use recovery::*;
pub(crate) use relays::*;
pub(crate) use streams::*;
pub(crate) use stun::*;
