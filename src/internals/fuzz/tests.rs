//! Every input that the corpora keep is run again, without a fuzzer.

use std::fs;
use std::path::Path;

use super::*;

fn replay(target: &str) {
    let (_, body) = BODIES.iter().find(|(name, _)| *name == target).expect("a body");
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> =
        fs::read_dir(&corpus).expect("a corpus").map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| !is_transient(file));
    files.sort();
    assert!(!files.is_empty(), "{} is empty", corpus.display());
    for file in files {
        println!("{}", file.display());
        body(&fs::read(&file).unwrap());
    }
}

/// A fuzzer that runs here leaves files named by their hashes. They are not kept.
fn is_transient(file: &Path) -> bool {
    let name = file.file_name().unwrap().to_string_lossy();
    name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[test]
fn the_corpus_of_endpoint_keeps_its_promises() {
    replay("endpoint");
}

#[test]
fn the_corpus_of_frames_keeps_its_promises() {
    replay("frames");
}

#[test]
fn the_corpus_of_long_packets_keeps_its_promises() {
    replay("long_packets");
}

#[test]
fn the_corpus_of_pair_keeps_its_promises() {
    replay("pair");
}

#[test]
fn the_corpus_of_parameters_keeps_its_promises() {
    replay("parameters");
}

#[test]
fn the_corpus_of_peer_keeps_its_promises() {
    replay("peer");
}

#[test]
fn the_corpus_of_short_packets_keeps_its_promises() {
    replay("short_packets");
}

/// A body without a target would never be fuzzed, and a target without a corpus not be tested.
#[test]
fn every_body_has_a_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let targets: Vec<_> = manifest
        .lines()
        .filter_map(|line| line.strip_prefix("path = \"fuzz_targets/")?.strip_suffix(".rs\""))
        .collect();
    let bodies: Vec<_> = BODIES.iter().map(|(name, _)| *name).collect();
    assert_eq!(targets, bodies);
}
