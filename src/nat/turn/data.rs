//! Datagrams in their envelopes: ChannelData, and Send and Data indications (RFC 8656 §11, §12.4).

use std::net::SocketAddr;

use super::config::Framing;
use crate::nat::stun::{Attribute, Builder, Class, Message, Method, StunError, TransactionId};

/// Channel number and length.
pub(super) const CHANNEL_HEADER: usize = 4;

/// Whether a message that begins with this byte is ChannelData (RFC 7983 §7).
pub(super) const fn is_channel_data(first: u8) -> bool {
    matches!(first, 0x40..=0x4f)
}

/// Writes a datagram for the peer that this number stands for.
pub(super) fn write_channel(
    number: u16,
    datagram: &[u8],
    framing: Framing,
    out: &mut Vec<u8>,
) -> Result<(), StunError> {
    let length = u16::try_from(datagram.len()).map_err(|_| StunError::TooLong)?;
    out.clear();
    out.extend(number.to_be_bytes());
    out.extend(length.to_be_bytes());
    out.extend_from_slice(datagram);
    if framing == Framing::Stream {
        out.resize(out.len().next_multiple_of(4), 0);
    }
    Ok(())
}

/// The number and the datagram of a ChannelData message. It may be padded.
pub(super) fn read_channel(message: &[u8]) -> Option<(u16, &[u8])> {
    let (&[n0, n1, l0, l1], rest) = message.split_first_chunk::<CHANNEL_HEADER>()?;
    let datagram = rest.get(..usize::from(u16::from_be_bytes([l0, l1])))?;
    Some((u16::from_be_bytes([n0, n1]), datagram))
}

/// Writes a datagram for a peer without a number.
pub(super) fn write_indication(
    peer: SocketAddr,
    datagram: &[u8],
    transaction: TransactionId,
    out: &mut Vec<u8>,
) -> Result<(), StunError> {
    let buffer = std::mem::take(out);
    *out = Builder::within(buffer, Class::Indication, Method::SEND, transaction)
        .attribute(&Attribute::XorPeerAddress(peer))
        .attribute(&Attribute::Data(datagram))
        .finish()?;
    Ok(())
}

/// The peer and the datagram of a Data indication.
pub(super) fn read_indication<'d>(message: &Message<'d>) -> Option<(SocketAddr, &'d [u8])> {
    if message.unknown_required().next().is_some() {
        return None;
    }
    let peer = message.find(|attribute| match attribute {
        Attribute::XorPeerAddress(peer) => Some(peer),
        _ => None,
    })?;
    let datagram = message.find(|attribute| match attribute {
        Attribute::Data(datagram) => Some(datagram),
        _ => None,
    })?;
    Some((peer, datagram))
}
