//! The same jobs done by srudp and by its peers: see `README.md`.

mod child;
mod cli;
mod line;
mod order;
mod report;
mod runner;
mod stacks;
mod wire;

use std::process::ExitCode;

use clap::Parser;

use self::cli::{Line, What};
use self::runner::Suite;

fn main() -> ExitCode {
    let line = Line::parse();
    let wanted = match line.what {
        What::Child { order } => return child::run(&order),
        What::Wire { order } => return wire::run(&order),
        What::Stacks => {
            for contender in runner::built() {
                println!("{:14} {}", contender.name, contender.about);
            }
            return ExitCode::SUCCESS;
        }
        What::All => Suite::ALL.to_vec(),
        What::One(suite) => vec![suite],
    };
    match line.settings.checked().and_then(|settings| runner::run(&wanted, &settings)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error:#}");
            ExitCode::FAILURE
        }
    }
}
