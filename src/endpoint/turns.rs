//! Connections to one address that is very near take turns.
//!
//! Between processes of a host, or hosts of a rack, a path holds next to nothing: what its connections have in flight beyond a few
//! batches lies in the receive buffer of one socket. Each for itself keeps at least a few packets there. A thousand of them fill that
//! buffer, lose what it has no room for, and send so little at a time that everything that a batch costs is paid per packet.
//!
//! So, of two connections or more to such an address, those that have data wait while all together have enough in flight. Then the first
//! that waits sends a batch. That is less than each of them was allowed, never more.
//!
//! ```text
//!           has data, but there is no room, or others wait            room, and it is the first
//!   Free ───────────────────────────────────────────────▶ Waiting ──────────────────────────────▶ Called
//!     ▲                                                                                              │
//!     └──────────────────────────────────── asked for a batch ───────────────────────────────────────┘
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use slab::Slab;

use crate::base::limits::TURNS_IN_FLIGHT;

/// All addresses with connections.
#[derive(Debug, Default)]
pub(super) struct Turns {
    crowds: Slab<Crowd>,
    by_address: BTreeMap<SocketAddr, usize>,
}

/// The connections to one address.
#[derive(Debug)]
struct Crowd {
    remote: SocketAddr,
    members: usize,
    in_flight: u64,
    /// One of them has measured that the address is near.
    is_near: bool,
    /// Those that wait, and some that do not any more.
    waiting: VecDeque<u32>,
}

/// The part that a connection takes in this; kept by its slot.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// The crowd that it belongs to.
    crowd: Option<usize>,
    /// With how many bytes it is counted there.
    in_flight: u64,
    place: Place,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Free,
    Waiting,
    Called,
}

/// What a connection says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    pub(super) remote: SocketAddr,
    pub(super) in_flight: u64,
    pub(super) is_near: bool,
}

impl Part {
    /// It is called: if it waits still, it has its turn.
    pub(super) fn call(&mut self) -> bool {
        let is_waiting = self.place == Place::Waiting;
        if is_waiting {
            self.place = Place::Called;
        }
        is_waiting
    }

    /// It was asked for a batch.
    pub(super) fn end_turn(&mut self) {
        if self.place == Place::Called {
            self.place = Place::Free;
        }
    }

    /// The crowd that it belongs to, for [`Turns::next`].
    pub(super) fn crowd(&self) -> Option<usize> {
        self.crowd
    }
}

impl Turns {
    /// The connection may send data now.
    pub(super) fn allows(&self, part: &Part) -> bool {
        let crowd = part.crowd.and_then(|at| self.crowds.get(at));
        crowd.is_none_or(|crowd| match part.place {
            Place::Called => true,
            Place::Free => crowd.is_open(),
            Place::Waiting => !crowd.takes_turns(),
        })
    }

    /// The connection has data and may not send it.
    pub(super) fn wait(&mut self, index: u32, part: &mut Part) {
        let crowd = part.crowd.and_then(|at| self.crowds.get_mut(at));
        if let (Place::Free, Some(crowd)) = (part.place, crowd) {
            part.place = Place::Waiting;
            crowd.waiting.push_back(index);
        }
    }

    /// Something about the connection may have changed.
    pub(super) fn update(&mut self, part: &mut Part, load: Load) {
        let crowd = part.crowd.and_then(|at| self.crowds.get(at));
        if crowd.is_none_or(|crowd| crowd.remote != load.remote) {
            self.leave(part);
            part.crowd = Some(self.join(load.remote));
        }
        if let Some(crowd) = part.crowd.and_then(|at| self.crowds.get_mut(at)) {
            crowd.in_flight = (crowd.in_flight + load.in_flight).saturating_sub(part.in_flight);
            crowd.is_near |= load.is_near;
            part.in_flight = load.in_flight;
        }
    }

    fn join(&mut self, remote: SocketAddr) -> usize {
        let at = *self.by_address.entry(remote).or_insert_with(|| {
            self.crowds.insert(Crowd {
                remote,
                members: 0,
                in_flight: 0,
                is_near: false,
                waiting: VecDeque::new(),
            })
        });
        if let Some(crowd) = self.crowds.get_mut(at) {
            crowd.members += 1;
        }
        at
    }

    /// The connection is over, or goes elsewhere.
    pub(super) fn leave(&mut self, part: &mut Part) {
        let Part { crowd, in_flight, .. } = std::mem::take(part);
        let Some(at) = crowd else { return };
        let Some(crowd) = self.crowds.get_mut(at) else { return };
        crowd.members -= 1;
        crowd.in_flight = crowd.in_flight.saturating_sub(in_flight);
        if crowd.members == 0 {
            self.by_address.remove(&crowd.remote);
            self.crowds.remove(at);
        }
    }

    /// Who comes next in this crowd, if there is room. It has to be [called](Part::call); if it does not wait any more, ask again.
    pub(super) fn next(&mut self, crowd: usize) -> Option<u32> {
        let crowd = self.crowds.get_mut(crowd)?;
        if crowd.has_room() || !crowd.takes_turns() { crowd.waiting.pop_front() } else { None }
    }
}

impl Crowd {
    fn takes_turns(&self) -> bool {
        self.is_near && self.members > 1
    }

    /// Nobody has to wait, and nobody does.
    fn is_open(&self) -> bool {
        !self.takes_turns() || (self.has_room() && self.waiting.is_empty())
    }

    fn has_room(&self) -> bool {
        self.in_flight < TURNS_IN_FLIGHT
    }
}

#[cfg(test)]
mod tests;
