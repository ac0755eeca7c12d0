//! What people see: a line that is drawn again and again on a terminal, and lines about files.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::name::printable;
use crate::clock;

/// Often enough to be alive, rarely enough to cost nothing.
const REDRAW: Duration = Duration::from_millis(200);

/// Goes to the beginning of the line and clears it.
const CLEAR: &str = "\r\x1b[K";

/// Counts bytes, and shows them if standard error is a terminal.
#[derive(Debug)]
pub(super) struct Progress {
    begun: Instant,
    total: AtomicU64,
    done: AtomicU64,
    /// Of `done`, what did not have to be sent: it says nothing about the rate.
    free: AtomicU64,
    terminal: bool,
    verbose: bool,
    drawn: AtomicBool,
    over: Mutex<bool>,
    ended: Condvar,
}

impl Progress {
    pub(super) fn new(verbose: bool) -> Self {
        Self {
            begun: clock::now(),
            total: AtomicU64::new(0),
            done: AtomicU64::new(0),
            free: AtomicU64::new(0),
            terminal: std::io::stderr().is_terminal(),
            verbose,
            drawn: AtomicBool::new(false),
            over: Mutex::new(false),
            ended: Condvar::new(),
        }
    }

    pub(super) fn is_verbose(&self) -> bool {
        self.verbose
    }

    pub(super) fn expect(&self, bytes: u64) {
        let add = |total: u64| Some(total.saturating_add(bytes));
        // It never fails: the sum is always there.
        let _ = self.total.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// So many bytes will not come after all.
    pub(super) fn expect_less(&self, bytes: u64) {
        let subtract = |total: u64| Some(total.saturating_sub(bytes));
        let _ = self.total.fetch_update(Ordering::Relaxed, Ordering::Relaxed, subtract);
    }

    pub(super) fn moved(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes that the other side has already.
    pub(super) fn spared(&self, bytes: u64) {
        self.free.fetch_add(bytes, Ordering::Relaxed);
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Takes back what an attempt counted that did not succeed.
    pub(super) fn undo(&self, moved: u64, spared: u64) {
        self.free.fetch_sub(spared, Ordering::Relaxed);
        self.done.fetch_sub(moved.saturating_add(spared), Ordering::Relaxed);
    }

    /// Says something that everybody has to know.
    pub(super) fn say(&self, text: &str) {
        let clear = if self.drawn.swap(false, Ordering::Relaxed) { CLEAR } else { "" };
        // Nobody reads it any more: that is no reason to stop.
        let _ = writeln!(std::io::stderr(), "{clear}srudp: {}", printable(text));
    }

    /// Says something that only those want to know who asked.
    pub(super) fn note(&self, text: &str) {
        if self.verbose {
            self.say(text);
        }
    }

    /// Shows the progress while `work` goes on.
    pub(super) fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        if !self.terminal {
            return work();
        }
        thread::scope(|scope| {
            scope.spawn(|| self.draw_until_over());
            let result = work();
            *self.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
            self.ended.notify_all();
            result
        })
    }

    fn draw_until_over(&self) {
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        while !*over {
            self.draw();
            let wait = self.ended.wait_timeout(over, REDRAW);
            over = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
        self.draw();
        if self.drawn.swap(false, Ordering::Relaxed) {
            let _ = writeln!(std::io::stderr());
        }
    }

    fn draw(&self) {
        let (done, total) = (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
        if done == 0 && total == 0 {
            return;
        }
        let sent = done.saturating_sub(self.free.load(Ordering::Relaxed));
        let elapsed = clock::now().saturating_duration_since(self.begun);
        let line = line(done, total, sent, elapsed);
        let mut out = std::io::stderr();
        let _ = write!(out, "{CLEAR}{line}").and_then(|()| out.flush());
        self.drawn.store(true, Ordering::Relaxed);
    }
}

/// `45%  1.2 GiB of 2.7 GiB  110.0 MiB/s  0:12 left`.
fn line(done: u64, total: u64, sent: u64, elapsed: Duration) -> String {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = u64::try_from(u128::from(sent) * 1000 / u128::from(millis)).unwrap_or(u64::MAX);
    let percent = u128::from(done.min(total)) * 100 / u128::from(total.max(1));
    let left = total.saturating_sub(done);
    let eta = match left.checked_div(rate) {
        _ if left == 0 => String::new(),
        Some(seconds) => format!("  {} left", clock_time(seconds)),
        None => "  stalled".to_owned(),
    };
    format!("{percent:3}%  {} of {}  {}/s{eta}", size(done), size(total), size(rate))
}

fn clock_time(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let exponent = (bytes.ilog2() / 10).max(1);
    let tenths = (u128::from(bytes) * 10) >> (10 * exponent);
    let unit = UNITS.get(exponent as usize - 1).unwrap_or(&"EiB");
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1024), "1.0 KiB");
        assert_eq!(size(1536 * 1024), "1.5 MiB");
        assert_eq!(size(u64::MAX), "15.9 EiB");
    }

    #[test]
    fn the_time_left_follows_from_what_was_really_sent() {
        let half = line(3 << 20, 4 << 20, 1 << 20, Duration::from_secs(2));
        assert_eq!(half, " 75%  3.0 MiB of 4.0 MiB  512.0 KiB/s  0:02 left");
        assert!(line(0, 10, 0, Duration::ZERO).ends_with("stalled"));
        assert!(line(10, 10, 10, Duration::from_secs(1)).ends_with("/s"));
    }

    #[test]
    fn an_attempt_that_failed_counts_nothing() {
        let progress = Progress::new(false);
        progress.spared(10);
        progress.moved(5);
        progress.undo(5, 10);
        assert_eq!(progress.done.load(Ordering::Relaxed), 0);
        assert_eq!(progress.free.load(Ordering::Relaxed), 0);
    }
}
