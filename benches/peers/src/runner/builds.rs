//! The other programs that a run needs, built before anything is measured.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Where this workspace is.
pub(crate) const HERE: &str = env!("CARGO_MANIFEST_DIR");

/// This program without srudp's `aws-lc` feature.
pub(super) fn pure() -> Result<PathBuf> {
    let target = Path::new(HERE).join("target/pure");
    cargo(Path::new(HERE), &target, &["--no-default-features", "--features", "srudp-pq"])?;
    Ok(target.join("release/peers"))
}

fn cargo(place: &Path, target: &Path, arguments: &[&str]) -> Result<()> {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(program)
        .args(["build", "--release", "--quiet", "--locked", "--target-dir"])
        .arg(target)
        .args(arguments)
        .current_dir(place)
        .status()
        .context("cargo does not start")?;
    ensure!(status.success(), "cargo build {} failed", arguments.join(" "));
    Ok(())
}
