//! Finds the top-level modules that a file names through `crate::` and `super::`.

use crate::source::Source;

/// The names directly below the crate root that the code of a file uses, sorted, without its own module.
pub(crate) fn of(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let words = tokens(&source.code);
    for at in 0..words.len() {
        if let Some(path) = below_root(&words[at..], source.depth())
            && !follows_path(&words, at)
        {
            found.extend(heads(path));
        }
    }
    found.retain(|name| name != source.module());
    found.sort();
    found.dedup();
    found
}

/// `a::crate` does not exist, but `self::super::…` and `super::super::…` do: only the first word starts a path.
fn follows_path(words: &[&str], at: usize) -> bool {
    at > 0 && words[at - 1] == "::"
}

/// The tokens behind `crate::`, or behind as many `super::` as lead to the crate root.
fn below_root<'a, 'b>(words: &'a [&'b str], depth: usize) -> Option<&'a [&'b str]> {
    if let ["crate", "::", rest @ ..] = words {
        return Some(rest);
    }
    let mut rest = words;
    let mut climbed = 0;
    while let ["super", "::", after @ ..] = rest {
        climbed += 1;
        rest = after;
    }
    (climbed > 0 && climbed >= depth).then_some(rest)
}

/// The first name of a path, or of each path in a group.
fn heads(path: &[&str]) -> Vec<String> {
    match path {
        ["{", rest @ ..] => {
            let mut depth = 0;
            let mut start = true;
            let mut names = Vec::new();
            for word in rest {
                match *word {
                    "{" => depth += 1,
                    "}" if depth == 0 => break,
                    "}" => depth -= 1,
                    "," if depth == 0 => start = true,
                    name if start => {
                        names.push(name.to_owned());
                        start = false;
                    }
                    _ => {}
                }
            }
            names
        }
        [name, ..] => vec![(*name).to_owned()],
        [] => Vec::new(),
    }
}

/// Words, `::` and single other characters.
fn tokens(code: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        out.push(token);
        rest = after.trim_start();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imports(path: &str, text: &str) -> Vec<String> {
        of(&Source::new(path, text))
    }

    #[test]
    fn plain_grouped_and_inline_paths_are_found() {
        assert_eq!(imports("a/b.rs", "use crate::wire::Frame;"), ["wire"]);
        assert_eq!(imports("a/b.rs", "use crate::{base::{X, y::Z}, wire};"), ["base", "wire"]);
        assert_eq!(imports("a/b.rs", "fn f(x: crate::path::Path) {}"), ["path"]);
        assert_eq!(imports("a/b.rs", "pub(crate) use crate :: path :: Path;"), ["path"]);
    }

    #[test]
    fn paths_through_super_are_followed_to_the_root() {
        assert_eq!(imports("a.rs", "use super::wire::Frame;"), ["wire"]);
        assert_eq!(imports("a/mod.rs", "use super::{wire, base};"), ["base", "wire"]);
        assert_eq!(imports("a/b.rs", "use super::super::wire::Frame;"), ["wire"]);
        assert_eq!(imports("a/b.rs", "use super::c::D;"), [""; 0]);
    }

    #[test]
    fn the_own_module_and_words_in_text_are_no_imports() {
        assert_eq!(
            imports("a/b.rs", "use crate::a::c; // crate::wire\nlet x = \"crate::wire\";"),
            [""; 0]
        );
        assert_eq!(imports("a/b.rs", "pub(crate) fn f() {}"), [""; 0]);
    }
}
