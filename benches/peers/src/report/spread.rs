//! Several measurements of the same thing.

use std::fmt;

/// Median, least and most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Spread {
    /// None of no values.
    pub(super) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = match values.len() % 2 {
            0 => f64::midpoint(values[middle - 1], values[middle]),
            _ => values[middle],
        };
        Some(Self { median, least, most })
    }
}

/// `5.44 (5.1–5.9)`; a single value stands alone.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&digits(self.median))?;
        if self.least < self.most {
            write!(f, " ({}–{})", digits(self.least), digits(self.most))?;
        }
        Ok(())
    }
}

/// Three digits that mean something.
pub(super) fn digits(value: f64) -> String {
    let places = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        0.1.. => 3,
        _ => 4,
    };
    format!("{value:.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        let spread = Spread::of(vec![4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((spread.median, spread.least, spread.most), (2.5, 1.0, 4.0));
        assert_eq!(spread.to_string(), "2.50 (1.00–4.00)");
        assert_eq!(Spread::of(vec![]), None);
    }

    #[test]
    fn three_digits_are_shown() {
        assert_eq!(digits(12.345), "12.3");
        assert_eq!(digits(1234.5), "1234");
        assert_eq!(digits(0.01234), "0.0123");
    }
}
