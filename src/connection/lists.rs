//! CANDIDATES: the newest list of where we may be reached is sent until it is acknowledged, the newest one of the peer is kept until
//! somebody takes it (SPEC §8.4).

use std::time::Duration;

use crate::base::Instant;
use crate::base::limits::{CANDIDATES_FRAME_MAX, PUNCH_START_DELAY_MAX};
use crate::vocab::{Fate, PacketBuilder, Record};
use crate::wire::{CandidatesFrame, Frame};

/// What the peer says about itself now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PeerList {
    pub(crate) generation: u64,
    /// The number of our list that it answers; 0 for none.
    pub(crate) answers: u64,
    /// Of an answer: when both sides begin to search.
    pub(crate) start: Instant,
    pub(crate) description: Vec<u8>,
}

#[derive(Debug)]
struct Own {
    answers: u64,
    start: Instant,
    description: Vec<u8>,
    is_pending: bool,
}

#[derive(Debug, Default)]
struct State {
    /// The number of our newest list.
    generation: u64,
    own: Option<Own>,
    /// The number of the peer's newest list.
    seen: u64,
    theirs: Option<PeerList>,
}

/// Both lists. Most connections never have any.
#[derive(Debug, Default)]
pub(crate) struct Lists(Option<Box<State>>);

impl Lists {
    /// Sends this list from now on. An answer names the peer's list, and when both begin. Returns its number.
    pub(crate) fn tell(&mut self, answer: Option<(u64, Instant)>, description: Vec<u8>) -> u64 {
        let state = self.0.get_or_insert_default();
        state.generation += 1;
        let (answers, start) = answer.unwrap_or((0, Instant::ZERO));
        let is_pending = description.len() <= CANDIDATES_FRAME_MAX;
        state.own = Some(Own { answers, start, description, is_pending });
        state.generation
    }

    /// The peer's newest list, once.
    pub(crate) fn take(&mut self) -> Option<PeerList> {
        self.0.as_mut()?.theirs.take()
    }

    pub(crate) fn wants_to_send(&self) -> bool {
        let own = self.0.as_ref().and_then(|state| state.own.as_ref());
        own.is_some_and(|own| own.is_pending)
    }

    pub(crate) fn fill(&mut self, now: Instant, packet: &mut PacketBuilder<'_>) {
        let Some(State { generation, own: Some(own), .. }) = self.0.as_deref_mut() else { return };
        if !own.is_pending {
            return;
        }
        let frame = CandidatesFrame {
            generation: *generation,
            answers: own.answers,
            delay: own.start.saturating_since(now),
            description: &own.description,
        };
        let record = Record::Candidates { generation: *generation };
        own.is_pending = !packet.push_recorded(&Frame::Candidates(frame), record);
    }

    pub(crate) fn on_fate(&mut self, sent: u64, fate: Fate) {
        if let Some(State { generation, own: Some(own), .. }) = self.0.as_deref_mut()
            && fate == Fate::Lost
            && *generation == sent
        {
            own.is_pending = true;
        }
    }

    /// The peer's list has come, `way` being how long it was under way. Returns whether it is news.
    pub(crate) fn on_frame(
        &mut self,
        now: Instant,
        way: Duration,
        list: &CandidatesFrame<'_>,
    ) -> bool {
        let state = self.0.get_or_insert_default();
        if list.generation <= state.seen {
            return false;
        }
        state.seen = list.generation;
        let delay = list.delay.min(PUNCH_START_DELAY_MAX);
        state.theirs = Some(PeerList {
            generation: list.generation,
            answers: list.answers,
            start: now + delay.saturating_sub(way),
            description: list.description.to_vec(),
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Frames;

    const NOW: Instant = Instant::from_nanos(1_000_000_000);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Hands what leaves to the peer, and returns whether it was news there.
    fn send(now: Instant, from: &mut Lists, to: Option<&mut Lists>) -> Option<bool> {
        let mut space = [0; 1000];
        let mut packet = PacketBuilder::new(&mut space);
        from.fill(now, &mut packet);
        let (length, ..) = packet.finish();
        let mut frames = Frames::new(&space[..length]);
        let Some(Ok(Frame::Candidates(list))) = frames.next() else { return None };
        Some(to.is_some_and(|to| to.on_frame(now + ms(20), ms(20), &list)))
    }

    #[test]
    fn the_newest_list_is_sent_until_it_arrives_and_no_other() {
        let [mut a, mut b] = [Lists::default(), Lists::default()];
        assert!(!a.wants_to_send() && b.take().is_none());
        assert_eq!((a.tell(None, vec![1]), a.tell(None, vec![2])), (1, 2));
        assert_eq!(send(NOW, &mut a, None), Some(false));
        assert!(!a.wants_to_send());
        a.on_fate(1, Fate::Lost);
        assert!(!a.wants_to_send(), "it was overtaken");
        a.on_fate(2, Fate::Lost);
        assert_eq!(send(NOW, &mut a, Some(&mut b)), Some(true));
        let list = b.take().unwrap();
        assert_eq!((list.generation, list.answers, list.description), (2, 0, vec![2]));
        a.on_fate(2, Fate::Lost);
        assert_eq!(send(NOW, &mut a, Some(&mut b)), Some(false), "it came already");
        assert!(b.take().is_none());
    }

    #[test]
    fn an_answer_means_the_same_moment_to_both_however_often_it_is_sent() {
        for late in [0, 60, 500] {
            let [mut a, mut b] = [Lists::default(), Lists::default()];
            a.tell(Some((7, NOW + ms(80))), vec![1]);
            send(NOW, &mut a, None);
            a.on_fate(1, Fate::Lost);
            send(NOW + ms(late), &mut a, Some(&mut b));
            let expected = (NOW + ms(80)).max(NOW + ms(late + 20));
            assert_eq!(b.take().map(|list| (list.answers, list.start)), Some((7, expected)));
        }
    }

    #[test]
    fn an_old_list_and_a_far_start_are_not_heeded() {
        let mut lists = Lists::default();
        let list = |generation, delay| {
            let description = &[][..];
            CandidatesFrame { generation, answers: 1, delay, description }
        };
        assert!(lists.on_frame(NOW, ms(0), &list(5, Duration::from_secs(1 << 30))));
        assert!(!lists.on_frame(NOW, ms(0), &list(4, ms(0))));
        assert!(!lists.on_frame(NOW, ms(0), &list(5, ms(0))));
        let kept = lists.take().unwrap();
        assert_eq!((kept.generation, kept.start), (5, NOW + PUNCH_START_DELAY_MAX));
    }
}
