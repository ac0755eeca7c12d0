//! Files that only their owner reads.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use zeroize::Zeroizing;

/// More than any identity file has.
const SIZE_MAX: u64 = 4096;

/// Writes a file that must not exist yet.
pub(super) fn create(path: &Path, content: &str) -> io::Result<()> {
    let mut file = private().open(path)?;
    let result = file.write_all(content.as_bytes()).and_then(|()| file.sync_all());
    if result.is_err() {
        // Half an identity is worse than none, and the write error is the one to report.
        let _ = std::fs::remove_file(path);
    }
    result
}

/// Writes a file, and puts it in the place of another in one step: whoever reads finds the old or the new one.
pub(super) fn replace(path: &Path, content: &str) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut beside = name.to_owned();
    beside.push(format!(".new-{}", std::process::id()));
    let beside = path.with_file_name(beside);
    create(&beside, content)?;
    std::fs::rename(&beside, path).inspect_err(|_| {
        let _ = std::fs::remove_file(&beside);
    })
}

/// The text of a file and, where there are such things, its mode bits: of the file that was opened, not of whatever has its
/// name a moment later.
pub(super) fn read(path: &Path) -> io::Result<(Zeroizing<String>, Option<u32>)> {
    let file = File::open(path)?;
    let mode = mode(&file.metadata()?);
    let mut text = Zeroizing::new(String::with_capacity(SIZE_MAX as usize));
    file.take(SIZE_MAX).read_to_string(&mut text)?;
    Ok((text, mode))
}

/// Makes a directory and those above it.
pub(super) fn make_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn mode(metadata: &std::fs::Metadata) -> Option<u32> {
    Some(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o7777)
}

#[cfg(not(unix))]
fn mode(_: &std::fs::Metadata) -> Option<u32> {
    None
}
