//! Floor 3: the words in which the components of a connection speak to each other and to their parent.
//!
//! A component fills a packet through [`PacketBuilder`] and leaves a [`Record`] of what it put there. When the packet is
//! acknowledged or lost, the record comes back to the same component with its [`Fate`]. Nothing here decides anything.

mod packet;
mod record;
mod sent;

pub(crate) use packet::PacketBuilder;
pub(crate) use record::{Fate, Record, Records};
pub(crate) use sent::{
    Outcome, PathId, RttSample, RttView, SendLimit, SendStamp, SentPacket, Settled,
};
