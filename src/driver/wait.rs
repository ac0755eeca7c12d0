//! Who waits for what. Threads and tasks wait alike: both leave a [`Waker`].
//!
//! A waiter tries, and if it has to wait leaves its waker before the lock is let go; whoever makes an event takes the
//! wakers of it under the same lock and calls them after. So no wakeup is lost, and none runs while the lock is held.
//! All that wait for a thing are woken, and those that come too late wait again; only that of those that wait to accept connections one
//! is woken for each connection, for hundreds may wait. One that was woken and then does not accept has another one woken.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::task::Waker;

use super::crowd::Crowd;
use crate::endpoint::ConnectionHandle;
use crate::wire::{Direction, StreamId};

/// Names one meeting of an endpoint. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct MeetingHandle(pub(super) u64);

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// A connection that a peer has dialled.
    Accept,
    /// Every connection of the endpoint is over.
    AllClosed,
    /// Nothing has to be sent any more.
    Drained,
    /// What there is to tell peers.
    Gathered,
    /// The end of a meeting.
    Meeting(MeetingHandle),
    Connection(ConnectionHandle, Topic),
}

impl Key {
    /// What the peer has sent is waited for.
    pub(super) fn reads(self) -> bool {
        matches!(self, Self::Connection(_, Topic::Readable(_) | Topic::DatagramReceived))
    }
}

/// What is waited for on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Topic {
    /// The end of a dial.
    Established,
    Opened(Direction),
    Available(Direction),
    Readable(StreamId),
    Writable(StreamId),
    Finished(StreamId),
    DatagramReceived,
    DatagramRoom,
    ObservedAddress,
    Route,
    Closed,
}

impl Topic {
    const FIRST: Self = Self::Established;
    const LAST: Self = Self::Closed;
}

/// The waiters of one key; mostly there is one, and it needs no allocation.
#[derive(Debug)]
struct Waiters {
    first: Waker,
    others: Vec<Waker>,
}

impl Waiters {
    fn contain(&self, waker: &Waker) -> bool {
        let waits = |other: &Waker| other.will_wake(waker);
        waits(&self.first) || self.others.iter().any(waits)
    }
}

/// All waiters of an endpoint.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    waiting: BTreeMap<Key, Waiters>,
    ready: Vec<Waker>,
    /// The waker of the thread that reads the socket, if it is a thread that waits.
    reader: Option<Waker>,
    crowd: Crowd,
}

impl Waits {
    /// Whoever leaves this waker reads the socket and so is awake when something happens.
    pub(crate) fn set_reader(&mut self, waker: Waker) {
        self.reader = Some(waker);
    }

    /// Wakes this waker at the next event of the key. A waker that waits already is not added again.
    pub(crate) fn register(&mut self, key: Key, waker: &Waker) {
        match self.waiting.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(Waiters { first: waker.clone(), others: Vec::new() });
            }
            Entry::Occupied(mut entry) => {
                let waiters = entry.get_mut();
                if !waiters.contain(waker) {
                    waiters.others.push(waker.clone());
                }
            }
        }
    }

    /// The owner of this waker does not wait any more.
    pub(crate) fn forget(&mut self, key: Key, waker: &Waker) {
        let Entry::Occupied(mut entry) = self.waiting.entry(key) else { return };
        let waiters = entry.get_mut();
        waiters.others.retain(|other| !other.will_wake(waker));
        if waiters.first.will_wake(waker) {
            match waiters.others.pop() {
                Some(next) => waiters.first = next,
                None => drop(entry.remove()),
            }
        }
    }

    /// Something happened: whoever waits for it is to be woken.
    pub(crate) fn wake(&mut self, key: Key) {
        let Some(mut waiters) = self.waiting.remove(&key) else { return };
        if let Key::Connection(handle, _) = key {
            self.crowd.on_woken(handle);
        }
        self.ready.push(waiters.first);
        self.ready.append(&mut waiters.others);
    }

    /// Those who wait are so many, and are woken in such turns, that none should read for the others.
    pub(crate) fn are_crowded(&self) -> bool {
        self.crowd.is_one(self.waiting.len())
    }

    /// Something happened that one alone can have: best the reader, who is awake, and else the one that came last, whose memory is the
    /// likeliest to be in a cache.
    pub(crate) fn wake_one(&mut self, key: Key) {
        let Some(waiters) = self.waiting.get(&key) else { return };
        let reader = self.reader.as_ref().filter(|reader| waiters.contain(reader));
        let chosen = reader.or(waiters.others.last()).unwrap_or(&waiters.first).clone();
        self.forget(key, &chosen);
        self.ready.push(chosen);
    }

    /// Everything that is waited for on this connection may have happened.
    pub(crate) fn wake_connection(&mut self, handle: ConnectionHandle) {
        let range = Key::Connection(handle, Topic::FIRST)..=Key::Connection(handle, Topic::LAST);
        while let Some((key, _)) = self.waiting.range(range.clone()).next() {
            let key = *key;
            self.wake(key);
        }
    }

    /// Wakes everybody.
    pub(crate) fn wake_all(&mut self) {
        while let Some((key, _)) = self.waiting.first_key_value() {
            let key = *key;
            self.wake(key);
        }
    }

    /// Hands out the wakers to call, once the lock is let go, behind those that are in `into` already.
    pub(crate) fn take_ready(&mut self, into: &mut Vec<Waker>) {
        if into.is_empty() {
            std::mem::swap(&mut self.ready, into);
        } else {
            into.append(&mut self.ready);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn waiter() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count::default());
        (Arc::clone(&count), Waker::from(count))
    }

    fn settle(waits: &mut Waits) {
        let mut ready = Vec::new();
        waits.take_ready(&mut ready);
        ready.into_iter().for_each(Waker::wake);
    }

    fn woken(count: &Count) -> usize {
        count.0.load(Ordering::Relaxed)
    }

    #[test]
    fn all_that_wait_for_the_same_are_woken_once() {
        let mut waits = Waits::default();
        let ((a, a_waker), (b, b_waker)) = (waiter(), waiter());
        waits.register(Key::Accept, &a_waker);
        waits.register(Key::Accept, &a_waker);
        waits.register(Key::Accept, &b_waker);
        waits.wake(Key::Drained);
        settle(&mut waits);
        assert_eq!((woken(&a), woken(&b)), (0, 0));
        waits.wake(Key::Accept);
        waits.wake(Key::Accept);
        settle(&mut waits);
        assert_eq!((woken(&a), woken(&b)), (1, 1));
        assert_eq!(waits.len(), 0);
    }

    #[test]
    fn of_those_that_wait_for_one_thing_one_is_woken_and_the_reader_first() {
        let mut waits = Waits::default();
        let ((a, a_waker), (b, b_waker), (c, c_waker)) = (waiter(), waiter(), waiter());
        waits.set_reader(b_waker.clone());
        for waker in [&a_waker, &b_waker, &c_waker] {
            waits.register(Key::Accept, waker);
        }
        let mut wake = || {
            waits.wake_one(Key::Accept);
            settle(&mut waits);
            (woken(&a), woken(&b), woken(&c))
        };
        assert_eq!(wake(), (0, 1, 0));
        assert_eq!(wake(), (0, 1, 1));
        assert_eq!(wake(), (1, 1, 1));
        assert_eq!(wake(), (1, 1, 1));
        assert_eq!(waits.len(), 0);
    }

    #[test]
    fn connections_that_are_woken_in_turn_are_a_crowd_and_those_that_nobody_waits_for_are_none() {
        let mut waits = Waits::default();
        let (_, waker) = waiter();
        let key = |index| Key::Connection(ConnectionHandle::of(index), Topic::Closed);
        (0..20).for_each(|index| waits.register(key(index), &waker));
        (20..40).for_each(|index| waits.wake(key(index)));
        assert!(!waits.are_crowded());
        (0..8).for_each(|index| waits.wake(key(index)));
        assert!(waits.are_crowded());
        (8..16).for_each(|index| waits.wake(key(index)));
        assert!(!waits.are_crowded(), "few are left");
    }

    #[test]
    fn one_that_gave_up_is_not_woken_and_the_others_are() {
        let mut waits = Waits::default();
        let ((a, a_waker), (b, b_waker), (c, c_waker)) = (waiter(), waiter(), waiter());
        for waker in [&a_waker, &b_waker, &c_waker] {
            waits.register(Key::Accept, waker);
        }
        waits.forget(Key::Accept, &a_waker);
        waits.forget(Key::Accept, &c_waker);
        waits.wake(Key::Accept);
        settle(&mut waits);
        assert_eq!((woken(&a), woken(&b), woken(&c)), (0, 1, 0));
        waits.register(Key::Accept, &a_waker);
        waits.forget(Key::Accept, &a_waker);
        assert_eq!(waits.len(), 0);
    }
}
