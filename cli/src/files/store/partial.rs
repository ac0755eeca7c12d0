//! A file on its way: its verified prefix, its writes, and the step to its place.

use std::fs::{File, FileTimes};
use std::io;
use std::os::unix::fs::FileExt;
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use super::claims::Claim;
use super::refuse_io;
use crate::files::dir::{Dir, make_executable};
use crate::files::hash;
use crate::files::message::{Digest, Modified, Offer, Reason, Refusal};

/// Where a partial file is, and where it goes.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) partials: Dir,
    pub(super) file_name: String,
    pub(super) folder: Dir,
    pub(super) name: String,
    pub(super) overwrite: bool,
}

#[derive(Debug)]
pub(in super::super) struct Partial {
    claim: Claim,
    place: Place,
    size: u64,
    modified: Modified,
    executable: bool,
    /// Bytes that are written, and hashed in `hasher`.
    length: u64,
    hasher: Sha256,
}

impl Partial {
    /// Hashes what is there of an earlier transfer, and makes sure that the rest has room.
    pub(super) fn open(claim: Claim, place: Place, offer: &Offer<'_>) -> Result<Self, Refusal> {
        let there = claim.file().metadata().map_err(|error| refuse_io(&error))?.len();
        let (length, hasher) = if there > offer.size {
            (0, Sha256::new())
        } else {
            hash::of(claim.file(), there).map_err(|error| refuse_io(&error))?
        };
        let (size, modified, executable) = (offer.size, offer.modified, offer.executable);
        let partial = Self { claim, place, size, modified, executable, length, hasher };
        // Better now than after hours; `write` notices when the room goes in between.
        let free = partial.place.partials.free_bytes().unwrap_or(u64::MAX);
        if size.saturating_sub(length) > free {
            return Err(partial.no_space());
        }
        Ok(partial)
    }

    /// The prefix from which the transfer can go on.
    pub(in super::super) fn prefix(&self) -> (u64, Digest) {
        (self.length, self.hasher.clone().finalize().into())
    }

    /// The sender's choice: to go on after the prefix, or to begin anew.
    pub(in super::super) fn begin(&mut self, offset: u64) -> Result<(), Refusal> {
        if offset != self.length && offset != 0 {
            return Err(Refusal::new(Reason::Protocol, "an offset that was not offered"));
        }
        if offset == 0 { self.discard() } else { Ok(()) }
    }

    /// Forgets what was written.
    pub(in super::super) fn discard(&mut self) -> Result<(), Refusal> {
        let current = self.claim.current().ok_or_else(superseded)?;
        self.claim.file().set_len(0).map_err(|error| refuse_io(&error))?;
        drop(current);
        self.length = 0;
        self.hasher = Sha256::new();
        Ok(())
    }

    pub(in super::super) fn write(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let end = self.length.checked_add(bytes.len() as u64).filter(|end| *end <= self.size);
        let end = end.ok_or_else(|| Refusal::new(Reason::Protocol, "more data than offered"))?;
        let current = self.claim.current().ok_or_else(superseded)?;
        let written = self.claim.file().write_all_at(bytes, self.length);
        drop(current);
        written.map_err(|error| self.refuse_write(&error))?;
        self.hasher.update(bytes);
        self.length = end;
        Ok(())
    }

    /// Verifies the whole file and moves it to its place.
    pub(in super::super) fn finish(&mut self, whole: &Digest) -> Result<(), Refusal> {
        if self.length != self.size {
            return Err(Refusal::new(Reason::Protocol, "less data than offered"));
        }
        let (_, digest) = self.prefix();
        if digest != *whole {
            self.discard()?;
            return Err(Refusal::new(Reason::Checksum, ""));
        }
        let current = self.claim.current().ok_or_else(superseded)?;
        let file = self.claim.file();
        if self.executable {
            make_executable(file).map_err(|error| refuse_io(&error))?;
        }
        set_modified(file, self.modified);
        file.sync_all().map_err(|error| self.refuse_write(&error))?;
        let Place { partials, file_name, folder, name, overwrite } = &self.place;
        partials.place(file_name, folder, name, *overwrite).map_err(|error| refuse_move(&error))?;
        current.placed();
        Ok(())
    }

    fn refuse_write(&self, error: &io::Error) -> Refusal {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => self.no_space(),
            _ => refuse_io(error),
        }
    }

    fn no_space(&self) -> Refusal {
        let rest = self.size.saturating_sub(self.length);
        let free = self.place.partials.free_bytes().unwrap_or(0);
        let text = format!("{rest} bytes are missing, {free} are free");
        // A quota is not seen in what is free.
        let needed = if free < rest { rest - free } else { rest };
        Refusal::space(needed, text)
    }
}

fn superseded() -> Refusal {
    Refusal::new(Reason::Superseded, "")
}

/// The name was free when the transfer began.
fn refuse_move(error: &io::Error) -> Refusal {
    match error.kind() {
        io::ErrorKind::AlreadyExists
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::DirectoryNotEmpty => {
            Refusal::new(Reason::Exists, "by something that came in the meantime")
        }
        _ => refuse_io(error),
    }
}

/// A time that the system does not know is no reason to lose a file.
fn set_modified(file: &File, modified: Modified) {
    let seconds = Duration::from_secs(modified.seconds.unsigned_abs());
    let whole = if modified.seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(seconds)
    } else {
        SystemTime::UNIX_EPOCH.checked_add(seconds)
    };
    let nanoseconds = Duration::from_nanos(u64::from(modified.nanoseconds));
    if let Some(time) = whole.and_then(|time| time.checked_add(nanoseconds)) {
        let _ = file.set_times(FileTimes::new().set_modified(time));
    }
}
