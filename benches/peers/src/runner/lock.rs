//! Turns with those who share the machine: files that are locked while a round runs.

use std::env;
use std::fs::File;

/// Their names, separated by commas. Locked in this order, by `flock` where that exists.
const VARIABLE: &str = "PEERS_LOCK";

/// Nobody else who asks for these files measures or computes until this is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _files: Vec<File>,
}

impl Lock {
    /// Waits for all files. One that cannot be locked is no reason not to measure.
    pub(super) fn acquire() -> Self {
        let names = env::var(VARIABLE).unwrap_or_default();
        let lock = |name: &str| {
            let file = File::options().append(true).create(true).open(name).ok()?;
            file.lock().ok()?;
            Some(file)
        };
        Self { _files: names.split(',').filter_map(lock).collect() }
    }
}
