//! The checks. Each takes the whole tree and returns its complaints, and has a test with a tree that deserves one.

use std::collections::{BTreeMap, BTreeSet};

use crate::imports;
use crate::source::Source;

/// Height of every top-level module. A module imports strictly lower ones.
const FLOORS: &[(&str, u8)] = &[
    ("base", 0),
    ("wire", 1),
    ("crypto", 2),
    ("vocab", 3),
    ("ack", 4),
    ("congestion", 4),
    ("stream", 4),
    ("datagram", 4),
    ("cid", 4),
    ("idle", 4),
    ("close", 4),
    ("recovery", 5),
    ("path", 5),
    ("connection", 6),
    ("endpoint", 7),
    ("nat", 8),
    ("node", 9),
    ("driver", FIRST_IMPURE),
    ("api", 11),
    ("aio", 12),
    // Only re-exports: for tests, fuzzing and benchmarks, and for everybody.
    ("internals", 100),
    ("", 101),
];

/// From here up a module may do I/O.
const FIRST_IMPURE: u8 = 10;

/// What a module below [`FIRST_IMPURE`] must not name.
const IMPURE: &[&str] = &[
    "UdpSocket",
    "TcpStream",
    "Instant::now",
    "std::time::Instant",
    "SystemTime",
    "thread::",
    "std::env",
    "std::fs",
    "std::io::stdout",
    "println!",
    "print!",
    "dbg!",
    "SysRng",
    "OsRng",
];

/// Lines of a file without its tests and blank lines.
const LINES_MAX: usize = 500;

/// Words that put work off. Spelt so that this file may be checked too.
const LEFTOVERS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

fn code(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources.iter().filter(|source| !source.is_test())
}

pub(crate) fn floors(sources: &[Source]) -> Vec<String> {
    let mut problems = Vec::new();
    for source in code(sources) {
        let Some(own) = floor(source.module()) else {
            problems.push(format!("{}: give `{}` a floor", source.path, source.module()));
            continue;
        };
        for target in imports::of(source) {
            let path = &source.path;
            match floor(&target) {
                None => problems.push(format!(
                    "{path}: `crate::{target}` is no module; import it from where it is defined"
                )),
                Some(other) if other == own => {
                    problems.push(format!("{path}: imports its sibling `{target}`"));
                }
                Some(other) if other > own => {
                    problems.push(format!("{path}: imports `{target}`, which is above it"));
                }
                Some(_) => {}
            }
        }
    }
    problems
}

/// Modules of one parent that need each other, at every level.
pub(crate) fn cycles(sources: &[Source]) -> Vec<String> {
    let with_parents =
        |path: Vec<String>| (1..=path.len()).map(move |length| path[..length].to_vec());
    let modules: BTreeSet<_> =
        code(sources).map(Source::module_path).flat_map(with_parents).collect();
    let mut graph: BTreeMap<Vec<String>, BTreeSet<Vec<String>>> = BTreeMap::new();
    for source in code(sources) {
        let own = source.module_path();
        for path in imports::paths(source) {
            let shared = own.iter().zip(&path).take_while(|(a, b)| a == b).count();
            if shared < own.len().min(path.len()) && modules.contains(&path[..=shared]) {
                graph.entry(own[..=shared].to_vec()).or_default().insert(path[..=shared].to_vec());
            }
        }
    }
    // Modules without imports leave until none is left, or only cycles and what leads to them.
    loop {
        let open: BTreeSet<_> = graph.keys().cloned().collect();
        let before = graph.len();
        graph.retain(|_, targets| targets.iter().any(|target| open.contains(target)));
        if graph.len() == before {
            break;
        }
    }
    let open: BTreeSet<_> = graph.keys().cloned().collect();
    let still_open = |targets: BTreeSet<Vec<String>>| {
        let targets = targets.into_iter().filter(|target| open.contains(target));
        targets.map(|target| target.join("::")).collect::<Vec<_>>().join(", ")
    };
    let named = |(name, targets): (Vec<String>, _)| {
        format!("in a cycle: {} -> {}", name.join("::"), still_open(targets))
    };
    graph.into_iter().map(named).collect()
}

pub(crate) fn purity(sources: &[Source]) -> Vec<String> {
    let mut problems = Vec::new();
    for source in code(sources) {
        if floor(source.module()).is_some_and(|floor| floor >= FIRST_IMPURE) {
            continue;
        }
        for (number, line) in source.code.lines().enumerate() {
            for word in IMPURE.iter().filter(|word| names(line, word)) {
                problems.push(format!("{}:{}: `{word}` in the core", source.path, number + 1));
            }
        }
    }
    problems
}

/// The line contains the word, and not merely a longer one that ends with it.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
    })
}

pub(crate) fn size(sources: &[Source]) -> Vec<String> {
    let long = code(sources).filter(|source| source.lines() > LINES_MAX);
    long.map(|source| format!("{}: {} lines; split it", source.path, source.lines())).collect()
}

pub(crate) fn leftovers(sources: &[Source]) -> Vec<String> {
    let mut problems = Vec::new();
    for source in sources {
        for (number, line) in source.text.lines().enumerate() {
            for word in LEFTOVERS.iter().filter(|word| line.contains(**word)) {
                problems.push(format!("{}:{}: {word}; do it or drop it", source.path, number + 1));
            }
        }
    }
    problems
}

pub(crate) fn documented(sources: &[Source]) -> Vec<String> {
    let bare = sources.iter().filter(|source| !source.text.starts_with("//!"));
    bare.map(|source| format!("{}: does not begin with `//!`", source.path)).collect()
}

/// Follows `mod name;` from the root. Both `name.rs` and `name/mod.rs` are looked for.
pub(crate) fn reachable(sources: &[Source]) -> Vec<String> {
    let mut missing: BTreeMap<&str, &Source> =
        sources.iter().map(|source| (source.path.as_str(), source)).collect();
    let mut open: Vec<&Source> = missing.remove("lib.rs").into_iter().collect();
    while let Some(source) = open.pop() {
        for name in declared(&source.text) {
            let home = home(&source.path);
            for path in [format!("{home}{name}.rs"), format!("{home}{name}/mod.rs")] {
                open.extend(missing.remove(path.as_str()));
            }
        }
    }
    missing.keys().map(|path| format!("{path}: no `mod` leads here")).collect()
}

/// The directory, with `/`, in which the modules that a file declares are looked for.
fn home(path: &str) -> String {
    match path.rsplit_once('/') {
        Some((directory, "mod.rs")) => format!("{directory}/"),
        None if path == "lib.rs" => String::new(),
        _ => format!("{}/", path.trim_end_matches(".rs")),
    }
}

fn declared(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim);
    lines
        .filter_map(|line| {
            let (before, rest) = line.split_once("mod ")?;
            let name = rest.strip_suffix(';')?;
            (before.is_empty() || before.ends_with(' ')).then_some(name)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> Vec<Source> {
        files.iter().map(|(path, text)| Source::new(path, text)).collect()
    }

    fn one(check: fn(&[Source]) -> Vec<String>, path: &str, text: &str) -> usize {
        check(&tree(&[(path, text)])).len()
    }

    #[test]
    fn an_upward_a_sibling_and_a_root_import_are_found() {
        assert_eq!(one(floors, "wire/frame.rs", "use crate::base::Instant;"), 0);
        assert_eq!(one(floors, "wire/frame.rs", "use crate::crypto::Key;"), 1);
        assert_eq!(one(floors, "idle.rs", "use crate::close::State;"), 1);
        assert_eq!(one(floors, "idle.rs", "use super::close::State;"), 1);
        assert_eq!(one(floors, "idle.rs", "use crate::ConnectionError;"), 1);
        assert_eq!(one(floors, "mystery.rs", ""), 1);
    }

    #[test]
    fn tests_may_import_what_they_like() {
        let text = "#[cfg(test)] mod tests { use crate::endpoint::Endpoint; }";
        assert_eq!(one(floors, "wire/frame.rs", text), 0);
        assert_eq!(one(floors, "wire/tests.rs", "use crate::endpoint::Endpoint;"), 0);
    }

    #[test]
    fn a_cycle_is_found_however_long_it_is() {
        let ring = [
            ("a/mod.rs", "use crate::b::X;"),
            ("b/x.rs", "use crate::c::X;"),
            ("c.rs", "use crate::a::X;"),
            ("d.rs", ""),
        ];
        assert_eq!(cycles(&tree(&ring)).len(), 3);
        assert_eq!(cycles(&tree(&ring[1..])).len(), 0);
    }

    #[test]
    fn a_cycle_of_two_files_of_one_module_is_found() {
        let pair = [("a/b.rs", "use super::c::X;"), ("a/c.rs", "use crate::a::b::{self, Y};")];
        assert_eq!(cycles(&tree(&pair)).len(), 2);
        assert_eq!(cycles(&tree(&pair[..1])).len(), 0);
        let parent = [("a/mod.rs", "use b::X;"), ("a/b.rs", "use super::Y;")];
        assert_eq!(cycles(&tree(&parent)).len(), 0);
    }

    #[test]
    fn a_clock_in_the_core_is_found_and_one_in_the_driver_is_not() {
        assert_eq!(one(purity, "idle.rs", "let now = std::time::Instant::now();"), 2);
        assert_eq!(one(purity, "idle.rs", "println!();"), 1);
        assert_eq!(one(purity, "idle.rs", "use crate::base::time::Instant;"), 0);
        assert_eq!(one(purity, "driver/clock.rs", "let now = std::time::Instant::now();"), 0);
        assert_eq!(one(purity, "idle.rs", "// Instant::now()\nlet x = \"println!\";"), 0);
    }

    #[test]
    fn a_long_file_is_found_and_long_tests_are_not() {
        let long = "let x = 1;\n".repeat(LINES_MAX + 1);
        assert_eq!(one(size, "idle.rs", &long), 1);
        assert_eq!(one(size, "idle.rs", &format!("#[cfg(test)]\nmod tests {{\n{long}}}")), 0);
    }

    #[test]
    fn a_leftover_is_found_in_a_comment_too() {
        assert_eq!(one(leftovers, "idle.rs", &format!("// {}: later", LEFTOVERS[0])), 1);
        assert_eq!(one(leftovers, "idle.rs", "// done"), 0);
    }

    #[test]
    fn a_file_without_a_purpose_is_found() {
        assert_eq!(one(documented, "idle.rs", "use std::time::Duration;"), 1);
        assert_eq!(one(documented, "idle.rs", "//! Decides."), 0);
    }

    #[test]
    fn a_file_that_no_module_declares_is_found() {
        let sources = [
            ("lib.rs", "mod a;\npub(crate) mod b;\n#[cfg(test)]\nmod c;"),
            ("a.rs", "mod x;"),
            ("a/x.rs", ""),
            ("b/mod.rs", "mod y;"),
            ("b/y.rs", ""),
            ("b/z.rs", ""),
            ("c.rs", ""),
        ];
        assert_eq!(reachable(&tree(&sources)), ["b/z.rs: no `mod` leads here"]);
    }
}
