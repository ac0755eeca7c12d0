//! Connections to one address that is very near take turns.
//!
//! Between processes of a host, or hosts of a rack, a path holds next to nothing: what its connections have in flight beyond a few
//! batches lies in the receive buffer of one socket. Each for itself keeps at least a few packets there. A thousand of them fill that
//! buffer, lose what it has no room for, and send so little at a time that everything that a batch costs is paid per packet.
//!
//! So, of two connections or more to such an address, those that have data wait while all together have enough in flight. Then the first
//! that waits has its turn: a few batches, one behind the other, so that here a thread that writes and there one that reads is woken for
//! all of them, and one acknowledgement tells of them. Their windows may be smaller than that. What all windows allow together is much
//! more than what is in flight, and the others lend it theirs; never is more in flight than they allow together. Nor is it paced: what it has
//! measured of the path, a round trip while many began at once, says nothing of what it may send while the others are silent.
//!
//! What those that wait write lies in their buffers until their turns, and of a thousand buffers none is in a cache any more by then. So a
//! writer whose buffer is full waits until few are before its connection: those are called up, and no others. One that has not come by
//! then, as a thread may that has to wait for a processor, makes a short turn. Its connection is owed one: it waits behind those that are
//! called up, and not behind all.
//!
//! ```text
//!           has data, but there is no room, or others wait            room, and it is the first
//!   Free ───────────────────────────────────────────────▶ Waiting ──────────────────────────────▶ Called
//!    ▲ │                                                                                            ▲ │
//!    │ └──────────────────────── has data, and there is room, and nobody waits ─────────────────────┘ │
//!    └──────────────────────────── has sent all that it may, or all that it has ──────────────────────┘
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use slab::Slab;

use crate::base::limits::{BATCH_MAX, TURN, TURN_WINDOW, TURNS_AHEAD, TURNS_IN_FLIGHT};
use crate::connection::Share;

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
    /// What congestion control allows all of them to have in flight.
    windows: u64,
    /// One of them has measured that the address is near.
    is_near: bool,
    /// Somebody has its turn, and has sent so many bytes in it.
    is_taken: bool,
    sent: u64,
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
    window: u64,
    place: Place,
    /// It waits, and its turn comes soon.
    is_called_up: bool,
    /// Its last turn was short, for a writer was late.
    is_owed: bool,
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
    pub(super) window: u64,
    pub(super) is_near: bool,
}

impl Part {
    /// The crowd that it belongs to, for [`Turns::next`].
    pub(super) fn crowd(&self) -> Option<usize> {
        self.crowd
    }

    /// Few are before it: its writers are to be ready.
    pub(super) fn call_up(&mut self) {
        self.is_called_up = self.place == Place::Waiting;
    }
}

impl Turns {
    /// What the connection may send now.
    pub(super) fn share(&mut self, part: &mut Part) -> Share {
        let crowd = part.crowd.and_then(|at| self.crowds.get_mut(at));
        let Some(crowd) = crowd.filter(|crowd| crowd.takes_turns()) else {
            return Share::Own;
        };
        if part.place == Place::Free && crowd.is_open() {
            crowd.begin_turn(part);
        }
        match part.place {
            Place::Called if crowd.has_windows() => Share::Lent,
            Place::Called => Share::Own,
            Place::Free | Place::Waiting => Share::Nothing,
        }
    }

    /// Bytes that are left of the connection's turn, if others wait for theirs.
    pub(super) fn left(&self, part: &Part) -> Option<u64> {
        let crowd = part.crowd.and_then(|at| self.crowds.get(at))?;
        let is_awaited = part.place == Place::Called && !crowd.waiting.is_empty();
        is_awaited.then(|| TURN.saturating_sub(crowd.sent))
    }

    /// The connection was asked for a batch, which has so many bytes; a writer may be late for it. Returns whether its turn goes on.
    pub(super) fn on_sent(&mut self, part: &mut Part, bytes: usize, is_late: bool) -> bool {
        let crowd = part.crowd.and_then(|at| self.crowds.get_mut(at));
        let Some(crowd) = crowd.filter(|_| part.place == Place::Called) else {
            return false;
        };
        crowd.sent = crowd.sent.saturating_add(bytes as u64);
        let is_batch = bytes as u64 >= BATCH_MAX / 2;
        let goes_on = is_batch && crowd.sent < TURN;
        if !goes_on {
            part.place = Place::Free;
            part.is_owed = is_late && !is_batch;
            crowd.is_taken = false;
        }
        goes_on
    }

    /// The connection has data and may not send it.
    pub(super) fn wait(&mut self, index: u32, part: &mut Part) {
        let crowd = part.crowd.and_then(|at| self.crowds.get_mut(at));
        if let (Place::Free, Some(crowd)) = (part.place, crowd) {
            let is_owed = std::mem::take(&mut part.is_owed);
            let behind_all = crowd.waiting.len();
            let at = if is_owed { behind_all.min(TURNS_AHEAD) } else { behind_all };
            crowd.waiting.insert(at, index);
            part.place = Place::Waiting;
            part.is_called_up = is_owed || at < TURNS_AHEAD;
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
            crowd.windows = (crowd.windows + load.window).saturating_sub(part.window);
            crowd.is_near |= load.is_near;
            (part.in_flight, part.window) = (load.in_flight, load.window);
        }
    }

    fn join(&mut self, remote: SocketAddr) -> usize {
        let at = *self.by_address.entry(remote).or_insert_with(|| {
            self.crowds.insert(Crowd {
                remote,
                members: 0,
                in_flight: 0,
                windows: 0,
                is_near: false,
                is_taken: false,
                sent: 0,
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
        let Part { crowd, in_flight, window, place, .. } = std::mem::take(part);
        let Some(at) = crowd else { return };
        let Some(crowd) = self.crowds.get_mut(at) else { return };
        crowd.members -= 1;
        crowd.in_flight = crowd.in_flight.saturating_sub(in_flight);
        crowd.windows = crowd.windows.saturating_sub(window);
        crowd.is_taken &= place != Place::Called;
        if crowd.members == 0 {
            self.by_address.remove(&crowd.remote);
            self.crowds.remove(at);
        }
    }

    /// Who comes next in this crowd, if there is room. It has to be [called](Self::call); if it does not wait any more, ask again.
    pub(super) fn next(&mut self, crowd: usize) -> Option<u32> {
        let crowd = self.crowds.get_mut(crowd)?;
        if crowd.has_room() || !crowd.takes_turns() { crowd.waiting.pop_front() } else { None }
    }

    /// Who has come to be among the next ones since [`Self::next`] returned somebody. It has to be [called up](Part::call_up).
    pub(super) fn newly_ahead(&self, crowd: usize) -> Option<u32> {
        self.crowds.get(crowd)?.waiting.get(TURNS_AHEAD - 1).copied()
    }

    /// The connection shares what may be in flight with others.
    pub(super) fn takes_turns(&self, part: &Part) -> bool {
        part.crowd.and_then(|at| self.crowds.get(at)).is_some_and(Crowd::takes_turns)
    }

    /// It is long until the connection's next turn.
    pub(super) fn is_far(&self, part: &Part) -> bool {
        let crowd = part.crowd.and_then(|at| self.crowds.get(at));
        !part.is_called_up
            && crowd.is_some_and(|crowd| crowd.takes_turns() && crowd.waiting.len() > TURNS_AHEAD)
    }

    /// The connection is called: if it waits still, it has its turn.
    pub(super) fn call(&mut self, part: &mut Part) -> bool {
        let crowd = part.crowd.and_then(|at| self.crowds.get_mut(at));
        match crowd {
            Some(crowd) if part.place == Place::Waiting => {
                crowd.begin_turn(part);
                true
            }
            _ => false,
        }
    }
}

impl Crowd {
    fn takes_turns(&self) -> bool {
        self.is_near && self.members > 1
    }

    /// Nobody has to wait, and nobody does.
    fn is_open(&self) -> bool {
        self.has_room() && self.waiting.is_empty()
    }

    /// Their windows leave room for a whole turn.
    fn has_windows(&self) -> bool {
        self.in_flight.saturating_add(TURN_WINDOW) <= self.windows
    }

    fn has_room(&self) -> bool {
        !self.is_taken && self.in_flight < TURNS_IN_FLIGHT
    }

    fn begin_turn(&mut self, part: &mut Part) {
        (self.is_taken, self.sent) = (true, 0);
        (part.place, part.is_called_up) = (Place::Called, false);
    }
}

#[cfg(test)]
mod tests;
