//! A network in which each node has a second address, which leads there by another way.

use std::net::SocketAddr;
use std::time::Duration;

use srudp::proto::Instant;

use super::{Datagram, Network, address};

/// An address that is no node's own.
pub(crate) fn elsewhere(number: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 9, number], 5000))
}

/// Two ways between two nodes: one by their own addresses, and one by aliases of both.
pub(crate) struct TwoWays {
    /// Which of them carries something.
    pub(crate) works: [bool; 2],
    pub(crate) carried: [usize; 2],
    delay: Duration,
}

pub(crate) const ALIASES: [u8; 2] = [1, 2];

impl TwoWays {
    pub(crate) fn new(delay: Duration, works: [bool; 2]) -> Self {
        Self { works, carried: [0; 2], delay }
    }
}

impl Network for TwoWays {
    fn carry(&mut self, now: Instant, mut datagram: Datagram, out: &mut Vec<(Instant, Datagram)>) {
        let alias = ALIASES.iter().position(|number| elsewhere(*number) == datagram.to);
        let way = usize::from(alias.is_some());
        self.carried[way] += 1;
        if !self.works[way] {
            return;
        }
        if let Some(to) = alias {
            datagram.from = elsewhere(ALIASES[1 - to]);
            datagram.to = address(to);
        }
        out.push((now + self.delay, datagram));
    }
}
