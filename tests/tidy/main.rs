//! Rules of the source tree that no compiler checks: floors, purity, size, reachability, leftovers.

mod checks;
mod imports;
mod source;

use std::path::Path;

use source::{Source, read_tree};

fn complain(check: fn(&[Source]) -> Vec<String>) {
    let sources = read_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(sources.iter().any(|source| source.path == "lib.rs"), "the tree was not found");
    let problems = check(&sources);
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn modules_import_only_lower_floors() {
    complain(checks::floors);
}

#[test]
fn modules_of_one_parent_form_no_cycle() {
    complain(checks::cycles);
}

#[test]
fn the_core_knows_no_clock_socket_thread_or_terminal() {
    complain(checks::purity);
}

#[test]
fn files_are_short() {
    complain(checks::size);
}

#[test]
fn nothing_is_left_for_later() {
    complain(checks::leftovers);
}

#[test]
fn every_file_is_compiled() {
    complain(checks::reachable);
}

#[test]
fn every_file_says_what_it_decides() {
    complain(checks::documented);
}
