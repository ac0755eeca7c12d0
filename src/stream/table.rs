//! The streams that are not closed, by id.
//!
//! When a peer uses a stream, all lower ones of its kind are open too (RFC 9000 §3.2). Those it has not used yet are
//! remembered as ranges and cost memory only when somebody touches them.

use rustc_hash::FxHashMap;

use super::counts::PerDirection;
use super::entry::Stream;
use super::flow::Window;
use super::recv::ReceiveHalf;
use super::send::SendHalf;
use crate::base::ranges::RangeSet;
use crate::wire::{Direction, Parameters, Role, StreamId};

/// The open streams.
#[derive(Debug)]
pub(super) struct Table {
    role: Role,
    /// Every packet looks here several times. A peer that wants ids to collide has to open and close thousands of streams for each
    /// that it keeps, and may keep few.
    streams: FxHashMap<StreamId, Box<Stream>>,
    untouched: PerDirection<RangeSet>,
    initial: Initial,
}

/// What a new stream begins with.
#[derive(Debug)]
struct Initial {
    window: u64,
    window_max: u64,
    credit_bidi_local: u64,
    credit_bidi_remote: u64,
    credit_uni: u64,
}

impl Table {
    /// No streams. New ones will have this window.
    pub(super) fn new(role: Role, window: u64, window_max: u64) -> Self {
        let (credit_bidi_local, credit_bidi_remote, credit_uni) = (0, 0, 0);
        Self {
            role,
            streams: FxHashMap::default(),
            untouched: PerDirection::default(),
            initial: Initial {
                window,
                window_max,
                credit_bidi_local,
                credit_bidi_remote,
                credit_uni,
            },
        }
    }

    /// What the peer allows us to send on new streams.
    pub(super) fn on_parameters(&mut self, parameters: &Parameters) {
        // The peer's "remote" streams are those that we open.
        self.initial.credit_bidi_local = parameters.initial_max_stream_data_bidi_remote;
        self.initial.credit_bidi_remote = parameters.initial_max_stream_data_bidi_local;
        self.initial.credit_uni = parameters.initial_max_stream_data_uni;
    }

    /// A stream of ours begins.
    pub(super) fn insert(&mut self, id: StreamId) {
        let stream = self.create(id);
        self.streams.insert(id, stream);
    }

    /// The peer opened all of its streams with these indices.
    pub(super) fn open(&mut self, direction: Direction, indices: std::ops::Range<u64>) {
        self.untouched.get_mut(direction).insert(indices);
    }

    /// A stream that is open.
    pub(super) fn get(&mut self, id: StreamId) -> Option<&mut Stream> {
        if self.is_untouched(id) {
            self.untouched.get_mut(id.direction()).remove(id.index()..id.index() + 1);
            self.insert(id);
        }
        self.streams.get_mut(&id).map(AsMut::as_mut)
    }

    /// A stream that is open and was touched before.
    pub(super) fn look(&self, id: StreamId) -> Option<&Stream> {
        self.streams.get(&id).map(AsRef::as_ref)
    }

    /// The peer opened this stream by using a higher one, and nobody has touched it since.
    pub(super) fn is_untouched(&self, id: StreamId) -> bool {
        id.initiator() != self.role && self.untouched.get(id.direction()).contains(id.index())
    }

    /// A stream is closed.
    pub(super) fn remove(&mut self, id: StreamId) -> Option<Box<Stream>> {
        self.streams.remove(&id)
    }

    /// Gives back memory that holds nothing.
    pub(super) fn rest(&mut self) {
        self.streams.values_mut().for_each(|stream| stream.rest());
        self.streams.shrink_to_fit();
        self.untouched.bidirectional.shrink();
        self.untouched.unidirectional.shrink();
    }

    /// Streams that take up memory.
    pub(super) fn len(&self) -> usize {
        self.streams.len()
    }

    fn create(&self, id: StreamId) -> Box<Stream> {
        let ours = id.initiator() == self.role;
        let initial = &self.initial;
        let receive = || ReceiveHalf::new(Window::new(initial.window, initial.window_max));
        let (send, receive) = match (id.direction(), ours) {
            (Direction::Bidirectional, true) => (Some(initial.credit_bidi_local), Some(receive())),
            (Direction::Bidirectional, false) => {
                (Some(initial.credit_bidi_remote), Some(receive()))
            }
            (Direction::Unidirectional, true) => (Some(initial.credit_uni), None),
            (Direction::Unidirectional, false) => (None, Some(receive())),
        };
        Box::new(Stream::new(id, send.map(SendHalf::new), receive))
    }
}
