//! A file on its way through the laboratory, and how it comes in.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tempfile::TempDir;

use crate::stopwatch::now;

/// Bytes per second.
const RATE: u32 = 2_000_000;

/// How long a file takes if nothing happens, in seconds.
const SECONDS: u32 = 10;

/// What has not arrived by then does not arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked how much is there.
const LOOK: Duration = Duration::from_millis(2);

/// A file to send, and where it arrives.
#[derive(Debug)]
pub(crate) struct Transfer {
    from: PathBuf,
    to: PathBuf,
    content: Vec<u8>,
    growth: Arc<Growth>,
    watcher: JoinHandle<()>,
    _directory: TempDir,
}

/// How what has arrived grows.
#[derive(Debug, Default)]
struct Growth {
    size: AtomicU64,
    longest: Mutex<Duration>,
    over: AtomicBool,
}

impl Transfer {
    /// What the network lets through per second.
    pub(crate) const MEGABITS: u32 = RATE / 125_000;

    pub(crate) fn new() -> Self {
        Self::lasting(SECONDS)
    }

    /// One that takes so many seconds if nothing happens.
    pub(crate) fn lasting(seconds: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let [from, to] = ["file", "to"].map(|name| directory.path().join(name));
        let content: Vec<u8> = (0..seconds * RATE / 4)
            .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
            .collect();
        fs::create_dir(&to).unwrap();
        fs::write(&from, &content).unwrap();
        let growth = Arc::new(Growth::default());
        let (watching, place) = (Arc::clone(&growth), to.clone());
        let watcher = thread::spawn(move || watching.watch(&place));
        Self { from, to, content, growth, watcher, _directory: directory }
    }

    /// What is sent.
    pub(crate) fn file(&self) -> &str {
        self.from.to_str().unwrap()
    }

    /// Where it is stored.
    pub(crate) fn place(&self) -> &str {
        self.to.to_str().unwrap()
    }

    /// Waits until more comes in, and returns the longest time since the last call for which nothing did.
    pub(crate) fn interruption(&self) -> Duration {
        let (before, began) = (self.growth.size.load(Ordering::SeqCst), now());
        while self.growth.size.load(Ordering::SeqCst) <= before {
            assert!(began.elapsed() < PATIENCE, "nothing comes in any more");
            thread::sleep(LOOK);
        }
        assert!(!self.stored().exists(), "the file is there already");
        std::mem::take(&mut *self.growth.longest.lock().unwrap())
    }

    fn stored(&self) -> PathBuf {
        self.to.join("file")
    }

    /// It is over: every byte has arrived.
    pub(crate) fn end(self) {
        self.growth.over.store(true, Ordering::SeqCst);
        let stored = self.stored();
        self.watcher.join().unwrap();
        assert!(fs::read(stored).unwrap() == self.content, "other bytes than those sent");
    }
}

impl Growth {
    fn watch(&self, place: &Path) {
        let mut last = None;
        while !self.over.load(Ordering::SeqCst) {
            let found = size_of(place);
            if found > self.size.load(Ordering::SeqCst) {
                // Nothing is awaited before the first byte.
                let before = last.replace(now()).unwrap_or_else(now);
                let mut longest = self.longest.lock().unwrap();
                *longest = longest.max(before.elapsed());
                drop(longest);
                self.size.store(found, Ordering::SeqCst);
            }
            thread::sleep(LOOK);
        }
    }
}

/// Bytes in all files below. What vanishes meanwhile has none.
fn size_of(place: &Path) -> u64 {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
        metadata => metadata.map_or(0, |metadata| metadata.len()),
    });
    sizes.sum()
}
