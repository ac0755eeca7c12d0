//! The command line.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand};

use crate::runner::Suite;

/// The same jobs done by srudp and by its peers, on this machine, in turn.
///
/// Each measurement starts a server process and a client process anew. The stacks take turns, round by round, so that
/// what else happens on the machine hits all of them; the tables show medians over the rounds, the spread, and the median
/// of the ratios to srudp within each round. Every suite leaves a record as Markdown and JSON.
#[derive(Debug, Parser)]
#[command(after_help = "\
Examples:
  All suites with all stacks that are built in:
    cargo run --release -- all
  With those that need more to build, too:
    cargo run --release --features quiche,noq,iroh -- all
  Some of it:
    cargo run --release -- bulk --stacks srudp,tls --rounds 5
    cargo run --release -- links --only 'burst' --stacks srudp,quinn,quinn-tuned
  A look whether it works, which leaves no record:
    cargo run --release -- all --smoke

Close everything else first: on two cores, a compiler beside it makes every figure worthless.")]
pub(crate) struct Line {
    #[command(subcommand)]
    pub(crate) what: What,

    #[command(flatten)]
    pub(crate) settings: Settings,
}

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Every suite
    All,
    #[command(flatten)]
    One(Suite),
    /// The stacks that are built in
    Stacks,
    /// One end of a measurement; the runner starts these
    #[command(hide = true)]
    Child { order: String },
    /// A bad link; the runner starts it
    #[command(hide = true)]
    Wire { order: String },
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Settings {
    /// The rows of the tables, by name; all that are built in if left out (see `stacks`)
    #[arg(long, global = true, value_delimiter = ',', value_name = "NAME,…")]
    pub(crate) stacks: Vec<String>,

    /// How often each is measured
    #[arg(long, global = true, default_value_t = 5, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,

    /// Only tables whose title contains this
    #[arg(long, global = true, value_name = "TEXT")]
    pub(crate) only: Option<String>,

    /// Keeps the server on one core and the client on another
    #[arg(long, global = true, value_name = "CORE,CORE", value_parser = cores)]
    pub(crate) pin: Option<[usize; 2]>,

    /// Where the records go; benches/record of the repository if left out
    #[arg(long, global = true, value_name = "DIRECTORY")]
    pub(crate) record: Option<PathBuf>,

    /// One short round without a record: shows that it works, and nothing else
    #[arg(long, global = true)]
    pub(crate) smoke: bool,

    #[command(flatten)]
    pub(crate) amounts: Amounts,
}

/// How much of everything.
#[derive(Args, Clone, Debug)]
pub(crate) struct Amounts {
    /// How long data is sent or connections are made: 5 if left out, over links 10
    #[arg(long, global = true, value_name = "SECONDS")]
    pub(crate) seconds: Option<f64>,

    /// Pings of one measurement
    #[arg(long, global = true, default_value_t = 10_000, value_name = "N")]
    pub(crate) pings: u32,

    /// Connections that send at once
    #[arg(long, global = true, value_delimiter = ',', default_values_t = [1, 10, 100, 1000],
        value_name = "N,…")]
    pub(crate) connections: Vec<u32>,

    /// Connections that are idle
    #[arg(long, global = true, value_delimiter = ',', default_values_t = [1000, 10_000],
        value_name = "N,…")]
    pub(crate) idle: Vec<u32>,
}

impl Settings {
    /// With what `--smoke` changes.
    pub(crate) fn checked(mut self) -> Result<Self> {
        if self.smoke {
            self.rounds = 1;
            self.amounts.seconds = self.amounts.seconds.or(Some(1.0));
            self.amounts.pings = self.amounts.pings.min(500);
            self.amounts.connections.retain(|&n| n <= 100);
            self.amounts.idle.retain(|&n| n <= 1000);
        }
        let seconds = self.amounts.seconds.unwrap_or(1.0);
        ensure!((0.1..=600.0).contains(&seconds), "--seconds goes from 0.1 to 600");
        Ok(self)
    }

    /// Whether a table of this title is wanted.
    pub(crate) fn wants(&self, title: &str) -> bool {
        self.only.as_ref().is_none_or(|text| title.contains(text.as_str()))
    }
}

fn cores(text: &str) -> Result<[usize; 2]> {
    let (server, client) = text.split_once(',').context("two cores, as in 0,1")?;
    Ok([server.parse()?, client.parse()?])
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Line::command().debug_assert();
    }

    #[test]
    fn settings_may_follow_the_suite() {
        let line = ["peers", "bulk", "--stacks", "srudp,tls", "--rounds", "7", "--pin", "0,1"];
        let line = Line::try_parse_from(line).unwrap();
        assert_eq!((line.settings.stacks.len(), line.settings.rounds), (2, 7));
        assert_eq!(line.settings.pin, Some([0, 1]));
    }
}
