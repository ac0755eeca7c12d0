//! TCP connections to the relay, as far as it and its clients care: in order, whole, and late where packets are lost.

use std::collections::BTreeMap;
use std::time::Duration;

use srudp::nat::SocketId;

/// One of them: the host and its number there.
pub(crate) type Tube = (usize, SocketId);

/// What its host sees of it.
#[derive(Debug)]
pub(crate) enum Piece {
    Opened,
    Bytes(Vec<u8>),
    Ended,
}

/// The longest piece: messages are cut anywhere.
const PIECE: usize = 1000;

/// How long it takes until a loss is made good.
const RETRANSMISSION: Duration = Duration::from_millis(200);

/// The open ones, and when something arrives last at the relay and at the host.
#[derive(Default)]
pub(crate) struct Tubes(BTreeMap<Tube, [Duration; 2]>);

/// Where something goes.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Relay,
    Host,
}

impl Tubes {
    pub(crate) fn open(&mut self, tube: Tube) {
        assert!(self.0.insert(tube, [Duration::ZERO; 2]).is_none(), "{tube:?} is open");
    }

    pub(crate) fn close(&mut self, tube: Tube) {
        assert!(self.0.remove(&tube).is_some(), "{tube:?} is not open");
    }

    pub(crate) fn is_open(&self, tube: Tube) -> bool {
        self.0.contains_key(&tube)
    }

    pub(crate) fn all(&self) -> Vec<Tube> {
        self.0.keys().copied().collect()
    }

    /// When something arrives that would be there at `soonest` if it was not lost so often. Nothing overtakes.
    pub(crate) fn arrival(
        &mut self,
        tube: Tube,
        to: End,
        soonest: Duration,
        losses: u32,
    ) -> Option<Duration> {
        let latest = &mut self.0.get_mut(&tube)?[to as usize];
        *latest = (soonest + RETRANSMISSION * losses).max(*latest);
        Some(*latest)
    }
}

/// Bytes as they come out at the other end.
pub(crate) fn pieces(bytes: &[u8]) -> impl Iterator<Item = Piece> {
    bytes.chunks(PIECE).map(|piece| Piece::Bytes(piece.to_vec()))
}
