//! Full packets of one stream in a row: a bulk transfer is nothing else. What is the same for all of them is asked, and told, once.
//!
//! They are the packets that would have been built one by one: as long as more data waits than they take, and nobody has anything else
//! to say, there is nothing to decide between them.

use super::Connection;
use super::send::frames_of;
use crate::base::Instant;
use crate::vocab::{PacketBuilder, SentPacket};

impl Connection {
    /// Builds such packets at the start of `buffer`, `size` bytes each, at most so many, and no more bytes than there is room for.
    /// Returns how many.
    pub(super) fn build_run(
        &mut self,
        now: Instant,
        buffer: &mut [u8],
        size: usize,
        room: u64,
        most: usize,
    ) -> usize {
        let room = usize::try_from(room).unwrap_or(usize::MAX).min(self.credit());
        let most = room.checked_div(size).unwrap_or(0).min(most);
        if most == 0 {
            return 0;
        }
        if self.others_want_to_send() || self.acks.is_due(now) || self.acks.has_news() {
            return 0;
        }
        let Some(mut run) = self.streams.begin_run() else { return 0 };
        let (patience, destination) = (self.patience(), self.peer_cids.active());
        let mut built = 0;
        for space in buffer.chunks_exact_mut(size).take(most) {
            let Some(frames) = frames_of(space) else { break };
            let mut packet = PacketBuilder::new(frames);
            let Some(unsent) = self.streams.fill_run(&mut run, &mut packet) else { break };
            let (length, _, records) = packet.finish();
            let number = self.recovery.next_number();
            if self.seal_as(number, destination, space, length) != Some(size) {
                break;
            }
            let path = self.paths.active_mut();
            let in_flight = self.recovery.in_flight_on(path.id());
            let is_last = patience.is_some_and(|patience| patience.keeps(unsent, in_flight));
            let stamp = path.on_sent_in_run(now, size, in_flight, is_last);
            let sent = SentPacket {
                sent_at: now,
                size: u32::try_from(size).unwrap_or(u32::MAX),
                path: path.id(),
                ack_eliciting: true,
                mtu_probe: false,
                ecn_marked: path.ecn().is_some(),
                stamp,
                records,
            };
            self.recovery.on_sent(number, sent);
            built += 1;
        }
        self.streams.end_run(&run);
        if built > 0 {
            self.paths.active_mut().on_run_sent(now, built * size);
            self.idle.on_sent(now, true);
            self.counters.datagrams_sent(built, built * size);
            self.ack_only_streak = 0;
        }
        built
    }
}
