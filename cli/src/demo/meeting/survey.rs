//! What a peer finds out before it makes a ticket: what its NAT does, and at which addresses its sockets are seen.

use std::collections::VecDeque;
use std::net::SocketAddr;

use srudp::SystemEntropy;
use srudp::nat::stun::{Query, Question};
use srudp::nat::{
    Allocation, Behaviour, Candidate, CandidateKind, Description, Discovery, DiscoveryConfig,
    NatSummary, SocketId,
};
use srudp::proto::Instant;

use super::world::{Machine, Outgoing, SERVERS, World};

/// The main socket, and spare ones for the case that it is of no use.
pub(super) const SOCKETS: u8 = 4;

/// Two sockets that nobody has used: the ports that they get show where a NAT that counts is.
const FRESH: [u16; 2] = [100, 101];

impl Machine for Discovery {
    fn receive(&mut self, now: Instant, socket: SocketId, from: SocketAddr, datagram: &mut [u8]) {
        self.handle_datagram(now, socket, from, datagram);
    }

    fn tick(&mut self, now: Instant) {
        self.handle_timeout(now);
    }

    fn transmit(&mut self, _: Instant, out: &mut Vec<Outgoing>) {
        while let Some(transmit) = self.poll_transmit() {
            let (socket, to) = (transmit.socket, transmit.destination);
            out.push(Outgoing { socket, to, ttl: None, payload: transmit.payload });
        }
    }

    fn timeout(&mut self) -> Option<Instant> {
        self.poll_timeout()
    }
}

/// Finds out what the NAT of a host does.
pub(super) fn discovery(world: &World, host: usize, entropy: Box<SystemEntropy>) -> Discovery {
    let sockets = (0..=Discovery::SPARE_SOCKETS).map(|n| world.local(host, SocketId::new(n)));
    let sockets: Vec<SocketAddr> = sockets.collect();
    let config = DiscoveryConfig::new(&[SERVERS[0].into()], &sockets);
    Discovery::new(world.now(), config, entropy)
}

/// Asks for the addresses of the sockets, one after the other: ports may depend on the order.
pub(super) struct Addresses {
    waiting: VecDeque<SocketId>,
    asking: Option<(SocketId, Query)>,
    seen: Vec<(SocketId, SocketAddr)>,
    entropy: Box<SystemEntropy>,
}

impl Addresses {
    /// Nothing is asked where nobody answers.
    pub(super) fn new(behaviour: &Behaviour, entropy: Box<SystemEntropy>) -> Self {
        let numbers = (0..SOCKETS).map(u16::from).chain(FRESH);
        let waiting = numbers.filter(|_| !behaviour.blocked).map(SocketId::new).collect();
        Self { waiting, asking: None, seen: Vec::new(), entropy }
    }

    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.asking.is_none()
    }

    /// What goes into the ticket.
    pub(super) fn describe(&self, behaviour: &Behaviour, local: SocketAddr) -> Description {
        let mut nat = NatSummary::from(behaviour);
        let port = |number| {
            let seen = self.seen.iter().find(|(socket, _)| *socket == SocketId::new(number));
            seen.map(|(_, address)| address.port())
        };
        if let (Some(Allocation::Sequential), [Some(first), Some(last)]) =
            (behaviour.allocation, FRESH.map(port))
        {
            // At most 16 ports apart, or the NAT would not be said to count.
            let step = i16::from_be_bytes(last.wrapping_sub(first).to_be_bytes());
            nat = nat.latest(last, i8::try_from(step).unwrap_or(1));
        }
        let mut candidates = vec![Candidate::new(CandidateKind::Host, local)];
        candidates.extend(self.seen.iter().filter_map(|(socket, address)| {
            let number = u8::try_from(socket.number()).ok().filter(|number| *number < SOCKETS)?;
            let known = number == 0 && *address == local;
            let candidate = Candidate::new(CandidateKind::Reflexive, *address).of_socket(number);
            (!known).then_some(candidate)
        }));
        Description::new(nat, &candidates)
    }

    fn ask_next(&mut self, now: Instant) {
        let Some((socket, query)) = &self.asking else {
            self.asking = self.waiting.pop_front().map(|socket| {
                (socket, Query::new(now, Question::new(SERVERS[0].into()), &mut *self.entropy))
            });
            return;
        };
        if let Some(outcome) = query.outcome() {
            self.seen.extend(outcome.iter().map(|answer| (*socket, answer.reflexive)));
            self.asking = None;
            self.ask_next(now);
        }
    }
}

impl Machine for Addresses {
    fn receive(&mut self, now: Instant, to: SocketId, from: SocketAddr, datagram: &mut [u8]) {
        if let Some((socket, query)) = &mut self.asking
            && *socket == to
        {
            query.handle_datagram(now, from, datagram, &mut *self.entropy);
        }
    }

    fn tick(&mut self, now: Instant) {
        if let Some((_, query)) = &mut self.asking {
            query.handle_timeout(now);
        }
        self.ask_next(now);
    }

    fn transmit(&mut self, _: Instant, out: &mut Vec<Outgoing>) {
        let Some((socket, query)) = &mut self.asking else { return };
        while let Some((to, payload)) = query.poll_transmit() {
            out.push(Outgoing { socket: *socket, to, ttl: None, payload: payload.to_vec() });
        }
    }

    fn timeout(&mut self) -> Option<Instant> {
        self.asking.as_ref()?.1.poll_timeout()
    }
}
