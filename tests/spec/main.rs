//! SPEC.md and the code say the same: references lead somewhere, tables match constants.

mod document;
mod limits;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use document::{Document, number};
use srudp::internals;

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

#[test]
fn limits_are_those_of_the_code() {
    let files = sources(&root().join("src/base/limits"));
    let source: Vec<_> = files.into_iter().map(|(_, text)| text).collect();
    let mut constants = limits::constants(&source.join("\n"));
    let mut problems = Vec::new();
    for row in spec().rows("12.2") {
        let [name, value, ..] = row.as_slice() else { panic!("short row {row:?}") };
        match (constants.remove(name.trim_matches('`')), limits::written(value)) {
            (None, _) => problems.push(format!("{name} is not in the code")),
            (Some(code), Some(spec)) if code == spec => {}
            (Some(code), _) => {
                problems.push(format!("{name} is {code:?} in the code, not {value}"));
            }
        }
    }
    problems.extend(constants.keys().map(|name| format!("{name} is not in SPEC §12.2")));
    assert!(problems.is_empty(), "{problems:#?}");
}

/// Numbers such as `0x02 / 0x03` and `0x08–0x0f`.
fn numbers(cell: &str) -> Vec<u64> {
    let number = |text: &str| u64::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok();
    let range = |part: &str| match part.split_once('–') {
        Some((first, last)) => Some((number(first)?..=number(last)?).collect()),
        None => number(part).map(|one| vec![one]),
    };
    cell.split('/').filter_map(range).flatten().collect()
}

/// First column: number, second: name. Compared as sets, so that neither side may have more.
fn names(section: &str) -> BTreeSet<(u64, String)> {
    let row = |row: Vec<String>| numbers(&row[0]).into_iter().map(move |n| (n, row[1].clone()));
    spec().rows(section).into_iter().flat_map(row).collect()
}

fn owned(table: &[(u64, &str)]) -> BTreeSet<(u64, String)> {
    table.iter().map(|(number, name)| (*number, (*name).to_owned())).collect()
}

#[test]
fn parameters_are_those_of_the_code() {
    assert_eq!(names("10"), owned(internals::parameter_ids()));
}

#[test]
fn error_codes_are_those_of_the_code() {
    assert_eq!(names("11"), owned(internals::error_codes()));
}

#[test]
fn frame_types_are_those_of_the_code() {
    let mut spec: BTreeMap<u64, String> = names("8").into_iter().collect();
    spec.retain(|_, name| !name.starts_with("reserved"));
    for kind in 0..0x1000 {
        let (documented, decoded) = (spec.get(&kind), internals::frame_name(kind));
        assert_eq!(documented.is_some(), decoded.is_some(), "frame type {kind:#x}");
        if let (Some(documented), Some(decoded)) = (documented, decoded) {
            let word = documented.split(' ').next().unwrap_or_default().replace('_', "");
            assert!(
                decoded.to_uppercase().starts_with(&word),
                "{kind:#x}: {documented}, {decoded}"
            );
        }
    }
}

#[test]
fn lists_and_ranges_of_numbers_are_read() {
    assert_eq!(numbers("0x02 / 0x03"), [2, 3]);
    assert_eq!(numbers("0x08–0x0b"), [8, 9, 10, 11]);
    assert_eq!(numbers("0x1e"), [0x1e]);
    assert!(numbers("else").is_empty());
}
