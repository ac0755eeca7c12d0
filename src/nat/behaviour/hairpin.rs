//! Do two sockets behind the NAT reach each other by their external addresses? (RFC 4787 §6, RFC 5780 §3.4)
//!
//! Both send, so that each lets the other in whatever the filtering: a request that arrives at the other socket is the answer.

use std::net::SocketAddr;

use crate::base::limits::{NAT_HAIRPIN_INTERVAL, NAT_HAIRPIN_SENDS};
use crate::base::{Entropy, Instant};
use crate::nat::socket::{SocketId, Transmit};
use crate::nat::stun::{Builder, Class, Message, Method, StunError, TransactionId};

#[derive(Debug)]
struct End {
    socket: SocketId,
    /// The other end as the outside sees it.
    target: SocketAddr,
    transaction: TransactionId,
    request: Vec<u8>,
    pending: bool,
}

/// The test, as long as it runs.
#[derive(Debug)]
pub(super) struct Hairpin {
    ends: [End; 2],
    sent: u8,
    next: Instant,
    result: Option<bool>,
}

impl Hairpin {
    /// Between two sockets whose external addresses are known.
    pub(super) fn new(
        now: Instant,
        a: (SocketId, SocketAddr),
        b: (SocketId, SocketAddr),
        entropy: &mut dyn Entropy,
    ) -> Result<Self, StunError> {
        let mut end = |socket, target| {
            let transaction = TransactionId::random(entropy);
            let request = Builder::new(Class::Request, Method::BINDING, transaction);
            let request = request.fingerprint().finish()?;
            Ok(End { socket, target, transaction, request, pending: false })
        };
        let ends = [end(a.0, b.1)?, end(b.0, a.1)?];
        let mut hairpin = Self { ends, sent: 0, next: now, result: None };
        hairpin.handle_timeout(now);
        Ok(hairpin)
    }

    /// What was found out, at the end.
    pub(super) fn result(&self) -> Option<bool> {
        self.result
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if now < self.next || self.result.is_some() {
            return;
        }
        if self.sent == NAT_HAIRPIN_SENDS {
            self.result = Some(false);
            return;
        }
        self.sent += 1;
        self.next = now + NAT_HAIRPIN_INTERVAL;
        for end in &mut self.ends {
            end.pending = true;
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.result.is_none().then_some(self.next)
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        let end = self.ends.iter_mut().find(|end| end.pending)?;
        end.pending = false;
        let payload = end.request.clone();
        Some(Transmit { socket: end.socket, destination: end.target, payload })
    }

    /// Returns whether it was one end's request at the other.
    pub(super) fn handle_datagram(&mut self, socket: SocketId, datagram: &[u8]) -> bool {
        let Ok(message) = Message::decode(datagram) else { return false };
        let ours = message.class() == Class::Request
            && self
                .ends
                .iter()
                .any(|end| end.socket != socket && end.transaction == message.transaction());
        if ours {
            self.result = Some(true);
        }
        ours
    }
}
