//! How a task waits that reads: it sleeps, or keeps a [vigil](super::vigil) before.
//!
//! ```text
//!   Idle ──── has to wait, where vigils are worth it ───▶ Awake
//!     │                                                     │ in vain
//!     └────── has to wait ─────────────────────────────▶ Asleep
//!
//!   Awake, Asleep ──── has it ───▶ Idle
//! ```
//!
//! A thread of a runtime belongs to all its tasks, so a task cannot stay in a loop. One that is awake reads the socket in passing each time that
//! it is polled, and asks to be polled again when others have had their turn. It needs nobody to wake it meanwhile.
//! If it is not polled any more, the socket is read all the same: the worker never leaves it for longer than its
//! [patrol](super::patrol) takes.

use std::task::{Poll, Waker};
use std::thread;

use super::core::Core;
use super::shared::Shared;
use super::wait::Key;
use crate::base::Instant;

/// A wait of a task.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Lookout {
    #[default]
    Idle,
    /// Since then.
    Awake(Instant),
    /// Since then.
    Asleep(Instant),
}

impl Lookout {
    /// Tries. If it has to wait, `waker` is called when it may be worth to try again, or else `again`, which is to have the task polled soon
    /// by all means.
    pub(crate) fn poll<T>(
        &mut self,
        shared: &Shared,
        key: Key,
        waker: &Waker,
        again: fn(&Waker),
        attempt: impl FnOnce(&mut Core, Instant) -> Poll<T>,
    ) -> Poll<T> {
        if !key.reads() {
            return shared.poll(key, waker, attempt);
        }
        let vigil = shared.reception().vigil();
        if let Self::Awake(since) = *self {
            let waited = shared.now() - since;
            if vigil.is_none_or(|length| waited > length) {
                shared.reception().end_vigil(waited);
                *self = Self::Asleep(since);
            }
        }
        let is_awake = match self {
            Self::Idle => vigil.is_some(),
            Self::Awake(_) => true,
            Self::Asleep(_) => false,
        };
        let result = match is_awake {
            true => self.look(shared, attempt),
            false => shared.poll(key, waker, attempt),
        };
        if result.is_ready() {
            self.on_answered(shared);
            return result;
        }
        if let Self::Idle = self {
            let since = shared.now();
            *self = if is_awake { Self::Awake(since) } else { Self::Asleep(since) };
        }
        if is_awake {
            // Who the answer is expected from may be waiting for this processor.
            thread::yield_now();
            again(waker);
        }
        result
    }

    /// Tries, and before it reads the socket in passing: not the first time, when what is waited for may just have been asked for.
    fn look<T>(
        self,
        shared: &Shared,
        attempt: impl FnOnce(&mut Core, Instant) -> Poll<T>,
    ) -> Poll<T> {
        if let Self::Awake(_) = self {
            shared.reception().look_out(shared.guarded());
            shared.work_off();
        }
        shared.with(attempt)
    }

    fn on_answered(&mut self, shared: &Shared) {
        let waited = |since| shared.now() - since;
        match std::mem::take(self) {
            Self::Idle => {}
            Self::Awake(since) => shared.reception().on_found(waited(since)),
            Self::Asleep(since) => shared.reception().on_answered(waited(since)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Wake;
    use std::time::Duration;

    use super::*;
    use crate::crypto::Identity;
    use crate::driver::Topic;
    use crate::driver::start::started;
    use crate::endpoint::Dial;

    /// Longer than any vigil.
    const LONG: Duration = Duration::from_millis(1);

    #[derive(Default)]
    struct Calls(AtomicU32);

    impl Wake for Calls {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// A task that reads, on a connection where nothing happens.
    struct Task {
        shared: Arc<Shared>,
        key: Key,
        lookout: Lookout,
        calls: Arc<Calls>,
    }

    impl Task {
        fn new() -> Self {
            let shared = started();
            let nobody = "127.0.0.1:9".parse().unwrap();
            let dial = Dial::new(Identity::generate().peer_id(), nobody);
            let handle = shared.dial(&dial).unwrap();
            let key = Key::Connection(handle, Topic::DatagramReceived);
            Self { shared, key, lookout: Lookout::default(), calls: Arc::default() }
        }

        fn has_answers(&self) {
            (0..8).for_each(|_| self.shared.reception().on_answered(Duration::ZERO));
        }

        fn poll(&mut self, outcome: Poll<()>) -> Poll<()> {
            let waker = Waker::from(Arc::clone(&self.calls));
            let again = Waker::wake_by_ref;
            self.lookout.poll(&self.shared, self.key, &waker, again, |_, _| outcome)
        }

        fn calls(&self) -> u32 {
            self.calls.0.swap(0, Ordering::SeqCst)
        }

        fn is_left_with_the_driver(&self) -> bool {
            self.shared.look(|core| core.wake(self.key));
            self.shared.with(|_, _| ());
            self.calls() == 1
        }
    }

    impl Drop for Task {
        fn drop(&mut self) {
            self.shared.retire();
        }
    }

    #[test]
    fn where_no_answers_came_soon_it_sleeps() {
        let mut task = Task::new();
        assert!(task.poll(Poll::Pending).is_pending());
        assert!(matches!(task.lookout, Lookout::Asleep(_)));
        assert_eq!(task.calls(), 0);
        assert!(task.is_left_with_the_driver());
        assert!(task.poll(Poll::Ready(())).is_ready());
        assert!(matches!(task.lookout, Lookout::Idle));
    }

    #[cfg(unix)]
    #[test]
    fn on_vigil_it_is_polled_again_and_wakes_nobody() {
        let mut task = Task::new();
        task.has_answers();
        for _ in 0..3 {
            task.lookout = Lookout::default();
            assert!(task.poll(Poll::Pending).is_pending());
            assert!(matches!(task.lookout, Lookout::Awake(_)));
            assert_eq!(task.calls(), 1);
        }
        assert!(!task.is_left_with_the_driver());
        assert!(task.poll(Poll::Ready(())).is_ready());
        assert!(matches!(task.lookout, Lookout::Idle));
    }

    #[test]
    fn after_a_vigil_in_vain_it_sleeps() {
        let mut task = Task::new();
        task.has_answers();
        let long_ago = task.shared.now();
        thread::sleep(LONG);
        task.lookout = Lookout::Awake(long_ago);
        assert!(task.poll(Poll::Pending).is_pending());
        assert!(matches!(task.lookout, Lookout::Asleep(since) if since == long_ago));
        assert_eq!(task.calls(), 0);
        assert!(task.is_left_with_the_driver());
    }

    #[test]
    fn who_writes_has_no_part_in_vigils() {
        let mut task = Task::new();
        task.has_answers();
        task.key = Key::Drained;
        assert!(task.poll(Poll::Pending).is_pending());
        assert!(matches!(task.lookout, Lookout::Idle));
    }

    #[cfg(unix)]
    #[test]
    fn who_has_slept_while_others_keep_vigils_does_not_end_them() {
        let mut task = Task::new();
        task.has_answers();
        task.lookout = Lookout::Asleep(task.shared.now());
        thread::sleep(LONG);
        for _ in 0..4 {
            let asleep = task.lookout;
            assert!(task.poll(Poll::Ready(())).is_ready());
            task.lookout = asleep;
        }
        assert!(task.shared.reception().vigil().is_some());
    }
}
