//! A UDP socket with what the operating system offers beyond single datagrams: offload, ECN marks, local addresses.

use std::io::{self, IoSliceMut};
use std::net::{self, IpAddr, Ipv6Addr, SocketAddr};

use mio::net::UdpSocket;
use quinn_udp::{EcnCodepoint, RecvMeta, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, SockRef, Socket as RawSocket, Type};

use crate::base::EcnMark;
use crate::connection::Transmit;
use crate::node::NodeTransmit;

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It left, or is lost like any datagram.
    All,
    /// The socket took this many bytes and has no room for the others now.
    Partly(usize),
    /// Datagrams of this size do not fit the interface.
    TooLarge(usize),
}

/// Sends from any thread, and receives on whichever reads it.
#[derive(Debug)]
pub(super) struct Socket {
    io: UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
}

impl Socket {
    /// A socket that is bound to this address and asks for kernel buffers of this many bytes.
    pub(super) fn bind(address: SocketAddr, kernel_buffer: usize) -> io::Result<Self> {
        Self::bind_with(address, kernel_buffer, |_| Ok(()))
    }

    /// As [`Self::bind`], with what has to be said to the system before.
    pub(super) fn bind_with(
        address: SocketAddr,
        kernel_buffer: usize,
        prepare: impl FnOnce(&RawSocket) -> io::Result<()>,
    ) -> io::Result<Self> {
        let raw = RawSocket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
            // Where the system cannot serve IPv4 from an IPv6 socket, it serves IPv6 alone.
            let _ = raw.set_only_v6(false);
        }
        prepare(&raw)?;
        raw.bind(&address.into())?;
        let io = UdpSocket::from_std(net::UdpSocket::from(raw));
        // Systems cap the size or refuse; a smaller buffer costs speed, nothing else.
        let options = SockRef::from(&io);
        let _ = options.set_recv_buffer_size(kernel_buffer);
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        let _ = state.set_send_buffer_size(UdpSockRef::from(&io), kernel_buffer);
        let local = io.local_addr()?;
        Ok(Self { io, state, local })
    }

    /// The same socket once more: for a poll beside others.
    pub(super) fn for_poll(&self) -> io::Result<UdpSocket> {
        let copy = SockRef::from(&self.io).try_clone()?;
        Ok(UdpSocket::from_std(net::UdpSocket::from(copy)))
    }

    /// The socket for the only poll that it is in, which costs no descriptor.
    pub(super) fn source(&mut self) -> &mut UdpSocket {
        &mut self.io
    }

    /// For options that only some systems have.
    #[cfg(target_os = "linux")]
    pub(super) fn io(&self) -> &UdpSocket {
        &self.io
    }

    pub(super) fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// How many datagrams may be handed over at once.
    pub(super) fn max_segments(&self) -> usize {
        self.state.max_gso_segments().max(1)
    }

    /// Reads in a way that the poll of [`Self::source`] learns of.
    pub(super) fn try_io<T>(&self, read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.io.try_io(read)
    }

    /// Fills the buffers; each takes datagrams of one sender. Returns how many were filled.
    pub(super) fn receive(
        &self,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> io::Result<usize> {
        self.state.recv(UdpSockRef::from(&self.io), buffers, meta)
    }

    /// Sends a batch, in one call if the system can.
    pub(super) fn send(&self, transmit: &Transmit, data: &[u8]) -> Sent {
        let segment = transmit.segment_size.clamp(1, data.len().max(1));
        if data.len() > segment && self.max_segments() > 1 {
            match self.send_once(transmit, data, Some(segment)) {
                Ok(()) => return Sent::All,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Sent::Partly(0),
                Err(error) if is_too_large(&error) => return Sent::TooLarge(segment),
                // The interface cannot cut batches, and the batch did not leave: it has to leave piece by piece, or a
                // whole window would count as lost. From now on `max_segments` is 1.
                Err(_) if self.max_segments() == 1 => {}
                Err(_) => return Sent::All,
            }
        }
        self.send_singly(transmit, data, segment)
    }

    /// Sends a batch as the node says.
    pub(super) fn send_as(&self, sending: &NodeTransmit, data: &[u8]) -> Sent {
        match sending.ttl {
            None => self.send(&sending.transmit, data),
            Some(ttl) => self.send_limited(&sending.transmit, data, ttl),
        }
    }

    /// As [`Self::send`], but only so many routers may forward it. Nobody else sends meanwhile.
    fn send_limited(&self, transmit: &Transmit, data: &[u8], ttl: u8) -> Sent {
        let (options, is_v4) = (SockRef::from(&self.io), transmit.destination.is_ipv4());
        let usual = if is_v4 { options.ttl_v4() } else { options.unicast_hops_v6() };
        let limit = |ttl: u32| match is_v4 {
            true => options.set_ttl_v4(ttl),
            false => options.set_unicast_hops_v6(ttl),
        };
        // Where it cannot be limited it is lost: it must not reach farther than it is meant to.
        let Ok(usual) = usual.and_then(|usual| limit(ttl.into()).map(|()| usual)) else {
            return Sent::All;
        };
        let sent = self.send(transmit, data);
        // What could be set to one number can be set back.
        let _ = limit(usual);
        sent
    }

    fn send_singly(&self, transmit: &Transmit, data: &[u8], segment: usize) -> Sent {
        let mut sent = 0;
        for datagram in data.chunks(segment) {
            match self.send_once(transmit, datagram, None) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Sent::Partly(sent);
                }
                Err(error) if is_too_large(&error) => {
                    return Sent::TooLarge(datagram.len());
                }
                // No route, a full device queue, a firewall: the datagram is lost, as datagrams are.
                Ok(()) | Err(_) => sent += datagram.len(),
            }
        }
        Sent::All
    }

    fn send_once(
        &self,
        transmit: &Transmit,
        contents: &[u8],
        segment_size: Option<usize>,
    ) -> io::Result<()> {
        let mut attempt = quinn_udp::Transmit {
            destination: self.reachable(transmit.destination),
            ecn: transmit.ecn.map(to_codepoint),
            contents,
            segment_size,
            src_ip: transmit.source,
        };
        let socket = UdpSockRef::from(&self.io);
        match self.state.try_send(socket, &attempt) {
            Err(error) if transmit.source.is_some() && !is_temporary(&error) => {
                // The address may have left this host, as when its lease ended: the peer learns the one that the system chooses now.
                attempt.src_ip = None;
                self.state.try_send(UdpSockRef::from(&self.io), &attempt)
            }
            result => result,
        }
    }

    /// An IPv6 socket knows IPv4 addresses in mapped form only.
    fn reachable(&self, address: SocketAddr) -> SocketAddr {
        match (self.local, address.ip()) {
            (SocketAddr::V6(_), IpAddr::V4(ip)) => {
                SocketAddr::new(ip.to_ipv6_mapped().into(), address.port())
            }
            _ => address,
        }
    }
}

/// The same datagram, or a smaller one, may leave from the same address.
fn is_temporary(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || is_too_large(error)
}

/// What the system calls EMSGSIZE; the standard library has no name for it.
fn is_too_large(error: &io::Error) -> bool {
    #[cfg(unix)]
    const TOO_LARGE: i32 = libc::EMSGSIZE;
    // WSAEMSGSIZE.
    #[cfg(not(unix))]
    const TOO_LARGE: i32 = 10_040;
    error.raw_os_error() == Some(TOO_LARGE)
}

fn to_codepoint(mark: EcnMark) -> EcnCodepoint {
    match mark {
        EcnMark::Ect0 => EcnCodepoint::Ect0,
        EcnMark::Ect1 => EcnCodepoint::Ect1,
        EcnMark::Ce => EcnCodepoint::Ce,
    }
}

pub(super) fn to_mark(codepoint: EcnCodepoint) -> EcnMark {
    match codepoint {
        EcnCodepoint::Ect0 => EcnMark::Ect0,
        EcnCodepoint::Ect1 => EcnMark::Ect1,
        EcnCodepoint::Ce => EcnMark::Ce,
    }
}

#[cfg(test)]
mod tests;
