//! `srudp perf`: how fast a path and two machines are.
//!
//! ```text
//!  client                                       server
//!    control stream: 'C' ───────────────────────▶ notes its CPU time
//!                    ◀─────────────────────────── 'R'
//!    N one-way streams of data ═════════════════▶ read and dropped
//!    end of the control stream ─────────────────▶
//!                    ◀── CPU seconds, as text ───
//!
//!    echo stream: 'E' then bytes ───────────────▶ the same bytes back
//! ```

mod client;
mod control;
mod cpu;
mod handshakes;
mod ping;
mod report;
mod samples;
mod server;
mod upload;

use crate::exit::Failure;
use srudp::proto::TransportConfig;

/// What both sides have to speak (SPEC §10).
const PROTOCOL: &[u8] = b"srudp-perf/1";

/// The first byte of a two-way stream: control.
const CONTROL: u8 = b'C';

/// The first byte of a two-way stream: everything is to come back.
const ECHO: u8 = b'E';

/// The server's answer to [`CONTROL`].
const READY: u8 = b'R';

/// Bytes in one read and write.
const CHUNK: usize = 256 * 1024;

/// Measure throughput, latency and handshakes.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = "\
Example:
  srudp perf server --bind 0.0.0.0:41000                       on one machine
  srudp perf client kbq2…@192.0.2.7:41000 --seconds 5          on the other")]
pub(crate) enum Command {
    Server(server::Args),
    Client(client::Args),
}

impl Command {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Server(args) => args.run(),
            Self::Client(args) => args.run(),
        }
    }
}

/// What measurements vary.
#[derive(Debug, clap::Args)]
struct Tuning {
    /// Largest UDP payload in bytes, 1200 to 65507; discovery stops there
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u16).range(1200..=65507))]
    mtu: Option<u16>,
}

impl Tuning {
    fn apply(&self, config: TransportConfig) -> TransportConfig {
        match self.mtu {
            Some(bytes) => config.max_udp_payload(bytes.into()),
            None => config,
        }
    }
}
