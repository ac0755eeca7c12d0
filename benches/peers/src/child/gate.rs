//! The moments of a client's job that the runner has to know about.

use std::convert::Infallible;
use std::sync::Mutex;
use std::sync::mpsc::Receiver;
use std::thread;

use anyhow::{Result, anyhow};

use super::control::say;
use crate::order::{Outcome, Say};

/// A job that works never returns: the runner ends the process.
pub(crate) type Never = Infallible;

/// Where a job waits for the runner.
#[derive(Debug)]
pub(crate) struct Gate {
    go: Mutex<Receiver<()>>,
}

impl Gate {
    pub(super) fn new(go: Receiver<()>) -> Self {
        Self { go: Mutex::new(go) }
    }

    /// Everything is prepared: tells the runner, and waits until it has read the meters and lets the job begin.
    pub(crate) fn wait(&self) -> Result<()> {
        say(&Say::Ready);
        let go = self.go.lock().map_err(|_| anyhow!("a thread panicked at the gate"))?;
        Ok(go.recv()?)
    }

    /// The job is done; what it holds should be held on.
    pub(crate) fn done(&self, outcome: Outcome) {
        say(&Say::Done(outcome));
    }
}

/// Keeps everything as it is until the runner ends the process.
pub(crate) fn wait_forever() -> ! {
    loop {
        thread::park();
    }
}

impl Gate {
    /// As [`done`](Self::done), for threads that have nothing else to do.
    pub(crate) fn done_forever(&self, outcome: Outcome) -> ! {
        self.done(outcome);
        wait_forever()
    }
}
