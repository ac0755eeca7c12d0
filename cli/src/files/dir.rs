//! Directories by file descriptor, entered name by name and never through a symbolic link.
//!
//! A path that is looked up as a whole can be led elsewhere by whoever exchanges a folder for a link
//! in between. A descriptor cannot, so everything below the directory that receives goes through here.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{self, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

/// What is found under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    File {
        size: u64,
    },
    Folder,
    /// A link, a device, a socket: never touched.
    Other,
}

/// An open directory.
#[derive(Debug)]
pub(super) struct Dir(OwnedFd);

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC).union(OFlags::RDONLY);

impl Dir {
    /// The directory that the user named; links in this path are the user's own.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(fs::open(path, FOLDER, Mode::empty())?))
    }

    /// Another descriptor of this directory.
    pub(super) fn again(&self) -> io::Result<Self> {
        Ok(Self(self.0.try_clone()?))
    }

    /// The folder of this name, made if there is none.
    pub(super) fn folder(&self, name: &str, mode: Mode) -> io::Result<Self> {
        match fs::mkdirat(&self.0, name, mode) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Self(fs::openat(&self.0, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?))
    }

    /// The folder at the end of these names, each made if there is none.
    pub(super) fn folders<'a>(&self, names: impl Iterator<Item = &'a str>) -> io::Result<Self> {
        let mut at = self.again()?;
        for name in names {
            at = at.folder(name, Mode::from_raw_mode(0o777))?;
        }
        Ok(at)
    }

    pub(super) fn find(&self, name: &str) -> io::Result<Found> {
        let stat = match fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(Found::Nothing),
            Err(error) => return Err(error.into()),
        };
        Ok(match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Found::File { size: u64::try_from(stat.st_size).unwrap_or(0) },
            FileType::Directory => Found::Folder,
            _ => Found::Other,
        })
    }

    /// A regular file for reading. A pipe put in its place does not make us wait.
    pub(super) fn read(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        regular(fs::openat(&self.0, name, flags, Mode::empty())?.into())
    }

    /// A regular file for reading and writing, made if there is none.
    pub(super) fn write(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let flags = flags | OFlags::NONBLOCK;
        regular(fs::openat(&self.0, name, flags, Mode::from_raw_mode(0o666))?.into())
    }

    /// The name still leads to this open file.
    pub(super) fn leads_to(&self, name: &str, file: &File) -> io::Result<bool> {
        let open = fs::fstat(file)?;
        match fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(named) => Ok(named.st_ino == open.st_ino && named.st_dev == open.st_dev),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Moves a file to its place in one step, and has both directories on disk afterwards.
    pub(super) fn place(&self, name: &str, to: &Self, as_name: &str, over: bool) -> io::Result<()> {
        if over {
            fs::renameat(&self.0, name, &to.0, as_name)?;
        } else {
            self.rename_new(name, to, as_name)?;
        }
        fs::fsync(&to.0)?;
        fs::fsync(&self.0)?;
        Ok(())
    }

    /// A rename that replaces nothing.
    fn rename_new(&self, name: &str, to: &Self, as_name: &str) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
        {
            use rustix::fs::RenameFlags;
            let moved = fs::renameat_with(&self.0, name, &to.0, as_name, RenameFlags::NOREPLACE);
            match moved {
                // Some file systems (and kernels) know no such rename.
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
                done => return Ok(done?),
            }
        }
        if to.find(as_name)? != Found::Nothing {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Ok(fs::renameat(&self.0, name, &to.0, as_name)?)
    }

    /// Removes an empty folder; one that is not stays.
    pub(super) fn remove_empty(&self, name: &str) -> io::Result<()> {
        Ok(fs::unlinkat(&self.0, name, AtFlags::REMOVEDIR)?)
    }

    /// Bytes that this user may still write to the file system.
    pub(super) fn free_bytes(&self) -> io::Result<u64> {
        let stat = fs::fstatvfs(&self.0)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

/// Lets everybody who may read the file run it.
pub(super) fn make_executable(file: &File) -> io::Result<()> {
    let mode = Mode::from_raw_mode(fs::fstat(file)?.st_mode);
    let run = (mode.bits() & 0o444) >> 2;
    Ok(fs::fchmod(file, mode | Mode::from_raw_mode(run))?)
}

fn regular(file: File) -> io::Result<File> {
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
}
