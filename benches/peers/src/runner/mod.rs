//! Measures the stacks in turn, round by round, so that what else happens on the machine hits all of them.

mod builds;
mod contenders;
mod lock;
mod measure;
mod namespaces;
mod pair;
mod process;
mod profile;
mod site;
mod suites;
mod wire;

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
pub(crate) use builds::HERE;
pub(crate) use contenders::{Contender, built};
pub(crate) use suites::Suite;

use self::contenders::Build;
use self::lock::Lock;
use self::measure::Bench;
use self::suites::Section;
use crate::cli::Settings;
use crate::report::{self, Report, Row, Table};

/// Whom the others are compared with.
pub(crate) const REFERENCE: &str = "srudp";

/// The programs that take part.
struct Programs {
    this: PathBuf,
    pure: PathBuf,
}

/// Measures these suites, prints their tables and writes their records.
pub(crate) fn run(wanted: &[Suite], settings: &Settings) -> Result<()> {
    let chosen = suites::choose(&settings.stacks)?;
    let programs = programs(&chosen)?;
    for suite in wanted {
        let report = Report {
            name: suite.name(),
            about: suite.about(),
            rounds: settings.rounds,
            tables: suite
                .sections(&chosen, &settings.amounts)
                .into_iter()
                .filter(|section| settings.wants(&section.title))
                .map(|section| measure(&section, *suite, settings, &programs))
                .collect(),
        };
        report::publish(&report, &chosen, settings)?;
    }
    Ok(())
}

fn programs(chosen: &[&Contender]) -> Result<Programs> {
    let this = env::current_exe()?;
    let needs_pure = chosen.iter().any(|contender| contender.build == Build::Pure);
    let pure = if needs_pure { builds::pure()? } else { this.clone() };
    Ok(Programs { this, pure })
}

fn measure(section: &Section, suite: Suite, settings: &Settings, programs: &Programs) -> Table {
    let seconds = settings.amounts.seconds.unwrap_or(suite.seconds());
    let mut rows: Vec<_> = section.cases.iter().map(|case| Row::new(case.contender.name)).collect();
    for round in 1..=settings.rounds {
        let _alone = Lock::acquire();
        for (case, row) in section.cases.iter().zip(&mut rows) {
            eprintln!("round {round} of {}: {}, {}", settings.rounds, section.title, row.name);
            let peers: &Path = match case.contender.build {
                Build::This => &programs.this,
                Build::Pure => &programs.pure,
            };
            let bench = Bench { peers, time: Duration::from_secs_f64(seconds), pin: settings.pin };
            let result = bench.measure(case, round);
            if let Err(error) = &result {
                eprintln!("  failed: {error:#}");
            }
            row.rounds.push(result.map_err(|error| format!("{error:#}")));
        }
    }
    Table { title: section.title.clone(), metrics: section.metrics, rows }
}
