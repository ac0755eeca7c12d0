//! A table as Markdown.

use std::fmt::Write;

use super::spread::{Spread, digits};
use super::{Metric, Row, Table};
use crate::runner::REFERENCE;

impl Table {
    /// The rows, each with its ratio to srudp.
    pub(super) fn markdown(&self) -> String {
        let heads: Vec<_> = self.metrics.iter().map(|metric| metric.title()).collect();
        let compared = self.metrics.first().map_or("", |metric| metric.title());
        let mut text = format!("| stack | {} | srudp/stack, {compared} |\n", heads.join(" | "));
        let _ = writeln!(text, "|---|{}---|", "---|".repeat(heads.len()));
        for row in &self.rows {
            let cells: Vec<_> = self.metrics.iter().map(|&metric| row.cell(metric)).collect();
            let ratio = self.ratio(row).map_or_else(String::new, digits);
            let notes = row.failures();
            let _ = writeln!(text, "| {} | {} | {ratio}{notes} |", row.name, cells.join(" | "));
        }
        text
    }

    /// The median of the ratios within each round: what slowed a round down slowed both.
    pub(super) fn ratio(&self, row: &Row) -> Option<f64> {
        let metric = *self.metrics.first()?;
        let reference = self.rows.iter().find(|row| row.name == REFERENCE)?;
        let value = |round: &Result<super::Figures, String>| round.as_ref().ok()?.get(metric);
        let rounds = reference.rounds.iter().zip(&row.rounds);
        let ratios = rounds.filter_map(|(ours, theirs)| Some(value(ours)? / value(theirs)?));
        Some(Spread::of(ratios.collect())?.median)
    }
}

impl Row {
    pub(super) fn spread(&self, metric: Metric) -> Option<Spread> {
        let rounds = self.rounds.iter().filter_map(|round| round.as_ref().ok());
        Spread::of(rounds.filter_map(|figures| figures.get(metric)).collect())
    }

    fn cell(&self, metric: Metric) -> String {
        self.spread(metric).map_or_else(|| "–".to_owned(), |spread| spread.to_string())
    }

    /// How many rounds failed, and why the first did.
    fn failures(&self) -> String {
        let mut failures = self.rounds.iter().filter_map(|round| round.as_ref().err());
        let Some(first) = failures.next() else { return String::new() };
        let why = first.replace('|', "/").replace('\n', " ");
        format!(" {} of {} failed: {why}", failures.count() + 1, self.rounds.len())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Figures;
    use super::*;

    fn row(name: &'static str, values: &[Option<f64>]) -> Row {
        let round = |value: &Option<f64>| {
            let mut figures = Figures::default();
            figures.set(Metric::P50, value.ok_or("timed out")?);
            Ok(figures)
        };
        Row { name, rounds: values.iter().map(round).collect() }
    }

    #[test]
    fn ratios_are_taken_within_rounds_and_failures_are_told() {
        let ours = row("srudp", &[Some(2.0), Some(20.0), Some(3.0)]);
        let theirs = row("other", &[Some(1.0), Some(10.0), None]);
        let table =
            Table { title: String::new(), metrics: &[Metric::P50], rows: vec![ours, theirs] };
        assert_eq!(table.ratio(&table.rows[1]), Some(2.0));
        let text = table.markdown();
        assert!(text.contains("| srudp | 3.00 (2.00–20.0) | 1.00 |"), "{text}");
        assert!(text.contains("2.00 1 of 3 failed: timed out |"), "{text}");
    }
}
