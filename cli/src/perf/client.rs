//! The side that measures.

use std::time::Duration;

use srudp::{ApplicationCode, Endpoint};

use super::handshakes::{self, Dials};
use super::report::Report;
use super::upload::{self, Until};
use super::{PROTOCOL, Tuning, ping};
use crate::exit::Failure;
use crate::options::{Local, Target, seconds};
use crate::path;

/// Measure against a peer that runs `srudp perf server`.
///
/// Without --ping or --handshakes: throughput from here to there.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  srudp perf client kbq2…@192.0.2.7:41000 --streams 4 --seconds 10
  srudp perf client kbq2…@192.0.2.7:41000 --ping --json
  srudp perf client kbq2…@192.0.2.7:41000 --handshakes --concurrency 8

JSON keys; what a test does not measure is null:
  test, bytes, seconds, gbit_per_s, cpu_s_per_gb_client, cpu_s_per_gb_server, rtt_us_p50,
  rtt_us_p90, rtt_us_p99, handshakes_per_s, lost (packets), retransmitted (bytes), mtu (bytes)
A GB has 1e9 bytes. With --handshakes the rtt keys are times of whole dials, up to one byte there
and back.")]
pub(crate) struct Args {
    /// The server's peer id and UDP address, as it prints them
    #[arg(value_name = "PEER_ID@HOST:PORT")]
    target: Target,

    /// Streams that send at the same time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=100))]
    streams: u16,

    /// Send so many bytes in all, instead of for a time
    #[arg(long, value_name = "N", conflicts_with_all = ["seconds", "ping", "handshakes"])]
    bytes: Option<u64>,

    /// How long to measure
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    seconds: Duration,

    /// Measure the latency of 64-byte requests
    #[arg(long, conflicts_with = "handshakes")]
    ping: bool,

    /// Measure handshakes: dial, one byte there and back, close
    #[arg(long)]
    handshakes: bool,

    /// Dials at the same time, for --handshakes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    concurrency: u16,

    /// Print one line of JSON instead of a table
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    tuning: Tuning,

    #[command(flatten)]
    local: Local,
}

impl Args {
    pub(super) fn run(self) -> Result<(), Failure> {
        let report = if self.handshakes { self.dial_often()? } else { self.connect_once()? };
        if self.json {
            println!("{}", report.json());
        } else {
            print!("{report}");
        }
        Ok(())
    }

    fn dial_often(&self) -> Result<Report, Failure> {
        let dials = Dials {
            peer: self.target.peer(),
            address: self.target.resolve()?,
            transport: self.tuning.apply(self.local.transport()),
        };
        handshakes::run(&dials, self.concurrency, self.seconds)
    }

    fn connect_once(&self) -> Result<Report, Failure> {
        let transport = self.tuning.apply(self.local.transport());
        let builder = Endpoint::builder().application_protocol(PROTOCOL).transport(transport);
        let (endpoint, connection) = self.local.dial(builder, &self.target)?;
        let result = if self.ping {
            ping::run(&connection, self.seconds)
        } else {
            let until = self.bytes.map_or(Until::Time(self.seconds), Until::Bytes);
            upload::run(&connection, self.streams, until)
        };
        let report = result
            .map_err(|error| Failure::of(format!("measuring {} failed", self.target), error))?;
        if self.local.verbose {
            eprintln!("srudp: {}", path::describe(&connection));
        }
        connection.close_now(ApplicationCode::ZERO, b"");
        endpoint.close(ApplicationCode::ZERO, b"");
        Ok(report)
    }
}
