//! Wakes a thread that sleeps on the socket, and costs nothing while it is awake.
//!
//! ```text
//!            fall_asleep            call: the poll is woken
//!   Awake ───────────────▶ Asleep ──────────────────────────▶ Called
//!     │  ▲───── wake_up ──────┘                                 │ ▲
//!     │  ▲───────────────── wake_up, or fall_asleep fails ──────┘ │
//!     └──────────────────────── call ─────────────────────────────┘
//! ```

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Wake;

const AWAKE: u8 = 0;
const ASLEEP: u8 = 1;
const CALLED: u8 = 2;

pub(super) struct Attention {
    state: AtomicU8,
    poll: mio::Waker,
}

impl Attention {
    /// `poll` wakes the poll that the thread sleeps in.
    pub(super) fn new(poll: mio::Waker) -> Self {
        Self { state: AtomicU8::new(AWAKE), poll }
    }

    /// The thread is about to sleep. False if it was called meanwhile: it should look again instead.
    pub(super) fn fall_asleep(&self) -> bool {
        let fell =
            self.state.compare_exchange(AWAKE, ASLEEP, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if !fell {
            self.wake_up();
        }
        fell
    }

    /// The thread was called while it was awake, and is to look again.
    pub(super) fn is_called(&self) -> bool {
        self.state.load(Ordering::SeqCst) == CALLED
    }

    /// The thread does not sleep any more, and will look again.
    pub(super) fn wake_up(&self) {
        self.state.store(AWAKE, Ordering::SeqCst);
    }

    /// The thread has to look again.
    pub(super) fn call(&self) {
        if self.state.swap(CALLED, Ordering::SeqCst) == ASLEEP {
            // Fails only when the poll is gone, and with it who slept there.
            let _ = self.poll.wake();
        }
    }
}

impl Wake for Attention {
    fn wake(self: Arc<Self>) {
        self.call();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.call();
    }
}

impl fmt::Debug for Attention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attention").field("state", &self.state).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mio::{Events, Poll, Token};

    use super::*;

    fn wakes(poll: &mut Poll) -> bool {
        let mut events = Events::with_capacity(1);
        poll.poll(&mut events, Some(Duration::ZERO)).unwrap();
        !events.is_empty()
    }

    #[test]
    fn only_a_thread_that_sleeps_is_woken() {
        let mut poll = Poll::new().unwrap();
        let attention = Attention::new(mio::Waker::new(poll.registry(), Token(0)).unwrap());
        attention.call();
        assert!(!wakes(&mut poll));
        assert!(attention.is_called());
        assert!(!attention.fall_asleep(), "the call is lost");
        assert!(!attention.is_called());
        assert!(attention.fall_asleep());
        attention.call();
        assert!(wakes(&mut poll));
        attention.wake_up();
        attention.call();
        assert!(!wakes(&mut poll));
    }
}
