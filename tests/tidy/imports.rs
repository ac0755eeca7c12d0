//! Finds the modules that a file names through `crate::`, `super::` and `self::`.

use crate::source::Source;

/// The names directly below the crate root that the code of a file uses, sorted, without its own module.
pub(crate) fn of(source: &Source) -> Vec<String> {
    let heads = paths(source).into_iter().filter_map(|path| path.into_iter().next());
    let mut found: Vec<_> = heads.filter(|name| name != source.module()).collect();
    found.sort();
    found.dedup();
    found
}

/// What the code of a file names, as paths from the crate root.
pub(crate) fn paths(source: &Source) -> Vec<Vec<String>> {
    let own = source.module_path();
    let words = tokens(&source.code);
    let mut found = Vec::new();
    for at in 0..words.len() {
        if let Some((base, rest)) = start(&words[at..], &own)
            && !follows_path(&words, at)
        {
            expand(&base, rest, &mut found);
        }
    }
    found
}

/// `a::crate` does not exist, but `self::super::…` and `super::super::…` do: only the first word starts a path.
fn follows_path(words: &[&str], at: usize) -> bool {
    at > 0 && words[at - 1] == "::"
}

/// Where a path begins that starts here, and the tokens behind its beginning.
fn start<'a, 'b>(words: &'a [&'b str], own: &[String]) -> Option<(Vec<String>, &'a [&'b str])> {
    match words {
        ["crate", "::", rest @ ..] => return Some((Vec::new(), rest)),
        ["self", "::", rest @ ..] => return Some((own.to_vec(), rest)),
        _ => {}
    }
    let mut rest = words;
    let mut base = own.to_vec();
    while let ["super", "::", after @ ..] = rest {
        base.pop();
        rest = after;
    }
    (rest.len() < words.len()).then_some((base, rest))
}

/// The path behind `base`, or each path of a group. Returns the tokens behind it.
fn expand<'a, 'b>(
    base: &[String],
    words: &'a [&'b str],
    found: &mut Vec<Vec<String>>,
) -> &'a [&'b str] {
    match words {
        ["{", rest @ ..] => {
            let mut rest = rest;
            loop {
                rest = match rest {
                    ["}", after @ ..] => return after,
                    [",", after @ ..] => after,
                    [] => return &[],
                    each => expand(base, each, found),
                };
            }
        }
        [name, "::", rest @ ..] => expand(&[base, &[(*name).to_owned()]].concat(), rest, found),
        [name, "as", _, rest @ ..] | [name, rest @ ..] => {
            found.push([base, &[(*name).to_owned()]].concat());
            rest
        }
        [] => &[],
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

    fn full(path: &str, text: &str) -> Vec<String> {
        paths(&Source::new(path, text)).iter().map(|path| path.join("::")).collect()
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
    fn groups_are_spread_out_to_whole_paths() {
        assert_eq!(
            full("a/b.rs", "use super::{c::{D, e::F as G}, H};"),
            ["a::c::D", "a::c::e::F", "a::H"]
        );
        assert_eq!(full("a/mod.rs", "use self::b::C; crate::x::y()"), ["a::b::C", "x::y"]);
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
