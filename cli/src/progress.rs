//! One line on stderr that overwrites itself, on a terminal only.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::clock;

/// Faster than that nobody reads.
const INTERVAL: Duration = Duration::from_millis(200);

/// The line. It vanishes when it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    terminal: bool,
    written: Option<Instant>,
}

impl Progress {
    /// A line that shows nothing unless stderr is a terminal.
    pub(crate) fn on_terminal() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), written: None }
    }

    /// For pipes: nothing either when the data itself goes through a terminal.
    pub(crate) fn beside_data() -> Self {
        let talk = std::io::stdin().is_terminal() || std::io::stdout().is_terminal();
        Self { terminal: !talk && std::io::stderr().is_terminal(), written: None }
    }

    /// Shows the text, unless the last one is too fresh.
    pub(crate) fn show(&mut self, text: impl FnOnce() -> String) {
        if !self.terminal {
            return;
        }
        let now = clock::now();
        if self.written.is_some_and(|last| now.duration_since(last) < INTERVAL) {
            return;
        }
        self.written = Some(now);
        self.write(&text());
    }

    /// Removes the line, for instance before something else is printed.
    pub(crate) fn clear(&mut self) {
        if self.written.take().is_some() {
            self.write("");
        }
    }

    /// `\r` goes to the start of the line and `ESC [K` erases what was there (ECMA-48). A terminal that is gone is no reason to
    /// stop.
    fn write(&self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        let _ = write!(stderr, "\r{text}\x1b[K").and_then(|()| stderr.flush());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
