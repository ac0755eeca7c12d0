//! A port that several workers have in common: which datagrams are whose (SPEC §7.5).
//!
//! The kernel brings most of them to the worker whose connections they are for. These it does not:
//!
//! * those behind the first one of a batch, which comes to one socket as a whole;
//! * handshakes of peers that another worker dials at the same time, or searches for;
//! * stateless resets, whose ids are random;
//! * what comes while sockets are bound or replaced.
//!
//! Whoever has read them does with them what their worker would do, in its stead: there is no queue between workers, and nothing is lost.
//!
//! Lock order: the seat of one worker, then transmitter or core of any. Nobody holds two cores.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;

use super::socket::Socket;
use crate::base::limits::RESET_MAX;
use crate::endpoint::Received;
use crate::wire::Shard;
use crate::wire::shard::is_first_message;

/// A worker, as those see it that have read what may be for it.
pub(super) trait Neighbour: Send + Sync {
    /// Whether the first message of a handshake belongs to something that this worker has begun (SPEC §5.6).
    fn expects(&self, remote: SocketAddr, message: &[u8]) -> bool;

    /// Takes datagrams that name this worker. Returns whether any belonged to nothing there.
    fn take_in(&self, received: Received<'_>) -> bool;

    /// Takes what may be resets of connections of this worker.
    fn take_resets(&self, received: Received<'_>);
}

/// All workers of a port.
#[derive(Default)]
pub(super) struct Group {
    members: OnceLock<Vec<Weak<dyn Neighbour>>>,
    /// All sockets stay as long as one of their workers does: the filter knows them by number.
    sockets: Mutex<Vec<Arc<Socket>>>,
}

/// The port as one of its workers sees it.
pub(super) struct Port {
    own: Shard,
    group: Arc<Group>,
}

impl Group {
    /// These are its workers, by number. Until then each takes all that it reads for its own.
    pub(super) fn introduce(&self, members: Vec<Weak<dyn Neighbour>>) {
        // Nobody says so twice.
        let _ = self.members.set(members);
    }

    pub(super) fn keep(&self, sockets: Vec<Arc<Socket>>) {
        *self.sockets.lock() = sockets;
    }

    fn member(&self, number: u8) -> Option<Arc<dyn Neighbour>> {
        self.members.get()?.get(usize::from(number))?.upgrade()
    }

    fn size(&self) -> u8 {
        self.members.get().map_or(0, |members| u8::try_from(members.len()).unwrap_or(u8::MAX))
    }
}

impl Port {
    pub(super) fn new(own: Shard, group: &Arc<Group>) -> Self {
        Self { own, group: Arc::clone(group) }
    }

    pub(super) fn group(&self) -> &Group {
        &self.group
    }

    /// Gives datagrams to whom they are for; `own` takes those for this worker, and returns whether any belonged to nothing.
    pub(super) fn sort(&self, received: Received<'_>, mut own: impl FnMut(Received<'_>) -> bool) {
        let Received { remote, local, ecn, segment_size, data } = received;
        let segment_size = segment_size.max(1);
        let mut rest = data;
        while !rest.is_empty() {
            let (number, length) = self.next(remote, rest, segment_size);
            let (data, later) = rest.split_at_mut(length);
            rest = later;
            let mine = Received { remote, local, ecn, segment_size, data: &mut *data };
            let is_left = match self.group.member(number) {
                Some(other) if number != self.own.index() => other.take_in(mine),
                _ => own(mine),
            };
            // Resets are short, and so nobody has to look at data that comes late.
            if is_left && segment_size.min(data.len()) <= RESET_MAX {
                for other in self.others(number) {
                    let same = Received { remote, local, ecn, segment_size, data: &mut *data };
                    other.take_resets(same);
                }
            }
        }
    }

    /// For whom the first datagram is, and how many bytes for the same worker stand in front.
    fn next(&self, remote: SocketAddr, data: &[u8], segment: usize) -> (u8, usize) {
        let mut datagrams = data.chunks(segment);
        let first = datagrams.next().unwrap_or_default();
        let number = self.own.addressee(first);
        if is_first_message(first) {
            return (self.host(remote, first, number), first.len());
        }
        let like = |other: &&[u8]| !is_first_message(other) && self.own.addressee(other) == number;
        (number, first.len() + datagrams.take_while(like).map(<[u8]>::len).sum::<usize>())
    }

    /// Who answers the first message of a handshake: whoever expects it, or else whom it names.
    fn host(&self, remote: SocketAddr, message: &[u8], named: u8) -> u8 {
        let expects = |number: &u8| {
            self.group.member(*number).is_some_and(|member| member.expects(remote, message))
        };
        [named].into_iter().chain(0..self.group.size()).find(expects).unwrap_or(named)
    }

    fn others(&self, than: u8) -> impl Iterator<Item = Arc<dyn Neighbour>> + '_ {
        let numbers = (0..self.group.size()).filter(move |number| *number != than);
        numbers.filter_map(|number| self.group.member(number))
    }
}

#[cfg(test)]
mod tests;
