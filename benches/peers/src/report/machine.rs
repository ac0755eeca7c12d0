//! Where and with what it was measured. Nothing here names the machine or its owner.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::runner::{Contender, HERE};

const LOCK: &str = include_str!("../../Cargo.lock");

/// Crates whose version says what a stack is.
const CRATES: &[(&str, &[&str])] = &[
    ("srudp", &["srudp", "aegis"]),
    ("quinn", &["quinn", "quinn-proto", "rustls", "ring", "aws-lc-rs"]),
    ("s2n", &["s2n-quic", "s2n-tls", "aws-lc-rs"]),
    ("noq", &["noq", "noq-proto", "rustls", "ring", "aws-lc-rs"]),
    ("iroh", &["iroh", "noq", "rustls", "ring", "aws-lc-rs"]),
    ("tls", &["rustls", "ring", "aws-lc-rs"]),
    ("srudp-gcm", &["srudp", "aws-lc-rs"]),
    ("sealed", &["aws-lc-rs"]),
    ("sealed-aegis", &["aegis"]),
];

/// The processor and how many of its cores there are.
pub(super) fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores")
}

/// The release of the kernel, without what its builder added.
pub(super) fn kernel() -> String {
    let uname = rustix::system::uname();
    let release = uname.release().to_string_lossy();
    let number = release.split('-').next().unwrap_or_default();
    format!("{} {number}", uname.sysname().to_string_lossy())
}

/// The commit of srudp, if git tells.
pub(super) fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(Path::new(HERE)).args(arguments).output();
        let output = output.ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let changed = git(&["status", "--porcelain", "--", "../../src"]);
    match (git(&["rev-parse", "--short=12", "HEAD"]), changed.as_deref()) {
        (Some(commit), Some("")) => commit,
        (Some(commit), _) => format!("{commit}, changed"),
        (None, _) => "unknown".to_owned(),
    }
}

/// The versions of what was measured, from `Cargo.lock`.
pub(super) fn versions(rows: &[&Contender]) -> Vec<String> {
    let taking_part =
        CRATES.iter().filter(|(stack, _)| rows.iter().any(|contender| contender.stack == *stack));
    let mut names: Vec<_> = taking_part.flat_map(|(_, crates)| *crates).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter_map(|name| Some(format!("{name} {}", version(name)?))).collect()
}

fn version(name: &str) -> Option<&'static str> {
    let (_, rest) = LOCK.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    Some(rest.split_once('"')?.0)
}

/// What was typed, without places on this machine.
pub(super) fn command_line() -> String {
    typed(std::env::args().skip(1))
}

fn typed(arguments: impl Iterator<Item = String>) -> String {
    let mut text = "cargo run --release --".to_owned();
    let mut is_place = false;
    for argument in arguments {
        if !is_place && !argument.starts_with("--record") {
            text = format!("{text} {argument}");
        }
        is_place = argument == "--record";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_names_no_places() {
        let line = ["bulk", "--record", "/home/me", "--rounds", "3", "--record=/home/me"];
        let typed = typed(line.into_iter().map(str::to_owned));
        assert_eq!(typed, "cargo run --release -- bulk --rounds 3");
    }

    #[test]
    fn versions_come_from_the_lock_file() {
        assert_eq!(version("srudp-peers"), Some(env!("CARGO_PKG_VERSION")));
        assert_eq!(version("no-such-crate"), None);
    }
}
