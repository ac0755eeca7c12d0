//! What the measurements say: tables for people, and records that stay.

mod machine;
mod metric;
mod record;
mod spread;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
pub(crate) use metric::{Figures, Metric};

use crate::cli::Settings;
use crate::runner::{Contender, HERE};

/// One suite.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) rounds: u32,
    pub(crate) tables: Vec<Table>,
}

/// One table; the first metric is the one that is compared.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) metrics: &'static [Metric],
    pub(crate) rows: Vec<Row>,
}

/// One stack: what came of each round.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) rounds: Vec<Result<Figures, String>>,
}

impl Row {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, rounds: Vec::new() }
    }
}

/// Prints the tables, and writes them to a record unless it was only a trial.
pub(crate) fn publish(report: &Report, rows: &[&Contender], settings: &Settings) -> Result<()> {
    let text = record::markdown(report, rows);
    println!("{text}");
    if settings.smoke {
        return Ok(());
    }
    let default = || Path::new(HERE).join("../record");
    let directory: PathBuf = settings.record.clone().unwrap_or_else(default);
    let write = |extension: &str, text: String| {
        let file = directory.join(report.name).with_extension(extension);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    };
    fs::create_dir_all(&directory).context("no place for the records")?;
    write("md", text)?;
    write("json", record::json(report, rows))
}
