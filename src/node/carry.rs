//! Datagrams in and out: which part of the node each is for, and what goes through relays.

use std::net::SocketAddr;

use super::relays::{Relayed, Relays};
use super::{Node, detour, ports};
use crate::base::Instant;
use crate::connection::Transmit;
use crate::endpoint::{Received, Work, canonical};
use crate::nat::{self, PunchTransmit, SocketId};
use crate::wire::{Class, classify};

/// Datagrams to send from one of the sockets, or a message to write to a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeTransmit {
    /// The socket to send them from, or the stream: see [`Self::is_stream`].
    pub socket: SocketId,
    /// How many routers may forward them; as usual if `None`.
    pub ttl: Option<u8>,
    /// Where they go, and how they lie in the buffer.
    pub transmit: Transmit,
}

impl NodeTransmit {
    /// Whether this is one message for the TCP connection that [`SocketRequest::Connect`](crate::nat::SocketRequest::Connect) gave this
    /// number. It has to be written as a whole, behind those before: a [`FrameQueue`](crate::nat::turn::FrameQueue) does that, and knows
    /// what is left out when the stream is too slow.
    pub fn is_stream(&self) -> bool {
        Relays::is_relay(self.socket) || self.socket == ports::STREAM
    }
}

impl Node {
    /// Datagrams came in at a socket.
    pub fn handle_datagram(&mut self, now: Instant, socket: SocketId, received: Received<'_>) {
        let Received { remote, local, ecn, segment_size, data } = received;
        let remote = canonical(remote);
        // Such addresses stand for peers behind relays; on the wire there are none.
        if detour::meaning(remote).is_some() {
            return;
        }
        if socket == ports::SOCKET {
            for datagram in data.chunks(segment_size.max(1)) {
                self.ports.handle_datagram(now, remote, datagram);
            }
            return self.settle(now);
        }
        if self.keeping.owns(socket) {
            for datagram in data.chunks(segment_size.max(1)) {
                self.keeping.handle_datagram(now, socket, remote, datagram);
            }
            return self.settle(now);
        }
        self.routes.learn(socket, remote);
        let for_endpoint_alone =
            self.searches.is_empty() && self.gatherings.are_idle() && !self.relays.serves(remote);
        if for_endpoint_alone {
            let received = Received { remote, local, ecn, segment_size, data };
            return self.endpoint.handle_datagram(now, received);
        }
        for datagram in data.chunks_mut(segment_size.max(1)) {
            let segment_size = datagram.len();
            let received = Received { remote, local, ecn, segment_size, data: datagram };
            self.handle_one(now, socket, received);
        }
        self.settle(now);
    }

    /// From now on whoever gives it datagrams has the work with public keys done, too.
    pub(crate) fn leave_work(&mut self) {
        self.endpoint.leave_work();
    }

    /// There is work that nobody has taken.
    pub(crate) fn has_work(&self) -> bool {
        self.endpoint.has_work()
    }

    /// The oldest piece of it.
    pub(crate) fn poll_work(&mut self) -> Option<Work> {
        self.endpoint.poll_work()
    }

    /// It was done. Returns what is to be done next for the same handshake.
    pub(crate) fn finish_work(&mut self, now: Instant, work: Work) -> Option<Work> {
        let next = self.endpoint.finish_work(now, work);
        self.settle(now);
        next
    }

    fn handle_one(&mut self, now: Instant, socket: SocketId, received: Received<'_>) {
        let (remote, datagram) = (received.remote, &*received.data);
        match datagram.first().map(|first| classify(*first)) {
            Some(Class::Check) => self.searches.handle_datagram(now, socket, remote, datagram),
            Some(Class::Stun) if self.gatherings.handle_datagram(now, socket, remote, datagram) => {
            }
            Some(Class::Stun | Class::ChannelData) => {
                if let Relayed::Received(relay, peer, mut payload) =
                    self.relays.receive(now, remote, datagram)
                {
                    self.handle_relayed(now, relay, peer, &mut payload);
                }
            }
            _ => self.endpoint.handle_datagram(now, received),
        }
    }

    /// A relay of ours let this in.
    pub(super) fn handle_relayed(
        &mut self,
        now: Instant,
        relay: SocketId,
        peer: SocketAddr,
        datagram: &mut [u8],
    ) {
        match datagram.first().map(|first| classify(*first)) {
            Some(Class::Check) => self.searches.handle_datagram(now, relay, peer, datagram),
            Some(Class::Short | Class::Long) => {
                let Some(remote) = detour::name(relay, peer) else { return };
                let (segment_size, data) = (datagram.len(), datagram);
                let received = Received { remote, local: None, ecn: None, segment_size, data };
                self.endpoint.handle_datagram(now, received);
            }
            _ => {}
        }
    }

    /// The next datagrams to send, at most so many at a time. Sockets are opened before: see [`Self::poll_request`].
    pub fn poll_transmit(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        segments: usize,
    ) -> Option<NodeTransmit> {
        loop {
            if let Some(single) = self.poll_single(now) {
                let PunchTransmit { socket, destination, ttl, payload } = single;
                let size = payload.len();
                buffer.get_mut(..size)?.copy_from_slice(&payload);
                let transmit =
                    Transmit { destination, source: None, ecn: None, size, segment_size: size };
                return Some(NodeTransmit { socket, ttl, transmit });
            }
            let transmit = self.endpoint.poll_transmit(now, buffer, segments)?;
            let Some((relay, peer)) = detour::meaning(transmit.destination) else {
                let socket = self.routes.socket_for(transmit.destination);
                return Some(NodeTransmit { socket, ttl: None, transmit });
            };
            let written = buffer.get(..transmit.size)?;
            for datagram in written.chunks(transmit.segment_size.max(1)) {
                let wrapped = self.relays.wrap(now, relay, peer, datagram);
                self.outbox.extend(wrapped.map(alone));
            }
        }
    }

    /// A datagram that is not the endpoint's, or was wrapped.
    fn poll_single(&mut self, now: Instant) -> Option<PunchTransmit> {
        if let Some(single) = self.outbox.pop_front() {
            return Some(single);
        }
        while let Some(check) = self.searches.poll_transmit() {
            if !Relays::is_relay(check.socket) {
                return Some(check);
            }
            let wrapped = self.relays.wrap(now, check.socket, check.destination, &check.payload);
            if let Some(wrapped) = wrapped {
                return Some(alone(wrapped));
            }
        }
        let asked = self.gatherings.poll_transmit().or_else(|| self.relays.poll_transmit());
        let asked = asked.or_else(|| self.ports.poll_transmit());
        let asked = asked.or_else(|| self.keeping.poll_transmit())?;
        Some(alone(asked))
    }
}

/// Sent as usual.
pub(super) fn alone(transmit: nat::Transmit) -> PunchTransmit {
    let nat::Transmit { socket, destination, payload } = transmit;
    PunchTransmit { socket, destination, ttl: None, payload }
}
