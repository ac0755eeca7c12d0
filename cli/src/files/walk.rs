//! What a sender sends: the named files and folders, and everything in the folders.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::limits::DEPTH_MAX;
use super::message::{Modified, Offer};
use super::name::{Rules, SafePath};
use super::sending::{Source, changed};

/// One file or folder to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    from: PathBuf,
    path: String,
    size: u64,
    modified: Modified,
    executable: bool,
    folder: bool,
}

/// The result of a walk.
#[derive(Debug, Default)]
pub(super) struct Walk {
    items: Vec<Item>,
    /// Links and special files: left out, which is said, and is no failure.
    left_out: Vec<String>,
    /// What could not be looked at.
    failed: Vec<String>,
    names: BTreeSet<String>,
}

impl Walk {
    /// Looks at every path that the user named.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let mut walk = Self::default();
        for path in paths {
            walk.root(path);
        }
        walk
    }

    pub(super) fn into_parts(self) -> (Vec<Item>, Vec<String>, Vec<String>) {
        (self.items, self.left_out, self.failed)
    }

    fn root(&mut self, path: &Path) {
        let name = match top_name(path) {
            Ok(name) => name,
            Err(error) => return self.fail(path, &error),
        };
        if !self.names.insert(name.clone()) {
            let text = format!("something else is sent as {name:?} already; send it separately");
            return self.fail(path, &io::Error::other(text));
        }
        let (left_out, items) = (self.left_out.len(), self.items.len());
        self.visit(path, name);
        // What was asked for by name must not go missing quietly.
        if self.items.len() == items {
            self.failed.extend(self.left_out.drain(left_out..));
        }
    }

    /// Depth first, folders before what is in them, names in order.
    fn visit(&mut self, path: &Path, name: String) {
        let mut open = vec![(path.to_owned(), name)];
        while let Some((path, name)) = open.pop() {
            let metadata = match fs::symlink_metadata(&path) {
                Ok(metadata) => metadata,
                Err(error) => {
                    self.fail(&path, &error);
                    continue;
                }
            };
            let kind = metadata.file_type();
            if kind.is_symlink() {
                self.left_out.push(format!("{}: a symbolic link", path.display()));
                continue;
            }
            if !kind.is_file() && !kind.is_dir() {
                self.left_out.push(format!("{}: a special file", path.display()));
                continue;
            }
            if let Err(error) = SafePath::parse(&name, Rules::Unix) {
                self.fail(&path, &io::Error::other(error.to_string()));
                continue;
            }
            if kind.is_dir() && name.split('/').count() < DEPTH_MAX {
                self.children(&path, &name, &mut open);
            }
            self.items.push(Item::new(path, name, &metadata));
        }
    }

    fn children(&mut self, path: &Path, name: &str, open: &mut Vec<(PathBuf, String)>) {
        let entries = match fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
            Ok(entries) => entries,
            Err(error) => return self.fail(path, &error),
        };
        let mut found = Vec::new();
        for entry in entries {
            match entry.file_name().into_string() {
                Ok(child) => found.push((entry.path(), format!("{name}/{child}"))),
                Err(_) => self.fail(&entry.path(), &io::Error::other("the name is not UTF-8")),
            }
        }
        found.sort_by(|a, b| b.1.cmp(&a.1));
        open.append(&mut found);
    }

    fn fail(&mut self, path: &Path, error: &io::Error) {
        self.failed.push(format!("{}: {error}", path.display()));
    }
}

/// The name under which a path is sent: its last one, also of `.` and `..`.
fn top_name(path: &Path) -> io::Result<String> {
    let named = match path.file_name() {
        Some(name) => name.to_owned(),
        None => {
            let whole = path.canonicalize()?;
            let name = whole.file_name().map(ToOwned::to_owned);
            name.ok_or_else(|| io::Error::other("it has no name to be sent under"))?
        }
    };
    named.into_string().map_err(|_| io::Error::other("the name is not UTF-8"))
}

impl Item {
    fn new(from: PathBuf, path: String, metadata: &Metadata) -> Self {
        let folder = metadata.is_dir();
        Self {
            from,
            path,
            size: if folder { 0 } else { metadata.len() },
            modified: modified(metadata),
            executable: !folder && metadata.mode() & 0o100 != 0,
            folder,
        }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }
}

fn modified(metadata: &Metadata) -> Modified {
    let nanoseconds = u32::try_from(metadata.mtime_nsec()).unwrap_or(0);
    Modified { seconds: metadata.mtime(), nanoseconds }
}

impl Source for Item {
    fn offer(&self) -> Offer<'_> {
        Offer {
            path: &self.path,
            size: self.size,
            modified: self.modified,
            executable: self.executable,
            folder: self.folder,
        }
    }

    fn open(&self) -> io::Result<File> {
        // Not a link, and not a pipe to wait for, that came since the walk.
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        let flags = i32::try_from(flags).map_err(io::Error::other)?;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&self.from)?;
        if self.unchanged(&file)? { Ok(file) } else { Err(changed()) }
    }

    fn unchanged(&self, file: &File) -> io::Result<bool> {
        let now = file.metadata()?;
        Ok(now.is_file() && now.len() == self.size && modified(&now) == self.modified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(paths: &[PathBuf]) -> (Vec<String>, Vec<String>, Vec<String>) {
        let (items, left_out, failed) = Walk::of(paths).into_parts();
        (items.into_iter().map(|item| item.path).collect(), left_out, failed)
    }

    #[test]
    fn folders_come_before_what_is_in_them() {
        let home = tempfile::tempdir().unwrap();
        let top = home.path().join("top");
        fs::create_dir_all(top.join("b/empty")).unwrap();
        fs::write(top.join("b/ü"), "1").unwrap();
        fs::write(top.join("a"), "2").unwrap();
        let (paths, left_out, failed) = walked(&[top]);
        assert_eq!(paths, ["top", "top/a", "top/b", "top/b/empty", "top/b/ü"]);
        assert_eq!((left_out.len(), failed.len()), (0, 0));
    }

    #[test]
    fn links_and_pipes_are_left_out_and_said() {
        let home = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc", home.path().join("link")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            home.path().join("pipe"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let (paths, left_out, failed) = walked(&[home.path().to_owned()]);
        assert_eq!((paths.len(), left_out.len(), failed.len()), (1, 2, 0));
        let (paths, _, failed) = walked(&[home.path().join("link")]);
        assert_eq!((paths.len(), failed.len()), (0, 1), "named by the user, it is a failure");
    }

    #[test]
    fn two_paths_of_one_name_do_not_mix() {
        let home = tempfile::tempdir().unwrap();
        for side in ["left", "right"] {
            fs::create_dir(home.path().join(side)).unwrap();
            fs::write(home.path().join(side).join("x"), side).unwrap();
        }
        let (paths, _, failed) = walked(&[home.path().join("left/x"), home.path().join("right/x")]);
        assert_eq!((paths.len(), failed.len()), (1, 1));
    }

    #[test]
    fn a_file_that_changed_is_not_opened() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("x");
        fs::write(&path, "1").unwrap();
        let (items, ..) = Walk::of(std::slice::from_ref(&path)).into_parts();
        assert!(items[0].open().is_ok());
        fs::write(&path, "12").unwrap();
        assert!(items[0].open().is_err());
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
        assert!(items[0].open().is_err());
    }
}
