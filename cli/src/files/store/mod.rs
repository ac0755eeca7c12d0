//! What a receiver does with an offer, over a directory: refuse, compare, or take and resume.
//!
//! ```text
//!  offer ── unsafe name, name taken, no space ──► Refusal
//!    │ ├─── folder: made ──────────────────────► Plan::Made
//!    │ └─── file of that size in place ────────► Plan::Compare ── same ──► done
//!    │                                                │ different and --overwrite
//!    └────────────────────────────────────────► Plan::Take(Partial)
//!                                                     │ write … finish: verify, fsync, rename
//! ```

mod claims;
mod partial;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;

use rustix::fs::Mode;
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

pub(super) use partial::Partial;

use self::claims::{Claims, Denied, PartialId, lock_file};
use super::dir::{Dir, Found};
use super::hash;
use super::limits::CLAIM_ROUNDS_MAX;
use super::message::{Digest, Offer, Reason, Refusal};
use super::name::{PARTIAL_DIR, Rules, SafePath};

/// The directory that receives.
#[derive(Debug)]
pub(super) struct Store {
    root: Dir,
    claims: Claims,
    overwrite: bool,
}

/// What to do about an offer.
#[derive(Debug)]
pub(super) enum Plan {
    /// The folder is there.
    Made,
    /// A file of that size has the name; its digest.
    Compare(Digest),
    /// The file is wanted, perhaps not from its beginning.
    Take(Box<Partial>),
}

impl Store {
    /// Makes the directory if there is none.
    pub(super) fn open(path: &Path, overwrite: bool) -> io::Result<Self> {
        std::fs::create_dir_all(path)?;
        Ok(Self { root: Dir::open(path)?, claims: Claims::default(), overwrite })
    }

    /// The first answer to an offer.
    pub(super) fn consider(&self, peer: &str, offer: &Offer<'_>) -> Result<Plan, Refusal> {
        let path = checked(offer)?;
        if offer.folder {
            let names = path.as_str().split('/');
            self.root.folders(names).map_err(|error| refuse_place(&error))?;
            return Ok(Plan::Made);
        }
        let (folders, name) = path.split();
        let folder = self.root.folders(folders).map_err(|error| refuse_place(&error))?;
        match folder.find(name).map_err(|error| refuse_place(&error))? {
            Found::Nothing => self.take(peer, offer, &path, folder),
            Found::File { size } if size == offer.size => {
                let file = folder.read(name).map_err(|error| refuse_place(&error))?;
                let (_, hasher) = hash::of(&file, size).map_err(|error| refuse_io(&error))?;
                Ok(Plan::Compare(hasher.finalize().into()))
            }
            Found::File { .. } if self.overwrite => self.take(peer, offer, &path, folder),
            Found::File { size } => {
                Err(Refusal::new(Reason::Exists, format!("by another file of {size} bytes")))
            }
            Found::Folder => Err(Refusal::new(Reason::Exists, "by a folder")),
            Found::Other => Err(Refusal::new(Reason::Exists, "by a link or a special file")),
        }
    }

    /// The answer when the file in place turned out to be another one.
    pub(super) fn replace(&self, peer: &str, offer: &Offer<'_>) -> Result<Box<Partial>, Refusal> {
        if !self.overwrite {
            let text = "by another file of the same size";
            return Err(Refusal::new(Reason::Exists, text));
        }
        let path = checked(offer)?;
        let (folders, _) = path.split();
        let folder = self.root.folders(folders).map_err(|error| refuse_place(&error))?;
        match self.take(peer, offer, &path, folder)? {
            Plan::Take(partial) => Ok(partial),
            Plan::Made | Plan::Compare(_) => Err(Refusal::new(Reason::Busy, "")),
        }
    }

    /// Removes the directory of partial files if none is left.
    pub(super) fn tidy(&self) {
        // Files that were broken off are there to be resumed; then it stays.
        let _ = self.root.remove_empty(PARTIAL_DIR);
    }

    fn take(
        &self,
        peer: &str,
        offer: &Offer<'_>,
        path: &SafePath,
        folder: Dir,
    ) -> Result<Plan, Refusal> {
        let partials = self.partials().map_err(|error| refuse_io(&error))?;
        let id = partial_id(peer, offer);
        let file_name = data_name(&id);
        for _ in 0..CLAIM_ROUNDS_MAX {
            let claim = self.claims.claim(id, || {
                let file = partials.write(&file_name)?;
                lock_file(&file)?;
                // Who had the lock before may have moved the file to its place.
                if partials.leads_to(&file_name, &file)? { Ok(file) } else { Err(Denied::Moved) }
            });
            let claim = match claim {
                Ok(claim) => claim,
                Err(Denied::Moved) => continue,
                Err(Denied::Busy) => return Err(Refusal::new(Reason::Busy, "")),
                Err(Denied::Io(error)) => return Err(refuse_io(&error)),
            };
            let (_, name) = path.split();
            let place = partial::Place {
                partials,
                file_name,
                folder,
                name: name.to_owned(),
                overwrite: self.overwrite,
            };
            return Ok(Plan::Take(Box::new(Partial::open(claim, place, offer)?)));
        }
        Err(Refusal::new(Reason::Busy, "it is moved to its place again and again"))
    }

    fn partials(&self) -> io::Result<Dir> {
        self.root.folder(PARTIAL_DIR, Mode::RWXU)
    }
}

fn checked(offer: &Offer<'_>) -> Result<SafePath, Refusal> {
    SafePath::parse(offer.path, Rules::HERE)
        .map_err(|error| Refusal::new(Reason::Name, error.to_string()))
}

/// Length prefixes keep the parts apart.
fn partial_id(peer: &str, offer: &Offer<'_>) -> PartialId {
    let mut hasher = Sha256::new();
    hasher.update(b"srudp-files/1 partial");
    for part in [peer, offer.path] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.update(offer.size.to_be_bytes());
    hasher.update(offer.modified.seconds.to_be_bytes());
    hasher.update(offer.modified.nanoseconds.to_be_bytes());
    hasher.finalize().into()
}

fn data_name(id: &PartialId) -> String {
    use std::fmt::Write as _;
    id.iter().fold(String::new(), |mut name, byte| {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}

/// The way to the place: what is no folder there has the name of one.
fn refuse_place(error: &io::Error) -> Refusal {
    let is_link = error.raw_os_error() == Some(Errno::LOOP.raw_os_error());
    match error.kind() {
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {}
        _ if is_link => {}
        _ => return refuse_io(error),
    }
    Refusal::new(Reason::Exists, "a folder on the way is a file or a link")
}

fn refuse_io(error: &io::Error) -> Refusal {
    Refusal::new(Reason::Storage, error.to_string())
}
