//! Packets that are full of one stream's new data, one after the other, while there is more than they take.
//!
//! Between them nothing changes but how much is left: what the lists, the credit and the writer have to hear, they hear at the end.

use super::Streams;
use super::agenda::Lane;
use crate::vocab::PacketBuilder;
use crate::wire::StreamId;

/// The stream whose turn it is.
#[derive(Debug)]
pub(crate) struct Run {
    id: StreamId,
    /// Bytes that leave it and the connection with more to send, less one.
    plenty: u64,
    /// Bytes until another stream has its turn.
    turn: u64,
    /// Bytes of all streams that wait to be sent.
    unsent: u64,
    written: u64,
}

impl Streams {
    /// The stream that sends next, if all there is to send is new data. [`Self::end_run`] has to follow.
    pub(crate) fn begin_run(&mut self) -> Option<Run> {
        if self.is_held || self.wants_control() || self.agenda.wants_without_credit() {
            return None;
        }
        let id = self.agenda.first(Lane::Fresh)?;
        let stream = self.table.get(id)?;
        let (ticket, send) = (stream.listed.fresh?, stream.send.as_ref()?);
        let plenty = send.fresh().min(self.credit.available());
        let turn = self.agenda.turn(ticket);
        Some(Run { id, plenty, turn, unsent: self.agenda.unsent(), written: 0 })
    }

    /// Fills the packet. Returns how many bytes of all streams wait behind it; `None` if a packet that is full would leave nothing, or
    /// another stream has its turn.
    pub(crate) fn fill_run(
        &mut self,
        run: &mut Run,
        packet: &mut PacketBuilder<'_>,
    ) -> Option<u64> {
        let left = run.plenty.saturating_sub(run.written);
        if run.written >= run.turn || left <= packet.room() as u64 {
            return None;
        }
        let send = self.table.get(run.id)?.send.as_mut()?;
        run.written += send.fill_full(run.id, packet)?;
        Some(run.unsent.saturating_sub(run.written))
    }

    /// Everybody hears what was sent.
    pub(crate) fn end_run(&mut self, run: &Run) {
        let &Run { id, written, .. } = run;
        if written == 0 {
            return;
        }
        let Some(stream) = self.table.get(id) else { return };
        let Some(send) = &mut stream.send else { return };
        send.spend(written);
        let backlog = send.backlog();
        self.agenda.served(Lane::Fresh, stream, written);
        self.credit.spend(written);
        self.wake(id, backlog);
    }
}
