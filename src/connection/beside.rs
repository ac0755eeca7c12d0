//! Short datagrams of several connections to one address leave together.
//!
//! Signs of life of thousands of connections fall due at the same time, and so do acknowledgements of what came in one batch. To the
//! operating system it is the same whether the datagrams of a batch are of one connection or of many, so one call sends all of them, and
//! the peer gets all of them with one call if it is one socket there.

use super::{Connection, Share, Transmit};
use crate::base::Instant;

impl Connection {
    /// One more datagram for a batch like this one, no longer than `space`, and its length. Nothing if there is none, or something is to
    /// be sent that could use more: whoever is asked for a datagram of its own after that has lost nothing.
    pub(crate) fn transmit_beside(
        &mut self,
        now: Instant,
        space: &mut [u8],
        batch: &Transmit,
    ) -> Option<usize> {
        let path = self.paths.active();
        let same_way = path.remote() == batch.destination
            && path.local() == batch.source
            && path.ecn() == batch.ecn;
        let is_short = !self.streams.wants_to_send()
            && !self.lists.wants_to_send()
            && !self.datagrams.wants_to_send()
            && !self.local_cids.has_news()
            && !self.peer_cids.wants_to_send()
            && self.acks.is_short();
        if !(self.lifetime.is_open() && self.establish.is_none() && same_way && is_short) {
            return None;
        }
        // What is so short waits for nobody's turn.
        self.share = Share::Own;
        self.awaits_turn = false;
        let sent = self.transmit_batch(now, space, 1)?.size;
        self.counters.batches_sent += 1;
        Some(sent)
    }
}
