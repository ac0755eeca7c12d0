//! Reads `src/base/limits/` and the values in the tables of SPEC.md, so that they can be compared.
//!
//! Numbers are as they are, times in nanoseconds, and sizes in bytes.

use std::collections::BTreeMap;

/// Every constant of the source with its value or values.
pub(crate) fn constants(source: &str) -> BTreeMap<String, Vec<u128>> {
    let definitions: BTreeMap<&str, String> = source
        .split(';')
        .filter_map(|item| {
            let (_, definition) = item.split_once("pub(crate) const ")?;
            let (name, rest) = definition.split_once(':')?;
            let (_, value) = rest.split_once('=')?;
            Some((name, value.split_whitespace().collect()))
        })
        .collect();
    let value = |name: &&str| {
        let list = definitions[name].trim_start_matches("&[").trim_end_matches("]");
        let items = list.split(',').filter(|item| !item.is_empty());
        ((*name).to_owned(), items.map(|item| evaluate(item, &definitions)).collect())
    };
    definitions.keys().map(value).collect()
}

/// Understands what limits are made of: literals, names, durations, `<<`, `*`, `+`, `-`.
fn evaluate(text: &str, known: &BTreeMap<&str, String>) -> u128 {
    let text = match text.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        Some(inner) if !inner.contains([')', '(']) => inner,
        _ => text,
    };
    for (operator, apply) in OPERATORS {
        if let Some((left, right)) = split(text, operator) {
            return apply(evaluate(left, known), evaluate(right, known));
        }
    }
    for (unit, nanos) in DURATIONS {
        let inner = text.strip_prefix(unit).and_then(|inner| inner.strip_suffix(')'));
        if let Some(inner) = inner {
            return evaluate(inner, known) * nanos;
        }
    }
    let literal = text.trim_end_matches("_u64").trim_end_matches("_usize").replace('_', "");
    literal.parse().unwrap_or_else(|_| {
        let definition = known.get(text).unwrap_or_else(|| panic!("cannot read `{text}`"));
        evaluate(definition, known)
    })
}

type Operator = (&'static str, fn(u128, u128) -> u128);

/// Loosest first.
const OPERATORS: [Operator; 4] =
    [("<<", |a, b| a << b), ("-", |a, b| a - b), ("+", |a, b| a + b), ("*", |a, b| a * b)];

const DURATIONS: [(&str, u128); 4] = [
    ("Duration::from_secs(", 1_000_000_000),
    ("Duration::from_millis(", 1_000_000),
    ("Duration::from_micros(", 1000),
    ("Duration::from_nanos(", 1),
];

/// Splits at the last such operator outside parentheses.
fn split<'a>(text: &'a str, operator: &str) -> Option<(&'a str, &'a str)> {
    let at = text.rmatch_indices(operator).map(|(at, _)| at).find(|at| {
        let before = &text[..*at];
        before.matches('(').count() == before.matches(')').count()
    })?;
    Some((&text[..at], &text[at + operator.len()..]))
}

/// One value or several with commas between them.
pub(crate) fn written(cell: &str) -> Option<Vec<u128>> {
    cell.split(", ").map(one).collect()
}

/// A value as SPEC.md writes it: `64`, `2^22`, `2^60 - 1`, `500 ms`, `1 MiB`.
fn one(cell: &str) -> Option<u128> {
    if let Some((left, right)) = cell.split_once(" - ") {
        return one(left)?.checked_sub(one(right)?);
    }
    let (number, unit) = cell.split_once(' ').unwrap_or((cell, ""));
    let number = match number.split_once('^') {
        Some((base, exponent)) => base.parse::<u128>().ok()?.checked_pow(exponent.parse().ok()?)?,
        None => number.parse().ok()?,
    };
    let factor = match unit {
        "" | "bytes" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "min" => 60_000_000_000,
        "s" => 1_000_000_000,
        "ms" => 1_000_000,
        "µs" => 1000,
        _ => return None,
    };
    Some(number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_evaluated() {
        let source = "
            /// A; with a semicolon.
            pub(crate) const A: usize = 2 * B + 1;
            pub(crate) const B: usize = 1_144;
            pub(crate) const C: u64 = (1 << 62) - 1;
            pub(crate) const D: Duration = Duration::from_secs(2 * 60);
            pub(crate) const E: &[usize] = &[1_144, B + 1];";
        let expected = [
            ("A", vec![2289]),
            ("B", vec![1144]),
            ("C", vec![(1 << 62) - 1]),
            ("D", vec![120_000_000_000]),
            ("E", vec![1144, 1145]),
        ];
        let expected = expected.map(|(name, values)| (name.to_owned(), values));
        assert_eq!(constants(source), BTreeMap::from(expected));
    }

    #[test]
    fn cells_are_read() {
        assert_eq!(written("64"), Some(vec![64]));
        assert_eq!(written("2^62 - 1"), Some(vec![(1 << 62) - 1]));
        assert_eq!(written("1452, 65507 bytes"), Some(vec![1452, 65_507]));
        assert_eq!(written("500 ms"), Some(vec![500_000_000]));
        assert_eq!(written("1 MiB"), Some(vec![1 << 20]));
        assert_eq!(written("a few"), None);
    }
}
