//! SPEC.md and the code say the same: references lead somewhere, tables match constants.

mod document;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use document::{Document, number};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn spec() -> Document {
    Document::parse(&fs::read_to_string(root().join("SPEC.md")).expect("SPEC.md is readable"))
}

/// Every Rust file below a directory, with its path.
fn sources(directory: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).expect("UTF-8");
            found.push((path, text));
        }
    }
    found
}

/// The section numbers that a source cites.
fn citations(text: &str) -> Vec<&str> {
    const MARK: &str = "SPEC §";
    text.match_indices(MARK).map(|(at, _)| number(&text[at + MARK.len()..])).collect()
}

#[test]
fn sections_are_numbered_without_gaps_or_repeats() {
    let document = spec();
    let (mut chapter, mut section) = (0, 0);
    for name in document.numbers() {
        let expected = if name.contains('.') {
            section += 1;
            format!("{chapter}.{section}")
        } else {
            (chapter, section) = (chapter + 1, 0);
            chapter.to_string()
        };
        assert_eq!(name, expected);
    }
}

#[test]
fn references_inside_the_document_lead_somewhere() {
    let problems = spec().dangling();
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn citations_in_the_code_lead_somewhere() {
    let document = spec();
    let known: BTreeSet<&str> = document.numbers().into_iter().collect();
    let mut problems = Vec::new();
    for (path, text) in sources(&root().join("src")) {
        for number in citations(&text).into_iter().filter(|number| !known.contains(number)) {
            problems.push(format!("{}: SPEC §{number}", path.display()));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn citations_are_found_with_and_without_a_full_stop() {
    assert_eq!(citations("(SPEC §3.2): x. SPEC §8. SPEC §12.1, y"), ["3.2", "8", "12.1"]);
}
