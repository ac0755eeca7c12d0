//! Reads sources the way a compiler would, as far as the checks need it: without comments, strings and test code.

use std::fs;
use std::path::Path;

/// One file below `src/`.
#[derive(Debug)]
pub(crate) struct Source {
    /// Relative to `src/`, with `/`.
    pub(crate) path: String,
    /// As it stands on disk.
    pub(crate) text: String,
    /// The same lines with comments, literals and items under `#[cfg(test)]` blanked.
    pub(crate) code: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let all = blank_literals(text);
        let code = blank_tests(&all);
        Self { path: path.into(), text: text.into(), code }
    }

    /// A file of its own for tests.
    pub(crate) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// The first component below the crate root; empty for the root itself.
    pub(crate) fn module(&self) -> &str {
        if self.path == "lib.rs" {
            return "";
        }
        self.path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    /// The names of the modules from the crate root down to this file's.
    pub(crate) fn module_path(&self) -> Vec<String> {
        let mut path: Vec<_> =
            self.path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        path.pop_if(|last| last == "mod" || last == "lib");
        path
    }

    /// Lines that are neither blank nor part of a test.
    pub(crate) fn lines(&self) -> usize {
        let kept = self.code.lines().zip(self.text.lines());
        kept.filter(|(code, text)| !code.trim().is_empty() || text.trim().starts_with("//")).count()
    }
}

/// Every `.rs` file below a directory.
pub(crate) fn read_tree(root: &Path) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).expect("src is readable") {
            let path = entry.expect("src is readable").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(root).expect("below the root");
                let name = relative.to_string_lossy().replace('\\', "/");
                sources.push(Source::new(&name, &fs::read_to_string(&path).expect("UTF-8")));
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

/// Blanks comments and literals; offsets and lines stay.
fn blank_literals(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// Where the comment or literal that starts here ends; `at` itself if none starts here.
fn literal_end(chars: &[char], at: usize) -> usize {
    let rest = &chars[at..];
    let after_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match rest {
        ['/', '/', ..] => at + rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
        ['/', '*', ..] => at + block_comment(rest),
        ['"', ..] => at + quoted(rest),
        ['r', '"' | '#', ..] if !after_word => at + raw_string(rest),
        ['\'', '\\', ..] => {
            at + 2 + rest[2..].iter().skip(1).position(|c| *c == '\'').unwrap_or(0) + 2
        }
        ['\'', _, '\'', ..] => at + 3,
        _ => at,
    }
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at + 1 < rest.len() {
        match (rest[at], rest[at + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

fn quoted(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let mut at = 2 + hashes;
    while at < rest.len() {
        let closes = rest[at] == '"'
            && rest[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
        if closes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    rest.len()
}

/// Blanks each item that `#[cfg(test)]` stands before.
fn blank_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find(MARK) {
        out.push_str(&rest[..start]);
        let end = start + MARK.len() + item_end(&rest[start + MARK.len()..]);
        out.extend(rest[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[end..];
    }
    out + rest
}

/// Where the item at the start ends: at its first `;` or matching brace.
fn item_end(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && c == '}' {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        Source::new("x.rs", text).code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        assert_eq!(code("a // b\nc /* d /* e */ f */ g"), "a c g");
        assert_eq!(code(r##"a("b\"c", r#"d"e"#, 'f', '\'', '\u{1}', b"g")"##), "a( , , , , , b )");
    }

    #[test]
    fn lifetimes_and_raw_names_are_code() {
        assert_eq!(code("fn a<'a>(r: &'a str) { r#in }"), "fn a<'a>(r: &'a str) { r#in }");
    }

    #[test]
    fn test_items_are_not_code() {
        assert_eq!(code("a; #[cfg(test)] mod tests { b { c } } d"), "a; d");
        assert_eq!(code("a; #[cfg(test)] mod tests; d"), "a; d");
        assert_eq!(code("a; #[cfg(test)] fn b(c: [u8; 2]) { d } e"), "a; e");
    }

    #[test]
    fn blank_lines_and_tests_do_not_count_but_comments_do() {
        let source =
            Source::new("x.rs", "//! doc\n\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n  b\n}\n");
        assert_eq!(source.lines(), 2);
    }

    #[test]
    fn a_file_knows_its_place() {
        let place = |path| {
            let source = Source::new(path, "");
            (source.module().to_owned(), source.module_path().join("::"))
        };
        assert_eq!(place("lib.rs"), (String::new(), String::new()));
        assert_eq!(place("idle.rs"), ("idle".into(), "idle".into()));
        assert_eq!(place("cid/mod.rs"), ("cid".into(), "cid".into()));
        assert_eq!(place("cid/peer.rs"), ("cid".into(), "cid::peer".into()));
        assert!(Source::new("cid/peer/tests.rs", "").is_test());
        assert!(!Source::new("cid/peer.rs", "").is_test());
    }
}
