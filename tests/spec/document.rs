//! SPEC.md as sections and tables.

use std::collections::BTreeSet;

/// The text, cut at its headings.
#[derive(Debug)]
pub(crate) struct Document {
    sections: Vec<(String, Vec<String>)>,
}

impl Document {
    pub(crate) fn parse(text: &str) -> Self {
        let mut sections = Vec::new();
        let mut body = Vec::new();
        let mut name = String::new();
        for line in text.lines() {
            if let Some(number) = heading(line) {
                sections.push((std::mem::replace(&mut name, number), std::mem::take(&mut body)));
            } else {
                body.push(line.to_owned());
            }
        }
        sections.push((name, body));
        Self { sections }
    }

    /// The numbers of all sections, as they stand.
    pub(crate) fn numbers(&self) -> Vec<&str> {
        self.sections
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !name.is_empty())
            .collect()
    }

    /// The cells of all table rows of a section, without header rows.
    pub(crate) fn rows(&self, section: &str) -> Vec<Vec<String>> {
        let (_, body) = self.sections.iter().find(|(name, _)| name == section).expect("a section");
        let mut rows = Vec::new();
        for (at, line) in body.iter().enumerate() {
            let header = body.get(at + 1).is_some_and(|next| next.starts_with("|---"));
            if line.starts_with('|') && !line.starts_with("|---") && !header {
                let cells = line.trim_matches('|').split('|');
                rows.push(cells.map(|cell| cell.trim().to_owned()).collect());
            }
        }
        rows
    }

    /// References from one section to another that lead nowhere.
    pub(crate) fn dangling(&self) -> Vec<String> {
        let known: BTreeSet<&str> = self.numbers().into_iter().collect();
        let mut problems = Vec::new();
        for (name, body) in &self.sections {
            // Joined, because the name of an RFC may stand at the end of a line and its section on the next.
            for number in own_references(&body.join(" ")).filter(|number| !known.contains(number)) {
                problems.push(format!("§{name} refers to §{number}"));
            }
        }
        problems
    }
}

/// The number of a heading such as `### 5.2 Prologue`.
fn heading(line: &str) -> Option<String> {
    let title = line.strip_prefix("##")?.trim_start_matches('#').trim_start();
    let number = title.split(' ').next()?.trim_end_matches('.');
    number.starts_with(|c: char| c.is_ascii_digit()).then(|| number.to_owned())
}

/// The section number that a text begins with, without a full stop that ends the sentence.
pub(crate) fn number(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text[..end].trim_end_matches('.')
}

/// Numbers behind `§` that mean this document, not an RFC or another paper named in the same clause.
fn own_references(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices('§').filter_map(|(at, sign)| {
        let clause = line[..at].rsplit(['(', '|', ';', ':']).next().unwrap_or_default();
        let clause = clause.rsplit(". ").next().unwrap_or_default();
        let foreign = ["RFC ", "Noise", "FIPS", "draft-"].iter().any(|name| clause.contains(name));
        let number = number(&line[at + sign.len()..]);
        (!foreign && number.starts_with(|c: char| c.is_ascii_digit())).then_some(number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# T\n## 1. A\nsee §2.1.\n| a | b |\n|---|---|\n| 1 | x |\n\n## 2. B\n### 2.1 C\n(§3)";

    #[test]
    fn sections_and_rows_are_found() {
        let document = Document::parse(TEXT);
        assert_eq!(document.numbers(), ["1", "2", "2.1"]);
        assert_eq!(document.rows("1"), [["1", "x"]]);
        assert!(document.rows("2").is_empty());
    }

    #[test]
    fn a_reference_to_nowhere_is_found() {
        assert_eq!(Document::parse(TEXT).dangling(), ["§2.1 refers to §3"]);
    }

    #[test]
    fn references_to_other_papers_are_left_alone() {
        let own = |line| own_references(line).collect::<Vec<_>>();
        assert_eq!(own("as RFC 9000 §5.1, but (§7.1)"), ["7.1"]);
        assert_eq!(own("RFC 9000 §7 to §8.1 | §4, §5"), ["4", "5"]);
        assert_eq!(own("Noise §9.2. See §6."), ["6"]);
    }
}
