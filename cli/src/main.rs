//! The `srudp` program: reads the command line and hands over to one module per command.

mod clock;
mod demo;
mod exit;
// Names and directories are guarded with calls that only Unix has.
#[cfg(unix)]
mod files;
mod identity;
mod interrupt;
mod keygen;
mod link;
mod meeting;
mod nat;
mod options;
mod path;
mod perf;
mod pipe;
mod progress;
mod sockets;
mod stun;
mod units;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// TCP-like streams to a peer that is named by its public key, over one UDP port.
#[derive(Debug, Parser)]
#[command(name = "srudp", version, max_term_width = 100, after_help = exit::HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Keygen(keygen::Args),
    Listen(pipe::ListenArgs),
    Connect(pipe::ConnectArgs),
    #[cfg(unix)]
    Send(files::SendArgs),
    #[cfg(unix)]
    Receive(files::ReceiveArgs),
    #[command(subcommand)]
    Perf(perf::Command),
    Link(link::Args),
    Nat(nat::Args),
    #[command(subcommand)]
    Stun(stun::Command),
    Demo(demo::Args),
}

impl Command {
    fn run(self) -> Result<(), exit::Failure> {
        match self {
            Self::Keygen(args) => args.run(),
            Self::Listen(args) => args.run(),
            Self::Connect(args) => args.run(),
            #[cfg(unix)]
            Self::Send(args) => args.run(),
            #[cfg(unix)]
            Self::Receive(args) => args.run(),
            Self::Perf(command) => command.run(),
            Self::Link(args) => args.run(),
            Self::Nat(args) => args.run(),
            Self::Stun(command) => command.run(),
            Self::Demo(args) => args.run(),
        }
    }
}

fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print();
            failure.code().into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }
}
